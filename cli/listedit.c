#include "listedit.h"

#include "answer.h"
#include "modify.h"

int
listedit_run(struct cli *c, const struct args *a, const struct listedit *e)
{
	struct change ch = CHANGE_INIT(c);
	struct pack edited = PACK_INIT;
	struct key k;
	bool found = false, changed;
	struct strv *list;
	enum ak_err err;
	int code;

	if ((err = change_begin(&ch, a, NULL)) != AK_OK ||
	    (err = change_find(&ch, a->operands[0], &k)) != AK_OK)
		goto out;
	found = true;
	if ((err = e->edit(&ch, a, &k.rec, &edited)) != AK_OK)
		goto out;
	list = e->list(&k.rec);
	/* Entries are only ever added, or only taken. */
	changed = edited.len_b != list->len_b;
	*list = pack_borrow_strv(&edited);
	if ((err = modify_key(&ch, &k.rec, changed, e->event)) == AK_OK)
		err = answer_changed(
		    c, a, &k, ch.now, change_outcome(&ch, &k.rec, changed), "changed");
	if (err == AK_OK && e->after != NULL)
		e->after(&ch);
out:
	code = change_end(&ch, err, CLI_DONE);
	if (found)
		key_clear(&k);
	pack_clear(&edited);
	return code;
}
