/* fuzz_index: any bytes as an index file: a look-up gives the record that was put there or says that it can't, never another's, and every walk ends. */
#include "index.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_forge.h"
#include "index_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

#define RECORDS_MAX 16

/* What was put into the file. */
struct put {
	struct one {
		unsigned order, n_keys;
		uint32_t number;
		unsigned char keys[2][24];
		size_t key_len_b[2];
		unsigned char value[3000];
		size_t value_len_b;
	} v[RECORDS_MAX];
	unsigned n;
};

static void
look(const struct index_view *v)
{
	fuzz_check(
	    v->order < INDEX_ORDERS && v->n_keys > 0, "a record is of an order, with keys");
	fuzz_check(v->keys > v->bytes && v->keys < v->value &&
		       v->value + v->value_len_b == v->bytes + v->len_b,
	    "its keys and its value are all there is of it");
}

static void
find_one(const struct index *ix, const void *key, size_t len_b)
{
	struct index_record r;

	if (index_find_keys(ix, key, len_b, &r) == AK_OK) {
		fuzz_check(index_view_has_key(&r.view, key, len_b) && r.view.keys > r.view.bytes,
		    "what is found by its keys has the key");
		index_record_clear(&r);
	}
	if (index_find(ix, key, len_b, &r) != AK_OK)
		return;
	fuzz_check(index_view_has_key(&r.view, key, len_b), "what is found has the key");
	look(&r.view);
	index_record_clear(&r);
}

static enum ak_err
take(void *ctx, const struct index_view *v)
{
	const struct index *ix = ctx;
	const unsigned char *at = v->keys;

	look(v);
	for (unsigned i = 0; i < v->n_keys; i++, at += 1 + *at)
		find_one(ix, at + 1, *at);
	return AK_OK;
}

/* Through rooms of many sizes: what does not fit is told, and read alone. */
static void
walk(const struct index *ix, unsigned order, uint64_t from, size_t cap_b)
{
	unsigned char *buf = malloc(cap_b);
	struct index_record large;
	struct index_walk w;
	struct index_view v;
	enum ak_err err;

	index_walk_start(ix, order, from, &w);
	for (uint64_t steps = 0;
	     (err = index_walk_next(ix, &w, buf, cap_b, &v)) != AK_ERR_NOT_FOUND; steps++) {
		fuzz_check(steps <= ix->head.size_b / INDEX_RECORD_HEADER_B, "a walk ends");
		if (err == AK_OK) {
			look(&v);
			continue;
		}
		if (err != AK_ERR_RANGE || index_read_at(ix, w.next, &large) != AK_OK)
			break;
		fuzz_check(
		    large.view.len_b > cap_b, "what does not fit is larger than the room");
		w.next += large.view.len_b;
		index_record_clear(&large);
	}
	free(buf);
}

static void
read_all(const struct index *ix, uint32_t number)
{
	static const size_t rooms[] = {16, 17, 300, 4096};
	struct index_mapping kept;
	uint64_t at;

	for (unsigned order = 0; order < INDEX_ORDERS; order++) {
		(void)!index_each(ix, order, take, (void *)(uintptr_t)ix, &kept);
		index_unmap(&kept);
		for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
			walk(ix, order, ix->head.order[order].records_at, rooms[i]);
		if (index_seek(ix, order, number, &at) == AK_OK) {
			fuzz_check(at >= ix->head.order[order].records_at &&
				       at <= ix->head.order[order].records_end,
			    "a number's place is within its order");
			walk(ix, order, at, 600);
		}
	}
	find_one(ix, "\0", 1);
	find_one(ix, "nci", 3);
}

static void
read_file(const void *bytes, size_t len_b, uint32_t number)
{
	struct index ix;

	fuzz_file(fuzz_path("ix"), bytes, len_b);
	if (index_open(fuzz_path("ix"), getuid(), &ix) != AK_OK) {
		fuzz_check(ix.fd == -1 && ix.head.size_b == 0, "what is refused is closed");
		return;
	}
	fuzz_check(ix.head.size_b == len_b, "a file is as long as it says");
	read_all(&ix, number);
	index_close(&ix);
}

