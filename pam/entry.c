/* entry: the six calls of Linux-PAM (pam_sm_authenticate(3) and its kin), and nothing else. */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#define PAM_SM_SESSION
#define PAM_SM_PASSWORD
#include <security/pam_modules.h>

#include "account.h"
#include "auth.h"
#include "behind.h"
#include "converse.h"
#include "creds.h"
#include "descriptors.h"
#include "report.h"
#include "result.h"
#include "session.h"
#include "subject.h"

#define EXPORT __attribute__((visibility("default")))

static int
run_password(struct scene *sc)
{
	converse_tell(sc, "A key has no password: ask an administrator for `apikey rotate`.");
	return report_decision(sc, PAM_PERM_DENIED, NULL, 0, "a key has no password");
}

/* For a key's own account, and for a local one that keys enter. */
static const struct {
	int (*key)(struct scene *sc);
	int (*local)(struct scene *sc);
} runs[] = {
    [PHASE_AUTH] = {auth_run, auth_run_local},
    [PHASE_SETCRED] = {creds_run, creds_run},
    [PHASE_ACCOUNT] = {account_run, account_run_local},
    [PHASE_OPEN] = {session_open, session_open},
    [PHASE_CLOSE] = {session_close, session_close},
    [PHASE_PASSWORD] = {run_password, run_password},
};

/* What must go well for a key whose files or whose stack are broken: being let go. */
static bool
needs_no_key(enum phase phase)
{
	return phase == PHASE_SETCRED || phase == PHASE_CLOSE;
}

static int
refuse(const struct scene *sc, int code, const char *why)
{
	return report_decision(sc, code, NULL, 0, why);
}

/* Until a key is known to be in it, a bad option is nobody's. */
static bool
is_about_key(const struct scene *sc)
{
	return sc->subject != SUBJECT_LOCAL || sc->have_key || sc->key_is_gone;
}

static int
run_phase(struct scene *sc)
{
	if (sc->subject == SUBJECT_NOT_OURS)
		return PAM_USER_UNKNOWN;
	if (sc->subject == SUBJECT_UNNAMED)
		return PAM_INCOMPLETE;
	if (needs_no_key(sc->phase))
		return runs[sc->phase].key(sc);
	if (sc->options_err != AK_OK && is_about_key(sc))
		return refuse(sc, PAM_SERVICE_ERR, "the PAM line has a bad option");
	if (sc->options_err != AK_OK && sc->phase == PHASE_AUTH)
		return PAM_USER_UNKNOWN;
	if (sc->subject == SUBJECT_UNAVAILABLE)
		return refuse(sc, result_of_err(sc->subject_err), ak_strerror(sc->subject_err));
	if (sc->subject == SUBJECT_NO_KEY)
		return refuse(sc, PAM_PERM_DENIED, "no key has this name and uid");
	if (sc->subject == SUBJECT_KEY)
		return runs[sc->phase].key(sc);
	if (sc->phase == PHASE_OPEN && !sc->have_key)
		return refuse(sc, PAM_SESSION_ERR, "the key behind this login is no more");
	return runs[sc->phase].local(sc);
}

static int
enter(pam_handle_t *pamh, enum phase phase, int flags, int argc, const char **argv)
{
	struct descriptors d;
	struct scene sc;
	bool hangs_up;
	int code;

	descriptors_raise(&d);
	scene_open(&sc, pamh, phase, flags, argc, argv);
	if (phase == PHASE_AUTH)
		behind_begin_anew(&sc);
	if (phase == PHASE_AUTH || phase == PHASE_ACCOUNT)
		scene_end_session(&sc);
	subject_find(&sc);
	code = run_phase(&sc);
	hangs_up = session_keeps_connection(&sc, code);
	/* Behind a refusal of a later phase it stays: who opens a session nevertheless is asked about again. */
	if (phase == PHASE_AUTH && code != PAM_SUCCESS)
		behind_take_back(&sc);
	else if (phase == PHASE_OPEN)
		behind_drop_handle(&sc);
	if (code == PAM_USER_UNKNOWN && sc.options_err == AK_OK &&
	    sc.options.ignore_unknown_user)
		code = PAM_IGNORE;
	report_debug(&sc, code);
	if (phase == PHASE_OPEN || phase == PHASE_CLOSE || scene_borrow_session(&sc) != NULL)
		scene_drop_live(&sc);
	scene_close(&sc);
	descriptors_restore(&d);
	if (hangs_up)
		session_hang_up();
	return code;
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, PHASE_AUTH, flags, argc, argv);
}

EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, PHASE_SETCRED, flags, argc, argv);
}

EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, PHASE_ACCOUNT, flags, argc, argv);
}

EXPORT int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, PHASE_OPEN, flags, argc, argv);
}

EXPORT int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, PHASE_CLOSE, flags, argc, argv);
}

EXPORT int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, PHASE_PASSWORD, flags, argc, argv);
}
