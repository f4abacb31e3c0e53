#include "session.h"

#include <security/pam_modules.h>
#include <string.h>
#include <time.h>

#include "behind.h"
#include "creds.h"
#include "judge.h"
#include "origin.h"
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
tell_session(const struct scene *sc, const struct verdict *v)
{
	enum ak_err err = put_env(sc, "APIKEY_NAME", sc->key.rec.name);

	if (err == AK_OK)
		err = put_env(sc, "APIKEY_ID", sc->key.rec.id);
	if (err == AK_OK)
		err = put_env(sc, "APIKEY_ROLES", v->roles_text);
	if (err == AK_OK)
		err = put_env(sc, "APIKEY_SPACE", sc->live.settings.space);
	return err;
}

/* A name or service longer than its field is cut: the record serves people there. */
static void
cut_copy(char *dst, size_t cap_b, const char *src)
{
	size_t len = strnlen(src, cap_b - 1);

	memcpy(dst, src, len);
	dst[len] = '\0';
}

static void
describe(struct scene *sc, struct session *s)
{
	struct net_addr address;
	struct timespec now = {.tv_sec = 0};

	memset(s, 0, sizeof(*s));
	s->state = SESSION_OPEN;
	s->uid = sc->key.rec.uid;
	memcpy(s->key, sc->key.rec.name, sizeof(s->key));
	memcpy(s->key_id, sc->key.rec.id, sizeof(s->key_id));
	s->secret = sc->secret;
	cut_copy(s->account, sizeof(s->account), sc->account);
	s->account_uid = sc->account_uid;
	cut_copy(s->service, sizeof(s->service), sc->service);
	if (origin_of_call(sc, &address) || origin_of_session(sc, &address))
		net_print_addr(&address, s->address, sizeof(s->address));
	(void)clock_gettime(CLOCK_REALTIME, &now);
	s->since = now.tv_sec;
	creds_list(sc, s);
}

int
session_open(struct scene *sc)
{
	struct judgement j;
	struct session s;
	int code = PAM_SESSION_ERR;
	bool recorded;

	if (sc->sudo) {
		report_decision(sc, PAM_SUCCESS, NULL, sc->secret, NULL);
		return PAM_SUCCESS;
	}
	behind_redeem(sc, true);
	describe(sc, &s);
	/* First the record, then the decision: whoever revokes in between finds the record. */
	recorded = sessions_open(&sc->paths, &s) == AK_OK;
	/*
	 * The token was asked for in another process, maybe: that one was
	 * presented is the account phase's question; all else is asked again.
	 */
	if (judge_scene(sc, sc->secret, false, &j) == AK_OK && recorded &&
	    scene_leave_session(sc, &s) == AK_OK && tell_session(sc, &j.verdict) == AK_OK)
		code = PAM_SUCCESS;
	cut_copy(s.roles, sizeof(s.roles), j.verdict.roles_text);
	s.state = code == PAM_SUCCESS ? SESSION_OPEN : SESSION_REFUSED;
	if (recorded && sessions_update(&sc->paths, &s) != AK_OK)
		code = PAM_SESSION_ERR;
	sc->session = s;
	sc->have_session = recorded;
	report_decision(sc, code, &j.verdict, sc->secret,
	    recorded ? NULL : "the session's record could not be written");
	judge_clear(&j);
	return code;
}

int
session_close(struct scene *sc)
{
	const struct session *own = scene_borrow_session(sc);

	if (!sc->sudo && own != NULL)
		(void)!sessions_close(&sc->paths, own->id);
	if (sc->have_key)
		report_decision(sc, PAM_SUCCESS, NULL, sc->secret, NULL);
	return PAM_SUCCESS;
}
