/* enforce_impl: one pass of enforce: its records, what becomes of each, and the processes that carry them. */
#ifndef AK_ENFORCE_IMPL_H
#define AK_ENFORCE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforce.h"
#include "etcfile.h"
#include "procs.h"
#include "rejudge.h"
#include "sessions.h"

enum enforce_fate {
	FATE_KEPT,
	FATE_HELD, /* it should end, and waits for an administrator */
	FATE_GENTLY, /* time ended it: told to end, and killed later */
	FATE_AT_ONCE,
};

struct enforce_one {
	struct session s;
	enum enforce_fate fate;
	bool over; /* before the processes were looked at: it was closed, or its leader was gone */
	bool told; /* that it ends: by an earlier pass, or when its opening was refused */
	bool wait_over; /* GENTLY: its time to end by itself is */
	struct rejudgement judged;
	unsigned processes; /* that got the first signal */
	/* As last looked: does any process carry it, and how many that its end concerns? */
	bool carried;
	bool lingers; /* nothing carries it, but something runs as its key, on the key's own account */
	unsigned alive;
};

struct pass {
	const struct enforce_how *how;
	const struct enforce_calls *calls; /* NULL: nobody may be ended */
	struct enforce_result *out;
	struct diag *why;
	struct rejudge judge;
	int64_t began_ns; /* before judge was opened, on the raw clock */
	struct enforce_one *v;
	size_t n, cap;
	uint64_t namespace; /* of pids: this one */
	struct etcfile_set users; /* of /etc/passwd; read when it is first asked for */
	bool users_read, users_unknown;
	/* As last looked: */
	struct procs procs;
	size_t *owner; /* of each process: a place in v, or CARRIED_NONE */
	/* This process, as first seen, where it carries a session: a place in v. pid 0: it does not. */
	struct proc_id self;
	size_t self_carries;
};

/* What is to become of each session; the records that change by that alone are written. */
enum ak_err pass_judge(struct pass *p) AK_MUST_CHECK;

/* A new picture of all processes, and whose they are. */
enum ak_err pass_look(struct pass *p) AK_MUST_CHECK;

/* Does the session's end concern this process, which carries it? */
bool pass_concerns(
    const struct pass *p, const struct enforce_one *one, const struct procs_one *proc);

/* Do sessions or changed keys ask for any process to end? */
bool pass_has_work(const struct pass *p);

/*
 * After a look: end those that are to end at once and what else their keys'
 * uids run, tell those that time ended, kill those whose time is over, and wait
 * a moment until they are gone. procs and owner are as last looked.
 */
enum ak_err pass_end(struct pass *p) AK_MUST_CHECK;

/* What a uid may be emptied by. */
enum empty_how {
	EMPTY_NOT,
	EMPTY_WHOLE, /* all its processes */
	EMPTY_UNKEPT, /* those that belong to no session opened by a token that goes on */
};

/* After a look: is what this uid runs to end, beyond its sessions? changed: its key was (how->uids). */
enum empty_how pass_asks_uid(struct pass *p, uint32_t uid, bool changed);
/* Does the process belong to a session opened by a token that goes on? */
bool pass_is_kept(const struct pass *p, size_t proc);
/* An id that nobody has and nothing runs under, to end all of another by; 0: none. */
uint32_t pass_spare_uid(struct pass *p);

/* Milliseconds that go on while the host sleeps; what kill_at_ms is in. */
int64_t pass_clock_ms(const struct pass *p);

#endif