static void
choose(struct fuzz_input *in, struct put *p)
{
	p->n = fuzz_u8(in) % RECORDS_MAX;
	for (unsigned i = 0; i < p->n; i++) {
		struct one *o = &p->v[i];

		o->order = fuzz_u8(in) % INDEX_ORDERS;
		o->number = fuzz_u32(in);
		o->n_keys = 1 + fuzz_u8(in) % 2;
		for (unsigned k = 0; k < o->n_keys; k++) {
			/* Its place in the list makes it the only one. */
			o->key_len_b[k] = 2 + fuzz_u8(in) % 22;
			memset(o->keys[k], fuzz_u8(in), sizeof(o->keys[k]));
			o->keys[k][0] = (unsigned char)i;
			o->keys[k][1] = (unsigned char)k;
		}
		o->value_len_b = (fuzz_u32(in) % sizeof(o->value)) >> (fuzz_u8(in) % 12);
		memset(o->value, fuzz_u8(in), sizeof(o->value));
	}
}

static void
make(const struct put *p, uint32_t seed, unsigned char **bytes, size_t *len_b)
{
	const struct index_make_head head = {.generation = seed, .id = seed + 1, .built_at = 1};
	struct index_make *m = index_make_new(0);

	for (unsigned i = 0; i < p->n; i++) {
		const struct one *o = &p->v[i];
		struct index_key keys[2] = {
		    {o->keys[0], o->key_len_b[0]}, {o->keys[1], o->key_len_b[1]}};

		fuzz_check(index_make_add(m, o->order, o->number, keys, o->n_keys, o->value,
			       o->value_len_b) == AK_OK,
		    "a record can be added");
	}
	fuzz_check(index_make_finish(m, &head, bytes, len_b) == AK_OK, "and a file made");
	index_make_free(m);
}

static bool
is_key_of(const struct one *o, const unsigned char *key)
{
	for (unsigned i = 0; i < o->n_keys; i++)
		if (*key == o->key_len_b[i] && memcmp(key + 1, o->keys[i], *key) == 0)
			return true;
	return false;
}

/* Each of its keys is one that was put there with it (damage may have made two the same), or it says that it can't be told. */
static void
find_put_keys(const struct index *ix, const struct one *o, unsigned k, bool damaged)
{
	struct index_record r;
	enum ak_err err = index_find_keys(ix, o->keys[k], o->key_len_b[k], &r);
	const unsigned char *at;

	fuzz_check(err == AK_OK || (damaged && err == AK_ERR_CORRUPT),
	    "by its keys it is found as well, or can't be told, but is never gone");
	if (err != AK_OK)
		return;
	fuzz_check(index_view_has_key(&r.view, o->keys[k], o->key_len_b[k]) &&
		       (r.view.n_keys == o->n_keys || damaged) && r.view.n_keys <= o->n_keys,
	    "and has that key");
	at = r.view.keys;
	for (unsigned i = 0; i < r.view.n_keys; i++, at += 1 + *at)
		fuzz_check(is_key_of(o, at), "beside its others");
	fuzz_check(
	    r.view.value == NULL || (r.view.value_len_b == o->value_len_b &&
					memcmp(r.view.value, o->value, o->value_len_b) == 0),
	    "and its value, or none");
	index_record_clear(&r);
}

