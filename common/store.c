#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index_make.h"
#include "lock.h"
#include "safefile.h"
#include "staged.h"

struct store {
	struct paths paths;
	struct store_options opt;
	struct lock lock;
	struct keyring ring; /* what is stored; local.fd -1: nothing yet */
	bool have_users; /* ring.users and ring.stamp say something */
	struct source_id before;
	struct local_extra extra;
	struct staged_list staged;
	uint32_t *changed; /* uids, staged or committed */
	size_t n_changed, cap_changed;
};

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	if (s == NULL)
		return;
	staged_clear(&s->staged);
	free(s->changed);
	keyring_close(&s->ring);
	lock_release(&s->lock);
	free(s);
	*sp = NULL;
}

static enum ak_err
make_state_folder(const struct paths *p, struct diag *why)
{
	struct stat st;

	if (mkdir(p->state, 0755) == 0)
		(void)chmod(p->state, 0755); /* whatever the umask is: NSS reads below it */
	else if (errno != EEXIST)
		return diag_say(why, AK_ERR_UNAVAILABLE, p->state, 0, 0,
		    "the folder cannot be made: %s", strerror(errno));
	if (lstat(p->state, &st) == -1 || !S_ISDIR(st.st_mode) || st.st_uid != p->owner ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return diag_say(why, AK_ERR_UNSAFE, p->state, 0, 0,
		    "must be a folder of uid %u that nobody else may write to",
		    (unsigned)p->owner);
	return AK_OK;
}

/* A new host: neither file is there. */
static bool
nothing_there(const struct paths *p)
{
	struct stat st;

	return lstat(p->local, &st) == -1 && errno == ENOENT && lstat(p->users, &st) == -1 &&
	       errno == ENOENT;
}

/* users.idx is derived: unreadable, it is remade, unless local.idx is gone too. */
static enum ak_err
open_without_users(struct store *s, enum ak_err users_err, struct diag *why)
{
	const struct paths *p = &s->paths;
	struct keyring *k = &s->ring;
	enum ak_err err;

	if (nothing_there(p))
		return AK_OK;
	err = index_open(p->local, p->owner, &k->local);
	k->local_err = err;
	if (err == AK_OK) {
		k->stamp = k->local.head.built_at;
		k->local_now = (struct source_id){k->local.head.generation, k->local.head.id};
		return AK_OK;
	}
	if (s->opt.accept_rollback)
		return AK_OK;
	return diag_say(why, err, p->local, 0, 0,
	    "%s, and so is %s (%s): put both back from a backup, or begin without them by "
	    "`apikey publish --accept-rollback`",
	    ak_strerror(err), p->users, ak_strerror(users_err));
}

static enum ak_err
say_local(const struct store *s, struct diag *why)
{
	const struct paths *p = &s->paths;
	enum ak_err err = s->ring.local_err;

	if (err == AK_ERR_ROLLBACK)
		return diag_say(why, err, p->local, 0, 0,
		    "is an older copy than the one that users.idx was made from (generation "
		    "%llu): keys revoked since would come back. Put the newer one back, or "
		    "take "
		    "this one by `apikey publish --accept-rollback`",
		    (unsigned long long)s->ring.users.local.generation);
	return diag_say(why, err, p->local, 0, 0,
	    "%s: put it back from a backup or from local.idx.prev, then run `apikey publish "
	    "--accept-rollback`",
	    ak_strerror(err));
}

/* What was there before decides which ids were given. */
static void
count_on(struct store *s)
{
	const struct users_extra *u = &s->ring.users;

	if (s->ring.local.fd != -1)
		local_extra_unpack(s->ring.local.head.extra, &s->extra);
	if (s->have_users && u->uid_high > s->extra.uid_high)
		s->extra.uid_high = u->uid_high;
	if (s->have_users && u->gid_high > s->extra.gid_high)
		s->extra.gid_high = u->gid_high;
	s->before = s->ring.local_now;
}

static enum ak_err
open_files(struct store *s, struct diag *why)
{
	const struct paths *p = &s->paths;
	enum ak_err err = keyring_open(p, &s->ring);

	s->have_users = err == AK_OK;
	if (err != AK_OK)
		err = open_without_users(s, err, why);
	else if (s->ring.local_err == AK_ERR_ROLLBACK && s->opt.accept_rollback)
		err = s->ring.local_err = index_open(p->local, p->owner, &s->ring.local);
	else if (s->ring.local_err != AK_OK && !s->opt.accept_rollback &&
		 s->ring.users.local.generation > 0)
		err = say_local(s, why);
	if (err == AK_OK)
		count_on(s);
	return err;
}

/* What is staged lives in the heap, and the caller gets a copy like any other. */
static enum ak_err
copy_staged(const struct staged *st, struct key *out)
{
	enum ak_err err;

	if ((out->raw.large = malloc(st->value_len_b)) == NULL)
		return AK_ERR_NOMEM;
	memcpy(out->raw.large, st->value, st->value_len_b);
	out->raw.view = (struct index_view){.bytes = out->raw.large, .len_b = st->value_len_b};
	err = key_record_unpack(out->raw.large, st->value_len_b, &out->rec);
	if (err != AK_OK)
		key_clear(out);
	return err;
}

static enum ak_err
find(const struct store *s, struct record_key by, struct key *out)
{
	const struct staged *st = staged_find(&s->staged, by);
	enum ak_err err;

	out->rec = KEY_RECORD_INIT;
	if (st != NULL)
		return copy_staged(st, out);
	if (s->ring.local.fd == -1)
		return AK_ERR_NOT_FOUND;
	err = keyring_find(&s->ring, by, out);
	/* Removed, or moved to another name, by what is staged. */
	if (err == AK_OK && staged_replaces_uid(&s->staged, out->rec.uid)) {
		key_clear(out);
		return AK_ERR_NOT_FOUND;
	}
	return err;
}

enum ak_err
store_find_name(const struct store *s, const char *name, struct key *out)
{
	return find(s, record_key_text(RECORD_NAME, name), out);
}

enum ak_err
store_find_id(const struct store *s, const char *id, struct key *out)
{
	return find(s, record_key_text(RECORD_ID, id), out);
}

enum ak_err
store_find_uid(const struct store *s, uint32_t uid, struct key *out)
{
	return find(s, record_key_number(RECORD_UID, uid), out);
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

enum ak_err
store_each(const struct store *s, enum ak_err (*take)(void *ctx, const struct key_record *k),
    void *ctx)
{
	struct each e = {.take = take, .ctx = ctx};
	struct index_mapping kept;
	enum ak_err err;

	if (s->ring.local.fd == -1)
		return AK_OK;
	err = index_each(&s->ring.local, ORDER_KEYS, take_key, &e, &kept);

	index_unmap(&kept);
	return err;
}

/* Was it ever a key's, here? */
static enum ak_err
uid_state(const struct store *s, uint32_t uid, bool *spent)
{
	struct record_key keys[2] = {
	    record_key_number(RECORD_UID, uid), record_key_number(RECORD_SPENT_UID, uid)};
	struct index_record r;
	enum ak_err err;

	*spent = false;
	for (unsigned i = 0; i < 2; i++) {
		if (staged_find(&s->staged, keys[i]) != NULL) {
			*spent = i == 1;
			return AK_ERR_EXISTS;
		}
		if (s->ring.local.fd == -1)
			continue;
		err = index_find(&s->ring.local, keys[i].bytes, keys[i].len_b, &r);
		if (err == AK_OK) {
			index_record_clear(&r);
			*spent = i == 1;
			return AK_ERR_EXISTS;
		}
		if (err != AK_ERR_NOT_FOUND)
			return err;
	}
	return AK_OK;
}

static bool
taken_elsewhere(const struct store *s, uint32_t id)
{
	return s->opt.hooks.id_taken != NULL && s->opt.hooks.id_taken(s->opt.hooks.ctx, id);
}

enum ak_err
store_next_uid(struct store *s, struct id_range range, uint32_t *uid)
{
	uint32_t next = s->extra.uid_high >= range.min ? s->extra.uid_high + 1 : range.min;
	bool spent;
	enum ak_err err;

	for (; next >= range.min && next <= range.max; next++) {
		err = uid_state(s, next, &spent);
		if (err != AK_OK && err != AK_ERR_EXISTS)
			return err;
		if (err == AK_OK && !id_is_reserved(next) && !taken_elsewhere(s, next)) {
			s->extra.uid_high = *uid = next;
			return AK_OK;
		}
	}
	return AK_ERR_FULL;
}

enum ak_err
store_check_uid(const struct store *s, struct id_range range, uint32_t uid, struct diag *why)
{
	bool spent;
	enum ak_err err;

	if (!id_range_has(range, uid) || id_is_reserved(uid))
		return diag_because(why, AK_ERR_INVALID, "uid %u is outside uid_range %u-%u",
		    uid, range.min, range.max);
	if ((err = uid_state(s, uid, &spent)) == AK_ERR_EXISTS)
		return diag_because(why, err, "uid %u %s", uid,
		    spent ? "was a deleted key's and is never given again"
			  : "is another key's");
	if (err != AK_OK)
		return diag_say(why, err, s->paths.local, 0, 0, "%s", ak_strerror(err));
	if (taken_elsewhere(s, uid))
		return diag_because(why, AK_ERR_EXISTS,
		    "uid %u is another user's or group's on this host", uid);
	return AK_OK;
}

static enum ak_err
note_changed(struct store *s, uint32_t uid)
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
	err = uid_state(s, k->uid, &spent);
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
		err = note_changed(s, k->uid);
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
	if ((err = note_changed(s, k->uid)) != AK_OK) {
		pack_wipe(&value);
		return err;
	}
	return staged_put(&s->staged, st, &value);
}

static enum ak_err
spend_served(void *ctx, const struct index_view *v)
{
	struct store *s = ctx;
	struct key_record gone = KEY_RECORD_INIT;
	struct user_record u;
	bool spent;
	enum ak_err err = user_record_unpack(v->value, v->value_len_b, &u);

	if (err != AK_OK || !id_range_has(s->ring.users.uids, u.uid))
		return err;
	if ((err = uid_state(s, u.uid, &spent)) != AK_OK)
		return err == AK_ERR_EXISTS ? AK_OK : err;
	gone.uid = u.uid;
	(void)!text_copy(gone.name, sizeof(gone.name), u.name);
	(void)!text_copy(gone.id, sizeof(gone.id), "0000000000"); /* no key has this one */
	return store_remove(s, &gone, s->ring.stamp);
}

/*
 * What users.idx served and the accepted local.idx does not know were keys:
 * their uids, those given by name too, are spent. As far as it can be read.
 */
static enum ak_err
spend_forgotten(struct store *s)
{
	struct index_mapping kept;
	struct index users;
	enum ak_err err;

	if (!s->have_users || index_open(s->paths.users, s->paths.owner, &users) != AK_OK)
		return AK_OK;
	err = index_each(&users, ORDER_USERS, spend_served, s, &kept);
	index_unmap(&kept);
	index_close(&users);
	return err == AK_ERR_NOMEM ? err : AK_OK;
}

enum ak_err
store_open(const struct paths *p, const struct store_options *opt, struct store **out,
    struct diag *why)
{
	struct store *s;
	enum ak_err err;

	*out = NULL;
	if ((err = make_state_folder(p, why)) != AK_OK)
		return err;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return AK_ERR_NOMEM;
	s->paths = *p;
	s->opt = *opt;
	s->lock = LOCK_INIT;
	s->ring = KEYRING_INIT;
	err = lock_take(&s->lock, p->lock, opt->hooks.waiting, opt->hooks.ctx, why);
	if (err == AK_OK)
		err = open_files(s, why);
	if (err == AK_OK && opt->accept_rollback)
		err = spend_forgotten(s);
	if (err != AK_OK) {
		store_close(&s);
		return err;
	}
	*out = s;
	return AK_OK;
}

static enum ak_err
stored_gid(const struct store *s, struct record_key by, uint32_t *gid)
{
	const struct staged *st = staged_find(&s->staged, by);
	struct index_record r;
	struct role_gid found;
	enum ak_err err;

	if (st != NULL) {
		*gid = st->number;
		return AK_OK;
	}
	if (s->ring.local.fd == -1)
		return AK_ERR_NOT_FOUND;
	if ((err = index_find(&s->ring.local, by.bytes, by.len_b, &r)) != AK_OK)
		return err;
	err = role_gid_unpack(r.view.value, r.view.value_len_b, &found);
	*gid = found.gid;
	index_record_clear(&r);
	return err;
}

enum ak_err
store_role_gid(struct store *s, const char *group, struct id_range range, uint32_t *gid)
{
	struct record_key by = record_key_text(RECORD_ROLE_GROUP, group);
	struct staged st = {.order = ORDER_REST, .keys[0] = by, .n_keys = 1};
	struct role_gid rg = {.group = group};
	struct pack value = PACK_INIT;
	enum ak_err err = stored_gid(s, by, gid);

	if (err != AK_ERR_NOT_FOUND)
		return err;
	rg.gid = s->extra.gid_high >= range.min ? s->extra.gid_high + 1 : range.min;
	while (rg.gid <= range.max && taken_elsewhere(s, rg.gid))
		rg.gid++;
	if (rg.gid < range.min || rg.gid > range.max)
		return AK_ERR_FULL;
	s->extra.gid_high = *gid = st.number = rg.gid;
	role_gid_pack(&rg, &value);
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

int64_t
store_stamp(const struct store *s, int64_t now)
{
	return !s->opt.trust_clock && s->ring.stamp > now ? s->ring.stamp : now;
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
		err = safefile_replace(
		    s->paths.local, 0600, bytes, len_b, SAFEFILE_SYNC | SAFEFILE_PREVIOUS, why);
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

enum ak_err
store_commit(struct store *s, int64_t now, struct diag *why)
{
	struct commit c = {.s = s};
	struct index_mapping kept[INDEX_ORDERS] = {INDEX_MAPPING_INIT, INDEX_MAPPING_INIT};
	enum ak_err err = AK_OK;

	/* A new host, an accepted rollback and a restamp write a file though no key changed. */
	if (s->staged.n == 0 && s->ring.local.fd != -1 && !s->opt.accept_rollback &&
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
	return reopen(s);
}

const struct paths *
store_borrow_paths(const struct store *s)
{
	return &s->paths;
}

const struct index *
store_borrow_local(const struct store *s)
{
	return &s->ring.local;
}

const uint32_t *
store_borrow_changed(const struct store *s, size_t *n)
{
	*n = s->n_changed;
	return s->changed;
}

struct source_id
store_before(const struct store *s)
{
	return s->before;
}

struct local_extra
store_extra(const struct store *s)
{
	return s->extra;
}
