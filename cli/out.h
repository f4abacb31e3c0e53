/* out: answers for people, as tables, and for programs, as JSON. With jsonin the one that knows jansson.h. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "pack.h"
#include "text.h"

/*
 * One JSON document being built. The first failure sticks and is told by
 * out_json_print; until then every call is harmless, on NULL too. Members are
 * named within an object; within a list the name is NULL.
 */
struct out_json;

struct out_json *out_json_new(void);
void out_json_free(struct out_json **j);
void out_object(struct out_json *j, const char *name);
void out_list(struct out_json *j, const char *name);
void out_close(struct out_json *j);
/* NULL is null. What is not UTF-8 is shown with `?` in its place; every control character is escaped, since people read it on terminals. */
void out_text(struct out_json *j, const char *name, const char *value);
void out_number(struct out_json *j, const char *name, int64_t value);
void out_bool(struct out_json *j, const char *name, bool value);
/* RFC 3339; NUM_NEVER is null. */
void out_time(struct out_json *j, const char *name, int64_t t);
void out_strv(struct out_json *j, const char *name, struct strv v);

enum out_layout {
	OUT_INDENTED,
	OUT_ONE_LINE, /* and no newline after it */
};

/* Print the document, freeing it in any case. Whether the stream took it is the caller's to see (cli_flush). */
enum ak_err out_json_print(struct out_json **j, enum out_layout layout, FILE *f) AK_MUST_CHECK;

/* A table: cells in reading order, each column as wide as its widest cell. */
struct out_table {
	struct pack cells;
	unsigned n_columns;
};

/* NULL-terminated headings; headings NULL: n_columns columns without any. Clear in any case. */
struct out_table out_table_init(const char *const *headings, unsigned n_columns);
void out_table_clear(struct out_table *t);
/* Control characters become `?`; "" and NULL are shown as `-`. */
void out_cell(struct out_table *t, const char *text);
void out_cell_strv(struct out_table *t, struct strv v);
enum ak_err out_table_print(const struct out_table *t, FILE *f) AK_MUST_CHECK;

#endif
