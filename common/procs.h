/* procs: a picture of every process at one moment: parents, user ids, audit session, control group. */
#ifndef AK_PROCS_H
#define AK_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "proc.h"

struct procs_one {
	struct proc_id id;
	pid_t parent;
	uint32_t audit; /* PROC_NO_AUDIT: unset */
	uid_t real, effective, saved; /* (uid_t)-1: can't be read */
	bool contained; /* in a pid namespace that root made, with this host's ids: a container, whose users are its own */
	dev_t tty; /* its controlling terminal; 0: none */
	bool ended; /* a zombie of which no thread runs */
	/* Its control group where that is a login's scope (`…/session-ID.scope`, systemd.scope(5)); else NULL. Borrowed. */
	const char *scope;
};

struct procs {
	struct procs_one *v; /* by pid, ascending */
	size_t n;
	struct procs_scopes *scopes;
};

#define PROCS_INIT ((struct procs){.v = NULL})

/* One pass over /proc; a process that ends meanwhile is left out. AK_ERR_UNAVAILABLE: no /proc, or one that hides processes from us (hidepid, without CAP_SYS_PTRACE), or no descriptor to look with; AK_ERR_NOMEM. procs_clear in any case. */
enum ak_err procs_look(struct procs *out) AK_MUST_CHECK;
void procs_clear(struct procs *p);

/* NULL: there was none. */
const struct procs_one *procs_find(const struct procs *p, pid_t pid);

#endif
