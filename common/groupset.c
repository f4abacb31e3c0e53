#include "groupset.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

void
groupset_clear(struct groupset *g)
{
	groupset_empty(g);
	free(g->v);
	free(g->by_name);
	free(g->by_gid);
	*g = GROUPSET_INIT;
}

/* The slot of this name, or the free one where it belongs. Half of them are free. */
static uint32_t *
name_slot(const struct groupset *g, const char *name)
{
	size_t mask = 2 * g->cap - 1, i = hash_sip(0, name, strlen(name)) & mask;

	while (g->by_name[i] != 0 && strcmp(g->v[g->by_name[i] - 1].name, name) != 0)
		i = (i + 1) & mask;
	return &g->by_name[i];
}

static uint32_t *
gid_slot(const struct groupset *g, uint32_t gid)
{
	size_t mask = 2 * g->cap - 1, i = (gid * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (g->by_gid[i] != 0 && g->v[g->by_gid[i] - 1].gid != gid)
		i = (i + 1) & mask;
	return &g->by_gid[i];
}

const struct group_entry *
groupset_find(const struct groupset *g, const char *name)
{
	uint32_t place = g->cap == 0 ? 0 : *name_slot(g, name);

	return place == 0 ? NULL : &g->v[place - 1];
}

/* 1 more than the entry's place; 0: none has this gid. */
static uint32_t
find_gid(const struct groupset *g, uint32_t gid)
{
	return g->cap == 0 ? 0 : *gid_slot(g, gid);
}

/* Into the slots: the entry at this place. */
static void
enter(struct groupset *g, size_t place)
{
	struct group_entry *e = &g->v[place];
	uint32_t *gid = gid_slot(g, e->gid);

	*name_slot(g, e->name) = (uint32_t)place + 1;
	if (*gid == 0)
		*gid = (uint32_t)place + 1;
}

/* Twice as many places and slots as there were. */
static enum ak_err
grow(struct groupset *g)
{
	size_t cap = g->cap == 0 ? 16 : 2 * g->cap;
	struct group_entry *v = reallocarray(g->v, cap, sizeof(*v));
	uint32_t *by_name = calloc(2 * cap, sizeof(*by_name)),
		 *by_gid = calloc(2 * cap, sizeof(*by_gid));

	if (v != NULL)
		g->v = v;
	if (v == NULL || by_name == NULL || by_gid == NULL || cap > UINT32_MAX / 2) {
		free(by_name);
		free(by_gid);
		return AK_ERR_NOMEM;
	}
	free(g->by_name);
	free(g->by_gid);
	g->by_name = by_name;
	g->by_gid = by_gid;
	g->cap = cap;
	for (size_t i = 0; i < g->n; i++)
		enter(g, i);
	return AK_OK;
}

enum ak_err
groupset_add(struct groupset *g, const char *name, uint32_t gid, bool list_members)
{
	struct group_entry entry = {.gid = gid, .list_members = list_members};
	enum ak_err err = text_copy(entry.name, sizeof(entry.name), name);

	if (err != AK_OK || groupset_find(g, name) != NULL)
		return err;
	if ((g->v == NULL || g->n == g->cap) && (err = grow(g)) != AK_OK)
		return err;
	entry.alias = find_gid(g, gid) != 0;
	g->v[g->n] = entry;
	enter(g, g->n++);
	return AK_OK;
}

void
groupset_join(struct groupset *g, const struct user_record *user)
{
	for (uint32_t i = 0; i < user->n_gids; i++) {
		uint32_t place = find_gid(g, le32_load(user->gids + 4 * (size_t)i));
		struct group_entry *e = place == 0 ? NULL : &g->v[place - 1];
		bool marked = i >= user->n_gids - user->n_marked;

		if (e != NULL && e->list_members)
			pack_entry(marked ? &e->marked : &e->members, user->name);
	}
}

void
groupset_empty(struct groupset *g)
{
	for (size_t i = 0; i < g->n; i++) {
		pack_clear(&g->v[i].members);
		pack_clear(&g->v[i].marked);
	}
}

enum ak_err
groupset_write(const struct groupset *g, struct index_make *make)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < g->n && err == AK_OK; i++) {
		const struct group_entry *e = &g->v[i];
		struct group_record r = {.gid = e->gid,
		    .name = e->name,
		    .members = pack_borrow_strv(&e->members),
		    .marked = pack_borrow_strv(&e->marked)};
		struct record_key name = record_key_text(RECORD_GROUP_NAME, e->name);
		struct record_key gid = record_key_number(RECORD_GID, e->gid);
		struct index_key keys[2] = {{name.bytes, name.len_b}, {gid.bytes, gid.len_b}};
		struct pack value = PACK_INIT;

		if (e->alias)
			continue;
		group_record_pack(&r, &value);
		err = e->members.err != AK_OK ? e->members.err : e->marked.err;
		if (err == AK_OK)
			err = value.err;
		if (err == AK_OK)
			err = index_make_add(
			    make, ORDER_GROUPS, e->gid, keys, 2, value.bytes, value.len_b);
		pack_clear(&value);
	}
	return err;
}
