/* ending: ends processes: one by its pidfd, all of a uid at once, and a last word to a terminal. */
#ifndef AK_ENDING_H
#define AK_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"
#include "proc.h"

/*
 * By a pidfd, after which the start time is looked at again: a pid that was
 * given anew is left alone. AK_ERR_NOT_FOUND: it is gone; AK_ERR_UNAVAILABLE.
 */
enum ak_err ending_signal(const struct proc_id *id, int sig) AK_MUST_CHECK;

/*
 * SIGKILL to every process whose real or saved uid this is, in one step that
 * none of them can stop or outrun: a child with the uid as its effective one
 * alone, and spare (an id that nobody has) as real and saved one, calls
 * kill(-1). Refused (AK_ERR_INVALID) for 0, ids below 1000, spare = uid, and
 * when the child finds that it has still a right to signal others. Root's only.
 */
enum ak_err ending_empty_uid(uid_t uid, uid_t spare, struct diag *why) AK_MUST_CHECK;

/* A line to the terminal (of /dev/pts): it does not wait, and becomes nobody's controlling terminal. What fails is not told. */
void ending_tell(dev_t tty, const char *line);

#endif
