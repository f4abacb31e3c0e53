/* enforce: ends the live sessions that lost their right: the last step of every change, and what apikeyd does for LDAP and the clock. */
#ifndef AK_ENFORCE_H
#define AK_ENFORCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"
#include "diag.h"
#include "err.h"
#include "lock.h"
#include "paths.h"
#include "procs.h"
#include "sessions.h"

/* How long a session that time ended has, after SIGHUP. */
#define ENFORCE_GRACE_MS 5000

/* How processes are seen and ended, and waited for; tests bring a host and a time of their own. As in procs.h, ending.h and usermanager.h. */
struct enforce_calls {
	enum ak_err (*look)(struct procs *out);
	enum ak_err (*signal)(const struct proc_id *id, int sig);
	enum ak_err (*empty_uid)(uid_t uid, uid_t spare, struct diag *why);
	void (*tell)(dev_t tty, const char *line);
	enum ak_err (*end_usermanager)(uint32_t uid, int wait_ms);
	int64_t (*clock_ms)(void); /* goes on while the host sleeps */
	void (*pause)(int64_t ms);
};

/* One session that was ended, or begun to be. */
struct enforce_ended {
	const struct session *session;
	enum reason reason;
	const char *why;
	bool gently; /* told to end, and killed in ENFORCE_GRACE_MS */
	unsigned processes; /* that got a signal */
};

/* What is asked for: sessions of which keys, and what ends them. */
struct enforce_how {
	const struct paths *paths;
	const struct enforce_calls *
	    calls; /* NULL: this host's; they do nothing unless root runs this and owns the files */
	int64_t now; /* seconds since the epoch */
	/* Keys that were changed: their sessions alone are judged, and the uid of one that is gone or disabled is emptied though it has no session. NULL: all sessions. */
	const uint32_t *uids;
	size_t n_uids;
	/* Ended whatever the judgement is; NULL, 0, false: none. */
	const char *end_id;
	uint32_t end_uid;
	bool end_all;
	/*
	 * What LDAP says may have moved: when more than half and more than ten of
	 * the live sessions, of more than two keys, would end (n_before more, of
	 * n_keys_before, ended this way a moment ago), they are marked held_back
	 * instead, and stay so until they get their right back, their own key's gate ends them (a local
	 * key's), or accept.
	 */
	bool guarded;
	unsigned n_before, n_keys_before;
	bool accept; /* what is held back is let go on */
	bool locked; /* the caller has enforce_lock, and keeps it: a pass that took it too would lose it for both (fcntl(2)) */
	void (*ended)(void *ctx, const struct enforce_ended *e); /* told once for each session */
	void *ctx;
};

struct enforce_result {
	unsigned live; /* sessions before the pass */
	unsigned ended, gently; /* gently: of these, told to end */
	unsigned ended_keys; /* of so many keys */
	unsigned held_back; /* how many wait now */
	/* Processes that got SIGKILL and are there still (uninterruptible). A later pass tries again, and does not wait for them; again_in_ms asks for none. */
	unsigned left;
	bool distrusted; /* the policy was not asked: it may be half saved (again_in_ms says when to look again), or there is none */
	/* Milliseconds until another pass is due: someone who was told to end is to be killed, or a policy to be trusted; -1: none. */
	int64_t again_in_ms;
	int64_t next_at; /* the earliest second at which time may end a session; NUM_NEVER */
};

/*
 * One pass, under a lock of its own (p->run/enforce.lock) or the caller's:
 * nobody is ended twice. Nothing that is no session of a key is ever signalled,
 * nor the caller's own process. wait: for the lock; else AK_ERR_EXISTS when
 * somebody has it. Returns when what it killed is gone, or none of it goes any
 * more (half a second; five seconds at most, where the machine does not stand
 * still). A record whose session nothing carries any more is removed.
 */
enum ak_err enforce_run(const struct enforce_how *how, bool wait, struct enforce_result *out,
    struct diag *why) AK_MUST_CHECK;

/* The lock that a pass is under, for who changes records of sessions besides. lock_release. */
enum ak_err enforce_lock(
    const struct paths *paths, bool wait, struct lock *lock, struct diag *why) AK_MUST_CHECK;

#endif
