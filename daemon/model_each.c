#include "model_impl.h"

#include "model_packed.h"

enum ak_err
model_each_packed_key(const struct model *m, model_take_packed *take, void *ctx)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < m->by_uid.n && err == AK_OK; i++) {
		const struct known *k = m->by_uid.v[i];

		err = take(ctx,
		    &(struct model_packed){.name = k->name->text,
			.id = k->id,
			.uid = k->uid,
			.bytes = k->record->bytes,
			.len_b = k->record->len_b});
	}
	return err;
}

enum ak_err
model_each_packed_membership(const struct model *m, model_take_packed *take, void *ctx)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < m->by_name.n && err == AK_OK; i++) {
		const struct known *k = m->by_name.v[i];

		err = take(ctx,
		    &(struct model_packed){.name = k->name->text,
			.bytes = k->membership->bytes,
			.len_b = k->membership->len_b});
	}
	return err;
}

struct each_entry {
	enum directory_search_id search;
	model_take_packed *take;
	void *ctx;
	enum ak_err err;
};

static void
take_node(void *ctx, struct slot *s)
{
	struct each_entry *each = ctx;
	const struct node *n = (struct node *)s;

	if (each->err == AK_OK && n->search == each->search && n->bytes != NULL)
		each->err = each->take(each->ctx,
		    &(struct model_packed){.uuid = n->uuid,
			.bytes = n->bytes->bytes,
			.len_b = n->bytes->len_b});
}

enum ak_err
model_each_packed_entry(const struct model *m, enum directory_search_id search,
    model_take_packed *take, void *ctx)
{
	struct each_entry each = {search, take, ctx, AK_OK};

	table_each(&m->nodes, take_node, &each);
	return each.err;
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
unpack_key(void *ctx, const struct model_packed *p)
{
	const struct unpacking *to = ctx;
	struct key_record k;
	enum ak_err err = key_record_unpack(p->bytes, p->len_b, &k);

	if (err == AK_OK)
		err = to->key(to->ctx, &k);
	key_record_clear(&k);
	return err;
}

enum ak_err
model_each_key(const struct model *m, enum ak_err (*take)(void *ctx, const struct key_record *k),
    void *ctx)
{
	struct unpacking to = {.key = take, .ctx = ctx};

	return model_each_packed_key(m, unpack_key, &to);
}

static enum ak_err
unpack_membership(void *ctx, const struct model_packed *p)
{
	const struct unpacking *to = ctx;
	struct strv groups, bindings;
	enum ak_err err = membership_unpack(p->bytes, p->len_b, &groups, &bindings);

	return err == AK_OK ? to->membership(to->ctx, p->name, groups, bindings) : err;
}

enum ak_err
model_each_membership(const struct model *m,
    enum ak_err (*take)(void *ctx, const char *name, struct strv groups, struct strv bindings),
    void *ctx)
{
	struct unpacking to = {.membership = take, .ctx = ctx};

	return model_each_packed_membership(m, unpack_membership, &to);
}

static enum ak_err
unpack_entry(void *ctx, const struct model_packed *p)
{
	const struct unpacking *to = ctx;
	struct directory_entry e;
	enum ak_err err = directory_entry_unpack(p->bytes, p->len_b, &e);

	return err == AK_OK ? to->entry(to->ctx, &e) : err;
}

enum ak_err
model_each_entry(const struct model *m, enum directory_search_id search,
    enum ak_err (*take)(void *ctx, const struct directory_entry *e), void *ctx)
{
	struct unpacking to = {.entry = take, .ctx = ctx};

	return model_each_packed_entry(m, search, unpack_entry, &to);
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
