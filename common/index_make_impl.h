/* index_make_impl: what the rooms that build an index file share: index_make.c gathers its records, index_place.c gives them their places, index_write.c has the file made. */
#ifndef AK_INDEX_MAKE_IMPL_H
#define AK_INDEX_MAKE_IMPL_H

#include <stdbool.h>

#include "index_make.h"
#include "pack.h"

/* Of bytes that are read twice: were they the same? In two strands, which do not wait for each other. */
struct index_digest {
	uint64_t a, b;
};

/*
 * Records that lie one behind the other and will do so in the file: one in the
 * arena, or those of another file as far as they go on there. A change of one
 * key is a handful of these, however many keys there are.
 */
struct run {
	const unsigned char *borrowed; /* NULL: in the arena */
	size_t arena_at, len_b;
	struct index_digest digest; /* borrowed: of all its records */
	uint64_t file_at; /* once it is laid out */
	uint32_t crc_seed; /* borrowed: what their checksums began with */
	uint32_t n; /* records */
	uint32_t first, last; /* numbers of the first and of the last one */
	uint32_t seq; /* of adding, for ties */
	unsigned order;
};

struct index_make {
	struct pack arena; /* records as in the file, CRCs not yet */
	struct run *runs;
	size_t n, cap;
	uint64_t n_keys;
	uint64_t counts[INDEX_ORDERS]; /* of records */
	size_t longest_b; /* of all records */
	bool sorted;
};

/* The length of the record that begins here; 0: none of the records does (one did when they were taken). */
size_t index_make_measure(
    const struct index_make *m, const unsigned char *record, size_t avail_b);

/* Goes on with one more record, of at least a header. */
void index_make_digest(struct index_digest *d, const unsigned char *record, size_t len_b);
bool index_make_digest_equal(const struct index_digest *a, const struct index_digest *b);

/* The runs in the file's order. */
enum ak_err index_make_sort(struct index_make *m) AK_MUST_CHECK;

/* Records up to this size are resealed by a look into a table. */
#define RESEAL_MAX_B 1024U
/* Far enough ahead that a block is in the cache when its turn comes. */
#define AHEAD 16U

/* A key on its way into the hash. */
struct pending {
	uint64_t hash, record_at; /* the latter: file offset */
	const unsigned char *key; /* its length, then its bytes; in the piece */
};

/* The file being laid out. */
struct layout {
	const struct index_make *make;
	struct index_head head;
	unsigned char *front; /* all before the records: header, hash, orders */
	unsigned char *piece; /* of the records: all of them, or those on their way to the file */
	size_t piece_b, cap_b;
	uint64_t piece_at; /* file offset */
	struct safefile_new *to; /* NULL: piece has room for all */
	struct diag *why;
	uint64_t n_placed[INDEX_ORDERS]; /* records, in their order */
	uint64_t n_hashed, n_slots; /* keys; as many as have their place already */
	struct pending ahead[AHEAD]; /* those that wait for it */
	uint32_t reseal[RESEAL_MAX_B];
	uint32_t reseal_from; /* the seed of the file that records are copied from */
};

static inline uint64_t
index_order_blocks(uint64_t count)
{
	return (count + INDEX_SLOTS - 1) / INDEX_SLOTS;
}

/* All that head says, into front and piece; the last piece is not flushed. */
enum ak_err index_place_all(struct layout *l) AK_MUST_CHECK;
/* The piece is written, and begins anew behind that. */
enum ak_err index_place_flush(struct layout *l) AK_MUST_CHECK;

#endif
