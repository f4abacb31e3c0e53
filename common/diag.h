/* diag: why something failed, in a sentence, with file, line and column. */
#ifndef AK_DIAG_H
#define AK_DIAG_H

#include <stddef.h>

#include "err.h"

/* The first thing said stays: inner rooms know best what was wrong. */
struct diag {
	char file[256]; /* "" when no file is at fault */
	unsigned line, col; /* from 1; 0 when unknown */
	char text[512]; /* "" while nothing was said; no newline */
};

/* Room for diag_print. */
#define DIAG_PRINT_CAP 800

#define DIAG_INIT ((struct diag){.line = 0})

/*
 * Say why, unless something was said before. d may be NULL (nobody asks);
 * file may be NULL or "". Returns err, so that callers can write
 * `return diag_say(d, AK_ERR_INVALID, …)`.
 */
enum ak_err diag_say(struct diag *d, enum ak_err err, const char *file, unsigned line,
    unsigned col, const char *fmt, ...) AK_PRINTF(6, 7);

/* The same without a place in a file. */
enum ak_err diag_because(struct diag *d, enum ak_err err, const char *fmt, ...) AK_PRINTF(3, 4);

/* "FILE:LINE:COL: text", without what is 0, into buf (cap bytes, always terminated); returns buf. */
char *diag_print(const struct diag *d, char *buf, size_t cap);

#endif
