/* worker_exec: from a fork of the daemon to the engine: gives up every right and descriptor, then executes it. */
#ifndef AK_WORKER_EXEC_H
#define AK_WORKER_EXEC_H

#include "worker.h"

/* In the fork. fd becomes 3; parent: who must still be there. Never returns; the exit status is an enum worker_step. */
_Noreturn void worker_exec(const struct worker_how *how, int fd, pid_t parent);

/* Exit statuses of what never became the engine; a sentence for each, NULL for others. */
enum worker_step {
	WORKER_NO_DESCRIPTORS = 120,
	WORKER_NO_USER,
	WORKER_NO_LIMITS,
	WORKER_NO_PROGRAM
};
const char *worker_step_says(int status);

#endif
