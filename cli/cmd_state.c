#include "several.h"
#include "verbs.h"

/* disable and enable are one verb with two words. */
struct state_verb {
	enum key_state state;
	const char *event, *done_text;
};

/*
 * Stage those that are in another state; are there any? The sessions of all are
 * judged: where that failed the last time, the same command does it now.
 */
static enum ak_err
stage(struct change *ch, struct several *keys, const struct state_verb *verb, bool *any)
{
	enum ak_err err = AK_OK;

	*any = false;
	for (size_t i = 0; i < keys->n && err == AK_OK; i++) {
		struct several_key *k = &keys->v[i];

		if (k->key.rec.state == verb->state) {
			err = change_judge(ch, &k->key.rec);
			continue;
		}
		k->key.rec.state = verb->state;
		k->changed = *any = true;
		err = change_put(ch, &k->key.rec, verb->event);
	}
	return err;
}

static int
set_state(struct cli *c, const struct args *a, const struct state_verb *verb)
{
	struct change ch = CHANGE_INIT(c);
	struct several keys = SEVERAL_INIT;
	bool any = false;
	enum ak_err err;
	int code;

	if ((err = change_begin(&ch, a, NULL)) != AK_OK ||
	    (err = several_find(&ch, a, &keys)) != AK_OK ||
	    (err = stage(&ch, &keys, verb, &any)) != AK_OK)
		goto out;
	if (any) {
		err = change_publish(&ch);
	} else {
		change_release(&ch);
		change_enforce(&ch, CHANGE_STAGED);
	}
	if (err == AK_OK)
		err = several_answer(&keys, &ch, a, verb->done_text);
out:
	code = change_end(&ch, err, CLI_DONE);
	several_clear(&keys);
	return code;
}

int
cmd_disable(struct cli *c, const struct args *a)
{
	static const struct state_verb verb = {KEY_DISABLED, "key-disabled", "disabled"};

	return set_state(c, a, &verb);
}

int
cmd_enable(struct cli *c, const struct args *a)
{
	static const struct state_verb verb = {KEY_ACTIVE, "key-enabled", "enabled"};

	return set_state(c, a, &verb);
}
