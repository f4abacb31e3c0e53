/* wholefile: reads all of a file that somebody names on the command line. */
#ifndef CLI_WHOLEFILE_H
#define CLI_WHOLEFILE_H

#include <stddef.h>

#include "cli.h"

/*
 * Anybody's file, a pipe too; "-" is standard input. AK_ERR_NOT_FOUND,
 * AK_ERR_UNAVAILABLE, AK_ERR_DENIED (larger than max_b, more than `what` may
 * be), each with a sentence. *bytes: for free() in any case; a NUL behind them.
 */
enum ak_err wholefile_read(const struct cli *c, const char *name, size_t max_b,
    const char *what, char **bytes, size_t *len_b, struct diag *why) AK_MUST_CHECK;

/* For messages. */
const char *wholefile_name(const char *name);

#endif
