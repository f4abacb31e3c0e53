#include "store_impl.h"

static enum ak_err
open_file(const struct store *s, const char *path, struct index *out)
{
	return index_open(path, s->paths.owner, out);
}

/* Derived data: what can't be read is fetched anew by the daemon, and until then there is none. */
void
store_open_directory(struct store *s)
{
	(void)!open_file(s, s->paths.directory_keys, &s->directory_keys);
	(void)!open_file(s, s->paths.directory_groups, &s->directory_groups);
}

void
store_close_directory(struct store *s)
{
	index_close(&s->directory_keys);
	index_close(&s->directory_groups);
}

const struct index *
store_borrow_directory_keys(const struct store *s)
{
	return &s->directory_keys;
}

const struct index *
store_borrow_directory_groups(const struct store *s)
{
	return &s->directory_groups;
}

struct each {
	enum ak_err (*take)(void *ctx, const struct key_record *k);
	void *ctx;
};

static enum ak_err
take_key(void *ctx, const struct index_view *v)
{
	const struct each *e = ctx;
	struct key_record k;
	enum ak_err err = key_record_unpack(v->value, v->value_len_b, &k);

	return err == AK_OK ? e->take(e->ctx, &k) : err;
}

static enum ak_err
each_key(const struct index *ix, enum ak_err (*take)(void *ctx, const struct key_record *k),
    void *ctx)
{
	struct each e = {.take = take, .ctx = ctx};
	struct index_mapping kept;
	enum ak_err err;

	if (ix->fd == -1)
		return AK_OK;
	err = index_each(ix, ORDER_KEYS, take_key, &e, &kept);
	index_unmap(&kept);
	return err;
}

enum ak_err
store_each(const struct store *s, enum ak_err (*take)(void *ctx, const struct key_record *k),
    void *ctx)
{
	return each_key(&s->ring.local, take, ctx);
}

enum ak_err
store_each_directory(const struct store *s,
    enum ak_err (*take)(void *ctx, const struct key_record *k), void *ctx)
{
	return each_key(&s->directory_keys, take, ctx);
}

static bool
is_file(const struct index *ix, struct source_id id)
{
	if (ix->fd == -1)
		return id.generation == 0;
	return ix->head.generation == id.generation && ix->head.id == id.id;
}

enum ak_err
store_note_directory(struct store *s, struct source_id keys_before,
    struct source_id groups_before, const uint32_t *uids, size_t n)
{
	bool first = !s->noted;
	enum ak_err err = AK_OK;

	/* A step between two notes that nobody told of: then nothing is known. */
	if (first)
		s->note = (struct store_note){
		    .whole = true, .keys = keys_before, .groups = groups_before};
	else if (!is_file(&s->directory_keys, keys_before) ||
		 !is_file(&s->directory_groups, groups_before))
		s->note.whole = false;
	s->noted = true;
	for (size_t i = 0; i < n && err == AK_OK; i++)
		err = store_add_changed(s, uids[i]);
	if (err != AK_OK)
		s->note.whole = false;
	store_close_directory(s);
	store_open_directory(s);
	return err;
}

struct store_note
store_noted(const struct store *s)
{
	return s->note;
}
