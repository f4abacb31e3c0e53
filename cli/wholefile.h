/* wholefile: reads all of a file that somebody names on the command line. */
#ifndef CLI_WHOLEFILE_H
#define CLI_WHOLEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "cli.h"

/*
 * Anybody's file, a pipe too; "-" is standard input. AK_ERR_NOT_FOUND,
 * AK_ERR_UNAVAILABLE, AK_ERR_DENIED (larger than max_b, more than `what` may
 * be), each with a sentence. *bytes: for free() in any case; a NUL behind them.
 */
enum ak_err wholefile_read(const struct cli *c, const char *name, size_t max_b,
    const char *what, char **bytes, size_t *len_b, struct diag *why) AK_MUST_CHECK;

/*
 * The same for a file of lines that is too large to be held: take gets whole
 * ones, some at a time, and the last though it have no end. A line longer than
 * line_max_b is cut, and nothing behind it is read.
 */
struct wholefile_lines {
	const char *name, *what;
	uint64_t max_b;
	size_t line_max_b;
	enum ak_err (*take)(void *ctx, const char *lines, size_t len_b);
	void *ctx;
};

enum ak_err wholefile_each(
    const struct cli *c, const struct wholefile_lines *of, struct diag *why) AK_MUST_CHECK;

/* For messages. */
const char *wholefile_name(const char *name);

#endif
