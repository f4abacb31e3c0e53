#include "index_impl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "newer.h"
#include "safefile.h"

/*
 * Header:
 *   0 magic (8)           8 version (u32)         12 byte order (u32)
 *  16 generation (u64)   24 id (u64)              32 built at (i64)
 *  40 size (u64)         48 hash blocks (u64)     56 records at (u64)
 *  64 order 0: count, blocks at (2 u64)           80 order 1: likewise
 *  96 end of order 0's records (u64)             104 zero
 * 112 zero (12)         124 CRC-32 of the header with this field as zero
 * 128 the file's own facts
 */
#define HEADER_CRC_AT 124U

uint32_t
index_crc_seed(uint64_t generation)
{
	unsigned char b[8];

	le64_store(b, generation);
	return hash_crc32(0, b, sizeof(b));
}

uint32_t
index_block_crc(uint32_t crc_seed, uint64_t file_offset, const unsigned char *block)
{
	unsigned char place[8];

	le64_store(place, file_offset);
	return hash_crc32(
	    hash_crc32(crc_seed, place, sizeof(place)), block, INDEX_SLOTS * INDEX_SLOT_B);
}

/* Multiply-shift: the hash's upper half picks the block, its lower half is the tag. */
uint64_t
index_hash_block(uint64_t hash, uint64_t n_blocks)
{
	return (hash >> 32) * n_blocks >> 32;
}

enum ak_err
index_read_bytes(int fd, void *buf, size_t len_b, uint64_t offset, size_t *got_b)
{
	size_t have_b = 0;

	*got_b = 0;
	while (have_b < len_b) {
		ssize_t n =
		    pread(fd, (char *)buf + have_b, len_b - have_b, (off_t)(offset + have_b));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return AK_ERR_UNAVAILABLE;
		if (n == 0)
			break;
		have_b += (size_t)n;
	}
	*got_b = have_b;
	return AK_OK;
}

static uint64_t
order_blocks(uint64_t count)
{
	return (count + INDEX_SLOTS - 1) / INDEX_SLOTS;
}

/* Do the sections lie one behind the other, and fill the file? */
static bool
layout_is_sound(const struct index_head *h)
{
	const uint64_t max = UINT64_C(1) << 48;
	uint64_t at = INDEX_HEADER_B;

	if (h->size_b > max || h->hash_blocks == 0 || h->hash_blocks > UINT32_MAX)
		return false;
	at += h->hash_blocks * INDEX_BLOCK_B;
	for (unsigned i = 0; i < INDEX_ORDERS; i++) {
		if (h->order[i].count > max / INDEX_BLOCK_B || h->order[i].blocks_at != at)
			return false;
		at += order_blocks(h->order[i].count) * INDEX_BLOCK_B;
	}
	return h->records_at == at && h->order[1].records_at >= at &&
	       h->order[1].records_at <= h->size_b;
}

static enum ak_err
parse_header(const unsigned char b[INDEX_HEADER_B], uint64_t file_size_b, struct index_head *h)
{
	unsigned char copy[INDEX_HEADER_B];

	if (memcmp(b, INDEX_MAGIC, 8) != 0)
		return AK_ERR_CORRUPT;
	if (newer_is(le32_load(b + 8), INDEX_VERSION))
		return AK_ERR_NEWER;
	memcpy(copy, b, sizeof(copy));
	le32_store(copy + HEADER_CRC_AT, 0);
	if (le32_load(b + 8) != INDEX_VERSION || le32_load(b + 12) != INDEX_BYTE_ORDER ||
	    le32_load(b + HEADER_CRC_AT) != hash_crc32(0, copy, sizeof(copy)))
		return AK_ERR_CORRUPT;
	h->generation = le64_load(b + 16);
	h->id = le64_load(b + 24);
	h->built_at = (int64_t)le64_load(b + 32);
	h->size_b = le64_load(b + 40);
	h->hash_blocks = le64_load(b + 48);
	h->records_at = le64_load(b + 56);
	for (unsigned i = 0; i < INDEX_ORDERS; i++) {
		h->order[i].count = le64_load(b + 64 + 16 * i);
		h->order[i].blocks_at = le64_load(b + 72 + 16 * i);
	}
	h->order[0].records_at = h->records_at;
	h->order[0].records_end = h->order[1].records_at = le64_load(b + 96);
	h->order[1].records_end = h->size_b;
	memcpy(h->extra, b + 128, INDEX_EXTRA_B);
	h->crc_seed = index_crc_seed(h->generation);
	return h->size_b == file_size_b && layout_is_sound(h) ? AK_OK : AK_ERR_CORRUPT;
}

