#include "publish_impl.h"

#include <stdlib.h>

#include "index_make.h"
#include "safefile.h"

bool
publish_is_damage(enum ak_err err)
{
	return err == AK_ERR_CORRUPT || err == AK_ERR_UNAVAILABLE;
}

static bool
is_same(struct source_id a, struct source_id b)
{
	return a.generation == b.generation && a.id == b.id;
}

static struct source_id
id_of(const struct index *ix)
{
	struct source_id id = {.generation = 0};

	if (ix->fd != -1)
		id = (struct source_id){ix->head.generation, ix->head.id};
	return id;
}

/* A file that was there and can't be read now is no step, but a loss. */
static bool
is_step(struct source_id was, struct source_id from, struct source_id now)
{
	return is_same(was, from) && (now.generation > 0 || from.generation == 0);
}

/* Was it made from the directory's files that are there, or from those that the noted changes began with? */
static bool
directory_is_current(const struct publication *p)
{
	const struct users_extra *was = &p->old_extra, *now = &p->extra;
	struct store_note note = store_noted(p->store);

	if (is_same(was->directory_keys, now->directory_keys) &&
	    is_same(was->directory_groups, now->directory_groups))
		return true;
	return note.whole && is_step(was->directory_keys, note.keys, now->directory_keys) &&
	       is_step(was->directory_groups, note.groups, now->directory_groups);
}

/* Was the old file made from what was there when the store was opened? */
static bool
old_is_current(const struct publication *p)
{
	const struct users_extra *was = &p->old_extra, *now = &p->extra;

	return p->old.fd != -1 && store_before(p->store).generation > 0 &&
	       is_same(was->local, store_before(p->store)) && was->policy == now->policy &&
	       was->config == now->config && was->group == now->group &&
	       directory_is_current(p);
}

/* A p->make of its own for each try. */
static enum ak_err
try_users(struct publication *p, bool whole)
{
	size_t hint = whole ? p->old.head.order[ORDER_USERS].count + 16 : 0;

	index_make_free(p->make);
	groupset_empty(&p->groups);
	p->res.whole = whole;
	p->res.users = 0;
	p->groups_lost = false;
	if ((p->make = index_make_new(hint)) == NULL)
		return AK_ERR_NOMEM;
	return whole ? publish_add_whole(p) : publish_add_part(p);
}

/* Does what did not change stay as the old file has it? */
static bool
is_partial(const struct publication *p)
{
	return p->live->image != NULL && !p->all_changed && old_is_current(p);
}

static enum ak_err
add_users(struct publication *p)
{
	enum ak_err err = is_partial(p) ? try_users(p, false) : AK_ERR_CORRUPT;

	if (publish_is_damage(err))
		err = try_users(p, true);
	if (publish_is_damage(err) && p->directory_lost)
		err = try_users(p, true);
	return err;
}

/* Beside its place; local is what it is made from. */
static enum ak_err
write_users(struct publication *p, struct source_id local)
{
	struct local_extra high = store_extra(p->store);
	struct index_make_head head = {.generation = p->old.head.generation + 1,
	    .built_at = store_stamp(p->store, p->now)};
	enum ak_err err;

	p->extra.local = local;
	/* Made from none, it is made anew from the first that can be read. */
	if (p->directory_lost)
		p->extra.directory_keys = (struct source_id){.generation = 0};
	if (p->groups_lost)
		p->extra.directory_groups = (struct source_id){.generation = 0};
	p->res.directory_keys = p->extra.directory_keys;
	p->res.directory_groups = p->extra.directory_groups;
	p->extra.uid_high = high.uid_high;
	p->extra.gid_high = high.gid_high;
	users_extra_pack(&p->extra, head.extra);
	p->res.groups = (uint32_t)p->groups.n;
	err = groupset_write(&p->groups, p->make);
	if (err == AK_OK)
		err = index_make_write(
		    p->make, &head, store_borrow_paths(p->store)->users, 0, &p->file, p->why);
	return err;
}

static void
decide_directory(struct publication *p)
{
	p->extra.directory_keys = p->extra.directory_groups =
	    (struct source_id){.generation = 0};
	if (p->extra.directory_uids.max == 0)
		return;
	p->extra.directory_keys = id_of(store_borrow_directory_keys(p->store));
	p->extra.directory_groups = id_of(store_borrow_directory_groups(p->store));
	p->directory_lost = store_borrow_directory_keys(p->store)->fd == -1;
}

/* What holds on this host; while apikey.yaml is broken, what held. */
static void
decide_extra(struct publication *p)
{
	const struct live *l = p->live;

	p->extra = p->old_extra;
	if (l->settings_ok || p->old.fd == -1) {
		p->extra.uids = l->settings.uids;
		p->extra.gids = l->settings.gids;
		p->extra.enumerate = l->settings.enumerate;
		p->extra.directory_uids = l->settings.directory.present
					      ? l->settings.directory.uids
					      : (struct id_range){0, 0};
	}
	decide_directory(p);
	/* Without a policy it was made from none, and the next publish is whole: the same file may be readable then. */
	p->extra.policy = l->image != NULL ? l->policy_id : 0;
	p->extra.config = l->settings_id;
	p->extra.group = l->group_id;
}

