#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "index.h"
#include "index_make.h"
#include "model_records.h"
#include "safefile.h"

/* What differs between the two files. */
struct file {
	const char *path;
	enum directory_search_id first, last;
	struct source_id *id;
	int64_t *built_at;
};

static struct file
keys_file(const struct paths *p, struct snapshot *s)
{
	return (struct file){
	    p->directory_keys, DIRECTORY_KEYS, DIRECTORY_KEYS, &s->keys, &s->keys_built_at};
}

static struct file
groups_file(const struct paths *p, struct snapshot *s)
{
	return (struct file){p->directory_groups, DIRECTORY_GROUPS, DIRECTORY_PRINCIPALS,
	    &s->groups, &s->groups_built_at};
}

/* A record's way back into the model. */
struct loading {
	const struct file *file;
	struct model *m;
};

static bool
holds(const struct file *f, unsigned search)
{
	return search >= (unsigned)f->first && search <= (unsigned)f->last;
}

static enum ak_err
load_cookie(const struct loading *l, const struct index_view *v)
{
	uint32_t search = v->keys[0] == 5 ? le32_load(v->keys + 2) : 0;

	if (!holds(l->file, search))
		return AK_ERR_CORRUPT;
	return model_set_cookie(
	    l->m, (enum directory_search_id)search, v->value, v->value_len_b);
}

static enum ak_err
load_record(void *ctx, const struct index_view *v)
{
	const struct loading *l = ctx;
	struct directory_entry e;
	enum ak_err err;

	if (v->keys[1] == RECORD_COOKIE)
		return load_cookie(l, v);
	err = directory_entry_unpack(v->value, v->value_len_b, &e);
	if (err == AK_OK &&
	    (!holds(l->file, e.search) || v->keys[0] != 2 + DIRECTORY_UUID_B ||
		v->keys[1] != RECORD_ENTRY || v->keys[2] != (unsigned char)e.search ||
		memcmp(v->keys + 3, e.uuid, DIRECTORY_UUID_B) != 0))
		err = AK_ERR_CORRUPT;
	return err == AK_OK ? model_put(l->m, &e) : err;
}

/* What was taken from it before the damage was met is forgotten with the rest. */
static enum ak_err
load_file(const struct paths *p, const struct file *f, struct model *m, struct text *problems)
{
	struct loading l = {f, m};
	struct index ix;
	struct index_mapping kept = INDEX_MAPPING_INIT;
	enum ak_err err = index_open(f->path, p->owner, &ix);

	if (err == AK_OK) {
		*f->id = (struct source_id){ix.head.generation, ix.head.id};
		*f->built_at = ix.head.built_at;
		err = index_each(&ix, ORDER_REST, load_record, &l, &kept);
		index_unmap(&kept);
		index_close(&ix);
	}
	if (err == AK_OK)
		return AK_OK;
	/* What lies there is nothing that was left: it is written anew. */
	*f->id = (struct source_id){.generation = 0};
	for (unsigned s = f->first; s <= (unsigned)f->last; s++)
		model_forget(m, (enum directory_search_id)s);
	text_add(problems, "%s%s: %s: it is fetched anew", problems->len > 0 ? "; " : "",
	    f->path, ak_strerror(err));
	return err == AK_ERR_NOMEM ? err : AK_OK;
}

enum ak_err
snapshot_load(const struct paths *p, struct model *m, struct snapshot *out, struct diag *why)
{
	char buf[sizeof(why->text)];
	struct text problems = text_over(buf, sizeof(buf));
	struct file keys = keys_file(p, out), groups = groups_file(p, out);
	enum ak_err err;

	*out = (struct snapshot){.keys_built_at = 0};
	/* What a killed apikeyd left: there is one alone. */
	safefile_sweep(p->directory_keys);
	safefile_sweep(p->directory_groups);
	if ((err = load_file(p, &keys, m, &problems)) == AK_OK)
		err = load_file(p, &groups, m, &problems);
	if (problems.len > 0)
		(void)diag_because(why, AK_OK, "%s", buf);
	return err;
}

/* Cookies, of one file. */
#define COOKIES_MAX 2U

static enum ak_err
add_record(void *ctx, const struct index_view *v)
{
	return index_make_copy(ctx, v);
}

static enum ak_err
add_search(struct index_make *make, const struct model *m, enum directory_search_id search)
{
	struct record_key k = record_key_number(RECORD_COOKIE, search);
	struct index_key key = {k.bytes, k.len_b};
	size_t len_b;
	const unsigned char *cookie = model_borrow_cookie(m, search, &len_b);
	enum ak_err err = model_records_entry(m, search, add_record, make);

	if (err == AK_OK && len_b > 0)
		err = index_make_add(make, ORDER_REST, 0, &key, 1, cookie, len_b);
	return err;
}

static enum ak_err
add_records(struct index_make *make, const struct file *f, const struct model *m)
{
	enum ak_err err = f->first == DIRECTORY_KEYS
			      ? model_records_key(m, add_record, make)
			      : model_records_membership(m, add_record, make);

	for (unsigned s = f->first; s <= (unsigned)f->last && err == AK_OK; s++)
		err = add_search(make, m, (enum directory_search_id)s);
	return err;
}

/* The file is there: which one it is. */
static enum ak_err
look_at(const struct paths *p, const struct file *f, struct diag *why)
{
	struct index ix;
	enum ak_err err = index_open(f->path, p->owner, &ix);

	if (err != AK_OK)
		return diag_say(why, err, f->path, 0, 0, "%s", ak_strerror(err));
	*f->id = (struct source_id){ix.head.generation, ix.head.id};
	*f->built_at = ix.head.built_at;
	index_close(&ix);
	return AK_OK;
}

static enum ak_err
write_file(const struct paths *p, const struct file *f, const struct model *m, int64_t now,
    struct diag *why)
{
	struct index_make_head head = {.generation = f->id->generation + 1, .built_at = now};
	struct safefile_new file;
	struct index_make *make =
	    index_make_new(model_count_known(m) + model_count(m, f->first) +
			   model_count(m, f->last) + COOKIES_MAX);
	enum ak_err err = make == NULL ? AK_ERR_NOMEM : add_records(make, f, m);

	if (err == AK_OK)
		err = index_make_write(make, &head, f->path, 0, &file, why);
	if (err == AK_OK)
		err = safefile_new_end(&file, 0600, why);
	index_make_free(make);
	if (err != AK_OK)
		return diag_because(why, err, "%s: %s", f->path, ak_strerror(err));
	return look_at(p, f, why);
}

enum ak_err
snapshot_write(const struct paths *p, const struct model *m, struct model_changes *due,
    int64_t now, struct snapshot *s, struct diag *why)
{
	struct file keys = keys_file(p, s), groups = groups_file(p, s);
	enum ak_err err = AK_OK;

	if (due->groups)
		err = write_file(p, &groups, m, now, why);
	if (err != AK_OK)
		return err;
	due->groups = false;
	if (due->keys)
		err = write_file(p, &keys, m, now, why);
	if (err == AK_OK)
		due->keys = false;
	return err;
}

bool
snapshot_is_lost(const struct paths *p, const struct snapshot *s, bool keys)
{
	const struct source_id *left = keys ? &s->keys : &s->groups;
	struct index ix;
	bool same;

	if (left->generation == 0)
		return false;
	if (index_open(keys ? p->directory_keys : p->directory_groups, p->owner, &ix) != AK_OK)
		return true;
	same = ix.head.generation == left->generation && ix.head.id == left->id;
	index_close(&ix);
	return !same;
}