enum ak_err
index_open(const char *path, uid_t owner, struct index *out)
{
	unsigned char b[INDEX_HEADER_B];
	struct stat st;
	size_t got_b;
	enum ak_err err;

	*out = INDEX_INIT;
	if ((err = safefile_open(path, owner, &out->fd, &st)) != AK_OK)
		return err == AK_ERR_NOT_FOUND ? AK_ERR_UNAVAILABLE : err;
	err = index_read_bytes(out->fd, b, sizeof(b), 0, &got_b);
	if (err == AK_OK)
		err = got_b == sizeof(b) ? parse_header(b, (uint64_t)st.st_size, &out->head)
					 : AK_ERR_CORRUPT;
	if (err != AK_OK) {
		index_close(out);
		*out = INDEX_INIT;
	}
	return err;
}

/* The head stays: a walk goes on over what its buffer holds. */
void
index_close(struct index *ix)
{
	if (ix->fd != -1)
		(void)close(ix->fd);
	ix->fd = -1;
}

void
index_record_clear(struct index_record *r)
{
	if (r->large != NULL) {
		explicit_bzero(r->large, r->view.len_b);
		free(r->large);
	}
	explicit_bzero(r->small, sizeof(r->small));
	r->large = NULL;
	r->view = (struct index_view){.bytes = NULL};
}

enum ak_err
index_parse_keys(struct index_view *v)
{
	struct unpack u =
	    unpack_over(v->bytes + INDEX_RECORD_HEADER_B, v->len_b - INDEX_RECORD_HEADER_B);

	v->keys = u.at;
	for (unsigned i = 0; i < v->n_keys; i++) {
		size_t len_b = unpack_u8(&u);

		if (len_b == 0 || unpack_bytes(&u, len_b) == NULL)
			return AK_ERR_CORRUPT;
	}
	v->keys_len_b = (size_t)(u.at - v->keys);
	v->value = u.at;
	v->value_len_b = u.left_b;
	return AK_OK;
}

/* Can a record of this length lie where so much is left? */
static bool
is_length(uint64_t len_b, uint64_t left_b)
{
	return len_b >= INDEX_RECORD_HEADER_B && len_b <= left_b && len_b <= INDEX_RECORD_MAX_B;
}

/* Record: u32 crc, u32 length, u8 keys, u8 order, u16 zero, u32 number; keys; value. */
enum ak_err
index_parse_record(
    const unsigned char *bytes, size_t avail_b, uint32_t crc_seed, struct index_view *out)
{
	size_t len_b;

	*out = (struct index_view){.bytes = NULL};
	if (avail_b < INDEX_RECORD_HEADER_B)
		return AK_ERR_CORRUPT;
	len_b = le32_load(bytes + 4);
	if (!is_length(len_b, avail_b))
		return AK_ERR_CORRUPT;
	if (le32_load(bytes) != hash_crc32(crc_seed, bytes + 4, len_b - 4))
		return AK_ERR_CORRUPT;
	out->bytes = bytes;
	out->len_b = len_b;
	out->crc_seed = crc_seed;
	out->n_keys = bytes[8];
	out->order = bytes[9];
	out->number = le32_load(bytes + 12);
	if (out->n_keys == 0 || out->order >= INDEX_ORDERS)
		return AK_ERR_CORRUPT;
	return index_parse_keys(out);
}

const unsigned char *
index_view_next_key(const struct index_view *v, size_t *at_b, size_t *len_b)
{
	const unsigned char *key = v->keys + *at_b;
	size_t left_b = v->keys_len_b - *at_b;

	*len_b = left_b == 0 ? 0 : *key;
	if (*len_b >= left_b)
		return NULL;
	*at_b += 1 + *len_b;
	return key + 1;
}

int
index_view_has_key(const struct index_view *v, const void *key, size_t key_len_b)
{
	const unsigned char *own;
	size_t at_b = 0, len_b;

	while ((own = index_view_next_key(v, &at_b, &len_b)) != NULL)
		if (len_b == key_len_b && memcmp(own, key, key_len_b) == 0)
			return 1;
	return 0;
}

