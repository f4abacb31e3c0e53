/* procfile: the small files of /proc/PID, taken apart (proc(5)). */
#ifndef AK_PROCFILE_H
#define AK_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * The folder /proc/PID: whatever is read through it is of that one process,
 * though its pid be given again meanwhile. *dir is the caller's to close; -1 on
 * failure: AK_ERR_NOT_FOUND: no such process; AK_ERR_UNAVAILABLE; AK_ERR_FULL:
 * this process or host has no descriptor or memory left to look with, which
 * says nothing of the one that is looked at. So everywhere below.
 */
enum ak_err procfile_open(int proc, const char *pid, int *dir) AK_MUST_CHECK;

struct procfile_stat {
	char state; /* 'Z': a zombie, or its first thread has ended and others run */
	pid_t parent;
	dev_t tty; /* 0: none */
	uint64_t threads;
	uint64_t start; /* clock ticks since boot */
};

/* AK_ERR_NOT_FOUND: it has ended; AK_ERR_UNAVAILABLE: can't be read (hidepid), or not as expected. */
enum ak_err procfile_stat(int dir, struct procfile_stat *out) AK_MUST_CHECK;

/* The audit session; PROC_NO_AUDIT when unset, and on failure. AK_ERR_NOT_FOUND: it has ended, or the kernel keeps none. */
enum ak_err procfile_audit(int dir, uint32_t *out) AK_MUST_CHECK;

struct procfile_status {
	uid_t real, effective, saved;
	bool nested; /* in a pid namespace below the one of this /proc */
};

/* AK_ERR_NOT_FOUND, AK_ERR_UNAVAILABLE as above: (uid_t)-1 each. */
enum ak_err procfile_status(int dir, struct procfile_status *out) AK_MUST_CHECK;

/* Has its user namespace the ids of this host, all of them (user_namespaces(7))? Only root makes a pid namespace there. */
bool procfile_has_host_ids(int dir);

/* The path of the control group, where it is a login's scope; else, and on failure, "". AK_ERR_NOT_FOUND: it has ended, or the kernel keeps none. */
enum ak_err procfile_scope(int dir, char *out, size_t cap_b) AK_MUST_CHECK;

#endif
