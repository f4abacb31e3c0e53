#include "groupset.h"

#include <stdlib.h>
#include <string.h>

void
groupset_clear(struct groupset *g)
{
	groupset_empty(g);
	free(g->v);
	*g = GROUPSET_INIT;
}

const struct group_entry *
groupset_find(const struct groupset *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->v[i].name, name) == 0)
			return &g->v[i];
	return NULL;
}

static struct group_entry *
find_gid(struct groupset *g, uint32_t gid)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].gid == gid)
			return &g->v[i];
	return NULL;
}

enum ak_err
groupset_add(struct groupset *g, const char *name, uint32_t gid, bool list_members)
{
	struct group_entry entry = {.gid = gid, .list_members = list_members}, *v;
	enum ak_err err = text_copy(entry.name, sizeof(entry.name), name);

	if (err != AK_OK || groupset_find(g, name) != NULL)
		return err;
	entry.alias = find_gid(g, gid) != NULL;
	if ((v = reallocarray(g->v, g->n + 1, sizeof(*v))) == NULL)
		return AK_ERR_NOMEM;
	g->v = v;
	g->v[g->n++] = entry;
	return AK_OK;
}

void
groupset_join(struct groupset *g, const struct user_record *user)
{
	for (uint32_t i = 0; i < user->n_gids; i++) {
		struct group_entry *e = find_gid(g, le32_load(user->gids + 4 * (size_t)i));
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
