#include "store_impl.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "safefile.h"

enum ak_err
store_add_changed(struct store *s, uint32_t uid)
{
	size_t cap = s->cap_changed == 0 ? 16 : s->cap_changed * 2;
	uint32_t *bigger;

	if (s->n_changed == s->cap_changed) {
		if ((bigger = reallocarray(s->changed, cap, sizeof(*bigger))) == NULL)
			return AK_ERR_NOMEM;
		s->changed = bigger;
		s->cap_changed = cap;
	}
	s->changed[s->n_changed++] = uid;
	return AK_OK;
}

/* One record that can't be read back would stop every later walk over the file. */
static enum ak_err
check_put(const struct store *s, const struct key_record *k, const struct pack *value)
{
	struct key_record back;
	bool spent;
	enum ak_err err = value->err;

	if (err == AK_OK && key_record_unpack(value->bytes, value->len_b, &back) != AK_OK)
		return AK_ERR_INVALID;
	if (err != AK_OK)
		return err;
	key_record_clear(&back);
	err = store_uid_state(s, k->uid, &spent);
	return err == AK_ERR_EXISTS && !spent ? AK_OK : err;
}

enum ak_err
store_put(struct store *s, const struct key_record *k)
{
	struct staged st = {.order = ORDER_KEYS, .number = k->uid, .n_keys = 3};
	struct pack value = PACK_INIT;
	enum ak_err err;

	st.keys[0] = record_key_text(RECORD_ID, k->id);
	st.keys[1] = record_key_text(RECORD_NAME, k->name);
	st.keys[2] = record_key_number(RECORD_UID, k->uid);
	key_record_pack(k, &value);
	err = check_put(s, k, &value);
	if (err == AK_OK)
		err = store_add_changed(s, k->uid);
	if (err != AK_OK) {
		pack_wipe(&value);
		return err;
	}
	return staged_put(&s->staged, st, &value);
}

enum ak_err
store_remove(struct store *s, const struct key_record *k, int64_t now)
{
	struct staged st = {.order = ORDER_REST, .number = k->uid, .n_keys = 1};
	struct spent_uid spent = {
	    .uid = k->uid, .deleted_at = now, .name = k->name, .id = k->id};
	struct pack value = PACK_INIT;
	enum ak_err err;

	st.keys[0] = record_key_number(RECORD_SPENT_UID, k->uid);
	spent_uid_pack(&spent, &value);
	staged_drop_key(&s->staged, k->uid);
	if ((err = store_add_changed(s, k->uid)) != AK_OK) {
		pack_wipe(&value);
		return err;
	}
	return staged_put(&s->staged, st, &value);
}

/* A commit, under way. */
struct commit {
	struct store *s;
	struct index_make *make;
	const struct staged **staged; /* in the file's order */
	size_t next; /* of them */
	struct index_make_head head; /* of the new file */
	struct safefile_new file;
};

