#include "session.h"

#include <security/pam_modules.h>

#include "judge.h"
#include "report.h"
#include "result.h"
#include "text.h"

static enum ak_err
put_env(const struct scene *sc, const char *name, const char *value)
{
	char pair[640];
	struct text t = text_over(pair, sizeof(pair));

	text_add(&t, "%s=%s", name, value);
	if (t.cut)
		return AK_ERR_RANGE;
	return pam_putenv(sc->pamh, pair) == PAM_SUCCESS ? AK_OK : AK_ERR_NOMEM;
}

static enum ak_err
tell_session(const struct scene *sc, const struct judgement *j)
{
	enum ak_err err = put_env(sc, "APIKEY_NAME", sc->key.rec.name);

	if (err == AK_OK)
		err = put_env(sc, "APIKEY_ID", sc->key.rec.id);
	if (err == AK_OK)
		err = put_env(sc, "APIKEY_ROLES", j->verdict.roles_text);
	if (err == AK_OK)
		err = put_env(sc, "APIKEY_SPACE", j->live.settings.space);
	return err;
}

int
session_open(struct scene *sc)
{
	const struct handover *left = scene_borrow_handover(sc);
	uint32_t secret = left != NULL && left->uid == sc->key.rec.uid ? left->secret : 0;
	struct judgement j;
	int code = PAM_SESSION_ERR;

	if (sc->sudo) {
		report_decision(sc, PAM_SUCCESS, NULL, secret, NULL);
		return PAM_SUCCESS;
	}
	/*
	 * What the account phase knew of the token may not have come here: over
	 * keyboard-interactive it ran in another process. It was asked for
	 * there; all else is asked again.
	 */
	if (judge_scene(sc, secret, false, &j) == AK_OK && tell_session(sc, &j) == AK_OK)
		code = PAM_SUCCESS;
	report_decision(sc, code, &j.verdict, secret, NULL);
	judge_clear(&j);
	return code;
}

int
session_close(struct scene *sc)
{
	if (sc->subject == SUBJECT_KEY)
		report_decision(sc, PAM_SUCCESS, NULL, 0, NULL);
	return PAM_SUCCESS;
}
