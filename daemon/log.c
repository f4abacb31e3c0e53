#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "audit.h"

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
    [EVENT_ENGINE_ENDED] = {"engine-ended", LOG_WARNING},
};

void
log_open(const struct log *l)
{
	(void)l;
	openlog("apikeyd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

const char *
log_event_name(enum event e)
{
	return events[e].name;
}

void
log_event(const struct log *l, enum event e, ...)
{
	struct audit line;
	const char *name;
	va_list ap;

	audit_start(&line, events[e].name);
	va_start(ap, e);
	while ((name = va_arg(ap, const char *)) != NULL)
		audit_add(&line, name, va_arg(ap, const char *));
	va_end(ap);
	syslog(LOG_DAEMON | events[e].level, "%s", line.line);
	if (l->foreground)
		(void)fprintf(stderr, "%s\n", line.line);
}
