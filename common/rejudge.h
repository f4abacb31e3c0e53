/* rejudge: decides a recorded session again: has it lost its right, and is time alone the cause? */
#ifndef AK_REJUDGE_H
#define AK_REJUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "decide.h"
#include "err.h"
#include "keyring.h"
#include "live.h"
#include "moments.h"
#include "paths.h"
#include "sessions.h"

/* This host's files as one pass sees them. */
struct rejudge {
	const struct paths *paths;
	struct live live;
	struct keyring ring;
	enum ak_err ring_err; /* keyring_open's */
	int64_t now; /* seconds */
	bool time_undefined;
	struct index groups; /* directory-groups.idx; fd -1: it can't be read */
	struct moments when; /* of live.image, at now */
	int64_t next_at; /* moments_next of it; 0: not asked yet */
	struct image *pinned; /* the one that was loaded last; NULL: it can't be */
	uint64_t pinned_id;
	struct moments pinned_when;
	int64_t pinned_next_at;
};

enum rejudge_right {
	REJUDGE_KEEPS,
	REJUDGE_TIMED_OUT, /* what it was permitted by has passed: with the clock at its start it would be permitted */
	REJUDGE_REVOKED,
};

struct rejudgement {
	enum rejudge_right right;
	enum reason reason; /* REASON_PERMITTED: it keeps its right */
	char why[256]; /* a sentence */
	bool key_gate; /* the key itself refuses it (gone, disabled, secret ended, …), not what it may do */
	bool directory_key; /* a key that lives, or lived, in LDAP */
	bool unpin; /* it was pinned, and its key has changed */
	int64_t next_at; /* the earliest second at which time may change the answer; NUM_NEVER */
};

/* Loads the files. rejudge_close in any case. */
void rejudge_open(const struct paths *p, int64_t now, struct rejudge *out);
void rejudge_close(struct rejudge *r);

/*
 * In the session's favour where the files are not good: without a policy, or
 * with one (or settings) that may be half saved (live.trusted), it keeps what
 * it has; memberships are as last known; a key that can't be looked up is
 * there. Only key gates end it then. root's own su keeps its right. A session
 * that is pinned is judged by that policy while its key is as it was.
 * AK_ERR_NOMEM: it keeps its right.
 */
enum ak_err rejudge_session(
    struct rejudge *r, const struct session *s, struct rejudgement *out) AK_MUST_CHECK;

#endif
