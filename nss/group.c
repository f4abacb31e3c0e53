#include "group.h"

#include "status.h"

/* built_at: of the file that the record comes from. */
static enum ak_err
give_role(const struct nss_source *src, int64_t built_at, const struct index_view *v,
    struct place_room room, struct group *out)
{
	struct group_record group;
	enum ak_err err;

	if (place_group_is_hopeless(v->value_len_b, room))
		return AK_ERR_RANGE;
	if ((err = source_group(v, &group)) != AK_OK)
		return err;
	if (group.marked.len_b > 0 && !source_directory_is_fresh(src, built_at))
		group.marked = STRV_EMPTY;
	return place_group(&group, room, out);
}

static enum ak_err
give_own(const struct users_extra *extra, const struct index_view *v, struct place_room room,
    struct group *out)
{
	struct user_record user;
	struct group_record group;
	enum ak_err err;

	if ((err = source_user(extra, v, &user)) != AK_OK)
		return err;
	group = source_own_group(&user);
	return place_group(&group, room, out);
}

static enum ak_err
find(const struct nss_source *src, struct record_key role, struct record_key user,
    struct place_room room, struct group *out)
{
	struct nss_file file;
	struct index_record rec;
	enum ak_err err;

	if ((err = source_open(src, &file)) != AK_OK)
		return err;
	err = index_find(&file.ix, role.bytes, role.len_b, &rec);
	if (err == AK_OK) {
		err = give_role(src, file.ix.head.built_at, &rec.view, room, out);
		source_release(&rec);
		goto out;
	}
	/* Only when there surely is no such role: a damaged one must not become somebody's own group. */
	if (err == AK_ERR_NOT_FOUND)
		err = index_find(&file.ix, user.bytes, user.len_b, &rec);
	if (err == AK_OK) {
		err = give_own(&file.extra, &rec.view, room, out);
		source_release(&rec);
	}
out:
	source_close(&file);
	return err;
}

enum nss_status
group_by_name(const struct nss_source *src, const char *name, struct place_room room,
    struct group *out, int *errnop)
{
	int caller_errno = status_begin();
	enum ak_err err = AK_ERR_NOT_FOUND;

	if (name != NULL && text_is_group_name(name))
		err = find(src, record_key_text(RECORD_GROUP_NAME, name),
		    record_key_text(RECORD_NAME, name), room, out);
	return status_end(caller_errno, err, errnop);
}

enum nss_status
group_by_gid(const struct nss_source *src, gid_t gid, struct place_room room, struct group *out,
    int *errnop)
{
	int caller_errno = status_begin();
	enum ak_err err = AK_ERR_NOT_FOUND;

	if (source_gid_is_fit(gid))
		err = find(src, record_key_number(RECORD_GID, gid),
		    record_key_number(RECORD_UID, gid), room, out);
	return status_end(caller_errno, err, errnop);
}

void
group_walk_restart(struct group_walk *w)
{
	w->in_users = false;
	walk_restart(&w->walk);
}

static enum ak_err
next_of(const struct nss_source *src, struct group_walk *w, struct place_room room,
    struct group *out)
{
	struct walk_item item;
	unsigned order = w->in_users ? ORDER_USERS : ORDER_GROUPS;
	enum ak_err err;

	if ((err = walk_peek(&w->walk, src, order, room.cap_b, &item)) != AK_OK)
		return err;
	if (w->in_users)
		err = give_own(&w->walk.extra, &item.view, room, out);
	else
		err = give_role(src, w->walk.built_at, &item.view, room, out);
	if (err == AK_OK)
		walk_step(&w->walk, &item);
	walk_release(&item);
	return err;
}

static enum ak_err
next(const struct nss_source *src, struct group_walk *w, struct place_room room,
    struct group *out)
{
	enum ak_err err = next_of(src, w, room, out);

	if (err != AK_ERR_NOT_FOUND || w->in_users)
		return err;
	walk_restart(&w->walk);
	w->in_users = true;
	return next_of(src, w, room, out);
}

enum nss_status
group_next(const struct nss_source *src, struct group_walk *w, struct place_room room,
    struct group *out, int *errnop)
{
	int caller_errno = status_begin();

	return status_end(caller_errno, next(src, w, room, out), errnop);
}
