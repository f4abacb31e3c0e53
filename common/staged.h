/* staged: the records that the store's next commit will write. */
#ifndef AK_STAGED_H
#define AK_STAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "index.h"
#include "pack.h"
#include "record.h"

struct staged {
	unsigned order;
	uint32_t number; /* uid or gid: places the record among those of its order */
	struct record_key keys[3];
	unsigned n_keys;
	unsigned char *value;
	size_t value_len_b;
	uint32_t next[3]; /* the list's own: what follows behind each key in its bucket */
};

/* All zero: empty. Every record is found by its keys at once, however many there are. */
struct staged_list {
	struct staged *v;
	uint32_t *buckets; /* a power of two of them */
	size_t n, cap, n_buckets;
};

/*
 * Add one, in place of what was staged for the same thing: a key is known by
 * its uid, all else by its only index key. Takes over value's bytes, and wipes
 * them on failure; value->err is looked at first.
 */
enum ak_err staged_put(
    struct staged_list *l, struct staged st, struct pack *value) AK_MUST_CHECK;

/* Forget what is staged for a key's uid. */
void staged_drop_key(struct staged_list *l, uint32_t uid);

/* Borrowed; NULL when no staged record carries the key. */
const struct staged *staged_find(const struct staged_list *l, struct record_key by);

/* Does a staged record take the place of this stored one, or a staged end of its uid remove it? */
bool staged_replaces(const struct staged_list *l, const struct index_view *stored);
bool staged_replaces_uid(const struct staged_list *l, uint32_t uid);

/* Wipes and forgets all. */
void staged_clear(struct staged_list *l);

#endif
