#include "index_make.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"
#include "pack.h"

/* Where a record lies, and where it will lie in the file. */
struct entry {
	const unsigned char *borrowed; /* NULL: in the arena */
	uint32_t crc_seed; /* borrowed: what its checksum began with */
	size_t arena_at, len_b;
	uint64_t file_at;
	uint32_t number;
	uint32_t seq; /* of adding, for ties */
	unsigned order;
};

struct index_make {
	struct pack arena; /* records as in the file, CRCs not yet */
	struct entry *entries;
	size_t n, cap;
	size_t n_keys;
	unsigned last_order; /* of the entry that was added last */
	uint32_t last_number;
	bool sorted;
};

struct index_make *
index_make_new(size_t hint)
{
	struct index_make *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->sorted = true;
	if (hint > 0 && hint < (SIZE_MAX >> 10)) {
		m->entries = malloc(hint * sizeof(*m->entries));
		m->cap = m->entries == NULL ? 0 : hint;
	}
	return m;
}

void
index_make_free(struct index_make *m)
{
	if (m == NULL)
		return;
	pack_clear(&m->arena);
	free(m->entries);
	free(m);
}

static enum ak_err
grow(struct index_make *m)
{
	size_t cap = m->cap == 0 ? 64 : m->cap * 2;
	struct entry *entries;

	if (m->entries != NULL && m->n < m->cap)
		return AK_OK;
	if (m->n >= UINT32_MAX ||
	    (entries = realloc(m->entries, cap * sizeof(*entries))) == NULL)
		return AK_ERR_NOMEM;
	m->entries = entries;
	m->cap = cap;
	return AK_OK;
}

static enum ak_err
enter(struct index_make *m, struct entry e, unsigned n_keys)
{
	enum ak_err err = grow(m);

	if (err != AK_OK)
		return err;
	if (e.order < m->last_order || (e.order == m->last_order && e.number < m->last_number))
		m->sorted = false;
	m->last_order = e.order;
	m->last_number = e.number;
	e.seq = (uint32_t)m->n;
	m->entries[m->n++] = e;
	m->n_keys += n_keys;
	return AK_OK;
}

enum ak_err
index_make_add(struct index_make *m, unsigned order, uint32_t number,
    const struct index_key *keys, unsigned n_keys, const void *value, size_t value_len_b)
{
	size_t at = m->arena.len_b, len_b = INDEX_RECORD_HEADER_B;

	if (order >= INDEX_ORDERS || n_keys == 0 || n_keys > 8)
		return AK_ERR_INVALID;
	for (unsigned i = 0; i < n_keys; i++) {
		if (keys[i].len_b == 0 || keys[i].len_b > INDEX_KEY_MAX_B)
			return AK_ERR_INVALID;
		len_b += 1 + keys[i].len_b;
	}
	if (value_len_b > INDEX_RECORD_MAX_B - len_b)
		return AK_ERR_RANGE;
	pack_u32(&m->arena, 0);
	pack_u32(&m->arena, (uint32_t)(len_b + value_len_b));
	pack_u8(&m->arena, (uint8_t)n_keys);
	pack_u8(&m->arena, (uint8_t)order);
	pack_u16(&m->arena, 0);
	pack_u32(&m->arena, number);
	for (unsigned i = 0; i < n_keys; i++) {
		pack_u8(&m->arena, (uint8_t)keys[i].len_b);
		pack_bytes(&m->arena, keys[i].bytes, keys[i].len_b);
	}
	pack_bytes(&m->arena, value, value_len_b);
	if (m->arena.err != AK_OK)
		return m->arena.err;
	return enter(m,
	    (struct entry){
		.arena_at = at, .len_b = m->arena.len_b - at, .number = number, .order = order},
	    n_keys);
}

enum ak_err
index_make_copy(struct index_make *m, const struct index_view *v)
{
	return enter(m,
	    (struct entry){.borrowed = v->bytes,
		.crc_seed = v->crc_seed,
		.len_b = v->len_b,
		.number = v->number,
		.order = v->order},
	    v->n_keys);
}

