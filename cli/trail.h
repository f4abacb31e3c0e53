/* trail: what becomes of keys, for the audit log: how they were found, and a line for each that is staged. */
#ifndef CLI_TRAIL_H
#define CLI_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "fields.h"

struct trail {
	struct trail_key {
		struct key_record key; /* its name and id, and nothing else */
		struct fields fields;
		uint32_t next; /* behind it in its bucket: 1 + its place; 0: none */
	} * found;
	size_t n_found, cap_found;
	uint32_t *buckets; /* by id, four for each of cap_found */
	struct trail_line {
		struct key_record key;
		char *line;
	} * lines;
	size_t n_lines;
};

#define TRAIL_INIT ((struct trail){.found = NULL})

/* The key as it is before the change. */
enum ak_err trail_found(struct trail *t, const struct key_record *k) AK_MUST_CHECK;
/* Was this key found, rather than made? */
bool trail_has(const struct trail *t, const struct key_record *k);

/* What is to be logged about the key as it shall be. k gone: its fields are not told. */
enum ak_err trail_stage(struct trail *t, struct cli *c, const char *event,
    const struct key_record *k, bool gone, bool directory) AK_MUST_CHECK;
/* Log what was staged about the keys that are written. */
void trail_log(const struct trail *t, struct cli *c,
    bool (*written)(void *ctx, const struct key_record *k), void *ctx);
void trail_clear(struct trail *t);

#endif
