#include "account.h"

#include <string.h>
#include <time.h>

#include "converse.h"
#include "judge.h"
#include "lastused.h"
#include "origin.h"
#include "report.h"
#include "result.h"

static void
describe_use(struct scene *sc, struct lastused *use)
{
	struct net_addr from;
	struct timespec now = {.tv_sec = 0};

	memset(use, 0, sizeof(*use));
	(void)clock_gettime(CLOCK_REALTIME, &now);
	use->at = now.tv_sec;
	if (sc->sudo ? origin_of_session(sc, &from) : origin_as_said(sc, &from))
		net_print_addr(&from, use->from, sizeof(use->from));
	text_cut(use->service, sizeof(use->service), sc->service);
	text_cut(use->account, sizeof(use->account), sc->account);
}

/* Before the line is written, which names the session that it finds. systemd's user manager follows a login that was one. */
static int
report_account(
    struct scene *sc, int code, const struct verdict *v, uint32_t secret, const char *problem)
{
	bool is_use = code == PAM_SUCCESS && !scene_is_service(sc, "systemd-user");
	struct lastused use;
	int answer;

	if (is_use)
		describe_use(sc, &use);
	answer = report_decision(sc, code, v, secret, problem);
	if (is_use && answer == PAM_SUCCESS)
		lastused_note(&sc->paths, &sc->key.rec, &use);
	return answer;
}

static int
decide_account(struct scene *sc, uint32_t secret, bool without_token)
{
	struct judgement j;
	enum ak_err left = AK_OK;
	const char *problem = NULL;
	int code, answer;

	if (judge_scene(sc, secret, without_token, &j) == AK_OK)
		left = scene_leave_handover(sc, secret);
	if (left != AK_OK)
		problem = ak_strerror(left);
	code =
	    left == AK_OK ? result_of_reason(sc->phase, j.verdict.reason) : result_of_err(left);
	answer = report_account(sc, code, problem == NULL ? &j.verdict : NULL, secret, problem);
	if (answer != code)
		problem = reason_text(REASON_AUDIT);
	if (answer != PAM_SUCCESS)
		converse_tell(sc, problem != NULL ? problem : j.verdict.why);
	judge_clear(&j);
	return answer;
}

int
account_run(struct scene *sc)
{
	const struct handover *left = scene_borrow_handover(sc);

	if (left != NULL && left->uid == sc->key.rec.uid && left->account_uid == sc->account_uid)
		sc->secret = left->secret;
	return decide_account(sc, sc->secret, sc->secret == 0);
}

/* cron, at jobs and the user manager begin nothing of their own: they pass while a key's session lives on the account. */
static enum ak_err
is_on_account(void *ctx, const struct session *s)
{
	const struct scene *sc = ctx;

	return s->account_uid == sc->account_uid && sessions_is_live(s) ? AK_ERR_EXISTS : AK_OK;
}

static bool
may_enter_without_key(struct scene *sc)
{
	if (judge_is_roots_su(sc))
		return true;
	return (scene_is_service(sc, "cron") || scene_is_service(sc, "atd") ||
		   scene_is_service(sc, "systemd-user")) &&
	       sessions_each(&sc->paths, is_on_account, sc) == AK_ERR_EXISTS;
}

static int
refuse(struct scene *sc, int code, const char *why)
{
	(void)report_decision(sc, code, NULL, sc->secret, why);
	converse_tell(sc, why);
	return code;
}

int
account_run_local(struct scene *sc)
{
	int code;

	if (sc->key_is_gone && sc->subject_err != AK_ERR_NOT_FOUND)
		return refuse(sc, result_of_err(sc->subject_err), ak_strerror(sc->subject_err));
	if (sc->key_is_gone)
		return refuse(sc, PAM_PERM_DENIED, "the key behind this login is no more");
	if (!sc->have_key && !may_enter_without_key(sc))
		return refuse(sc, PAM_PERM_DENIED, "the account is entered with a key alone");
	if (!sc->have_key)
		return PAM_USER_UNKNOWN;
	/* The session was opened with a token; sudo in it shows none. */
	code = decide_account(sc, sc->secret, false);
	return code == PAM_SUCCESS ? PAM_USER_UNKNOWN : code;
}
