/* fields: what an administrator sets on a key, as words, for the audit log: before a change and after it. */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include "audit.h"
#include "err.h"
#include "record.h"

#define FIELDS_COUNT 11

/* "" where the key has none. Secrets are their numbers and ends. */
struct fields {
	char *v[FIELDS_COUNT];
};

#define FIELDS_INIT ((struct fields){.v = {NULL}})

/* fields_clear in any case. */
enum ak_err fields_take(const struct key_record *k, struct fields *out) AK_MUST_CHECK;
void fields_clear(struct fields *f);

/*
 * For each field that differs `NAME_before=…` and `NAME=…`; a side that is
 * empty is left out, as audit_add does. before NULL: a new key, whose fields
 * all stand as `NAME=…`.
 */
void fields_add_changes(
    struct audit *line, const struct fields *before, const struct fields *after);

#endif
