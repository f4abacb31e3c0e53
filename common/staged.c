#include "staged.h"

#include <stdlib.h>
#include <string.h>

static bool
has_key(const struct staged *st, const struct record_key *by)
{
	for (unsigned k = 0; k < st->n_keys; k++)
		if (st->keys[k].len_b == by->len_b &&
		    memcmp(st->keys[k].bytes, by->bytes, by->len_b) == 0)
			return true;
	return false;
}

static bool
same_thing(const struct staged *a, const struct staged *b)
{
	if (a->order != b->order)
		return false;
	return a->order == ORDER_KEYS ? a->number == b->number : has_key(a, &b->keys[0]);
}

static void
drop(struct staged_list *l, size_t i)
{
	explicit_bzero(l->v[i].value, l->v[i].value_len_b);
	free(l->v[i].value);
	l->v[i] = l->v[--l->n];
}

static enum ak_err
make_room(struct staged_list *l)
{
	size_t cap = l->cap == 0 ? 16 : l->cap * 2;
	struct staged *v;

	if (l->n < l->cap)
		return AK_OK;
	if ((v = reallocarray(l->v, cap, sizeof(*v))) == NULL)
		return AK_ERR_NOMEM;
	l->v = v;
	l->cap = cap;
	return AK_OK;
}

enum ak_err
staged_put(struct staged_list *l, struct staged st, struct pack *value)
{
	enum ak_err err = value->err;

	if (err == AK_OK)
		err = make_room(l);
	if (err != AK_OK) {
		pack_wipe(value);
		return err;
	}
	for (size_t i = 0; i < l->n; i++)
		if (same_thing(&l->v[i], &st)) {
			drop(l, i);
			break;
		}
	st.value = value->bytes;
	st.value_len_b = value->len_b;
	*value = PACK_INIT;
	l->v[l->n++] = st;
	return AK_OK;
}

void
staged_drop_key(struct staged_list *l, uint32_t uid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].order == ORDER_KEYS && l->v[i].number == uid) {
			drop(l, i);
			return;
		}
}

const struct staged *
staged_find(const struct staged_list *l, struct record_key by)
{
	for (size_t i = 0; i < l->n; i++)
		if (has_key(&l->v[i], &by))
			return &l->v[i];
	return NULL;
}

bool
staged_replaces_uid(const struct staged_list *l, uint32_t uid)
{
	struct record_key spent = record_key_number(RECORD_SPENT_UID, uid);

	for (size_t i = 0; i < l->n; i++)
		if ((l->v[i].order == ORDER_KEYS && l->v[i].number == uid) ||
		    has_key(&l->v[i], &spent))
			return true;
	return false;
}

bool
staged_replaces(const struct staged_list *l, const struct index_view *stored)
{
	if (stored->order == ORDER_KEYS)
		return staged_replaces_uid(l, stored->number);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].order == stored->order &&
		    index_view_has_key(stored, l->v[i].keys[0].bytes, l->v[i].keys[0].len_b))
			return true;
	return false;
}

void
staged_clear(struct staged_list *l)
{
	while (l->n > 0)
		drop(l, l->n - 1);
	free(l->v);
	*l = (struct staged_list){.v = NULL};
}
