/* logread: the lines of one file of the audit log, also while it grows. */
#ifndef CLI_LOGREAD_H
#define CLI_LOGREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* Longer than any line of ours. */
#define LOGREAD_LINE_MAX_B 65536U

struct logread {
	int fd; /* borrowed */
	char *room;
	size_t from, to; /* what was read and not given yet */
	off_t at; /* where the next read begins */
	bool skipping; /* in a line that is too long */
};

enum ak_err logread_init(struct logread *r) AK_MUST_CHECK;
void logread_clear(struct logread *r);
/* From the start of this file on. */
void logread_start(struct logread *r, int fd);

/*
 * The next line, without its newline and with a NUL behind it, to be changed
 * and good until the next call; NULL and 0: it is longer than lines are. AK_ERR_NOT_FOUND: there is no more for now.
 * end: nothing will be added, so that what stands behind the last newline is a
 * line too.
 */
enum ak_err logread_next(struct logread *r, bool end, char **line, size_t *len_b) AK_MUST_CHECK;

#endif
