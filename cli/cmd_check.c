#include "ask.h"
#include "explain.h"
#include "token.h"
#include "verbs.h"

/* Denied is an answer, already given; all else is a failure to be said. */
static int
ended(const struct cli *c, enum ak_err err, const struct diag *why)
{
	if (err == AK_ERR_DENIED && why->text[0] == '\0')
		return CLI_REFUSED;
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, why);
}

int
cmd_explain(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	struct explain e;
	struct keys keys;
	struct key k;
	enum ak_err err;

	if ((err = explain_parse(a, &e, &why)) != AK_OK ||
	    (err = keys_open(&c->paths, &keys, &why)) != AK_OK)
		return ended(c, err, &why);
	if ((err = keys_find(&keys, a->operands[0], &k, &why)) == AK_OK) {
		err = explain_key(c, a, &e, &keys, &k, 0);
		key_clear(&k);
	}
	keys_close(&keys);
	return ended(c, err, &why);
}

/* The number of the secret that the token shows, 0 for none; whether it has ended is decided later, with the rest. */
static enum ak_err
find_secret(
    const struct token *tok, const struct key_record *k, uint32_t *number, struct diag *why)
{
	enum ak_err err;

	*number = 0;
	for (unsigned i = 0; i < k->n_secrets; i++) {
		err = token_verify(tok, k->secrets[i].salt, k->secrets[i].digest);
		if (err == AK_OK) {
			*number = k->secrets[i].number;
			return AK_OK;
		}
		if (err != AK_ERR_DENIED)
			return diag_because(
			    why, err, "the token could not be verified: libgcrypt failed");
	}
	return AK_OK;
}

static enum ak_err
check(const struct cli *c, const struct args *a, const struct explain *e,
    const struct keys *keys, const struct token *tok, struct diag *why)
{
	struct key k;
	uint32_t secret = 0;
	enum ak_err err = keys_find(keys, tok->id, &k, NULL);

	if (err == AK_ERR_NOT_FOUND)
		return explain_wrong_token(
		    c, a, e, NULL, "this host has no key of the token's id");
	if (err != AK_OK)
		return diag_say(why, err, keys->paths->local, 0, 0, "%s", ak_strerror(err));
	if ((err = find_secret(tok, &k.rec, &secret, why)) == AK_OK && secret != 0)
		err = explain_key(c, a, e, keys, &k, secret);
	else if (err == AK_OK)
		err = explain_wrong_token(c, a, e, &k.rec,
		    "the token is for this key, but not its secret: it was replaced by `apikey "
		    "rotate`, or made up");
	key_clear(&k);
	return err;
}

int
cmd_check(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	struct secret text = SECRET_INIT;
	struct token tok = TOKEN_INIT;
	struct explain e;
	struct keys keys;
	enum ak_err err;

	if ((err = explain_parse(a, &e, &why)) != AK_OK ||
	    (err = ask_token(c->in, c->err, &text, &why)) != AK_OK)
		goto out;
	if (token_parse(&text, &tok) != AK_OK) {
		err = explain_wrong_token(c, a, &e, NULL,
		    "what was given is no token: its form or its check characters don't fit");
		goto out;
	}
	if ((err = keys_open(&c->paths, &keys, &why)) == AK_OK) {
		err = check(c, a, &e, &keys, &tok, &why);
		keys_close(&keys);
	}
out:
	secret_clear(&text);
	token_clear(&tok);
	return ended(c, err, &why);
}
