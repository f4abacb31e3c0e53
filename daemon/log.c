#include "log.h"

#include <stdio.h>
#include <syslog.h>

#include "audit.h"
#include "auditlog.h"

static const struct {
	const char *name;
	int level;
} events[EVENT_COUNT] = {
    [EVENT_STARTED] = {"started", LOG_NOTICE},
    [EVENT_STOPPING] = {"stopping", LOG_NOTICE},
    [EVENT_SETTINGS_BROKEN] = {"settings-broken", LOG_ERR},
    [EVENT_POLICY_BROKEN] = {"policy-broken", LOG_ERR},
    [EVENT_POLICY_LOADED] = {"policy-loaded", LOG_NOTICE},
    [EVENT_PUBLISHED] = {"published", LOG_INFO},
    [EVENT_PUBLISH_FAILED] = {"publish-failed", LOG_ERR},
    [EVENT_DIRECTORY_CONNECTED] = {"directory-connected", LOG_NOTICE},
    [EVENT_DIRECTORY_LOST] = {"directory-lost", LOG_WARNING},
    [EVENT_DIRECTORY_KEY_SKIPPED] = {"directory-key-skipped", LOG_WARNING},
    [EVENT_DIRECTORY_REMOVED] = {"directory-removed", LOG_NOTICE},
    [EVENT_SNAPSHOT_DAMAGED] = {"snapshot-damaged", LOG_WARNING},
    [EVENT_FRESHNESS_FAILED] = {"freshness-failed", LOG_ERR},
    [EVENT_ENGINE_ENDED] = {"engine-ended", LOG_WARNING},
    [EVENT_SESSIONS_HELD_BACK] = {"sessions-held-back", LOG_WARNING},
    [EVENT_PROCESSES_LEFT] = {"processes-left", LOG_WARNING},
    [EVENT_ENFORCE_FAILED] = {"enforce-failed", LOG_ERR},
    [EVENT_AUDIT_FAILED] = {"audit-failed", LOG_ERR},
};

void
log_open(const struct log *l)
{
	(void)l;
	openlog("apikeyd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_fields(const struct log *l, enum event e, const char *const fields[])
{
	struct audit line;

	audit_start(&line, events[e].name);
	for (size_t i = 0; fields[i] != NULL; i += 2)
		audit_add(&line, fields[i], fields[i + 1]);
	syslog(LOG_DAEMON | events[e].level, "%s", line.line);
	if (l->foreground)
		(void)fprintf(stderr, "%s\n", line.line);
}

void
log_audit(const struct log *l, const char *line)
{
	enum ak_err err = auditlog_append(l->paths, line);

	syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", line);
	if (l->foreground)
		(void)fprintf(stderr, "%s\n", line);
	if (err != AK_OK)
		log_event(l, EVENT_AUDIT_FAILED, "file", l->paths->audit, "problem",
		    ak_strerror(err), NULL);
}
