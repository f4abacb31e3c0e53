/* child_exec: from a fork of the daemon to the engine: gives up every right and descriptor, then executes it. */
#ifndef AK_CHILD_EXEC_H
#define AK_CHILD_EXEC_H

#include "child.h"

/* In the fork. fd becomes 3; parent: who must still be there. Never returns; the exit status is an enum child_step. */
_Noreturn void child_exec(const struct child_how *how, int fd, pid_t parent);

/* Exit statuses of what never became the engine; a sentence for each, NULL for others. */
enum child_step { CHILD_NO_DESCRIPTORS = 120, CHILD_NO_USER, CHILD_NO_LIMITS, CHILD_NO_PROGRAM };
const char *child_step_says(int status);

#endif
