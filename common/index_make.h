/* index_make: builds what index reads, in memory, and replaces the file by it. */
#ifndef AK_INDEX_MAKE_H
#define AK_INDEX_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "index.h"
#include "safefile.h"

struct index_key {
	const void *bytes;
	size_t len_b; /* 1 to INDEX_KEY_MAX_B */
};

struct index_make;

/* What the new file's header says; id is drawn at random when 0. */
struct index_make_head {
	uint64_t generation, id;
	int64_t built_at;
	unsigned char extra[INDEX_EXTRA_B];
};

/* NULL: out of memory. hint: about how many records are added, copied ones not counted; 0 is fine. */
struct index_make *index_make_new(size_t hint);
void index_make_free(struct index_make *m);

/* Add a record under 1 to 8 keys. number orders it among those of its order; ties keep the order of adding. */
enum ak_err index_make_add(struct index_make *m, unsigned order, uint32_t number,
    const struct index_key *keys, unsigned n_keys, const void *value,
    size_t value_len_b) AK_MUST_CHECK;

/*
 * The same from a record of another file, as it is; its bytes must stay until the
 * file is finished. Copied in the order in which they lie there, and with what
 * is added at its place among them, a million cost no memory.
 */
enum ak_err index_make_copy(struct index_make *m, const struct index_view *v) AK_MUST_CHECK;

/*
 * The finished file. AK_ERR_EXISTS when two records share a key. The bytes
 * are the caller's to free. m can be freed afterwards, nothing else.
 */
enum ak_err index_make_finish(struct index_make *m, const struct index_make_head *head,
    unsigned char **bytes, size_t *len_b) AK_MUST_CHECK;

/*
 * The finished file beside path, for safefile_new_end to put it in its place; a
 * large one is written as it is laid out, and never in memory whole. head->id
 * says what was drawn. AK_ERR_EXISTS as above. On failure nothing is left of it.
 */
enum ak_err index_make_write(struct index_make *m, struct index_make_head *head,
    const char *path, unsigned keep, struct safefile_new *out, struct diag *why) AK_MUST_CHECK;

#endif
