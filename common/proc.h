/* proc: which process is which: pid and start time, parent, audit session (proc(5)). */
#ifndef AK_PROC_H
#define AK_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* A pid is given again; with its start time (clock ticks since boot, field 22 of /proc/PID/stat) it is one process for ever. */
struct proc_id {
	pid_t pid;
	uint64_t start;
};

/* Unset in the kernel, as in every daemon: (unsigned)-1. */
#define PROC_NO_AUDIT UINT32_MAX

struct proc {
	struct proc_id id;
	pid_t parent;
	uint32_t audit; /* session id, PROC_NO_AUDIT when unset or the kernel keeps none */
};

/* AK_ERR_NOT_FOUND: no such process; AK_ERR_UNAVAILABLE: /proc can't tell. */
enum ak_err proc_read(pid_t pid, struct proc *out) AK_MUST_CHECK;

/* The same, of which process it is alone: half of what the kernel has to say. */
enum ak_err proc_find(pid_t pid, struct proc_id *out) AK_MUST_CHECK;

/* Is it still that process? One that can't be read is taken for alive. */
bool proc_is_alive(const struct proc_id *id);

/* The login's scope (`…/session-ID.scope`, systemd.scope(5)) that the process is in, its path as in /proc/PID/cgroup; "" when in none, or too long. */
void proc_read_scope(pid_t pid, char *out, size_t cap_b);

/* Now, as in proc_id.start; 0 when it can't be told. */
uint64_t proc_ticks(void);

/* Which pid namespace of which boot this is; 0 when it can't be told. Pids of another mean nothing here. */
uint64_t proc_namespace(void);

#endif
