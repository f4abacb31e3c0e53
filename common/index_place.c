#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "index_make_impl.h"

/* --- checksums ------------------------------------------------------------------------------ */

/* What so many zero bytes make of the difference of two CRCs. */
static uint32_t
carry(uint32_t differs, size_t n)
{
	static const unsigned char zeros[RESEAL_MAX_B];

	for (; n > sizeof(zeros); n -= sizeof(zeros))
		differs = ~hash_crc32(~differs, zeros, sizeof(zeros));
	return ~hash_crc32(~differs, zeros, n);
}

/*
 * Two CRCs of the same bytes that began with different seeds differ by
 * something that depends on the seeds and the length alone (a CRC is affine):
 * reseal[n] for n bytes. So a copied record's new checksum comes from its old
 * one, and where that was wrong, it is as wrong.
 */
static void
prepare_reseal(struct layout *l)
{
	const struct index_make *m = l->make;
	uint32_t differs;
	size_t i = 0;

	while (i < m->n && m->runs[i].borrowed == NULL)
		i++;
	if (i == m->n)
		return;
	l->reseal_from = m->runs[i].crc_seed;
	differs = l->reseal_from ^ l->head.crc_seed;
	for (size_t n = 0; n < RESEAL_MAX_B; n++, differs = carry(differs, 1))
		l->reseal[n] = differs;
}

static uint32_t
seal_of(const struct layout *l, const struct run *r, const unsigned char *record, size_t len_b)
{
	size_t n = len_b - 4;

	if (r->borrowed == NULL)
		return hash_crc32(l->head.crc_seed, record + 4, n);
	if (r->crc_seed == l->reseal_from && n < RESEAL_MAX_B)
		return le32_load(record) ^ l->reseal[n];
	return le32_load(record) ^ carry(r->crc_seed ^ l->head.crc_seed, n);
}

static void
seal_blocks(const struct layout *l, uint64_t at, uint64_t n)
{
	for (; n > 0; n--, at += INDEX_BLOCK_B)
		le32_store(l->front + at + INDEX_SLOTS * INDEX_SLOT_B,
		    index_block_crc(l->head.crc_seed, at, l->front + at));
}

/* --- the hash ------------------------------------------------------------------------------- */

static void
set_slot(unsigned char *slot, uint32_t tag, uint64_t offset)
{
	le32_store(slot, tag);
	le64_store(slot + 4, offset);
}

static unsigned char *
first_block(const struct layout *l, uint64_t hash)
{
	return l->front + INDEX_HEADER_B +
	       index_hash_block(hash, l->head.hash_blocks) * INDEX_BLOCK_B;
}

static const unsigned char *
bytes_of(const struct index_make *m, const struct run *r)
{
	return r->borrowed != NULL ? r->borrowed : m->arena.bytes + r->arena_at;
}

/* The run of the record that lies there in the file. */
static const struct run *
run_at(const struct index_make *m, uint64_t file_at)
{
	size_t low = 0, high = m->n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (m->runs[mid].file_at <= file_at)
			low = mid;
		else
			high = mid;
	}
	return &m->runs[low];
}

static bool
has_key(const unsigned char *record, const unsigned char *key)
{
	const unsigned char *own = record + INDEX_RECORD_HEADER_B;

	for (unsigned i = 0; i < record[8]; i++, own += 1U + *own)
		if (*own == *key && memcmp(own + 1, key + 1, *key) == 0)
			return true;
	return false;
}

/* EXISTS when the record there has the key. It is looked up where it came from, where each run's lie as they do here. */
static enum ak_err
compare(const struct layout *l, uint64_t file_at, const unsigned char *key)
{
	const struct run *r = run_at(l->make, file_at);
	size_t skip_b = (size_t)(file_at - r->file_at), len_b;
	const unsigned char *from = bytes_of(l->make, r) + skip_b;
	struct index_view v;
	unsigned char *copy;
	enum ak_err err;

	if (r->borrowed == NULL)
		return has_key(from, key) ? AK_ERR_EXISTS : AK_OK;
	if ((len_b = index_make_measure(l->make, from, r->len_b - skip_b)) == 0)
		return AK_ERR_CORRUPT;
	if ((copy = malloc(len_b)) == NULL)
		return AK_ERR_NOMEM;
	memcpy(copy, from, len_b);
	err = index_parse_record(copy, len_b, r->crc_seed, &v);
	if (err == AK_OK && has_key(copy, key))
		err = AK_ERR_EXISTS;
	free(copy);
	return err;
}

/* Into the first free slot from its own block on; EXISTS when a record there has the key already. */
static enum ak_err
place_key(const struct layout *l, const struct pending *p)
{
	unsigned char *end = l->front + INDEX_HEADER_B + l->head.hash_blocks * INDEX_BLOCK_B;
	unsigned char *block = first_block(l, p->hash);
	enum ak_err err;

	for (;;) {
		for (unsigned i = 0; i < INDEX_SLOTS; i++) {
			unsigned char *slot = block + (size_t)i * INDEX_SLOT_B;
			uint64_t other_at = le64_load(slot + 4);

			if (other_at == 0) {
				set_slot(slot, (uint32_t)p->hash, p->record_at);
				return AK_OK;
			}
			if (le32_load(slot) == (uint32_t)p->hash &&
			    (err = compare(l, other_at, p->key)) != AK_OK)
				return err;
		}
		block += INDEX_BLOCK_B;
		if (block == end)
			block = l->front + INDEX_HEADER_B;
	}
}

