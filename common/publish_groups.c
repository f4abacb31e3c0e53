#include "publish_impl.h"

#include <string.h>

#include "eval.h"

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
	err = store_role_gid(p->store, name, range, gid, p->why);
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

	return err == AK_OK ? groupset_add(&p->groups, g.name, g.gid,
				  g.members.len_b + g.marked.len_b > 0)
			    : err;
}

/*
 * Every key is in keys_group; its list would be all keys, in every answer of
 * getgrnam, so it is left out. Without a policy the groups are the ones that
 * were: nobody gains or loses one by a broken file.
 */
enum ak_err
publish_gather_groups(struct publication *p)
{
	const struct live *l = p->live;
	enum ak_err err = AK_OK;

	if (l->settings_ok)
		err = take_group(p, l->settings.keys_group, false);
	if (l->image != NULL)
		return err == AK_OK ? policy_groups(p) : err;
	if ((err == AK_OK || publish_is_damage(err)) && p->old.fd != -1)
		err = index_each(
		    &p->old, ORDER_GROUPS, keep_old_group, p, &p->kept[ORDER_GROUPS]);
	return publish_is_damage(err) ? AK_OK : err;
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

static void
pack_role_gids(const struct publication *p, const struct role_set *roles, struct pack *gids)
{
	role_set_for (roles, r) {
		struct image_role role = image_role(p->live->image, r);

		strv_for (role.unix_groups, name) {
			const struct group_entry *g = groupset_find(&p->groups, name);

			if (g != NULL)
				pack_gid(gids, g->gid);
		}
	}
}

/* AK_OK too in an undeclared space: no role holds. */
static enum ak_err
eval(const struct publication *p, const struct policy_request *req, struct policy_result *out)
{
	enum ak_err err = policy_eval_unconditional(p->live->image, req, out);

	return err == AK_ERR_DENIED ? AK_OK : err;
}

/*
 * Could a stale directory take one of these roles away? A binding of the key's
 * own stands; so does one of a group while LDAP gives no groups, since then the
 * group is the key's own. A grant may ask for groups, or for their absence.
 */
static bool
may_rest_on_directory(const struct policy_request *req, const struct policy_result *res)
{
	for (uint32_t i = 0; i < res->n_held; i++) {
		const struct policy_held *h = &res->held[i];

		if (h->here && h->source != POLICY_FROM_KEY &&
		    (h->source != POLICY_FROM_GROUP || req->directory_groups.len_b > 0))
			return true;
	}
	return false;
}

/*
 * The groups of the roles that hold whatever the hour, the address and the
 * service: first those that hold though the directory be stale.
 */
static enum ak_err
eval_gids(const struct publication *p, struct policy_request *req, struct user_gids *out)
{
	struct policy_result fresh = POLICY_RESULT_INIT, stale = POLICY_RESULT_INIT;
	const struct role_set *sure = &fresh.roles;
	size_t sure_b;
	enum ak_err err = eval(p, req, &fresh);

	if (err == AK_OK && p->extra.directory_uids.max != 0 && !req->stale &&
	    may_rest_on_directory(req, &fresh)) {
		req->stale = true;
		err = eval(p, req, &stale);
		sure = &stale.roles;
	}
	if (err == AK_OK) {
		pack_role_gids(p, sure, &out->all);
		sure_b = out->all.len_b;
		pack_role_gids(p, &fresh.roles, &out->all);
		out->n_marked = (uint32_t)((out->all.len_b - sure_b) / 4);
	}
	policy_result_clear(&fresh);
	policy_result_clear(&stale);
	return err;
}

static enum ak_err
role_gids(struct publication *p, const struct key_record *k, struct user_gids *out)
{
	struct membership m = {.groups = STRV_EMPTY};
	struct policy_request req = {
	    .login = k->name,
	    .bindings = k->bindings,
	    .groups = k->groups,
	    .directory_key = publish_is_directory_uid(p, k->uid),
	    .hosts = p->live->hosts,
	    .space = p->live->settings.space,
	};
	const struct index *ix = store_borrow_directory_groups(p->store);
	enum ak_err found = AK_ERR_NOT_FOUND, err;

	if (p->extra.directory_uids.max != 0) {
		if (ix->fd != -1)
			found = keyring_membership_in(ix, k->name, &m);
		if (found == AK_ERR_NOMEM)
			return found;
		p->groups_lost |= publish_is_damage(found);
		req.stale = req.unknown = found != AK_OK;
		req.directory_groups = m.groups;
		req.directory_bindings = m.bindings;
	}
	err = eval_gids(p, &req, out);
	if (found == AK_OK)
		membership_clear(&m);
	return err;
}

/* Without a policy: what the old file says of this uid, if it is still the same user. */
static enum ak_err
old_gids(const struct publication *p, const struct key_record *k, struct user_gids *out)
{
	struct index_record raw;
	struct user_record u;
	enum ak_err err = publish_find_old(p, k->uid, &u, &raw);

	if (err != AK_OK)
		return err == AK_ERR_NOT_FOUND || publish_is_damage(err) ? AK_OK : err;
	for (uint32_t i = 0; strcmp(u.name, k->name) == 0 && i < u.n_gids; i++) {
		size_t before_b = out->all.len_b;

		pack_gid(&out->all, le32_load(u.gids + 4 * (size_t)i));
		if (i >= u.n_gids - u.n_marked && out->all.len_b > before_b)
			out->n_marked++;
	}
	index_record_clear(&raw);
	return AK_OK;
}

enum ak_err
publish_find_gids(struct publication *p, const struct key_record *k, struct user_gids *out)
{
	const struct group_entry *all = groupset_find(&p->groups, p->live->settings.keys_group);
	enum ak_err err = AK_OK;

	*out = USER_GIDS_INIT;
	if (all != NULL)
		pack_gid(&out->all, all->gid);
	if (k != NULL)
		err = p->live->image != NULL ? role_gids(p, k, out) : old_gids(p, k, out);
	return err == AK_OK ? out->all.err : err;
}
