/* logfmt: takes a line of the audit log apart: what audit.h writes, read back. */
#ifndef AK_LOGFMT_H
#define AK_LOGFMT_H

#include <stddef.h>

#include "err.h"

/* No line of ours has as many. */
#define LOGFMT_FIELDS_MAX 64U

struct logfmt {
	struct logfmt_field {
		const char *name, *value; /* borrowed from the line; never "" */
	} fields[LOGFMT_FIELDS_MAX];
	unsigned n;
};

/*
 * In place: names and values lie in the line, without quotes and escapes, and
 * live as long as it does. The line is without its newline, and a NUL stands
 * behind its len_b bytes. What audit.h does not write is AK_ERR_INVALID, out is
 * empty, and the line's bytes are of no further use.
 */
enum ak_err logfmt_parse(char *line, size_t len_b, struct logfmt *out) AK_MUST_CHECK;

/* The value of the last field of that name, as it is the last word; NULL: there is none. */
const char *logfmt_find(const struct logfmt *l, const char *name);

#endif