/* Its block is fetched while those before it get their places. */
static enum ak_err
hash_key(struct layout *l, const unsigned char *key, uint64_t record_at)
{
	struct pending *p = &l->ahead[l->n_hashed % AHEAD];
	enum ak_err err = AK_OK;

	if (l->n_hashed - l->n_slots == AHEAD) {
		err = place_key(l, p);
		l->n_slots++;
	}
	*p = (struct pending){hash_sip(l->head.id, key + 1, *key), record_at, key};
	__builtin_prefetch(first_block(l, p->hash), 1);
	l->n_hashed++;
	return err;
}

static enum ak_err
place_last_keys(struct layout *l)
{
	enum ak_err err = AK_OK;

	for (; l->n_slots < l->n_hashed && err == AK_OK; l->n_slots++)
		err = place_key(l, &l->ahead[l->n_slots % AHEAD]);
	return err;
}

/* --- the records ---------------------------------------------------------------------------- */

enum ak_err
index_place_flush(struct layout *l)
{
	enum ak_err err = safefile_new_write(l->to, l->piece, l->piece_b, l->piece_at, l->why);

	l->piece_at += l->piece_b;
	l->piece_b = 0;
	return err;
}

static enum ak_err
make_room(struct layout *l, size_t len_b)
{
	enum ak_err err;

	if (len_b <= l->cap_b - l->piece_b)
		return AK_OK;
	err = place_last_keys(l);
	return err == AK_OK ? index_place_flush(l) : err;
}

/* Each of the keys of the record that lies there in the file; they are as many as were taken, and end where it ends. */
static enum ak_err
place_keys(struct layout *l, const unsigned char *record, size_t len_b, uint64_t file_at)
{
	size_t at = INDEX_RECORD_HEADER_B;
	enum ak_err err = AK_OK;

	if (record[8] > l->make->n_keys - l->n_hashed)
		return AK_ERR_CORRUPT;
	for (unsigned i = 0; i < record[8] && err == AK_OK; i++) {
		if (at >= len_b || record[at] >= len_b - at)
			return AK_ERR_CORRUPT;
		err = hash_key(l, record + at, file_at);
		at += 1U + record[at];
	}
	return err;
}

/* From here on, its copy in the piece is all that is looked at. */
static enum ak_err
place_record(struct layout *l, const struct run *r, const unsigned char *record, size_t len_b,
    struct index_digest *digest)
{
	unsigned char *copy, *block = l->front + l->head.order[r->order].blocks_at;
	uint64_t i = l->n_placed[r->order]++, at;
	enum ak_err err;

	if ((err = make_room(l, len_b)) != AK_OK)
		return err;
	copy = memcpy(l->piece + l->piece_b, record, len_b);
	at = l->piece_at + l->piece_b;
	l->piece_b += len_b;
	block += i / INDEX_SLOTS * INDEX_BLOCK_B;
	set_slot(block + i % INDEX_SLOTS * INDEX_SLOT_B, le32_load(copy + 12), at);
	if (r->borrowed != NULL)
		index_make_digest(digest, copy, len_b);
	le32_store(copy, seal_of(l, r, copy, len_b));
	return place_keys(l, copy, len_b, at);
}

/*
 * Borrowed bytes are another file's, and a disk may answer otherwise than it did
 * when they were taken. Nothing is made of what is not the same, though it may
 * have been placed before that shows.
 */
static enum ak_err
place_run(struct layout *l, const struct run *r)
{
	const unsigned char *record = bytes_of(l->make, r);
	size_t left_b = r->len_b, len_b;
	struct index_digest digest = {0, 0};
	enum ak_err err;

	for (uint32_t i = 0; i < r->n; i++) {
		if ((len_b = index_make_measure(l->make, record, left_b)) == 0)
			return AK_ERR_CORRUPT;
		if ((err = place_record(l, r, record, len_b, &digest)) != AK_OK)
			return err;
		record += len_b;
		left_b -= len_b;
	}
	if (left_b != 0 ||
	    (r->borrowed != NULL && !index_make_digest_equal(&digest, &r->digest)))
		return AK_ERR_CORRUPT;
	return AK_OK;
}

static enum ak_err
place_records(struct layout *l)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < l->make->n && err == AK_OK; i++)
		err = place_run(l, &l->make->runs[i]);
	return err == AK_OK ? place_last_keys(l) : err;
}

/* --- what stands before them ---------------------------------------------------------------- */

static void
place_header(const struct layout *l)
{
	unsigned char *b = l->front;
	const struct index_head *h = &l->head;

	memcpy(b, INDEX_MAGIC, 8);
	le32_store(b + 8, INDEX_VERSION);
	le32_store(b + 12, INDEX_BYTE_ORDER);
	le64_store(b + 16, h->generation);
	le64_store(b + 24, h->id);
	le64_store(b + 32, (uint64_t)h->built_at);
	le64_store(b + 40, h->size_b);
	le64_store(b + 48, h->hash_blocks);
	le64_store(b + 56, h->records_at);
	for (unsigned i = 0; i < INDEX_ORDERS; i++) {
		le64_store(b + 64 + 16 * i, h->order[i].count);
		le64_store(b + 72 + 16 * i, h->order[i].blocks_at);
	}
	le64_store(b + 96, h->order[1].records_at);
	memcpy(b + 128, h->extra, INDEX_EXTRA_B);
	le32_store(b + 124, hash_crc32(0, b, INDEX_HEADER_B));
}

enum ak_err
index_place_all(struct layout *l)
{
	const struct index_head *h = &l->head;
	enum ak_err err;

	memset(l->front, 0, h->records_at);
	prepare_reseal(l);
	if ((err = place_records(l)) != AK_OK)
		return err;
	seal_blocks(l, INDEX_HEADER_B, h->hash_blocks);
	for (unsigned o = 0; o < INDEX_ORDERS; o++)
		seal_blocks(l, h->order[o].blocks_at, index_order_blocks(h->order[o].count));
	place_header(l);
	return AK_OK;
}
