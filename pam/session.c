#include "session.h"

#include <security/pam_modules.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "behind.h"
#include "converse.h"
#include "creds.h"
#include "judge.h"
#include "origin.h"
#include "report.h"
#include "result.h"
#include "text.h"

#define UNWRITTEN "the session's record could not be written"

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
tell_session(struct scene *sc, const struct verdict *v)
{
	enum ak_err err = put_env(sc, "APIKEY_NAME", sc->key.rec.name);

	if (err == AK_OK)
		err = put_env(sc, "APIKEY_ID", sc->key.rec.id);
	if (err == AK_OK)
		err = put_env(sc, "APIKEY_ROLES", v->roles_text);
	if (err == AK_OK)
		err = put_env(sc, "APIKEY_SPACE", scene_live(sc)->settings.space);
	return err;
}

/* Of a session that is refused after all: who goes on nevertheless is nobody's key. */
static void
tell_no_more(const struct scene *sc)
{
	static const char *const names[] = {
	    "APIKEY_NAME", "APIKEY_ID", "APIKEY_ROLES", "APIKEY_SPACE"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pam_getenv(sc->pamh, names[i]) != NULL)
			(void)pam_putenv(sc->pamh, names[i]);
}

/* NULL, or why the record can't have them. */
static const char *
list_groups(struct scene *sc, const struct judgement *j, struct session *s)
{
	enum ak_err err = creds_list(sc, j, s);

	if (err == AK_ERR_FULL)
		return "the key's roles give more Unix groups than a session's record holds "
		       "(128): give it fewer";
	return err == AK_OK ? NULL : "the key's Unix groups can't be told";
}

/* The same before there is a record. */
static const char *
list_groups_first(struct scene *sc, struct session *s)
{
	struct judgement j;
	bool permitted = judge_scene(sc, sc->secret, false, &j) == AK_OK;
	const char *problem = list_groups(sc, permitted ? &j : NULL, s);

	text_cut(s->roles, sizeof(s->roles), j.verdict.roles_text);
	judge_clear(&j);
	return problem;
}

/* NULL, or why there can be no record of it. */
static const char *
describe(struct scene *sc, struct session *s)
{
	const char *requires = sc->options.role == NULL ? "" : sc->options.role;
	struct net_addr address;
	bool doubtful;
	struct timespec now = {.tv_sec = 0};

	memset(s, 0, sizeof(*s));
	s->state = SESSION_OPEN;
	s->uid = sc->key.rec.uid;
	memcpy(s->key, sc->key.rec.name, sizeof(s->key));
	memcpy(s->key_id, sc->key.rec.id, sizeof(s->key_id));
	s->secret = sc->secret;
	text_cut(s->account, sizeof(s->account), sc->account);
	s->account_uid = sc->account_uid;
	text_cut(s->service, sizeof(s->service), sc->service);
	if ((origin_of_call(sc, &address, &doubtful) && !(doubtful && origin_is_own(sc))) ||
	    origin_of_session(sc, &address))
		net_print_addr(&address, s->address, sizeof(s->address));
	(void)clock_gettime(CLOCK_REALTIME, &now);
	s->since = now.tv_sec;
	s->by_root = judge_is_roots_su(sc);
	if (text_copy(s->requires, sizeof(s->requires), requires) != AK_OK)
		return "the PAM line's role= is too long for the session's record";
	return list_groups_first(sc, s);
}

/*
 * What the decision after the record rests on is read after it, too: files of
 * before may say what was revoked while there was no record to be found. Else
 * the verdict is a denial: there is no key to ask about.
 */
static bool
look_again(struct scene *sc, struct verdict *v)
{
	enum ak_err err = scene_look_again(sc);
	const char *why =
	    err == AK_ERR_NOT_FOUND ? "the key is no more" : "the keys can't be read";

	if (err == AK_OK)
		return true;
	v->reason = err == AK_ERR_NOT_FOUND ? REASON_DELETED : REASON_FAILED;
	text_cut(v->why, sizeof(v->why), why);
	return false;
}

