#include "answer.h"
#include "keyopts.h"
#include "modify.h"
#include "verbs.h"

int
cmd_set(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct keyopts o = KEYOPTS_INIT;
	struct key k;
	bool found = false, changed;
	enum ak_err err;
	int code;

	err = keyopts_parse(a, &o, &ch.why);
	if (err == AK_OK && a->n_seen == (args_has(a, ARG_OUTPUT) ? 1U : 0U))
		err = diag_because(&ch.why, AK_ERR_INVALID,
		    "set needs something to change: see `apikey set --help`");
	if (err != AK_OK || (err = change_begin(&ch, a, NULL)) != AK_OK ||
	    (err = change_find(&ch, a->operands[0], &k)) != AK_OK)
		goto out;
	found = true;
	if ((err = change_check_options(&ch, &o)) != AK_OK)
		goto out;
	changed = keyopts_apply(&o, ch.now, &k.rec);
	if ((err = modify_key(&ch, &k.rec, changed, "key-changed")) == AK_OK)
		err = answer_changed(
		    c, a, &k, ch.now, change_outcome(&ch, &k.rec, changed), "changed");
	if (err == AK_OK && o.roles.len_b > 0)
		change_warn_bound(&ch);
out:
	code = change_end(&ch, err, CLI_DONE);
	if (found)
		key_clear(&k);
	keyopts_clear(&o);
	return code;
}
