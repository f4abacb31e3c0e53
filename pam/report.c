#include "report.h"

#include <security/pam_ext.h>
#include <syslog.h>

#include "audit.h"
#include "auditlog.h"
#include "result.h"

static const char *const events[] = {
    [PHASE_AUTH] = "authenticate",
    [PHASE_SETCRED] = "setcred",
    [PHASE_ACCOUNT] = "account",
    [PHASE_OPEN] = "open_session",
    [PHASE_CLOSE] = "close_session",
    [PHASE_PASSWORD] = "chauthtok",
};

/* Who, and by which door. */
static void
add_scene(struct audit *a, const struct scene *sc)
{
	if (sc->have_key) {
		audit_add(a, "key", sc->key.rec.name);
		audit_add(a, "id", sc->key.rec.id);
		audit_add_number(a, "uid", sc->key.rec.uid);
		if (sc->key.directory)
			audit_add(a, "source", "directory");
	}
	audit_add(a, "user", sc->user);
	if (sc->subject == SUBJECT_LOCAL)
		audit_add(a, "account", sc->account);
	if (sc->have_session)
		audit_add(a, "session", sc->session.id);
	audit_add(a, "service", sc->service);
	audit_add(a, "rhost", scene_item(sc, PAM_RHOST));
	audit_add(a, "tty", scene_item(sc, PAM_TTY));
	audit_add(a, "ruser", scene_item(sc, PAM_RUSER));
}

static void
add_verdict(struct audit *a, const struct scene *sc, const struct verdict *v)
{
	audit_add(a, "roles", v->roles_text);
	audit_add(a, "reason", reason_word(v->reason));
	audit_add(a, "directory", sc->directory);
	audit_add(a, "why", v->why);
}

static void
start(struct audit *a, const struct scene *sc, int code, uint32_t secret)
{
	audit_start(a, events[sc->phase]);
	audit_add(a, "decision", code == PAM_SUCCESS ? "allow" : "deny");
	add_scene(a, sc);
	if (secret != 0)
		audit_add_number(a, "secret", secret);
}

/* Where a line that is missing lets nobody in. What lets go, and what follows sudo's account phase, goes on. */
static bool
needs_line(const struct scene *sc)
{
	return (sc->phase == PHASE_AUTH || sc->phase == PHASE_ACCOUNT ||
		   (sc->phase == PHASE_OPEN && !sc->sudo)) &&
	       sc->live != NULL && sc->live->settings_ok && sc->live->settings.audit_required;
}

int
report_decision(const struct scene *sc, int code, const struct verdict *v, uint32_t secret,
    const char *problem)
{
	struct audit a;

	start(&a, sc, code, secret);
	if (v != NULL)
		add_verdict(&a, sc, v);
	audit_add(&a, "why", problem);
	if (auditlog_append(&sc->paths, a.line) != AK_OK && code == PAM_SUCCESS &&
	    needs_line(sc)) {
		code = result_of_reason(sc->phase, REASON_AUDIT);
		start(&a, sc, code, secret);
		audit_add(&a, "reason", reason_word(REASON_AUDIT));
		audit_add(&a, "why", reason_text(REASON_AUDIT));
	}
	pam_syslog(sc->pamh, result_priority(code), "%s", a.line);
	return code;
}

void
report_debug(const struct scene *sc, int code)
{
	static const char *const kinds[] = {
	    [SUBJECT_NOT_OURS] = "not-ours",
	    [SUBJECT_KEY] = "key",
	    [SUBJECT_NO_KEY] = "no-such-key",
	    [SUBJECT_UNAVAILABLE] = "unavailable",
	    [SUBJECT_LOCAL] = "local",
	    [SUBJECT_UNNAMED] = "unnamed",
	};
	struct audit a;

	if (!sc->options.debug)
		return;
	audit_start(&a, "debug");
	audit_add(&a, "phase", events[sc->phase]);
	audit_add(&a, "service", sc->service);
	audit_add(&a, "subject", kinds[sc->subject]);
	audit_add_number(&a, "answer", (uint64_t)code);
	pam_syslog(sc->pamh, LOG_DEBUG, "%s", a.line);
}
