#include <string.h>

#include "answer.h"
#include "modify.h"
#include "newkey.h"
#include "rotation.h"
#include "verbs.h"

/* What can't be changed must be as wanted. */
static enum ak_err
check_identity(const struct keyopts *o, const struct key_record *k, struct diag *why)
{
	if (o->has_uid && o->uid != k->uid)
		return diag_because(why, AK_ERR_DENIED,
		    "%s has uid %u, which can't be changed to %u: a uid is for ever", k->name,
		    k->uid, o->uid);
	if (o->has_verifier && strcmp(o->verifier.id, k->id) != 0)
		return diag_because(why, AK_ERR_DENIED,
		    "%s has id %s, and the verifier is for %s: make one by `apikey token new "
		    "--id %s`",
		    k->name, k->id, o->verifier.id, k->id);
	return AK_OK;
}

/*
 * The wanted state must be the same on every run: so a duration counts from
 * the key's making here, and not from now.
 */
static enum ak_err
ensure_existing(struct change *ch, const struct keyopts *o, struct key_record *k)
{
	bool was_expired = k->expires_at <= ch->now, changed;
	enum ak_err err;

	if ((err = check_identity(o, k, &ch->why)) != AK_OK ||
	    (err = change_check_options(ch, o)) != AK_OK)
		return err;
	changed = keyopts_apply(o, k->created_at, k);
	if (o->has_verifier && !rotation_has(k, &o->verifier)) {
		if ((err = rotation_add(k, &o->verifier, ch->now, 0)) != AK_OK)
			return err;
		changed = true;
	}
	if ((err = modify_key(ch, k, changed, "key-changed")) != AK_OK)
		return err;
	if (o->roles.len_b > 0)
		change_warn_bound(ch);
	if (!was_expired && k->expires_at <= ch->now)
		cli_warn(ch->cli,
		    "%s has expired by that: ensure counts --duration from the key's making",
		    k->name);
	return AK_OK;
}

int
cmd_ensure(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct keyopts o = KEYOPTS_INIT;
	const char *name = a->operands[0];
	struct key k;
	bool found = false;
	enum ak_err err;
	int code = CLI_DONE;

	if ((err = keyopts_check_name(name, &ch.why)) != AK_OK ||
	    (err = keyopts_parse(a, &o, &ch.why)) != AK_OK ||
	    (err = change_begin(&ch, a, NULL)) != AK_OK)
		goto out;
	if ((err = change_find_name(&ch, name, &k)) == AK_ERR_NOT_FOUND) {
		err = newkey_make(&ch, a, name, &o, &code);
		goto out;
	}
	if (err != AK_OK)
		goto out;
	found = true;
	if ((err = ensure_existing(&ch, &o, &k.rec)) == AK_OK) {
		newkey_make_missing_home(&ch, &k.rec);
		code = (int)answer_token(
		    c, a, &k, NULL, ch.now, change_outcome(&ch, &k.rec, ch.committed));
	}
out:
	code = change_end(&ch, err, code);
	if (found)
		key_clear(&k);
	keyopts_clear(&o);
	return code;
}