static void
find_put(const struct index *ix, const struct one *o, bool damaged)
{
	for (unsigned k = 0; k < o->n_keys; k++) {
		struct index_record r;
		enum ak_err err = index_find(ix, o->keys[k], o->key_len_b[k], &r);

		find_put_keys(ix, o, k, damaged);
		fuzz_check(err == AK_OK || (damaged && err == AK_ERR_CORRUPT),
		    "what was put there is found, or can't be told, but is never gone");
		if (err != AK_OK)
			continue;
		fuzz_check(r.view.order == o->order && r.view.number == o->number &&
			       r.view.value_len_b == o->value_len_b &&
			       memcmp(r.view.value, o->value, o->value_len_b) == 0,
		    "and is what it was");
		index_record_clear(&r);
	}
}

static enum ak_err
count(void *ctx, const struct index_view *v)
{
	look(v);
	++*(unsigned *)ctx;
	return AK_OK;
}

/* A sound file, then one that has been damaged. */
static void
read_made(const struct put *p, bool damaged)
{
	struct index_mapping kept;
	struct index_record r;
	struct index ix;
	unsigned seen = 0;
	enum ak_err err = index_open(fuzz_path("ix"), getuid(), &ix);

	fuzz_check(err == AK_OK || (damaged && (err == AK_ERR_CORRUPT || err == AK_ERR_NEWER)),
	    "a sound file opens");
	if (err != AK_OK)
		return;
	for (unsigned i = 0; i < p->n; i++)
		find_put(&ix, &p->v[i], damaged);
	fuzz_check(index_find(&ix, "\xff", 1, &r) != AK_OK &&
		       index_find_keys(&ix, "\xff", 1, &r) != AK_OK,
	    "what was never there is not found");
	for (unsigned order = 0; err == AK_OK && order < INDEX_ORDERS; order++) {
		err = index_each(&ix, order, count, &seen, &kept);
		index_unmap(&kept);
	}
	fuzz_check(
	    err == AK_OK ? seen == p->n : damaged, "a walk through all meets all, or says so");
	read_all(&ix, 7);
	index_close(&ix);
}

/* What a random place would hit once in a long while: the first bytes of a record. */
static bool
damage_head(struct fuzz_input *in, const struct put *p, unsigned char *bytes, size_t len_b)
{
	uint8_t which = fuzz_u8(in), at = fuzz_u8(in) % 48, by = fuzz_u8(in);
	struct index_record r;
	struct index ix;
	unsigned char *head;

	if (p->n == 0 || by == 0 || index_open(fuzz_path("ix"), getuid(), &ix) != AK_OK)
		return false;
	fuzz_check(index_find(&ix, p->v[which % p->n].keys[0], p->v[which % p->n].key_len_b[0],
		       &r) == AK_OK,
	    "a record is there");
	head = memmem(bytes, len_b, r.view.bytes, r.view.len_b);
	fuzz_check(head != NULL, "where it is");
	if (at < r.view.len_b)
		head[at] ^= by;
	index_record_clear(&r);
	index_close(&ix);
	return true;
}

static void
build_and_damage(struct fuzz_input *in)
{
	static struct put p;
	unsigned char *bytes;
	size_t len_b;
	bool damaged;

	choose(in, &p);
	make(&p, fuzz_u32(in), &bytes, &len_b);
	fuzz_file(fuzz_path("ix"), bytes, len_b);
	read_made(&p, false);
	damaged = fuzz_damage(in, bytes, &len_b) || damage_head(in, &p, bytes, len_b);
	if (damaged) {
		fuzz_file(fuzz_path("ix"), bytes, len_b);
		read_made(&p, true);
	}
	free(bytes);
}

/* The first byte: as it is, forged, or made and damaged. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	unsigned char *copy;
	uint32_t number;
	uint8_t how = fuzz_u8(&in) % 3;

	if (how == 2) {
		build_and_damage(&in);
		return 0;
	}
	number = fuzz_u32(&in);
	if ((copy = malloc(in.left_b + 1)) == NULL)
		return 0;
	if (in.left_b > 0)
		memcpy(copy, in.at, in.left_b);
	if (how == 1)
		fuzz_forge(copy, in.left_b);
	read_file(copy, in.left_b, number);
	free(copy);
	return 0;
}
