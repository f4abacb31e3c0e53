#include "staged.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

/*
 * A chain's link is 1 + the record's place * KEYS_MAX + which of its keys; 0
 * ends a chain. Whoever stages is root, so nobody chooses collisions, and the
 * hash needs no secret.
 */
#define KEYS_MAX 3U
#define HASH_SEED 0U

static uint32_t *
bucket_of(const struct staged_list *l, const struct record_key *by)
{
	return &l->buckets[hash_sip(HASH_SEED, by->bytes, by->len_b) & (l->n_buckets - 1)];
}

static uint32_t
link_to(size_t i, unsigned k)
{
	return 1 + (uint32_t)i * KEYS_MAX + k;
}

static uint32_t *
next_of(const struct staged_list *l, uint32_t at)
{
	return &l->v[(at - 1) / KEYS_MAX].next[(at - 1) % KEYS_MAX];
}

static void
link_record(struct staged_list *l, size_t i)
{
	for (unsigned k = 0; k < l->v[i].n_keys; k++) {
		uint32_t *bucket = bucket_of(l, &l->v[i].keys[k]);

		l->v[i].next[k] = *bucket;
		*bucket = link_to(i, k);
	}
}

static void
unlink_record(struct staged_list *l, size_t i)
{
	for (unsigned k = 0; k < l->v[i].n_keys; k++) {
		uint32_t *at = bucket_of(l, &l->v[i].keys[k]);

		while (*at != link_to(i, k))
			at = next_of(l, *at);
		*at = l->v[i].next[k];
	}
}

static bool
same_key(const struct record_key *a, const struct record_key *b)
{
	return a->len_b == b->len_b && memcmp(a->bytes, b->bytes, a->len_b) == 0;
}

/* The place of a record that carries the key; l->n: none does. */
static size_t
find(const struct staged_list *l, struct record_key by)
{
	uint32_t at = l->n_buckets == 0 ? 0 : *bucket_of(l, &by);

	while (at != 0) {
		size_t i = (at - 1) / KEYS_MAX;

		if (same_key(&l->v[i].keys[(at - 1) % KEYS_MAX], &by))
			return i;
		at = l->v[i].next[(at - 1) % KEYS_MAX];
	}
	return l->n;
}

static struct record_key
identity_of(const struct staged *st)
{
	return st->order == ORDER_KEYS ? record_key_number(RECORD_UID, st->number) : st->keys[0];
}

/* The last one takes its place. */
static void
drop(struct staged_list *l, size_t i)
{
	unlink_record(l, i);
	explicit_bzero(l->v[i].value, l->v[i].value_len_b);
	free(l->v[i].value);
	if (i == --l->n)
		return;
	unlink_record(l, l->n);
	l->v[i] = l->v[l->n];
	link_record(l, i);
}

static enum ak_err
make_room(struct staged_list *l)
{
	size_t cap = l->cap == 0 ? 16 : l->cap * 2;
	struct staged *v;
	uint32_t *buckets;

	if (l->n < l->cap)
		return AK_OK;
	if (cap > UINT32_MAX / (2 * KEYS_MAX))
		return AK_ERR_FULL;
	if ((buckets = calloc(cap * 4, sizeof(*buckets))) == NULL)
		return AK_ERR_NOMEM;
	if ((v = reallocarray(l->v, cap, sizeof(*v))) == NULL) {
		free(buckets);
		return AK_ERR_NOMEM;
	}
	free(l->buckets);
	l->v = v;
	l->cap = cap;
	l->buckets = buckets;
	l->n_buckets = cap * 4;
	for (size_t i = 0; i < l->n; i++)
		link_record(l, i);
	return AK_OK;
}

enum ak_err
staged_put(struct staged_list *l, struct staged st, struct pack *value)
{
	enum ak_err err = value->err;
	size_t old;

	if (err == AK_OK)
		err = make_room(l);
	if (err != AK_OK) {
		pack_wipe(value);
		return err;
	}
	if ((old = find(l, identity_of(&st))) < l->n)
		drop(l, old);
	st.value = value->bytes;
	st.value_len_b = value->len_b;
	*value = PACK_INIT;
	l->v[l->n] = st;
	link_record(l, l->n++);
	return AK_OK;
}

void
staged_drop_key(struct staged_list *l, uint32_t uid)
{
	size_t i = find(l, record_key_number(RECORD_UID, uid));

	if (i < l->n)
		drop(l, i);
}

const struct staged *
staged_find(const struct staged_list *l, struct record_key by)
{
	size_t i = find(l, by);

	return i < l->n ? &l->v[i] : NULL;
}

bool
staged_replaces_uid(const struct staged_list *l, uint32_t uid)
{
	return find(l, record_key_number(RECORD_UID, uid)) < l->n ||
	       find(l, record_key_number(RECORD_SPENT_UID, uid)) < l->n;
}

bool
staged_replaces(const struct staged_list *l, const struct index_view *stored)
{
	struct record_key by = {.len_b = 0};

	if (stored->order == ORDER_KEYS)
		return staged_replaces_uid(l, stored->number);
	if (stored->n_keys == 0 || stored->keys[0] > sizeof(by.bytes))
		return false;
	by.len_b = stored->keys[0];
	memcpy(by.bytes, stored->keys + 1, by.len_b);
	return find(l, by) < l->n;
}

void
staged_clear(struct staged_list *l)
{
	while (l->n > 0)
		drop(l, l->n - 1);
	free(l->v);
	free(l->buckets);
	*l = (struct staged_list){.v = NULL};
}
