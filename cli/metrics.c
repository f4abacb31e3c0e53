#include "metrics.h"

#include <inttypes.h>

#include "num.h"

/* DEFS of the build has it. */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unconfigured"
#endif

enum metric {
	METRIC_BUILD_INFO,
	METRIC_KEYS,
	METRIC_KEYS_EXPIRING,
	METRIC_NEXT_EXPIRY,
	METRIC_KEYS_UNUSED,
	METRIC_UIDS_LEFT,
	METRIC_GIDS_LEFT,
	METRIC_POLICY_VALID,
	METRIC_POLICY_CHANGED,
	METRIC_PUBLISHED,
	METRIC_TIME_UNDEFINED,
	METRIC_DIRECTORY_CONTACT,
	METRIC_DIRECTORY_STALE,
	METRIC_DIRECTORY_KEYS_STALE,
	METRIC_DAEMON_UP,
	METRIC_SESSIONS,
	METRIC_SESSIONS_HELD_BACK,
	METRIC_LOCKDOWN,
	METRIC_AUDIT_WRITABLE,
	METRIC_ATTENTION, /* the last one: whoever finds it has all (apikey-metrics.service) */
	METRIC_COUNT
};

#define TEXT_OF(n) #n
#define DAYS(n) TEXT_OF(n) " days"

static const struct metric_row {
	const char *name, *help;
} rows[METRIC_COUNT] = {
    [METRIC_BUILD_INFO] = {"apikey_build_info", "Which apikey this is: always 1."},
    [METRIC_KEYS] = {"apikey_keys", "Keys, by where they live and by their state."},
    [METRIC_KEYS_EXPIRING] = {"apikey_keys_expiring",
	"Keys that have not expired, and will within " DAYS(STATUS_EXPIRING_D) "."},
    [METRIC_NEXT_EXPIRY] = {"apikey_keys_next_expiry_timestamp_seconds",
	"When the next key expires that has not."},
    [METRIC_KEYS_UNUSED] = {"apikey_keys_unused",
	"Keys that were not used on this host for " DAYS(STATUS_UNUSED_D) "."},
    [METRIC_UIDS_LEFT] = {"apikey_uids_left", "Uids that new keys can still get."},
    [METRIC_GIDS_LEFT] = {"apikey_gids_left", "Gids that groups of roles can still get."},
    [METRIC_POLICY_VALID] = {"apikey_policy_valid",
	"Can the policy be used? Without one no key may do anything."},
    [METRIC_POLICY_CHANGED] = {"apikey_policy_changed_timestamp_seconds",
	"Since when the policy is live."},
    [METRIC_PUBLISHED] = {"apikey_published",
	"Does the name service show the keys, policy and settings of now?"},
    [METRIC_TIME_UNDEFINED] = {"apikey_time_undefined",
	"Is the clock behind the files, and so refused what is bound in time?"},
    [METRIC_DIRECTORY_CONTACT] = {"apikey_directory_last_contact_timestamp_seconds",
	"When the directory was heard last."},
    [METRIC_DIRECTORY_STALE] = {"apikey_directory_stale",
	"Was the directory not heard for so long that it gives no roles?"},
    [METRIC_DIRECTORY_KEYS_STALE] = {"apikey_directory_keys_stale",
	"Was it not heard for so long that its keys are refused?"},
    [METRIC_DAEMON_UP] = {"apikey_daemon_up", "Does apikeyd answer?"},
    [METRIC_SESSIONS] = {"apikey_sessions", "Live sessions of keys."},
    [METRIC_SESSIONS_HELD_BACK] = {"apikey_sessions_held_back",
	"Sessions that should end, and wait because they are so many."},
    [METRIC_LOCKDOWN] = {"apikey_lockdown", "Is every key refused?"},
    [METRIC_AUDIT_WRITABLE] = {"apikey_audit_writable", "Can the audit log be written?"},
    [METRIC_ATTENTION] = {"apikey_attention",
	"How many things need attention: `apikey status` says what and what to do."},
};

static void
begin(FILE *f, enum metric m)
{
	(void)fprintf(
	    f, "# HELP %s %s\n# TYPE %s gauge\n", rows[m].name, rows[m].help, rows[m].name);
}

static void
add(FILE *f, enum metric m, int64_t value)
{
	begin(f, m);
	(void)fprintf(f, "%s %" PRId64 "\n", rows[m].name, value);
}

static void
add_counts(FILE *f, const struct status *s)
{
	static const char *const sources[] = {"local", "directory"};
	size_t n_sources = s->directory_known ? 2 : 1;

	begin(f, METRIC_KEYS);
	for (size_t i = 0; i < n_sources; i++)
		for (size_t state = 0; state < STATUS_STATES; state++)
			(void)fprintf(f, "%s{source=\"%s\",state=\"%s\"} %u\n",
			    rows[METRIC_KEYS].name, sources[i], status_state(state),
			    s->keys.by[i][state]);
}

static void
add_keys(FILE *f, const struct status *s)
{
	if (!s->keys_known)
		return;
	add_counts(f, s);
	add(f, METRIC_KEYS_EXPIRING, s->keys.expiring);
	if (s->keys.next_expiry != NUM_NEVER)
		add(f, METRIC_NEXT_EXPIRY, s->keys.next_expiry);
	if (s->unused_known)
		add(f, METRIC_KEYS_UNUSED, s->keys.unused);
	/* The ranges are settings. */
	if (s->live.settings_ok) {
		add(f, METRIC_UIDS_LEFT, s->uids_left);
		add(f, METRIC_GIDS_LEFT, s->gids_left);
	}
	add(f, METRIC_PUBLISHED, s->published);
	add(f, METRIC_TIME_UNDEFINED, s->time_undefined);
}

static void
add_directory(FILE *f, const struct status *s)
{
	if (!s->live.settings_ok || !s->live.settings.directory.present)
		return;
	if (s->fresh.contact_at != 0)
		add(f, METRIC_DIRECTORY_CONTACT, s->fresh.contact_at);
	add(f, METRIC_DIRECTORY_STALE, s->stale);
	add(f, METRIC_DIRECTORY_KEYS_STALE, s->keys_stale);
}

void
metrics_print(const struct status *s, FILE *f)
{
	begin(f, METRIC_BUILD_INFO);
	(void)fprintf(
	    f, "%s{version=\"%s\"} 1\n", rows[METRIC_BUILD_INFO].name, PACKAGE_VERSION);
	add_keys(f, s);
	add(f, METRIC_POLICY_VALID, s->live.image != NULL);
	if (s->policy_at != 0)
		add(f, METRIC_POLICY_CHANGED, s->policy_at);
	add_directory(f, s);
	add(f, METRIC_DAEMON_UP, s->daemon);
	if (s->sessions_known) {
		add(f, METRIC_SESSIONS, s->sessions.live);
		add(f, METRIC_SESSIONS_HELD_BACK, s->sessions.held_back);
	}
	add(f, METRIC_LOCKDOWN, s->lockdown);
	add(f, METRIC_AUDIT_WRITABLE, s->audit_writable);
	add(f, METRIC_ATTENTION, (int64_t)strv_count(pack_borrow_strv(&s->attention)));
}
