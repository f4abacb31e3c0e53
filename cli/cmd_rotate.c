#include <string.h>

#include "answer.h"
#include "modify.h"
#include "num.h"
#include "rotation.h"
#include "verbs.h"

struct rotate {
	int64_t overlap_s;
	bool has_verifier;
	struct verifier verifier;
	struct token tok;
};

static enum ak_err
parse(const struct args *a, struct rotate *r, struct diag *why)
{
	const char *overlap = args_value(a, ARG_OVERLAP), *text = args_value(a, ARG_VERIFIER);

	if (overlap != NULL &&
	    (num_parse_duration(overlap, &r->overlap_s) != AK_OK || r->overlap_s == NUM_NEVER))
		return diag_because(why, AK_ERR_INVALID,
		    "--overlap `%.40s' is no duration: write 3600, 24h or 7d", overlap);
	r->has_verifier = text != NULL;
	if (text != NULL && token_parse_verifier(text, &r->verifier) != AK_OK)
		return diag_because(why, AK_ERR_INVALID,
		    "--verifier is no verifier: it is what `apikey token new` prints, from "
		    "apikey-verifier-1: on");
	return AK_OK;
}

static enum ak_err
make_secret(struct rotate *r, struct key_record *k, int64_t now, struct diag *why)
{
	enum ak_err err;

	if (r->has_verifier && strcmp(r->verifier.id, k->id) != 0)
		return diag_because(why, AK_ERR_DENIED,
		    "%s has id %s, and the verifier is for %s: make one by `apikey token new "
		    "--id %s`",
		    k->name, k->id, r->verifier.id, k->id);
	if (r->has_verifier && rotation_has(k, &r->verifier))
		return diag_because(
		    why, AK_ERR_EXISTS, "that verifier is %s's already", k->name);
	if (!r->has_verifier && ((err = token_new(k->id, &r->tok)) != AK_OK ||
				    (err = token_make_verifier(&r->tok, &r->verifier)) != AK_OK))
		return diag_because(why, err, "a token could not be made: %s", ak_strerror(err));
	return rotation_add(k, &r->verifier, now, r->overlap_s);
}

static int
finish(
    const struct change *ch, const struct args *a, const struct rotate *r, const struct key *k)
{
	if (k->rec.expires_at <= ch->now)
		cli_warn(ch->cli,
		    "%s has expired, and its new token with it: see `apikey set %s --duration "
		    "30d%s`",
		    k->rec.name, k->rec.name, change_options_text(ch));
	return (int)answer_token(ch->cli, a, k, r->has_verifier ? NULL : &r->tok, ch->now,
	    change_outcome(ch, &k->rec, true));
}

int
cmd_rotate(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct rotate r = {.tok = TOKEN_INIT};
	struct key k;
	bool found = false;
	enum ak_err err;
	int code = CLI_DONE;

	if ((err = parse(a, &r, &ch.why)) != AK_OK ||
	    (err = change_begin(&ch, a, NULL)) != AK_OK ||
	    (err = change_find(&ch, a->operands[0], &k)) != AK_OK)
		goto out;
	found = true;
	if ((err = make_secret(&r, &k.rec, ch.now, &ch.why)) != AK_OK)
		goto out;
	err = modify_key(&ch, &k.rec, true, "key-rotated");
	if (change_has_written(&ch, &k.rec))
		code = finish(&ch, a, &r, &k);
out:
	code = change_end(&ch, err, code);
	if (found)
		key_clear(&k);
	token_clear(&r.tok);
	explicit_bzero(&r.verifier, sizeof(r.verifier));
	return code;
}
