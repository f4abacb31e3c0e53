#include <stdlib.h>
#include <string.h>

#include "index_make_impl.h"

struct index_make *
index_make_new(size_t hint)
{
	struct index_make *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->sorted = true;
	if (hint > 0 && hint < (SIZE_MAX >> 10)) {
		m->runs = malloc(hint * sizeof(*m->runs));
		m->cap = m->runs == NULL ? 0 : hint;
	}
	return m;
}

void
index_make_free(struct index_make *m)
{
	if (m == NULL)
		return;
	pack_clear(&m->arena);
	free(m->runs);
	free(m);
}

static enum ak_err
grow(struct index_make *m)
{
	size_t cap = m->cap == 0 ? 64 : m->cap * 2;
	struct run *runs;

	if (m->runs != NULL && m->n < m->cap)
		return AK_OK;
	if (m->n >= UINT32_MAX || (runs = reallocarray(m->runs, cap, sizeof(*runs))) == NULL)
		return AK_ERR_NOMEM;
	m->runs = runs;
	m->cap = cap;
	return AK_OK;
}

/* Does it lie right behind the last one, and belong there? */
static bool
goes_on(const struct run *last, const struct run *r)
{
	return r->borrowed != NULL && last->borrowed != NULL &&
	       last->borrowed + last->len_b == r->borrowed && last->crc_seed == r->crc_seed &&
	       last->order == r->order && last->last <= r->first && last->n < UINT32_MAX;
}

static enum ak_err
enter(struct index_make *m, struct run r, unsigned n_keys)
{
	struct run *last = m->n == 0 ? NULL : &m->runs[m->n - 1];
	enum ak_err err;

	if (last != NULL && goes_on(last, &r)) {
		last->len_b += r.len_b;
		last->last = r.last;
		index_make_digest(&last->digest, r.borrowed, r.len_b);
		last->n++;
	} else {
		if (last != NULL &&
		    (r.order < last->order || (r.order == last->order && r.first < last->last)))
			m->sorted = false;
		if ((err = grow(m)) != AK_OK)
			return err;
		if (r.borrowed != NULL)
			index_make_digest(&r.digest, r.borrowed, r.len_b);
		r.seq = (uint32_t)m->n;
		m->runs[m->n++] = r;
	}
	m->counts[r.order]++;
	m->n_keys += n_keys;
	if (r.len_b > m->longest_b)
		m->longest_b = r.len_b;
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
	    (struct run){.arena_at = at,
		.len_b = m->arena.len_b - at,
		.n = 1,
		.first = number,
		.last = number,
		.order = order},
	    n_keys);
}

enum ak_err
index_make_copy(struct index_make *m, const struct index_view *v)
{
	return enter(m,
	    (struct run){.borrowed = v->bytes,
		.crc_seed = v->crc_seed,
		.len_b = v->len_b,
		.n = 1,
		.first = v->number,
		.last = v->number,
		.order = v->order},
	    v->n_keys);
}

size_t
index_make_measure(const struct index_make *m, const unsigned char *record, size_t avail_b)
{
	size_t len_b = avail_b < INDEX_RECORD_HEADER_B ? 0 : le32_load(record + 4);

	if (len_b < INDEX_RECORD_HEADER_B || len_b > avail_b || len_b > m->longest_b)
		return 0;
	return len_b;
}

/* A bijection of what was before it; the upper bits, which a product keeps to itself, come down too: no one bit later weighs one up. */
static uint64_t
stir(uint64_t digest, uint64_t word, uint64_t odd)
{
	digest = (digest ^ word) * odd;
	return digest ^ digest >> 32;
}

/* The words of the record, and what is left of it: a change of one shows for certain. */
void
index_make_digest(struct index_digest *d, const unsigned char *record, size_t len_b)
{
	const uint64_t odd_a = UINT64_C(0x9e3779b97f4a7c15),
		       odd_b = UINT64_C(0xbf58476d1ce4e5b9);
	const unsigned char *at = record;
	uint64_t a = d->a, b = d->b;
	size_t left_b = len_b;

	for (; left_b >= 16; left_b -= 16, at += 16) {
		a = stir(a, le64_load(at), odd_a);
		b = stir(b, le64_load(at + 8), odd_b);
	}
	if (left_b >= 8) {
		a = stir(a, le64_load(at), odd_a);
		left_b -= 8;
		at += 8;
	}
	/* The word that ends with the record, without what was in words before it. */
	if (left_b > 0)
		b = stir(b, le64_load(at + left_b - 8) >> (64 - 8 * left_b), odd_b);
	*d = (struct index_digest){a, b};
}

bool
index_make_digest_equal(const struct index_digest *a, const struct index_digest *b)
{
	return a->a == b->a && a->b == b->b;
}

static int
by_place(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* One run for each record: another record's number may lie between theirs. */
static enum ak_err
split(const struct index_make *m, const struct run *r, struct run *out)
{
	struct run one = *r;
	size_t left_b = r->len_b;
	struct index_digest digest = {0, 0};

	for (uint32_t i = 0; i < r->n; i++) {
		if ((one.len_b = index_make_measure(m, one.borrowed, left_b)) == 0)
			return AK_ERR_CORRUPT;
		one.n = 1;
		one.first = one.last = le32_load(one.borrowed + 12);
		one.digest = (struct index_digest){0, 0};
		index_make_digest(&one.digest, one.borrowed, one.len_b);
		index_make_digest(&digest, one.borrowed, one.len_b);
		out[i] = one;
		one.borrowed += one.len_b;
		left_b -= one.len_b;
	}
	return left_b == 0 && index_make_digest_equal(&digest, &r->digest) ? AK_OK
									   : AK_ERR_CORRUPT;
}

static enum ak_err
split_all(struct index_make *m)
{
	size_t n = (size_t)(m->counts[0] + m->counts[1]), at = 0;
	struct run *runs;
	enum ak_err err = AK_OK;

	if (n == m->n)
		return AK_OK;
	if ((runs = reallocarray(NULL, n, sizeof(*runs))) == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < m->n && err == AK_OK; i++) {
		if (m->runs[i].n == 1)
			runs[at] = m->runs[i];
		else
			err = split(m, &m->runs[i], &runs[at]);
		at += m->runs[i].n;
	}
	if (err != AK_OK) {
		free(runs);
		return err;
	}
	for (size_t i = 0; i < n; i++)
		runs[i].seq = (uint32_t)i;
	free(m->runs);
	m->runs = runs;
	m->n = m->cap = n;
	return AK_OK;
}

enum ak_err
index_make_sort(struct index_make *m)
{
	enum ak_err err = m->sorted ? AK_OK : split_all(m);

	if (!m->sorted && err == AK_OK)
		qsort(m->runs, m->n, sizeof(*m->runs), by_place);
	m->sorted = m->sorted || err == AK_OK;
	return err;
}
