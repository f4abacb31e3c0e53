#include "gone.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static enum ak_err
make_room(struct gone *g)
{
	size_t cap = g->cap == 0 ? 64 : g->cap * 2;
	struct gone_one *v;

	if (g->n < g->cap)
		return AK_OK;
	if ((v = reallocarray(g->v, cap, sizeof(*v))) == NULL)
		return AK_ERR_NOMEM;
	g->v = v;
	g->cap = cap;
	return AK_OK;
}

static enum ak_err
take(void *ctx, const struct index_view *view)
{
	struct gone *g = ctx;
	struct spent_uid s;
	enum ak_err err;

	if (view->n_keys == 0 || view->keys[1] != RECORD_SPENT_UID)
		return AK_OK;
	if ((err = spent_uid_unpack(view->value, view->value_len_b, &s)) != AK_OK ||
	    (err = make_room(g)) != AK_OK)
		return err;
	g->v[g->n].deleted_at = s.deleted_at;
	if ((err = text_copy(g->v[g->n].id, sizeof(g->v[g->n].id), s.id)) == AK_OK)
		g->n++;
	return err;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct gone_one *)a)->id, ((const struct gone_one *)b)->id);
}

enum ak_err
gone_load(const struct index *local, struct gone *out)
{
	struct index_mapping kept = INDEX_MAPPING_INIT;
	enum ak_err err;

	*out = GONE_INIT;
	if (local->fd == -1)
		return AK_OK;
	err = index_each(local, ORDER_REST, take, out, &kept);
	index_unmap(&kept);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_id);
	return err;
}

void
gone_clear(struct gone *g)
{
	free(g->v);
	*g = GONE_INIT;
}

const struct gone_one *
gone_find(const struct gone *g, const char *id)
{
	struct gone_one wanted = {.deleted_at = 0};

	if (g->n == 0 || text_copy(wanted.id, sizeof(wanted.id), id) != AK_OK)
		return NULL;
	return bsearch(&wanted, g->v, g->n, sizeof(*g->v), by_id);
}
