#include "model_impl.h"

#include <string.h>

#include "model_records.h"

enum ak_err
model_records_key(const struct model *m, model_take_record *take, void *ctx)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < m->by_uid.n && err == AK_OK; i++) {
		struct index_view v = blob_view(m->by_uid.v[i]->record);

		err = take(ctx, &v);
	}
	return err;
}

enum ak_err
model_records_membership(const struct model *m, model_take_record *take, void *ctx)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < m->by_name.n && err == AK_OK; i++) {
		const struct blob *b = m->by_name.v[i]->membership;
		struct index_view v;

		if (b == NULL)
			continue;
		v = blob_view(b);
		err = take(ctx, &v);
	}
	return err;
}

enum ak_err
model_records_entry(
    const struct model *m, enum directory_search_id search, model_take_record *take, void *ctx)
{
	enum ak_err err = AK_OK;

	for (const struct node *n = m->first[search]; n != NULL && err == AK_OK; n = n->next) {
		struct index_view v;

		if (n->bytes == NULL)
			continue;
		v = blob_view(n->bytes);
		err = take(ctx, &v);
	}
	return err;
}

/* What the three below hand on to. */
struct unpacking {
	enum ak_err (*key)(void *ctx, const struct key_record *k);
	enum ak_err (*membership)(
	    void *ctx, const char *name, struct strv groups, struct strv bindings);
	enum ak_err (*entry)(void *ctx, const struct directory_entry *e);
	void *ctx;
};

static enum ak_err
unpack_key(void *ctx, const struct index_view *v)
{
	const struct unpacking *to = ctx;
	struct key_record k;
	enum ak_err err = key_record_unpack(v->value, v->value_len_b, &k);

	if (err == AK_OK)
		err = to->key(to->ctx, &k);
	key_record_clear(&k);
	return err;
}

enum ak_err
model_each_key(const struct model *m,
    enum ak_err (*take)(void *ctx, const struct key_record *k), void *ctx)
{
	struct unpacking to = {.key = take, .ctx = ctx};

	return model_records_key(m, unpack_key, &to);
}

static enum ak_err
unpack_membership(void *ctx, const struct index_view *v)
{
	const struct unpacking *to = ctx;
	struct strv groups, bindings;
	enum ak_err err = membership_unpack(v->value, v->value_len_b, &groups, &bindings);

	char name[KEY_NAME_MAX + 1] = "";

	/* Its only key: a letter and the name. */
	if (v->keys[0] - 1U < sizeof(name))
		memcpy(name, v->keys + 2, v->keys[0] - 1U);
	return err == AK_OK ? to->membership(to->ctx, name, groups, bindings) : err;
}

enum ak_err
model_each_membership(const struct model *m,
    enum ak_err (*take)(void *ctx, const char *name, struct strv groups, struct strv bindings),
    void *ctx)
{
	struct unpacking to = {.membership = take, .ctx = ctx};

	return model_records_membership(m, unpack_membership, &to);
}

static enum ak_err
unpack_entry(void *ctx, const struct index_view *v)
{
	const struct unpacking *to = ctx;
	struct directory_entry e;
	enum ak_err err = directory_entry_unpack(v->value, v->value_len_b, &e);

	return err == AK_OK ? to->entry(to->ctx, &e) : err;
}

enum ak_err
model_each_entry(const struct model *m, enum directory_search_id search,
    enum ak_err (*take)(void *ctx, const struct directory_entry *e), void *ctx)
{
	struct unpacking to = {.entry = take, .ctx = ctx};

	return model_records_entry(m, search, unpack_entry, &to);
}

size_t
model_count_known(const struct model *m)
{
	return m->by_name.n;
}

size_t
model_count_skipped(const struct model *m)
{
	return m->count[DIRECTORY_KEYS] - m->by_uid.n;
}
