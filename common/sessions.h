/* sessions: the record of each session that a key opened, and which of them a process belongs to. */
#ifndef AK_SESSIONS_H
#define AK_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "paths.h"
#include "proc.h"
#include "record.h"
#include "text.h"

#define SESSION_ID_CAP 17 /* 64 random bits, as hex */
#define SESSION_GROUPS_MAX 128U
#define SESSION_REQUIRES_CAP 512
#define SESSION_SCOPE_CAP 192

enum session_state {
	SESSION_OPEN = 1,
	SESSION_REFUSED = 2, /* denied at the last moment; the leader is to end */
	SESSION_CLOSED = 3, /* logged out; stays while something carries its mark */
	SESSION_ENDING = 4, /* told to end (SIGHUP); killed at kill_at_ms */
};

/* A Unix group that the session's processes have, by a role of the key. */
struct session_group {
	uint32_t gid;
	char name[KEY_NAME_MAX + 1];
};

struct session {
	char id[SESSION_ID_CAP];
	enum session_state state;
	uint32_t uid; /* the key's */
	char key[KEY_NAME_MAX + 1];
	char key_id[KEY_ID_LEN + 1];
	uint32_t secret; /* number of the one that opened it; 0: none was presented */
	char account[64]; /* the Unix account that was entered */
	uint32_t account_uid;
	char service[64];
	char address[64]; /* where from, as a literal; "" undefined */
	int64_t since; /* clock, seconds */
	struct proc_id leader; /* the process that opened it */
	uint64_t opened; /* when it did, on the clock of proc_id.start */
	uint64_t namespace; /* of pids */
	uint32_t audit; /* audit session id, when it is this session's alone; else PROC_NO_AUDIT */
	/* Its processes' control group (cgroup(7), as in /proc/PID/cgroup) where logind made one for it and the leader has left; else "". */
	char scope[SESSION_SCOPE_CAP];
	bool in_scope; /* it began within another login's scope (su, an sshd that was started there): scopes tell nothing of it */
	bool by_root; /* root's own su or runuser: no role was asked for */
	char requires[SESSION_REQUIRES_CAP]; /* role= of the stack that it came by; "" */
	char roles[512]; /* names, comma-separated */
	/* What the name service served for the key's own account when it began, and what setcred gave. */
	uint32_t n_groups;
	struct session_group groups[SESSION_GROUPS_MAX];
	int64_t kill_at_ms; /* ENDING: on CLOCK_BOOTTIME */
	/* ENDING: the command that ends the session that it runs in, and is to come to its end; pid 0: none. */
	struct proc_id spared;
	bool held_back; /* it should end by what LDAP says, and waits for an administrator */
	/* Judged by a policy that is not the live one (pinned.h), while its key stays as key_print says; policy 0: the live one. */
	uint64_t policy, key_print;
};

/*
 * Write s down under a fresh id, which is filled in, with the leader, the
 * namespace and the audit session of this process. Records that no process
 * carries any more are removed on the way. Failure leaves no record.
 */
enum ak_err sessions_open(const struct paths *p, struct session *s) AK_MUST_CHECK;

/* Write the record's new state. This, and what removes or closes one, makes no folder: AK_ERR_NOT_FOUND where there is none. */
enum ak_err sessions_update(const struct paths *p, const struct session *s) AK_MUST_CHECK;

/* Nothing carries it any more. AK_ERR_NOT_FOUND: it is gone already. */
enum ak_err sessions_remove(const struct paths *p, const char *id) AK_MUST_CHECK;

/*
 * The session that this process opened under the id ends: its record is marked
 * closed, with its scope, and removed when nothing carries it. AK_ERR_NOT_FOUND: there is
 * none, or another process leads it.
 */
enum ak_err sessions_close(const struct paths *p, const char *id) AK_MUST_CHECK;

/* Every record, damaged ones passed over; AK_ERR_UNAVAILABLE when one could not be looked at. take's answer other than AK_OK ends it and is returned. */
enum ak_err sessions_each(const struct paths *p,
    enum ak_err (*take)(void *ctx, const struct session *s), void *ctx) AK_MUST_CHECK;

/* How many records are there that no session can be read from; `newer`: because a later version wrote them. */
struct sessions_unread {
	uint32_t newer, damaged;
};

enum ak_err sessions_count_unread(
    const struct paths *p, struct sessions_unread *out) AK_MUST_CHECK;

/* Does anything of it run still: its leader, or a process of its audit session or of its scope, or of its uid where it has neither? */
bool sessions_is_carried(const struct session *s);

/* Is it open, of this pid namespace, and does its leader live? */
bool sessions_is_live(const struct session *s);

/*
 * Which session on uid's account does this process (of sudo, say) belong to?
 * By walking up to the nearest leader; else by the audit session, which tells
 * what left the tree, and what outlived a logout; else, when uid is a key's
 * own, by uid: then any open one, with the address emptied unless all have
 * the same (cron's and the user manager's have none of their own).
 * The walk comes first: a login by an sshd that was started in a session
 * carries that session's audit mark too.
 * AK_ERR_NOT_FOUND: none. Between holders of one shared account this holds
 * against accident, not malice: they share a uid.
 */
enum ak_err sessions_find_own(
    const struct paths *p, uint32_t uid, struct session *out) AK_MUST_CHECK;

/* The origin of a key's live sessions (but cron's and the user manager's): AK_OK and a literal when there is just one; AK_ERR_NOT_FOUND: none, or several. */
enum ak_err sessions_find_origin(
    const struct paths *p, uint32_t key_uid, char address[64]) AK_MUST_CHECK;

#endif
