#include "auth.h"

#include <string.h>

#include "behind.h"
#include "converse.h"
#include "judge.h"
#include "report.h"
#include "result.h"
#include "token.h"

/* Every secret is tried, so that the time does not tell which one it was; none at all is tried as one that never fits. */
static enum ak_err
match(const struct token *tok, const struct key_record *key, uint32_t *secret)
{
	static const struct key_secret nobody = {.number = 0};
	enum ak_err err, found = AK_ERR_DENIED;

	for (unsigned i = 0; i < KEY_SECRETS_MAX; i++) {
		const struct key_secret *s = i < key->n_secrets ? &key->secrets[i] : &nobody;

		err = token_verify(tok, s->salt, s->digest);
		if (err != AK_OK && err != AK_ERR_DENIED)
			return err;
		if (err == AK_OK && s->number != 0) {
			*secret = s->number;
			found = AK_OK;
		}
	}
	return found;
}

enum ak_err
auth_find(
    const struct keyring *ring, const struct secret *text, struct key *out, uint32_t *secret)
{
	static const struct key_record nobody;
	struct token tok = TOKEN_INIT;
	enum ak_err lookup, err;

	*secret = 0;
	lookup = token_parse(text, &tok);
	if (lookup == AK_OK)
		lookup = keyring_find_id(ring, tok.id, out);
	err = match(&tok, lookup == AK_OK ? &out->rec : &nobody, secret);
	token_clear(&tok);
	if (lookup == AK_OK && err == AK_OK)
		return AK_OK;
	*secret = 0;
	if (lookup == AK_OK)
		key_clear(out);
	return lookup != AK_OK ? lookup : err;
}

enum ak_err
auth_verify(const struct keyring *ring, const struct key_record *key, const struct secret *text,
    uint32_t *secret)
{
	struct key owner;
	enum ak_err err = auth_find(ring, text, &owner, secret);

	if (err != AK_OK)
		return err;
	if (owner.rec.uid != key->uid || strcmp(owner.rec.name, key->name) != 0) {
		*secret = 0;
		err = AK_ERR_DENIED;
	}
	key_clear(&owner);
	return err;
}

/* For the later phases, here and in another process: whoever is refused here leaves neither (entry). */
static enum ak_err
leave_word(const struct scene *sc, uint32_t secret)
{
	enum ak_err err = scene_leave_handover(sc, secret);

	return err == AK_OK ? behind_issue(sc, secret) : err;
}

/* From the network all refusals look alike; who is on the host already may know why. */
static void
tell_here(const struct scene *sc, const char *why)
{
	if (scene_item(sc, PAM_RHOST) == NULL)
		converse_tell(sc, why);
}

/* Word is left first: when that can't be done, the log says nobody came in. */
static int
permit(struct scene *sc, const struct verdict *v, uint32_t secret)
{
	enum ak_err err = leave_word(sc, secret);
	int code;

	if (err != AK_OK)
		return report_decision(sc, result_of_err(err), NULL, secret,
		    "no handle could be left for the session");
	code = report_decision(sc, PAM_SUCCESS, v, secret, NULL);
	if (code != PAM_SUCCESS)
		tell_here(sc, reason_text(REASON_AUDIT));
	return code;
}

/* The token is right; the whole decision is due, since a stack may end before the account phase. */
static int
decide_login(struct scene *sc, uint32_t secret)
{
	struct judgement j;
	int code;

	if (judge_scene(sc, secret, false, &j) == AK_OK) {
		code = permit(sc, &j.verdict, secret);
	} else {
		code = result_of_reason(sc->phase, j.verdict.reason);
		(void)report_decision(sc, code, &j.verdict, secret, NULL);
		tell_here(sc, j.verdict.why);
	}
	judge_clear(&j);
	return code;
}

static int
refuse(const struct scene *sc, enum ak_err err)
{
	int code = result_of_err(err);

	return report_decision(
	    sc, code, NULL, 0, code == PAM_AUTH_ERR ? "wrong token" : ak_strerror(err));
}

/*
 * A prompt may have waited for hours: what was revoked meanwhile counts. PAM_SUCCESS,
 * or the refusal, said already.
 */
static int
look_after_prompt(struct scene *sc)
{
	enum ak_err err = scene_look_again(sc);

	if (err == AK_OK)
		return PAM_SUCCESS;
	return report_decision(sc, result_of_err(err), NULL, 0,
	    err == AK_ERR_NOT_FOUND ? "the key is no more" : ak_strerror(err));
}

int
auth_run(struct scene *sc)
{
	struct secret text = SECRET_INIT;
	uint32_t secret = 0;
	enum ak_err err;
	bool asked;
	int code = converse_get_token(sc, &text, &asked);

	if (code == PAM_INCOMPLETE)
		goto out;
	if (code != PAM_SUCCESS) {
		(void)report_decision(sc, code, NULL, 0, "nobody answered the prompt");
		goto out;
	}
	if (asked && (code = look_after_prompt(sc)) != PAM_SUCCESS)
		goto out;
	err = auth_verify(&sc->ring, &sc->key.rec, &text, &secret);
	code = err == AK_OK ? decide_login(sc, secret) : refuse(sc, err);
out:
	secret_clear(&text);
	return code;
}

/*
 * A token is meant for us alone, and what we say of it is final. What is none
 * is the account's own password: the next module finds it in PAM_AUTHTOK.
 */
int
auth_run_local(struct scene *sc)
{
	struct secret text = SECRET_INIT;
	uint32_t secret = 0;
	enum ak_err err;
	bool asked;
	int code = converse_get_token_if_any(sc, &text, &asked);

	if (code != PAM_SUCCESS)
		goto out;
	if (asked && (code = look_after_prompt(sc)) != PAM_SUCCESS)
		goto out;
	err = auth_find(&sc->ring, &text, &sc->key, &secret);
	sc->have_key = err == AK_OK;
	code = err == AK_OK ? decide_login(sc, secret) : refuse(sc, err);
out:
	secret_clear(&text);
	return code;
}