static int
by_place(const void *a, const void *b)
{
	const struct staged *x = *(const struct staged *const *)a;
	const struct staged *y = *(const struct staged *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x < y ? -1 : x > y;
}

static enum ak_err
add_staged(const struct commit *c, const struct staged *st)
{
	struct index_key keys[3];

	for (unsigned k = 0; k < st->n_keys; k++)
		keys[k] = (struct index_key){st->keys[k].bytes, st->keys[k].len_b};
	return index_make_add(
	    c->make, st->order, st->number, keys, st->n_keys, st->value, st->value_len_b);
}

/* Those whose place is before this one of the order: so nothing need be sorted, and what is stored stays in long runs. */
static enum ak_err
add_staged_before(struct commit *c, unsigned order, uint64_t number)
{
	const struct staged_list *l = &c->s->staged;
	enum ak_err err = AK_OK;

	for (; c->next < l->n && err == AK_OK; c->next++) {
		const struct staged *st = c->staged[c->next];

		if (st->order > order || (st->order == order && st->number >= number))
			break;
		err = add_staged(c, st);
	}
	return err;
}

static enum ak_err
keep_stored(void *ctx, const struct index_view *v)
{
	struct commit *c = ctx;
	enum ak_err err = add_staged_before(c, v->order, v->number);

	if (err != AK_OK || staged_replaces(&c->s->staged, v))
		return err;
	return index_make_copy(c->make, v);
}

static enum ak_err
sort_staged(struct commit *c)
{
	const struct staged_list *l = &c->s->staged;

	if ((c->staged = reallocarray(NULL, l->n + 1, sizeof(*c->staged))) == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < l->n; i++)
		c->staged[i] = &l->v[i];
	qsort(c->staged, l->n, sizeof(*c->staged), by_place);
	return AK_OK;
}

static uint64_t
next_generation(const struct store *s)
{
	uint64_t own = s->ring.local.fd == -1 ? 0 : s->ring.local.head.generation;
	uint64_t seen = s->have_users ? s->ring.users.local.generation : 0;

	return (own > seen ? own : seen) + 1;
}

static enum ak_err
write_beside(struct commit *c, int64_t now, struct diag *why)
{
	struct store *s = c->s;
	enum ak_err err;

	c->head = (struct index_make_head){
	    .generation = next_generation(s), .built_at = store_stamp(s, now)};
	local_extra_pack(&s->extra, c->head.extra);
	if ((err = store_keep_refused(s, why)) != AK_OK)
		return err;
	/* A copy that is whole does not give way to one that is not. */
	err = index_make_write(c->make, &c->head, s->paths.local,
	    SAFEFILE_SYNC | (s->kept[0] == '\0' ? SAFEFILE_PREVIOUS : 0U), &c->file, why);
	if (err == AK_ERR_EXISTS)
		return diag_because(why, err, "the name, id or uid is another key's");
	if (err == AK_ERR_CORRUPT) /* what is kept was sound when it was walked through */
		return diag_say(why, err, s->paths.local, 0, 0, "%s", ak_strerror(err));
	return err;
}

/* Before it has its name: whoever could not read what he made true would know of no key. */
static enum ak_err
open_beside(const struct commit *c, struct index *out, struct diag *why)
{
	const struct paths *p = &c->s->paths;
	char beside[PATH_MAX];
	enum ak_err err = safefile_new_path(&c->file, beside);

	*out = INDEX_INIT;
	if (err == AK_OK)
		err = index_open(beside, p->owner, out);
	if (err == AK_OK)
		return AK_OK;
	return diag_say(why, err, p->local, 0, 0,
	    "what was written can't be read again: %s; the old file stands", ak_strerror(err));
}

/* The new file is there: from now on, it is what is read. */
static void
adopt(struct store *s, struct index *new)
{
	index_close(&s->ring.local);
	s->ring.local = *new;
	s->ring.local_err = AK_OK;
	s->ring.local_now =
	    (struct source_id){s->ring.local.head.generation, s->ring.local.head.id};
	staged_clear(&s->staged);
	s->raised = false;
}

bool
store_is_staged(const struct store *s)
{
	return s->staged.n > 0 || s->raised;
}

static enum ak_err
gather(struct commit *c, struct index_mapping *kept, struct diag *why)
{
	const struct index *local = &c->s->ring.local;
	enum ak_err err = sort_staged(c);

	if (err != AK_OK)
		return err;
	for (unsigned o = 0; local->fd != -1 && o < INDEX_ORDERS && err == AK_OK; o++)
		err = index_each(local, o, keep_stored, c, &kept[o]);
	if (err != AK_OK)
		return diag_say(why, err, c->s->paths.local, 0, 0, "%s", ak_strerror(err));
	return add_staged_before(c, INDEX_ORDERS, 0);
}

/* All of it, but for the name. */
static enum ak_err
prepare(struct commit *c, int64_t now, struct diag *why)
{
	struct index_mapping kept[INDEX_ORDERS] = {INDEX_MAPPING_INIT, INDEX_MAPPING_INIT};
	enum ak_err err;

	if ((c->make = index_make_new(c->s->staged.n)) == NULL)
		return AK_ERR_NOMEM;
	err = gather(c, kept, why);
	if (err == AK_OK)
		err = write_beside(c, now, why);
	index_make_free(c->make);
	free(c->staged);
	for (unsigned o = 0; o < INDEX_ORDERS; o++)
		index_unmap(&kept[o]);
	return err;
}

enum ak_err
store_commit(struct store *s, int64_t now, const struct store_meanwhile *m, struct diag *why)
{
	struct commit c = {.s = s};
	struct index new;
	enum ak_err err;

	/* A new host, an accepted rollback and a restamp write a file though no key changed. */
	if (!store_is_staged(s) && s->ring.local.fd != -1 && !s->opt.accept_rollback &&
	    !s->opt.trust_clock)
		return AK_OK;
	if ((err = prepare(&c, now, why)) != AK_OK)
		return err;
	if ((err = open_beside(&c, &new, why)) != AK_OK) {
		safefile_new_drop(&c.file);
		return err;
	}
	safefile_new_hasten(&c.file);
	if (m != NULL)
		m->run(m->ctx, (struct source_id){c.head.generation, c.head.id});
	err = safefile_new_end(&c.file, 0600, why);
	if (c.file.named)
		adopt(s, &new);
	else
		index_close(&new);
	return err;
}
