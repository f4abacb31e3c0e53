#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "groupset.h"
#include "index_make.h"
#include "safefile.h"

/* One users.idx in the making. */
struct publication {
	struct store *store;
	const struct live *live;
	struct index old; /* the users.idx that is there; fd -1: none */
	struct users_extra old_extra; /* all zero without one */
	struct users_extra extra; /* the new one's */
	struct groupset groups;
	uint32_t *changed; /* uids, ascending, each once */
	size_t n_changed, next_changed;
	struct index_make *make;
	struct index_mapping kept[INDEX_ORDERS]; /* the old file's records */
	struct publish_result res;
	struct diag *why;
};

/* users.idx is derived: what can't be read of the old one is made anew, or done without. */
static bool
is_damage(enum ak_err err)
{
	return err == AK_ERR_CORRUPT || err == AK_ERR_UNAVAILABLE;
}

/* A group of that name in /etc/group is meant; else it gets a gid of ours, for ever. */
static enum ak_err
resolve_group(struct publication *p, const char *name, uint32_t *gid)
{
	const struct paths *paths = store_borrow_paths(p->store);
	struct id_range range = p->extra.gids;
	enum ak_err err = live_local_gid(paths->group, name, gid);

	if (err == AK_OK && *gid == 0)
		return diag_because(p->why, AK_ERR_DENIED,
		    "group `%s' is gid 0, which no role can hand out", name);
	if (err != AK_ERR_NOT_FOUND)
		return err;
	err = store_role_gid(p->store, name, range, gid);
	if (err == AK_ERR_FULL)
		return diag_because(p->why, err,
		    "no gid is left in gid_range %u-%u for group `%s': widen it in %s",
		    range.min, range.max, name, paths->config);
	return err;
}

static enum ak_err
take_group(struct publication *p, const char *name, bool list_members)
{
	uint32_t gid;
	enum ak_err err = resolve_group(p, name, &gid);

	return err == AK_OK ? groupset_add(&p->groups, name, gid, list_members) : err;
}

static enum ak_err
policy_groups(struct publication *p)
{
	const struct image *im = p->live->image;
	enum ak_err err = AK_OK;

	for (uint32_t r = 0; r < image_count_roles(im) && err == AK_OK; r++) {
		struct image_role role = image_role(im, r);

		strv_for (role.unix_groups, name)
			if (err == AK_OK)
				err = take_group(p, name, true);
	}
	return err;
}

static enum ak_err
keep_old_group(void *ctx, const struct index_view *v)
{
	struct publication *p = ctx;
	struct group_record g;
	enum ak_err err = group_record_unpack(v->value, v->value_len_b, &g);

	return err == AK_OK ? groupset_add(&p->groups, g.name, g.gid, g.members.len_b > 0) : err;
}

/*
 * Every key is in keys_group; its list would be all keys, in every answer of
 * getgrnam, so it is left out. Without a policy the groups are the ones that
 * were: nobody gains or loses one by a broken file.
 */
static enum ak_err
gather_groups(struct publication *p)
{
	const struct live *l = p->live;
	enum ak_err err = AK_OK;

	if (l->settings_ok)
		err = take_group(p, l->settings.keys_group, false);
	if (l->image != NULL)
		return err == AK_OK ? policy_groups(p) : err;
	if ((err == AK_OK || is_damage(err)) && p->old.fd != -1)
		err = index_each(
		    &p->old, ORDER_GROUPS, keep_old_group, p, &p->kept[ORDER_GROUPS]);
	return is_damage(err) ? AK_OK : err;
}

/* A gid once. */
static void
pack_gid(struct pack *gids, uint32_t gid)
{
	for (size_t i = 0; i < gids->len_b; i += 4)
		if (le32_load(gids->bytes + i) == gid)
			return;
	pack_u32(gids, gid);
}

/* The groups of the roles that hold whatever the hour, the address and the service. */
static enum ak_err
role_gids(const struct publication *p, const struct key_record *k, struct pack *gids)
{
	const struct image *im = p->live->image;
	struct policy_result res;
	struct policy_request req = {
	    .login = k->name,
	    .bindings = k->bindings,
	    .groups = k->groups,
	    .hosts = p->live->hosts,
	    .space = p->live->settings.space,
	};
	enum ak_err err = policy_eval_unconditional(im, &req, &res);

	/* A host in an undeclared space: no role holds. */
	if (err == AK_ERR_DENIED)
		err = AK_OK;
	for (uint32_t r = 0; err == AK_OK && r < image_count_roles(im); r++) {
		struct image_role role = image_role(im, r);

		if (!role_set_has(&res.roles, r))
			continue;
		strv_for (role.unix_groups, name) {
			const struct group_entry *g = groupset_find(&p->groups, name);

			if (g != NULL)
				pack_gid(gids, g->gid);
		}
	}
	policy_result_clear(&res);
	return err;
}