static int
by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Records up to this size are resealed without another look at their bytes. */
#define RESEAL_MAX_B 1024U

/* The file being laid out. */
struct layout {
	unsigned char *bytes;
	struct index_head head;
	uint32_t reseal_from; /* the seed of the file that records are copied from */
	uint32_t reseal[RESEAL_MAX_B];
};

/*
 * Two CRCs of the same bytes that began with different seeds differ by
 * something that depends on the seeds and the length alone (a CRC is affine):
 * reseal[n] for n bytes. A copied record was checked when it was read; were
 * it damaged since, its new checksum would be as wrong as the old one.
 */
static void
prepare_reseal(struct layout *l, uint32_t from)
{
	uint32_t differs = from ^ l->head.crc_seed;

	l->reseal_from = from;
	for (size_t n = 0; n < RESEAL_MAX_B; n++) {
		l->reseal[n] = differs;
		differs = ~hash_crc32(~differs, "", 1);
	}
}

static uint32_t
seal_of(const struct layout *l, const struct entry *e, const unsigned char *record)
{
	if (e->borrowed != NULL && e->crc_seed == l->reseal_from && e->len_b < RESEAL_MAX_B)
		return le32_load(record) ^ l->reseal[e->len_b - 4];
	return hash_crc32(l->head.crc_seed, record + 4, e->len_b - 4);
}

static void
seal_blocks(const struct layout *l, uint64_t at, uint64_t n)
{
	for (; n > 0; n--, at += INDEX_BLOCK_B)
		le32_store(l->bytes + at + INDEX_SLOTS * INDEX_SLOT_B,
		    index_block_crc(l->head.crc_seed, at, l->bytes + at));
}

static void
set_slot(unsigned char *slot, uint32_t tag, uint64_t offset)
{
	le32_store(slot, tag);
	le64_store(slot + 4, offset);
}

/* A key on its way into the hash. */
struct pending {
	uint64_t hash, key_at, record_at; /* of the key and its record: file offsets */
};

static unsigned char *
first_block(const struct layout *l, uint64_t hash)
{
	return l->bytes + INDEX_HEADER_B +
	       index_hash_block(hash, l->head.hash_blocks) * INDEX_BLOCK_B;
}

/* Is the slot's record one that has this key already? */
static bool
is_twin(const struct layout *l, const unsigned char *slot, const struct pending *p)
{
	uint64_t at = le64_load(slot + 4);
	const unsigned char *key = l->bytes + p->key_at;
	struct index_view other;

	return le32_load(slot) == (uint32_t)p->hash &&
	       index_parse_record(
		   l->bytes + at, l->head.size_b - at, l->head.crc_seed, &other) == AK_OK &&
	       index_view_has_key(&other, key + 1, *key);
}

/* Into the first free slot from its own block on; EXISTS when a record there has the key already. */
static enum ak_err
place_key(const struct layout *l, const struct pending *p)
{
	unsigned char *end = l->bytes + INDEX_HEADER_B + l->head.hash_blocks * INDEX_BLOCK_B;
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
			block = l->bytes + INDEX_HEADER_B;
	}
}

/* The record to its place, and its keys to those that wait for theirs. */
static size_t
place_record(const struct index_make *m, const struct entry *e, const struct layout *l,
    struct pending *out)
{
	unsigned char *record = l->bytes + e->file_at;
	uint64_t key_at = e->file_at + INDEX_RECORD_HEADER_B;

	memcpy(
	    record, e->borrowed != NULL ? e->borrowed : m->arena.bytes + e->arena_at, e->len_b);
	le32_store(record, seal_of(l, e, record));
	for (unsigned i = 0; i < record[8]; i++) {
		const unsigned char *key = l->bytes + key_at;

		out[i] =
		    (struct pending){hash_sip(l->head.id, key + 1, *key), key_at, e->file_at};
		key_at += 1U + *key;
	}
	return record[8];
}

