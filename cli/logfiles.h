/* logfiles: the files that the audit log lies in: audit.log, and audit.log.1, .2 and so on that it was rotated to. */
#ifndef CLI_LOGFILES_H
#define CLI_LOGFILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "diag.h"
#include "err.h"

struct logfile {
	char path[300];
	uint64_t number; /* 0: audit.log itself */
	int fd;
	struct stat st;
};

struct logfiles {
	struct logfile *v; /* the oldest first */
	size_t n;
};

#define LOGFILES_INIT ((struct logfiles){.v = NULL})

/*
 * All of them that were written to at since or later, opened as they were at
 * one moment, whatever logrotate(8) does meanwhile. None is AK_OK too. Says who
 * may read them (AK_ERR_DENIED) or that the folder is missing.
 */
enum ak_err logfiles_open(
    const char *path, int64_t since, struct logfiles *out, struct diag *why) AK_MUST_CHECK;
void logfiles_close(struct logfiles *f);

#endif
