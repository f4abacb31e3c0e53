/* logrow: a line of the audit log as people read it: a row of a table that grows at its end. */
#ifndef CLI_LOGROW_H
#define CLI_LOGROW_H

#include <stdbool.h>
#include <stdio.h>

#include "logfmt.h"

#define LOGROW_COLUMNS 6U

/* How wide each column is so far; the last one is as long as it is. */
struct logrow {
	size_t widths[LOGROW_COLUMNS];
};

struct logrow logrow_init(void);
void logrow_print_headings(struct logrow *r, FILE *f);

/*
 * Is it worth a row? Not the steps of a login that went on, as its end tells
 * the same: what authenticate, account and setcred let pass where a session is
 * opened next; a user's service manager; sudo's session.
 */
bool logrow_is_shown(const struct logfmt *l);

/* What is not plain is escaped as it is in the file: nothing of it reaches the terminal. */
void logrow_print(struct logrow *r, const struct logfmt *l, FILE *f);

#endif