/* true: it stands, and the handle and the PAM environment say so. The groups of both looks are the session's. */
static bool
decide_again(struct scene *sc, struct judgement *j, const char **problem)
{
	struct session *s = &sc->session;
	bool looked = look_again(sc, &j->verdict);
	bool permitted = looked && judge_scene(sc, sc->secret, false, j) == AK_OK;
	const char *unlisted = looked ? list_groups(sc, permitted ? j : NULL, s) : NULL;

	if (!permitted)
		return false;
	*problem = unlisted;
	if (*problem == NULL &&
	    (scene_leave_session(sc, s) != AK_OK || tell_session(sc, &j->verdict) != AK_OK))
		*problem = ak_strerror(AK_ERR_NOMEM);
	return *problem == NULL;
}

/*
 * First the record, then the decision: whoever revokes in between finds the
 * record. The token was asked for in another process, maybe: that one was
 * presented is the account phase's question; all else is asked again. The
 * verdict is a denial, or permits; *problem, when it is not NULL, is why there is
 * no session though no denial is known.
 */
static int
open_recorded(struct scene *sc, struct judgement *j, const char **problem)
{
	struct session *s = &sc->session;
	uint32_t n_recorded;
	bool permitted, as_recorded;

	memset(j, 0, sizeof(*j));
	*problem = describe(sc, s);
	n_recorded = s->n_groups;
	sc->have_session = *problem == NULL && sessions_open(&sc->paths, s) == AK_OK;
	if (*problem == NULL && !sc->have_session)
		*problem = UNWRITTEN;
	permitted = *problem == NULL && decide_again(sc, j, problem);
	as_recorded = permitted && s->n_groups == n_recorded &&
		      strcmp(s->roles, j->verdict.roles_text) == 0;
	text_cut(s->roles, sizeof(s->roles), j->verdict.roles_text);
	s->state = permitted ? SESSION_OPEN : SESSION_REFUSED;
	/* A record that can't be written again stays as it is: whoever goes on nevertheless is found by it. */
	if (sc->have_session && !as_recorded && sessions_update(&sc->paths, s) != AK_OK &&
	    permitted) {
		permitted = false;
		*problem = UNWRITTEN;
	}
	return permitted ? PAM_SUCCESS : PAM_SESSION_ERR;
}

/* It was to be, but it could not be logged. */
static void
refuse_recorded(struct scene *sc)
{
	sc->session.state = SESSION_REFUSED;
	(void)!sessions_update(&sc->paths, &sc->session);
}

int
session_open(struct scene *sc)
{
	const char *problem, *why;
	struct judgement j;
	int code, answer;

	if (sc->sudo)
		return report_decision(sc, PAM_SUCCESS, NULL, sc->secret, NULL);
	behind_redeem(sc, true);
	code = open_recorded(sc, &j, &problem);
	answer =
	    report_decision(sc, code, problem == NULL ? &j.verdict : NULL, sc->secret, problem);
	why = problem != NULL ? problem : j.verdict.why;
	if (answer != code) {
		refuse_recorded(sc);
		why = reason_text(REASON_AUDIT);
	}
	if (answer != PAM_SUCCESS) {
		scene_drop_session(sc);
		tell_no_more(sc);
		converse_tell(sc, why);
	}
	judge_clear(&j);
	return answer;
}

int
session_close(struct scene *sc)
{
	const struct own_session *own = scene_borrow_session(sc);

	if (!sc->sudo && own != NULL) {
		sc->session = own->session;
		sc->have_session = true;
		(void)!sessions_close(&sc->paths, own->session.id);
		scene_end_session(sc);
	}
	if (sc->have_key)
		(void)report_decision(sc, PAM_SUCCESS, NULL, sc->secret, NULL);
	return PAM_SUCCESS;
}

bool
session_keeps_connection(const struct scene *sc, int code)
{
	return sc->phase == PHASE_OPEN && code != PAM_SUCCESS && code != PAM_USER_UNKNOWN &&
	       strcmp(sc->service, "sshd") == 0;
}

void
session_hang_up(void)
{
	struct sigaction now;
	sigset_t blocked;

	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_DFL &&
	    sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGHUP) == 0)
		(void)kill(getpid(), SIGHUP);
}
