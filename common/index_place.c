#include <string.h>

#include "hash.h"
#include "index_make_impl.h"

/* --- checksums ------------------------------------------------------------------------------ */

/*
 * Two CRCs of the same bytes that began with different seeds differ by
 * something that depends on the seeds and the length alone (a CRC is affine):
 * reseal[n] for n bytes. A copied record was checked when it was read; were
 * it damaged since, its new checksum would be as wrong as the old one.
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
	for (size_t n = 0; n < RESEAL_MAX_B; n++) {
		l->reseal[n] = differs;
		differs = ~hash_crc32(~differs, "", 1);
	}
}

static uint32_t
seal_of(const struct layout *l, const struct run *r, const unsigned char *record, size_t len_b)
{
	if (r->borrowed != NULL && r->crc_seed == l->reseal_from && len_b < RESEAL_MAX_B)
		return le32_load(record) ^ l->reseal[len_b - 4];
	return hash_crc32(l->head.crc_seed, record + 4, len_b - 4);
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

/* Where the record came from that lies there in the file: within a run all lie as they did. */
static const unsigned char *
source_of(const struct index_make *m, uint64_t file_at)
{
	size_t low = 0, high = m->n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (m->runs[mid].file_at <= file_at)
			low = mid;
		else
			high = mid;
	}
	return bytes_of(m, &m->runs[low]) + (file_at - m->runs[low].file_at);
}

/* Is the slot's record one that has this key already? */
static bool
is_twin(const struct layout *l, const unsigned char *slot, const struct pending *p)
{
	const unsigned char *other, *key;

	if (le32_load(slot) != (uint32_t)p->hash)
		return false;
	other = source_of(l->make, le64_load(slot + 4));
	key = other + INDEX_RECORD_HEADER_B;
	for (unsigned i = 0; i < other[8]; i++, key += 1U + *key)
		if (*key == *p->key && memcmp(key + 1, p->key + 1, *key) == 0)
			return true;
	return false;
}

/* Into the first free slot from its own block on; EXISTS when a record there has the key already. */
static enum ak_err
place_key(const struct layout *l, const struct pending *p)
{
	unsigned char *end = l->front + INDEX_HEADER_B + l->head.hash_blocks * INDEX_BLOCK_B;
	unsigned char *block = first_block(l, p->hash);

	for (;;) {
		for (unsigned i = 0; i < INDEX_SLOTS; i++) {
			unsigned char *slot = block + (size_t)i * INDEX_SLOT_B;

			if (le64_load(slot + 4) == 0) {
				set_slot(slot, (uint32_t)p->hash, p->record_at);
				return AK_OK;
			}
			if (is_twin(l, slot, p))
				return AK_ERR_EXISTS;
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
	struct pending *p = &l->ahead[l->n_keys % AHEAD];
	enum ak_err err = l->n_keys < AHEAD ? AK_OK : place_key(l, p);

	*p = (struct pending){hash_sip(l->head.id, key + 1, *key), record_at, key};
	__builtin_prefetch(first_block(l, p->hash), 1);
	l->n_keys++;
	return err;
}

static enum ak_err
place_last_keys(struct layout *l)
{
	uint64_t n = l->n_keys < AHEAD ? 0 : l->n_keys - AHEAD;
	enum ak_err err = AK_OK;

	for (; n < l->n_keys && err == AK_OK; n++)
		err = place_key(l, &l->ahead[n % AHEAD]);
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
place_record(struct layout *l, const struct run *r, const unsigned char *record, size_t len_b)
{
	const unsigned char *key = record + INDEX_RECORD_HEADER_B;
	unsigned char *block = l->front + l->head.order[r->order].blocks_at;
	uint64_t i = l->n_placed[r->order]++, at;
	enum ak_err err = AK_OK;

	if (len_b > l->cap_b - l->piece_b && (err = index_place_flush(l)) != AK_OK)
		return err;
	at = l->piece_at + l->piece_b;
	memcpy(l->piece + l->piece_b, record, len_b);
	le32_store(l->piece + l->piece_b, seal_of(l, r, record, len_b));
	l->piece_b += len_b;
	block += i / INDEX_SLOTS * INDEX_BLOCK_B;
	set_slot(block + i % INDEX_SLOTS * INDEX_SLOT_B, le32_load(record + 12), at);
	for (unsigned k = 0; k < record[8] && err == AK_OK; k++, key += 1U + *key)
		err = hash_key(l, key, at);
	return err;
}

static enum ak_err
place_records(struct layout *l)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < l->make->n; i++) {
		const struct run *r = &l->make->runs[i];
		const unsigned char *record = bytes_of(l->make, r), *end = record + r->len_b;
		size_t len_b;

		for (; record < end && err == AK_OK; record += len_b) {
			if ((len_b = index_make_measure(record, (size_t)(end - record))) == 0)
				return AK_ERR_CORRUPT;
			err = place_record(l, r, record, len_b);
		}
	}
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
