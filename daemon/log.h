/* log: what the daemon did and what is wrong, one logfmt line for each event (apikeyd(8) lists them), and its lines of the audit log. */
#ifndef AK_LOG_H
#define AK_LOG_H

#include <stdbool.h>

#include "paths.h"

enum event {
	EVENT_STARTED,
	EVENT_STOPPING,
	EVENT_SETTINGS_BROKEN,
	EVENT_POLICY_BROKEN,
	EVENT_POLICY_LOADED,
	EVENT_PUBLISHED,
	EVENT_PUBLISH_FAILED,
	EVENT_DIRECTORY_CONNECTED,
	EVENT_DIRECTORY_LOST,
	EVENT_DIRECTORY_KEY_SKIPPED,
	EVENT_DIRECTORY_REMOVED,
	EVENT_SNAPSHOT_DAMAGED,
	EVENT_FRESHNESS_FAILED,
	EVENT_ENGINE_ENDED,
	EVENT_SESSIONS_HELD_BACK,
	EVENT_PROCESSES_LEFT,
	EVENT_ENFORCE_FAILED,
	EVENT_AUDIT_FAILED,
	EVENT_COUNT
};

/* To syslog (facility daemon), and to stderr too when run in the foreground. */
struct log {
	bool foreground;
	const struct paths *paths; /* borrowed: where the audit log lies */
};

void log_open(const struct log *l);

/* Pairs of a field's name and its value (NULL or "": left out), then NULL. */
#define log_event(l, e, ...) log_fields((l), (e), (const char *const[]){__VA_ARGS__})
void log_fields(const struct log *l, enum event e, const char *const fields[]);

/* A line of audit.h, for the audit log and syslog (facility authpriv). */
void log_audit(const struct log *l, const char *line);

#endif