/* Without a policy: what the old file says of this uid, if it is still the same user. */
static enum ak_err
old_gids(const struct publication *p, const struct key_record *k, struct pack *gids)
{
	struct record_key by = record_key_number(RECORD_UID, k->uid);
	struct index_record r;
	struct user_record u;
	enum ak_err err;

	if (p->old.fd == -1)
		return AK_OK;
	err = index_find(&p->old, by.bytes, by.len_b, &r);
	if (err != AK_OK)
		return err == AK_ERR_NOT_FOUND || is_damage(err) ? AK_OK : err;
	err = user_record_unpack(r.view.value, r.view.value_len_b, &u);
	for (uint32_t i = 0; err == AK_OK && strcmp(u.name, k->name) == 0 && i < u.n_gids; i++)
		pack_gid(gids, le32_load(u.gids + 4 * (size_t)i));
	index_record_clear(&r);
	return err;
}

static enum ak_err
add_user(struct publication *p, const struct user_record *u)
{
	struct record_key name = record_key_text(RECORD_NAME, u->name);
	struct record_key uid = record_key_number(RECORD_UID, u->uid);
	struct index_key keys[2] = {{name.bytes, name.len_b}, {uid.bytes, uid.len_b}};
	struct pack value = PACK_INIT;
	enum ak_err err;

	user_record_pack(u, &value);
	err = value.err;
	if (err == AK_OK)
		err = index_make_add(
		    p->make, ORDER_USERS, u->uid, keys, 2, value.bytes, value.len_b);
	pack_clear(&value);
	groupset_join(&p->groups, u->gids, u->n_gids, u->name);
	p->res.users++;
	return err;
}

