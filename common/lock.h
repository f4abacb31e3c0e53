/* lock: one writer of the state folder at a time. */
#ifndef AK_LOCK_H
#define AK_LOCK_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

struct lock {
	int fd;
	bool masked;
	sigset_t before;
};

#define LOCK_INIT ((struct lock){.fd = -1})

/*
 * fcntl(2)'s lock on path, which is made 0600 when missing and never removed.
 * waiting (may be NULL) is told once who holds it. While it is held SIGTSTP,
 * SIGINT, SIGTERM and SIGHUP wait: a writer that is stopped stops all others,
 * one that dies between two files leaves the second behind. For programs of
 * our own; never in a module.
 */
enum ak_err lock_take(struct lock *l, const char *path,
    void (*waiting)(void *ctx, pid_t holder), void *ctx, struct diag *why) AK_MUST_CHECK;
/* The same without waiting: AK_ERR_EXISTS when somebody holds it, *holder (may be NULL) says who. */
enum ak_err lock_try(
    struct lock *l, const char *path, pid_t *holder, struct diag *why) AK_MUST_CHECK;
void lock_release(struct lock *l);

#endif