/* Far enough ahead that a block is in the cache when its turn comes. */
#define AHEAD 16U

static enum ak_err
place_records(const struct index_make *m, const struct layout *l)
{
	struct pending *keys = reallocarray(NULL, m->n_keys + 1, sizeof(*keys));
	enum ak_err err = AK_OK;
	size_t n = 0;

	if (keys == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < m->n; i++)
		n += place_record(m, &m->entries[i], l, keys + n);
	for (size_t i = 0; i < n && err == AK_OK; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(first_block(l, keys[i + AHEAD].hash), 1);
		err = place_key(l, &keys[i]);
	}
	free(keys);
	return err;
}

static void
place_header(const struct layout *l)
{
	unsigned char *b = l->bytes;
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

/* Sizes and places of all sections; the entries are sorted. */
static void
lay_out(struct index_make *m, struct index_head *h)
{
	uint64_t at = INDEX_HEADER_B;

	/* Two slots in three used: about one block read for each look-up, hit or miss. */
	h->hash_blocks = m->n_keys * 3 / (2 * INDEX_SLOTS) + 1;
	at += h->hash_blocks * INDEX_BLOCK_B;
	for (size_t i = 0; i < m->n; i++)
		h->order[m->entries[i].order].count++;
	for (unsigned i = 0; i < INDEX_ORDERS; i++) {
		h->order[i].blocks_at = at;
		at += (h->order[i].count + INDEX_SLOTS - 1) / INDEX_SLOTS * INDEX_BLOCK_B;
	}
	h->records_at = h->order[1].records_at = at;
	for (size_t i = 0; i < m->n; i++) {
		m->entries[i].file_at = at;
		at += m->entries[i].len_b;
		if (m->entries[i].order == 0)
			h->order[1].records_at = at;
	}
	h->size_b = at;
}

static void
place_orders(const struct index_make *m, const struct layout *l)
{
	uint64_t i = 0;

	for (unsigned o = 0; o < INDEX_ORDERS; o++) {
		uint64_t at = l->head.order[o].blocks_at, count = l->head.order[o].count;

		for (uint64_t k = 0; k < count; k++, i++)
			set_slot(l->bytes + at + k / INDEX_SLOTS * INDEX_BLOCK_B +
				     k % INDEX_SLOTS * INDEX_SLOT_B,
			    m->entries[i].number, m->entries[i].file_at);
		seal_blocks(l, at, (count + INDEX_SLOTS - 1) / INDEX_SLOTS);
	}
}

enum ak_err
index_make_finish(struct index_make *m, const struct index_make_head *head,
    unsigned char **bytes, size_t *len_b)
{
	struct layout l = {.bytes = NULL};
	enum ak_err err;

	*bytes = NULL;
	*len_b = 0;
	l.head.generation = head->generation;
	l.head.id = head->id;
	l.head.built_at = head->built_at;
	l.head.crc_seed = index_crc_seed(head->generation);
	memcpy(l.head.extra, head->extra, INDEX_EXTRA_B);
	if (l.head.id == 0 &&
	    getrandom(&l.head.id, sizeof(l.head.id), 0) != (ssize_t)sizeof(l.head.id))
		return AK_ERR_UNAVAILABLE;
	if (!m->sorted)
		qsort(m->entries, m->n, sizeof(*m->entries), by_place);
	m->sorted = true;
	lay_out(m, &l.head);
	if ((l.bytes = index_alloc_large(l.head.size_b)) == NULL)
		return AK_ERR_NOMEM;
	memset(l.bytes, 0, l.head.records_at);
	if (m->n > 0 && m->entries[0].borrowed != NULL)
		prepare_reseal(&l, m->entries[0].crc_seed);
	if ((err = place_records(m, &l)) != AK_OK) {
		free(l.bytes);
		return err;
	}
	seal_blocks(&l, INDEX_HEADER_B, l.head.hash_blocks);
	place_orders(m, &l);
	place_header(&l);
	*bytes = l.bytes;
	*len_b = l.head.size_b;
	return AK_OK;
}