const unsigned char *
index_view_key_borrow(const struct index_view *v, unsigned char tag, size_t *len_b)
{
	const unsigned char *own;
	size_t at_b = 0, own_len_b;

	while ((own = index_view_next_key(v, &at_b, &own_len_b)) != NULL)
		if (own_len_b > 0 && *own == tag) {
			*len_b = own_len_b - 1;
			return own + 1;
		}
	return NULL;
}

enum ak_err
index_read_front(const struct index *ix, uint64_t offset, size_t most_b,
    struct index_record *out, size_t *got_b)
{
	const struct index_head *h = &ix->head;
	uint64_t left_b;
	size_t want_b;
	enum ak_err err;

	out->large = NULL;
	*got_b = 0;
	if (offset < h->records_at || offset >= h->size_b)
		return AK_ERR_CORRUPT;
	left_b = h->size_b - offset;
	want_b = left_b < most_b ? (size_t)left_b : most_b;
	if ((err = index_read_bytes(ix->fd, out->small, want_b, offset, got_b)) != AK_OK)
		return err;
	return *got_b != want_b || want_b < INDEX_RECORD_HEADER_B ? AK_ERR_CORRUPT : AK_OK;
}

/* Most records are no longer; to read more of a file that is in no cache takes longer. */
#define USUAL_B 512U

enum ak_err
index_read_at(const struct index *ix, uint64_t offset, struct index_record *out)
{
	const struct index_head *h = &ix->head;
	unsigned char *bytes = out->small;
	size_t want_b, got_b;
	enum ak_err err;

	if ((err = index_read_front(ix, offset, USUAL_B, out, &got_b)) != AK_OK)
		return err;
	want_b = le32_load(out->small + 4);
	if (want_b <= got_b)
		return index_parse_record(out->small, got_b, h->crc_seed, &out->view);
	if (!is_length(want_b, h->size_b - offset))
		return AK_ERR_CORRUPT;
	if (want_b > sizeof(out->small) && (bytes = out->large = malloc(want_b)) == NULL)
		return AK_ERR_NOMEM;
	err = index_read_bytes(ix->fd, bytes, want_b, offset, &got_b);
	if (err == AK_OK)
		err = index_parse_record(bytes, got_b, h->crc_seed, &out->view);
	if (err != AK_OK) {
		free(out->large);
		out->large = NULL;
	}
	return err;
}

enum ak_err
index_read_block(const struct index *ix, uint64_t offset, unsigned char block[INDEX_BLOCK_B])
{
	size_t got_b;
	enum ak_err err = index_read_bytes(ix->fd, block, INDEX_BLOCK_B, offset, &got_b);

	if (err != AK_OK)
		return err;
	if (got_b != INDEX_BLOCK_B || le32_load(block + INDEX_SLOTS * INDEX_SLOT_B) !=
					  index_block_crc(ix->head.crc_seed, offset, block))
		return AK_ERR_CORRUPT;
	return AK_OK;
}

/* The i-th entry of an order. */
static enum ak_err
read_entry(
    const struct index *ix, unsigned order, uint64_t i, uint32_t *number, uint64_t *offset)
{
	unsigned char block[INDEX_BLOCK_B];
	const unsigned char *slot = block + (i % INDEX_SLOTS) * INDEX_SLOT_B;
	enum ak_err err;

	err = index_read_block(
	    ix, ix->head.order[order].blocks_at + i / INDEX_SLOTS * INDEX_BLOCK_B, block);
	if (err != AK_OK)
		return err;
	*number = le32_load(slot);
	*offset = le64_load(slot + 4);
	if (*offset < ix->head.order[order].records_at ||
	    *offset >= ix->head.order[order].records_end)
		return AK_ERR_CORRUPT;
	return AK_OK;
}

enum ak_err
index_seek(const struct index *ix, unsigned order, uint32_t from, uint64_t *offset)
{
	uint64_t low = 0, high = ix->head.order[order].count, at;
	uint32_t number;
	enum ak_err err;

	*offset = ix->head.order[order].records_end;
	if (ix->fd == -1)
		return AK_ERR_UNAVAILABLE;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if ((err = read_entry(ix, order, mid, &number, &at)) != AK_OK)
			return err;
		if (number < from) {
			low = mid + 1;
		} else {
			high = mid;
			*offset = at;
		}
	}
	return AK_OK;
}
