#include "store_impl.h"

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
	const struct store *s;
	struct index_make *make;
};

static enum ak_err
keep_stored(void *ctx, const struct index_view *v)
{
	const struct commit *c = ctx;

	return staged_replaces(&c->s->staged, v) ? AK_OK : index_make_copy(c->make, v);
}

static enum ak_err
add_staged(const struct commit *c)
{
	struct index_key keys[3];
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < c->s->staged.n && err == AK_OK; i++) {
		const struct staged *st = &c->s->staged.v[i];

		for (unsigned k = 0; k < st->n_keys; k++)
			keys[k] = (struct index_key){st->keys[k].bytes, st->keys[k].len_b};
		err = index_make_add(c->make, st->order, st->number, keys, st->n_keys,
		    st->value, st->value_len_b);
	}
	return err;
}

static uint64_t
next_generation(const struct store *s)
{
	uint64_t own = s->ring.local.fd == -1 ? 0 : s->ring.local.head.generation;
	uint64_t seen = s->have_users ? s->ring.users.local.generation : 0;

	return (own > seen ? own : seen) + 1;
}

static enum ak_err
write_file(struct store *s, struct index_make *make, int64_t now, struct diag *why)
{
	struct index_make_head head = {
	    .generation = next_generation(s), .built_at = store_stamp(s, now)};
	unsigned char *bytes = NULL;
	size_t len_b = 0;
	enum ak_err err;

	local_extra_pack(&s->extra, head.extra);
	err = index_make_finish(make, &head, &bytes, &len_b);
	if (err == AK_ERR_EXISTS)
		return diag_because(why, err, "the name, id or uid is another key's");
	if (err == AK_OK)
		err = store_keep_refused(s, why);
	/* A copy that is whole does not give way to one that is not. */
	if (err == AK_OK)
		err = safefile_replace(s->paths.local, 0600, bytes, len_b,
		    SAFEFILE_SYNC | (s->kept[0] == '\0' ? SAFEFILE_PREVIOUS : 0U), why);
	free(bytes);
	return err;
}

/* The new file is there: from now on, it is what is read. */
static enum ak_err
reopen(struct store *s)
{
	index_close(&s->ring.local);
	s->ring.local_err = index_open(s->paths.local, s->paths.owner, &s->ring.local);
	if (s->ring.local_err == AK_OK)
		s->ring.local_now =
		    (struct source_id){s->ring.local.head.generation, s->ring.local.head.id};
	return s->ring.local_err;
}

static size_t
stored_count(const struct store *s)
{
	const struct index *ix = &s->ring.local;

	return ix->fd == -1 ? 0 : (size_t)(ix->head.order[0].count + ix->head.order[1].count);
}

bool
store_is_staged(const struct store *s)
{
	return s->staged.n > 0 || s->raised;
}

enum ak_err
store_commit(struct store *s, int64_t now, struct diag *why)
{
	struct commit c = {.s = s};
	struct index_mapping kept[INDEX_ORDERS] = {INDEX_MAPPING_INIT, INDEX_MAPPING_INIT};
	enum ak_err err = AK_OK;

	/* A new host, an accepted rollback and a restamp write a file though no key changed. */
	if (!store_is_staged(s) && s->ring.local.fd != -1 && !s->opt.accept_rollback &&
	    !s->opt.trust_clock)
		return AK_OK;
	if ((c.make = index_make_new(s->staged.n + stored_count(s))) == NULL)
		return AK_ERR_NOMEM;
	for (unsigned o = 0; s->ring.local.fd != -1 && o < INDEX_ORDERS && err == AK_OK; o++)
		err = index_each(&s->ring.local, o, keep_stored, &c, &kept[o]);
	if (err != AK_OK)
		(void)diag_say(why, err, s->paths.local, 0, 0, "%s", ak_strerror(err));
	if (err == AK_OK)
		err = add_staged(&c);
	if (err == AK_OK)
		err = write_file(s, c.make, now, why);
	index_make_free(c.make);
	for (unsigned o = 0; o < INDEX_ORDERS; o++)
		index_unmap(&kept[o]);
	if (err != AK_OK)
		return err;
	staged_clear(&s->staged);
	s->raised = false;
	return reopen(s);
}
