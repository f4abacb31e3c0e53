/* importfile: a file of keys as `export` writes it, read whole: every line checked by itself, and against the others. */
#ifndef CLI_IMPORTFILE_H
#define CLI_IMPORTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "pack.h"
#include "record.h"

#define IMPORTFILE_MAX_B ((size_t)512 << 20)
#define IMPORTFILE_LINE_MAX_B ((size_t)1 << 20)
#define IMPORTFILE_LINES_MAX 1000000U

enum importline_kind { IMPORTLINE_KEY, IMPORTLINE_SPENT, IMPORTLINE_ROLE_GROUP };

struct importline {
	unsigned line; /* in the file, from 1 */
	enum importline_kind kind;
	struct pack bytes; /* the record as it is stored: the strings below lie there */
	union {
		struct key_record key;
		struct spent_uid spent;
		struct role_gid role_group;
	};
};

struct importfile {
	const char *name; /* for messages; borrowed */
	struct importline *v; /* in the file's order */
	size_t n, cap;
	struct local_extra high; /* the highest ids that were given by counting up */
	/* What is wrong with a line, as it is found. */
	void (*wrong)(void *ctx, const struct diag *why);
	void *ctx;
	unsigned n_wrong;
};

#define IMPORTFILE_INIT ((struct importfile){.name = ""})

/*
 * AK_ERR_DENIED when a line is wrong: each was told, by file and line, to
 * f->wrong. name, wrong and ctx are the caller's to fill in before.
 * importfile_clear in any case.
 */
enum ak_err importfile_parse(
    struct importfile *f, const char *bytes, size_t len_b) AK_MUST_CHECK;
void importfile_clear(struct importfile *f);

/* One more that is wrong, whoever finds it. */
void importfile_wrong(struct importfile *f, unsigned line, const char *fmt, ...) AK_PRINTF(3, 4);

#endif
