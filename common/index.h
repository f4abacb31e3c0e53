/* index: reads an immutable hash file of byte-string keys and byte-string records (apikey-formats(5)). */
#ifndef AK_INDEX_H
#define AK_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * File, all numbers little-endian:
 *   header   256 bytes, see index.c
 *   hash     n_buckets blocks of 64 bytes: 5 slots {u32 tag, u64 offset}, u32 crc
 *   order 0  blocks of the same shape, slots {u32 number, u64 offset}, ascending
 *   order 1  likewise
 *   records  those of order 0 by number, then those of order 1
 * Every block's and record's CRC-32 also covers the file's generation, and a
 * block's its place. Whatever does not add up is AK_ERR_CORRUPT, and so is
 * never taken for AK_ERR_NOT_FOUND. A later version's file has the same magic
 * and its version behind it: AK_ERR_NEWER. libc only; nothing is kept between calls.
 */
#define INDEX_MAGIC "APIKEYIX"
#define INDEX_VERSION 1U
#define INDEX_BYTE_ORDER 0x01020304U
#define INDEX_HEADER_B 256U
#define INDEX_BLOCK_B 64U
#define INDEX_SLOTS 5U
#define INDEX_SLOT_B 12U
#define INDEX_ORDERS 2U
#define INDEX_EXTRA_B 128U
#define INDEX_RECORD_HEADER_B 16U
#define INDEX_KEY_MAX_B 255U
#define INDEX_RECORD_MAX_B (1U << 30)

struct index_head {
	uint64_t generation; /* grows with each version of the file */
	uint64_t id; /* random; differs between files that share a generation */
	int64_t built_at; /* raw clock, seconds since the epoch */
	uint64_t size_b; /* of the file */
	uint64_t hash_blocks; /* the hash section follows the header */
	uint64_t records_at; /* offset of the first record */
	struct {
		uint64_t count; /* records */
		uint64_t blocks_at; /* offset of its blocks */
		uint64_t records_at, records_end;
	} order[INDEX_ORDERS];
	unsigned char extra[INDEX_EXTRA_B]; /* the file's own facts (record.h) */
	uint32_t crc_seed; /* derived: CRC of the generation */
};

struct index {
	int fd; /* -1: closed */
	struct index_head head;
};

#define INDEX_INIT ((struct index){.fd = -1})

/* One record, borrowed from the bytes that it was parsed from. */
struct index_view {
	const unsigned char *bytes; /* the whole record */
	size_t len_b;
	const unsigned char *keys; /* n_keys times {u8 length, bytes} */
	size_t keys_len_b;
	unsigned n_keys;
	unsigned order;
	uint32_t number;
	const unsigned char *value;
	size_t value_len_b;
	uint32_t crc_seed; /* of the file it came from */
};

/* One record, with the memory it lies in; small ones need no heap. */
struct index_record {
	struct index_view view;
	unsigned char small[1024];
	unsigned char *large;
};

void index_record_clear(struct index_record *r);

/*
 * path must be a regular file of owner that nobody else can write. Missing:
 * AK_ERR_UNAVAILABLE. On failure *out is closed.
 */
enum ak_err index_open(const char *path, uid_t owner, struct index *out) AK_MUST_CHECK;
/* The head stays readable; look-ups are AK_ERR_UNAVAILABLE from now on. */
void index_close(struct index *ix);

/* AK_OK, AK_ERR_NOT_FOUND, AK_ERR_CORRUPT, AK_ERR_UNAVAILABLE, AK_ERR_NOMEM. Clear *out after AK_OK alone. */
enum ak_err index_find(const struct index *ix, const void *key, size_t key_len_b,
    struct index_record *out) AK_MUST_CHECK;

/*
 * The same for what only asks which keys the record has: of one that does not
 * fit into out->small the value is not read, however long it is, and the view
 * has none (value NULL). The record's checksum is over all of it, so there each
 * key is held against the hash blocks, which have their own: it must lead here.
 * Damage may hide keys behind the one that was asked for, so who needs them
 * looks whether they are there.
 */
enum ak_err index_find_keys(const struct index *ix, const void *key, size_t key_len_b,
    struct index_record *out) AK_MUST_CHECK;

/* Where the records of an order begin whose number is at least `from`; the order's end when there is none. */
enum ak_err index_seek(
    const struct index *ix, unsigned order, uint32_t from, uint64_t *offset) AK_MUST_CHECK;

/*
 * A walk over one order's records from an offset that index_seek gave, through
 * the caller's buffer. A record larger than the buffer is AK_ERR_RANGE (then
 * index_read_at reads it alone); the end is AK_ERR_NOT_FOUND.
 */
struct index_walk {
	uint64_t next; /* file offset of the next record */
	uint64_t end; /* of the order's records */
	uint64_t in_at; /* file offset of buf[0] */
	size_t in_len_b;
};

void index_walk_start(
    const struct index *ix, unsigned order, uint64_t offset, struct index_walk *w);
/* The view lies in buf and holds until the next call. ix may be closed (fd -1) while the buffer serves. */
enum ak_err index_walk_next(const struct index *ix, struct index_walk *w, unsigned char *buf,
    size_t cap_b, struct index_view *out) AK_MUST_CHECK;

/* The record at an offset, on the heap if need be. */
enum ak_err index_read_at(
    const struct index *ix, uint64_t offset, struct index_record *out) AK_MUST_CHECK;

/*
 * take for each record of an order; its answer other than AK_OK ends the walk
 * and is returned. The views lie in *kept, a mapping of the file, until
 * index_unmap, due after failure too. For programs of ours that go through a
 * whole file; never for a module: should the disk fail, a mapping ends the
 * process.
 */
struct index_mapping {
	void *base; /* NULL: none */
	size_t len_b;
};

#define INDEX_MAPPING_INIT ((struct index_mapping){.base = NULL})
enum ak_err index_each(const struct index *ix, unsigned order,
    enum ak_err (*take)(void *ctx, const struct index_view *v), void *ctx,
    struct index_mapping *kept) AK_MUST_CHECK;
void index_unmap(struct index_mapping *m);

/* Is there a record in these bytes? For walks and for the tests' fuzzing. crc_seed as in the header. */
enum ak_err index_parse_record(const unsigned char *bytes, size_t avail_b, uint32_t crc_seed,
    struct index_view *out) AK_MUST_CHECK;

/*
 * The key at *at_b, which goes on to the next; NULL behind the last. In a mapping
 * lengths may change after they were checked: none leads out of the keys.
 */
const unsigned char *index_view_next_key(
    const struct index_view *v, size_t *at_b, size_t *len_b);

/* Does the view carry this key? */
int index_view_has_key(const struct index_view *v, const void *key, size_t key_len_b);

/* The first key that begins with this byte, and what is behind it; NULL: none. */
const unsigned char *index_view_key_borrow(
    const struct index_view *v, unsigned char tag, size_t *len_b);

/*
 * malloc for a whole file's worth of bytes, to be released by free: from large
 * pages where the kernel has them, since touching the small ones costs more
 * than what is written there.
 */
void *index_alloc_large(size_t len_b) __attribute__((malloc));

/* Shared with index_make: where things go and what their checksums are. */
uint32_t index_crc_seed(uint64_t generation);
uint32_t index_block_crc(uint32_t crc_seed, uint64_t file_offset, const unsigned char *block);
uint64_t index_hash_block(uint64_t hash, uint64_t n_blocks);

#endif