static enum ak_err
add_key(void *ctx, const struct key_record *k)
{
	struct publication *p = ctx;
	const struct group_entry *all = groupset_find(&p->groups, p->live->settings.keys_group);
	struct pack gids = PACK_INIT;
	struct user_record u = {
	    .uid = k->uid, .name = k->name, .home = k->home, .shell = k->shell};
	enum ak_err err;

	if (!id_range_has(p->extra.uids, k->uid))
		return diag_because(p->why, AK_ERR_DENIED,
		    "key `%s' has uid %u, outside uid_range %u-%u: widen it in %s, since an id "
		    "never changes",
		    k->name, k->uid, p->extra.uids.min, p->extra.uids.max,
		    store_borrow_paths(p->store)->config);
	u.gecos = k->description[0] != '\0' && text_is_passwd_field(k->description)
		      ? k->description
		      : "API key";
	if (all != NULL)
		pack_gid(&gids, all->gid);
	err = p->live->image != NULL ? role_gids(p, k, &gids) : old_gids(p, k, &gids);
	if (err == AK_OK)
		err = gids.err;
	u.gids = gids.bytes;
	u.n_gids = (uint32_t)(gids.len_b / 4);
	if (err == AK_OK)
		err = add_user(p, &u);
	pack_clear(&gids);
	return err;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The changed keys below a uid whose turn has come: members of groups stand in uid order, however they came. */
static enum ak_err
add_changed(struct publication *p, uint64_t below)
{
	enum ak_err err = AK_OK;
	struct key k;

	for (; err == AK_OK && p->next_changed < p->n_changed &&
	       p->changed[p->next_changed] < below;
	     p->next_changed++) {
		err = store_find_uid(p->store, p->changed[p->next_changed], &k);
		if (err == AK_OK) {
			err = add_key(p, &k.rec);
			key_clear(&k);
		} else if (err == AK_ERR_NOT_FOUND) { /* deleted */
			err = AK_OK;
		}
	}
	return err;
}

/* A key that did not change keeps its record as it is. */
static enum ak_err
keep_user(void *ctx, const struct index_view *v)
{
	struct publication *p = ctx;
	struct user_record u;
	enum ak_err err = add_changed(p, v->number);

	if (err != AK_OK)
		return err;
	if (p->next_changed < p->n_changed && p->changed[p->next_changed] == v->number)
		return AK_OK;
	if ((err = user_record_unpack(v->value, v->value_len_b, &u)) != AK_OK)
		return err;
	groupset_join(&p->groups, u.gids, u.n_gids, u.name);
	p->res.users++;
	return index_make_copy(p->make, v);
}

/* Is the old file what this store's opening would have published? */
static bool
old_is_current(const struct publication *p)
{
	const struct users_extra *was = &p->old_extra, *now = &p->extra;
	struct source_id before = store_before(p->store);

	return p->old.fd != -1 && p->live->image != NULL && before.generation > 0 &&
	       was->local.generation == before.generation && was->local.id == before.id &&
	       was->policy == now->policy && was->config == now->config &&
	       was->group == now->group;
}

static enum ak_err
add_part(struct publication *p)
{
	enum ak_err err = index_each(&p->old, ORDER_USERS, keep_user, p, &p->kept[ORDER_USERS]);

	return err == AK_OK ? add_changed(p, UINT64_MAX) : err;
}

static enum ak_err
add_users(struct publication *p)
{
	size_t hint = p->old.head.order[ORDER_USERS].count + 16;
	enum ak_err err = AK_ERR_CORRUPT;

	if ((p->make = index_make_new(hint)) == NULL)
		return AK_ERR_NOMEM;
	p->res.whole = !old_is_current(p);
	if (!p->res.whole)
		err = add_part(p);
	if (!is_damage(err))
		return err;
	p->res.whole = true;
	p->res.users = 0;
	groupset_empty(&p->groups);
	index_make_free(p->make);
	if ((p->make = index_make_new(hint)) == NULL)
		return AK_ERR_NOMEM;
	return store_each(p->store, add_key, p);
}

static enum ak_err
write_users(struct publication *p, int64_t now)
{
	const struct index *local = store_borrow_local(p->store);
	struct local_extra high = store_extra(p->store);
	struct index_make_head head = {
	    .generation = p->old.head.generation + 1, .built_at = store_stamp(p->store, now)};
	unsigned char *bytes = NULL;
	size_t len_b = 0;
	enum ak_err err;

	p->extra.local = (struct source_id){local->head.generation, local->head.id};
	p->extra.uid_high = high.uid_high;
	p->extra.gid_high = high.gid_high;
	users_extra_pack(&p->extra, head.extra);
	p->res.groups = (uint32_t)p->groups.n;
	err = groupset_write(&p->groups, p->make);
	if (err == AK_OK)
		err = index_make_finish(p->make, &head, &bytes, &len_b);
	if (err == AK_OK)
		err = safefile_replace(
		    store_borrow_paths(p->store)->users, 0644, bytes, len_b, 0, p->why);
	free(bytes);
	return err;
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
	}
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

static enum ak_err
sort_changed(struct publication *p)
{
	size_t n;
	const uint32_t *uids = store_borrow_changed(p->store, &n);

	if (n == 0)
		return AK_OK;
	if ((p->changed = reallocarray(NULL, n, sizeof(*uids))) == NULL)
		return AK_ERR_NOMEM;
	memcpy(p->changed, uids, n * sizeof(*uids));
	qsort(p->changed, n, sizeof(*uids), by_value);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || p->changed[i] != p->changed[i - 1])
			p->changed[p->n_changed++] = p->changed[i];
	return AK_OK;
}

enum ak_err
publish_check(struct store *s, const struct live *live, struct diag *why)
{
	struct publication p = {
	    .store = s, .live = live, .old = INDEX_INIT, .groups = GROUPSET_INIT, .why = why};
	enum ak_err err;

	open_old(&p);
	decide_extra(&p);
	err = gather_groups(&p);
	groupset_clear(&p.groups);
	index_close(&p.old);
	return err;
}

enum ak_err
publish(struct store *s, const struct live *live, int64_t now, struct publish_result *res,
    struct diag *why)
{
	struct publication p = {
	    .store = s, .live = live, .old = INDEX_INIT, .groups = GROUPSET_INIT, .why = why};
	enum ak_err err, gathered;

	p.res.without_policy = live->image == NULL;
	open_old(&p);
	decide_extra(&p);
	/* Groups that can't be given must not keep a key from being revoked. */
	gathered = gather_groups(&p);
	err = gathered == AK_ERR_NOMEM ? gathered : store_commit(s, now, why);
	if (err == AK_OK)
		err = gathered;
	if (err == AK_OK)
		err = sort_changed(&p);
	if (err == AK_OK)
		err = add_users(&p);
	if (err == AK_OK)
		err = write_users(&p, now);
	if (err == AK_OK)
		err = live_store(store_borrow_paths(s), live, why);
	if (err != AK_OK)
		(void)diag_because(
		    why, err, "%s: %s", store_borrow_paths(s)->users, ak_strerror(err));
	if (res != NULL)
		*res = p.res;
	index_make_free(p.make);
	groupset_clear(&p.groups);
	index_close(&p.old);
	free(p.changed);
	for (unsigned o = 0; o < INDEX_ORDERS; o++)
		index_unmap(&p.kept[o]);
	return err;
}
