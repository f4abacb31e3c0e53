#include "home.h"
#include "leftovers.h"
#include "several.h"
#include "verbs.h"

static enum ak_err
stage(struct change *ch, struct several *keys)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < keys->n && err == AK_OK; i++) {
		err = change_remove(ch, &keys->v[i].key.rec, "key-deleted");
		keys->v[i].changed = true;
	}
	return err;
}

/* The key is gone whatever becomes of its home. */
static int
remove_home(const struct cli *c, const struct key_record *k)
{
	struct diag why = DIAG_INIT;
	unsigned long left = 0;
	enum ak_err err = home_remove(k->home, k->uid, c->paths.owner, &left, &why);

	if (err == AK_OK && left == 0)
		return CLI_DONE;
	if (err == AK_OK)
		cli_warn(c, "%lu things stay in %s: they are another's, or mounted there", left,
		    k->home);
	else
		cli_warn(c, "%s", why.text[0] == '\0' ? ak_strerror(err) : why.text);
	return err == AK_ERR_NOT_FOUND ? CLI_DONE : CLI_FAILED;
}

static int
clean_up(const struct change *ch, const struct args *a, const struct several *keys)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < keys->n; i++) {
		const struct key_record *k = &keys->v[i].key.rec;

		if (!change_has_written(ch, k))
			continue;
		if (args_has(a, ARG_REMOVE_HOME) && remove_home(ch->cli, k) != CLI_DONE)
			code = CLI_FAILED;
		leftovers_tell(ch->cli, k);
	}
	return code;
}

int
cmd_delete(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct several keys = SEVERAL_INIT;
	enum ak_err err;
	int code = CLI_DONE;

	if ((err = change_begin(&ch, a, NULL)) != AK_OK ||
	    (err = several_find(&ch, a, &keys)) != AK_OK || (err = stage(&ch, &keys)) != AK_OK)
		goto out;
	err = change_publish(&ch);
	code = clean_up(&ch, a, &keys);
	if (err == AK_OK)
		err = several_answer(&keys, &ch, a, "deleted");
out:
	code = change_end(&ch, err, code);
	several_clear(&keys);
	return code;
}
