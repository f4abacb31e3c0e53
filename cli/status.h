/* status: how this host stands: keys, ids, policy, directory, daemon, and what needs attention. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "applied.h"
#include "cli.h"
#include "control.h"
#include "freshness.h"
#include "live.h"
#include "pack.h"

/* What a sentence of attention is about. */
enum status_about {
	STATUS_SETTINGS,
	STATUS_POLICY,
	STATUS_KEYS,
	STATUS_IDS,
	STATUS_PUBLISHED,
	STATUS_CLOCK,
	STATUS_DIRECTORY,
	STATUS_DAEMON,
	STATUS_SESSIONS,
	STATUS_RECORDS,
	STATUS_FOLDER, /* of the records */
	STATUS_LOCKDOWN,
	STATUS_AUDIT,
};

struct status_need {
	enum status_about about;
	char text[DIAG_PRINT_CAP + 128];
	const char *advice; /* what to do, where text does not say it; "" */
	bool command; /* advice is a command line */
};

#define STATUS_NEEDS_MAX 24

/* How far expiring and unused look. */
#define STATUS_EXPIRING_D 14
#define STATUS_UNUSED_D 90
#define STATUS_STATES 4

struct status {
	int64_t now;
	struct live live;
	struct status_keys {
		uint32_t local, directory, disabled, expired;
		uint32_t by[2][STATUS_STATES]; /* local, directory; status_state's order */
		uint32_t expiring; /* as `list --expiring 14d` */
		uint32_t unused; /* as `list --unused 90d` */
		/* Of those that are neither disabled nor expired: without an end; without a role or group of their own. */
		uint32_t endless, bare;
		int64_t next_expiry; /* of those that have not expired; NUM_NEVER */
	} keys;
	bool keys_known; /* else nothing about them, ids and what is published */
	bool directory_known; /* something was fetched from a directory, so that its keys are counted */
	bool unused_known; /* it can be told when keys were used */
	uint32_t uids_left, gids_left; /* of uid_range and gid_range, by counting up */
	struct applied applied; /* at 0: nobody knows */
	int64_t policy_at; /* since when it is live; 0: there is none */
	char policy_problem[DIAG_PRINT_CAP]; /* "": it is in order */
	bool published, time_undefined;
	struct freshness fresh;
	bool stale, keys_stale;
	struct status_sessions {
		uint32_t live, held_back;
	} sessions;
	bool sessions_known, records_known;
	bool lockdown; /* every key is refused */
	int64_t lockdown_at; /* since when; 0: that can't be told */
	bool audit_writable;
	bool daemon; /* it answers, and this is what it says: */
	struct control_reply reply;
	struct pack attention; /* a list of sentences, and of what they are made: */
	struct status_need needs[STATUS_NEEDS_MAX];
	size_t n_needs;
};

/* No network is asked: files, and the daemon. What can't be read is a sentence of attention. status_clear in any case. */
enum ak_err status_find(const struct cli *c, struct status *out) AK_MUST_CHECK;
void status_clear(struct status *s);

/* "active", "disabled", "expired", "pending": answer.h has the same words. */
const char *status_state(size_t n);

/* "following": where the daemon's engine is. */
const char *status_phase(const struct status *s);

#endif