static void
open_old(struct publication *p)
{
	const struct paths *paths = store_borrow_paths(p->store);

	/* Derived: one that can't be read is made anew. */
	if (index_open(paths->users, paths->owner, &p->old) != AK_OK)
		return;
	if (users_extra_unpack(p->old.head.extra, &p->old_extra) != AK_OK)
		index_close(&p->old);
}

/* What a key of the directory may not be called. */
static enum ak_err
gather_taken(struct publication *p)
{
	const struct paths *paths = store_borrow_paths(p->store);
	enum ak_err err;

	if (p->extra.directory_uids.max == 0)
		return AK_OK;
	err = etcfile_set_add(&p->taken, paths->passwd);
	return err == AK_OK ? etcfile_set_add(&p->taken, paths->group) : err;
}

enum ak_err
publish_check(struct store *s, const struct live *live, struct diag *why)
{
	struct publication p = {
	    .store = s, .live = live, .old = INDEX_INIT, .groups = GROUPSET_INIT, .why = why};
	enum ak_err err;

	open_old(&p);
	decide_extra(&p);
	err = publish_gather_groups(&p);
	groupset_clear(&p.groups);
	index_close(&p.old);
	return err;
}

/* No edit makes it due, and no damage: those are for whoever means to publish. A policy that could not be read for a moment is neither. */
bool
publish_is_due(const struct store *s, const struct live *live)
{
	const struct paths *paths = store_borrow_paths(s);
	struct index users = INDEX_INIT;
	struct users_extra extra;
	struct safefile_id id;
	bool due;

	if (store_borrow_local(s)->fd == -1) /* a new host */
		return false;
	if (index_open(paths->users, paths->owner, &users) != AK_OK)
		return safefile_identify(paths->users, &id) == AK_ERR_NOT_FOUND;
	due = users_extra_unpack(users.head.extra, &extra) == AK_OK &&
	      (!is_same(extra.local, store_before(s)) ||
		  (extra.policy == 0 && live->image != NULL));
	index_close(&users);
	return due;
}

static enum ak_err
make_users(struct publication *p)
{
	struct source_id local = id_of(store_borrow_local(p->store));
	enum ak_err err = gather_taken(p);

	if (err == AK_OK)
		err = publish_gather_changed(p);
	if (err == AK_OK)
		err = add_users(p);
	if (err == AK_OK)
		err = write_users(p, local);
	/* The old file holds a user whose name or uid is another's now, and nobody said so; or it was damaged meanwhile. */
	if ((err == AK_ERR_EXISTS || err == AK_ERR_CORRUPT) && !p->res.whole &&
	    (err = try_users(p, true)) == AK_OK)
		err = write_users(p, local);
	return err;
}

/*
 * The usual change of a few keys is worked out while the disk takes local.idx.
 * Keys of a directory ask which ids were given here, and those are not stored
 * yet. What fails is tried again afterwards, and told then.
 */
static void
make_ready(void *ctx, struct source_id local)
{
	struct publication *p = ctx;
	struct diag *why = p->why;

	if (p->extra.directory_uids.max != 0)
		return;
	p->why = NULL;
	p->is_ready = publish_gather_changed(p) == AK_OK && is_partial(p) &&
		      try_users(p, false) == AK_OK && write_users(p, local) == AK_OK;
	p->why = why;
	if (p->is_ready)
		return;
	free(p->changed);
	p->changed = NULL;
	p->n_changed = p->next_changed = 0;
	p->all_changed = false;
	index_unmap(&p->kept[ORDER_USERS]);
}

static void
clear(struct publication *p)
{
	safefile_new_drop(&p->file);
	index_make_free(p->make);
	groupset_clear(&p->groups);
	index_close(&p->old);
	etcfile_set_clear(&p->taken);
	free(p->changed);
	for (unsigned o = 0; o < INDEX_ORDERS; o++)
		index_unmap(&p->kept[o]);
}

enum ak_err
publish(struct store *s, const struct live *live, int64_t now, struct publish_result *res,
    struct diag *why)
{
	struct publication p = {.store = s,
	    .live = live,
	    .now = now,
	    .old = INDEX_INIT,
	    .groups = GROUPSET_INIT,
	    .file = SAFEFILE_NEW_INIT,
	    .why = why};
	const struct store_meanwhile meanwhile = {.run = make_ready, .ctx = &p};
	enum ak_err err, gathered;

	p.res.without_policy = live->image == NULL;
	open_old(&p);
	decide_extra(&p);
	/* Groups that can't be given must not keep a key from being revoked. */
	gathered = publish_gather_groups(&p);
	err = gathered == AK_ERR_NOMEM
		  ? gathered
		  : store_commit(s, now, gathered == AK_OK ? &meanwhile : NULL, why);
	if (err == AK_OK)
		err = gathered;
	if (err == AK_OK && !p.is_ready)
		err = make_users(&p);
	if (err == AK_OK)
		err = safefile_new_end(&p.file, 0644, why);
	if (err == AK_OK)
		err = live_store(store_borrow_paths(s), live, why);
	if (err != AK_OK)
		(void)diag_because(
		    why, err, "%s: %s", store_borrow_paths(s)->users, ak_strerror(err));
	if (res != NULL)
		*res = p.res;
	clear(&p);
	return err;
}
