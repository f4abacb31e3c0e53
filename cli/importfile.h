/* importfile: a file of keys as `export` writes it, read whole: every line checked by itself, and against the others. */
#ifndef CLI_IMPORTFILE_H
#define CLI_IMPORTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "pack.h"
#include "record.h"

#define IMPORTFILE_MAX_B (UINT64_C(4) << 30)
#define IMPORTFILE_LINE_MAX_B ((size_t)1 << 20)
#define IMPORTFILE_LINES_MAX 4000000U

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
	unsigned n_lines; /* that were read */
	bool ended; /* the last line was */
};

#define IMPORTFILE_INIT ((struct importfile){.name = ""})

/*
 * The next lines, whole ones, in as many parts as there are; then the end. Of
 * importfile_end AK_ERR_DENIED when a line is wrong: each was told, by file
 * and line, to f->wrong; before it when nothing more is worth reading. name,
 * wrong and ctx are the caller's to fill in before. importfile_clear in any
 * case.
 */
enum ak_err importfile_take(struct importfile *f, const char *lines, size_t len_b) AK_MUST_CHECK;
enum ak_err importfile_end(struct importfile *f) AK_MUST_CHECK;
void importfile_clear(struct importfile *f);

/* One more that is wrong, whoever finds it. */
void importfile_wrong(struct importfile *f, unsigned line, const char *fmt, ...) AK_PRINTF(3, 4);

#endif
