#include "testlib_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "testlib_cmocka.h"

static bool
is_key(const struct model_key *k, const unsigned char *bytes, size_t len_b)
{
	return k->len_b == len_b && memcmp(k->bytes, bytes, len_b) == 0;
}

/* Among the first n rows, and the first n_keys keys of the row after them. */
static bool
is_taken(const struct model *m, size_t n, unsigned n_keys, const struct model_key *key)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < m->rows[i].n_keys; k++)
			if (is_key(&m->rows[i].keys[k], key->bytes, key->len_b))
				return true;
	for (unsigned k = 0; k < n_keys; k++)
		if (is_key(&m->rows[n].keys[k], key->bytes, key->len_b))
			return true;
	return false;
}

static void
random_key(struct rnd *r, struct model_key *key)
{
	static const size_t longest[] = {2, 11, 40, INDEX_KEY_MAX_B};

	key->len_b = 1 + rnd_below(r, longest[rnd_below(r, 4)]);
	rnd_bytes(r, key->bytes, key->len_b);
}

static int
by_place(const void *a, const void *b)
{
	const struct model_row *x = *(struct model_row *const *)a;
	const struct model_row *y = *(struct model_row *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

struct model
model_random(struct rnd *r, size_t n, size_t max_b)
{
	struct model m = {.n = n};
	unsigned orders = (unsigned)rnd_below(r, 3); /* the first alone, the second, both */
	uint64_t numbers = rnd_below(r, 2) == 0 ? n / 2 + 1 : UINT64_C(1) << 32;

	m.rows = calloc(n + 1, sizeof(*m.rows));
	m.sorted = calloc(n + 1, sizeof(struct model_row *));
	assert_true(m.rows != NULL && m.sorted != NULL);
	for (size_t i = 0; i < n; i++) {
		struct model_row *row = &m.rows[i];

		row->seq = i;
		row->order = orders == 2 ? (unsigned)rnd_below(r, 2) : orders;
		row->number = (uint32_t)rnd_below(r, numbers);
		row->n_keys =
		    1 + (unsigned)rnd_below(r, rnd_below(r, 4) == 0 ? MODEL_KEYS_MAX : 2);
		for (unsigned k = 0; k < row->n_keys; k++)
			do
				random_key(r, &row->keys[k]);
			while (is_taken(&m, i, k, &row->keys[k]));
		row->value_len_b = rnd_below(r, max_b + 1);
		row->value = malloc(row->value_len_b + 1);
		assert_non_null(row->value);
		rnd_bytes(r, row->value, row->value_len_b);
		m.sorted[i] = row;
	}
	qsort(m.sorted, n, sizeof(struct model_row *), by_place);
	return m;
}

void
model_clear(struct model *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->rows[i].value);
	free(m->rows);
	free(m->sorted);
	*m = (struct model){.n = 0};
}

unsigned char *
model_build(const struct model *m, uint64_t generation, size_t *len_b)
{
	struct index_make_head head = {.generation = generation, .built_at = 1234567890};
	struct index_make *make = index_make_new(m->n / 2);
	unsigned char *bytes;

	assert_non_null(make);
	for (size_t i = 0; i < m->n; i++) {
		const struct model_row *row = &m->rows[i];
		struct index_key keys[MODEL_KEYS_MAX];

		for (unsigned k = 0; k < row->n_keys; k++)
			keys[k] = (struct index_key){row->keys[k].bytes, row->keys[k].len_b};
		assert_err("add", AK_OK,
		    index_make_add(make, row->order, row->number, keys, row->n_keys, row->value,
			row->value_len_b));
	}
	memset(head.extra, 0xa5, sizeof(head.extra));
	assert_err("finish", AK_OK, index_make_finish(make, &head, &bytes, len_b));
	index_make_free(make);
	return bytes;
}

void
model_absent_key(const struct model *m, struct rnd *r, struct model_key *out)
{
	do {
		if (m->n == 0 || rnd_below(r, 2) == 0) {
			random_key(r, out);
			continue;
		}
		*out = m->rows[rnd_below(r, m->n)].keys[0];
		switch (rnd_below(r, 3)) {
		case 0:
			out->bytes[rnd_below(r, out->len_b)] ^=
			    (unsigned char)(1U << rnd_below(r, 8));
			break;
		case 1:
			out->len_b -= out->len_b > 1;
			break;
		default:
			if (out->len_b < INDEX_KEY_MAX_B)
				out->bytes[out->len_b++] = (unsigned char)rnd_u64(r);
		}
	} while (is_taken(m, m->n, 0, out));
}

/* Is the view just this row? */
static bool
is_row(const struct index_view *v, const struct model_row *row)
{
	if (v->order != row->order || v->number != row->number || v->n_keys != row->n_keys ||
	    v->value_len_b != row->value_len_b ||
	    memcmp(v->value, row->value, row->value_len_b) != 0)
		return false;
	for (unsigned k = 0; k < row->n_keys; k++)
		if (!index_view_has_key(v, row->keys[k].bytes, row->keys[k].len_b))
			return false;
	return true;
}

static size_t
compare_finds(const struct model *m, const struct index *ix, bool may_be_damaged)
{
	size_t damaged = 0;

	for (size_t i = 0; i < m->n; i++)
		for (unsigned k = 0; k < m->rows[i].n_keys; k++) {
			struct index_record found;
			enum ak_err err = index_find(
			    ix, m->rows[i].keys[k].bytes, m->rows[i].keys[k].len_b, &found);

			if (may_be_damaged && err == AK_ERR_CORRUPT) {
				damaged++;
				continue;
			}
			assert_err("a key that is there", AK_OK, err);
			assert_row("its own record", is_row(&found.view, &m->rows[i]));
			index_record_clear(&found);
		}
	return damaged;
}

static size_t
compare_absent(const struct model *m, const struct index *ix, struct rnd *r, bool may_be_damaged)
{
	size_t damaged = 0;

	for (int i = 0; i < 12; i++) {
		struct model_key key;
		struct index_record found;
		enum ak_err err;

		model_absent_key(m, r, &key);
		err = index_find(ix, key.bytes, key.len_b, &found);
		if (may_be_damaged && err == AK_ERR_CORRUPT)
			damaged++;
		else
			assert_err("a key that is not there", AK_ERR_NOT_FOUND, err);
	}
	return damaged;
}

/* The first of the order whose number is at least from; the order's end when there is none. */
static size_t
first_from(const struct model *m, unsigned order, uint32_t from)
{
	size_t i = 0;

	while (i < m->n && (m->sorted[i]->order < order ||
			       (m->sorted[i]->order == order && m->sorted[i]->number < from)))
		i++;
	return i;
}

/* All from there to the order's end, through a buffer of cap_b bytes. */
static size_t
compare_walk(const struct model *m, const struct index *ix, unsigned order, size_t i,
    uint64_t offset, size_t cap_b, bool may_be_damaged)
{
	unsigned char *buf = malloc(cap_b + 1);
	struct index_walk w;
	struct index_view v;
	size_t damaged = 0;

	assert_non_null(buf);
	index_walk_start(ix, order, offset, &w);
	for (;; i++) {
		bool more = i < m->n && m->sorted[i]->order == order;
		enum ak_err err = index_walk_next(ix, &w, buf, cap_b, &v);

		if (err == AK_ERR_RANGE && more) {
			struct index_record alone;

			err = index_read_at(ix, w.next, &alone);
			if (err == AK_OK) {
				assert_row("read alone", is_row(&alone.view, m->sorted[i]));
				w.next += alone.view.len_b;
				index_record_clear(&alone);
				continue;
			}
		}
		if (may_be_damaged && err == AK_ERR_CORRUPT) {
			damaged = 1;
			break;
		}
		assert_err("walk", more ? AK_OK : AK_ERR_NOT_FOUND, err);
		if (!more)
			break;
		assert_row("the next in order", is_row(&v, m->sorted[i]));
	}
	free(buf);
	return damaged;
}

static size_t
compare_seek(const struct model *m, const struct index *ix, unsigned order, uint32_t from,
    size_t cap_b, bool may_be_damaged)
{
	uint64_t offset;
	size_t i = first_from(m, order, from);
	enum ak_err err = index_seek(ix, order, from, &offset);

	if (may_be_damaged && err == AK_ERR_CORRUPT)
		return 1;
	assert_err("seek", AK_OK, err);
	if (i == m->n || m->sorted[i]->order != order)
		assert_true(offset == ix->head.order[order].records_end);
	return compare_walk(m, ix, order, i, offset, cap_b, may_be_damaged);
}

size_t
model_compare(const struct model *m, const struct index *ix, struct rnd *r, bool may_be_damaged)
{
	static const size_t caps[] = {0, 15, 16, 64, 300, 4096, 100000};
	size_t damaged =
	    compare_finds(m, ix, may_be_damaged) + compare_absent(m, ix, r, may_be_damaged);

	for (unsigned order = 0; order < INDEX_ORDERS; order++) {
		damaged += compare_seek(m, ix, order, 0, caps[rnd_below(r, 7)], may_be_damaged);
		damaged += compare_seek(m, ix, order, UINT32_MAX, 4096, may_be_damaged);
		for (size_t i = 0; i < m->n && i < 10; i++) {
			uint32_t at = m->rows[rnd_below(r, m->n)].number;
			size_t cap_b = caps[rnd_below(r, 7)];

			damaged += compare_seek(m, ix, order, at, cap_b, may_be_damaged);
			damaged += compare_seek(m, ix, order, at + 1, cap_b, may_be_damaged);
		}
	}
	return damaged;
}

/* Of so many tags eight pairs are alike. */
#define TAGS ((size_t)1 << 18)

struct tag {
	uint32_t tag, number;
};

static int
compare_tags(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	return (x->tag > y->tag) - (x->tag < y->tag);
}

void
model_twins(uint64_t id, char a[16], char b[16])
{
	struct tag *tags = calloc(TAGS, sizeof(*tags));
	size_t i = 1;

	assert_non_null(tags);
	for (uint32_t n = 0; n < TAGS; n++) {
		int len_b = snprintf(a, 16, "twin%u", n);

		tags[n] = (struct tag){(uint32_t)hash_sip(id, a, (size_t)len_b), n};
	}
	qsort(tags, TAGS, sizeof(*tags), compare_tags);
	while (i < TAGS && tags[i].tag != tags[i - 1].tag)
		i++;
	assert_true(i < TAGS);
	(void)snprintf(a, 16, "twin%u", tags[i - 1].number);
	(void)snprintf(b, 16, "twin%u", tags[i].number);
	free(tags);
}
