#include "initgroups.h"

#include <stdlib.h>

#include "status.h"

#define NO_GROUP ((gid_t)-1)

static bool
all_fit(const struct user_record *u)
{
	for (uint32_t i = 0; i < u->n_gids; i++)
		if (!source_gid_is_fit(le32_load(u->gids + (size_t)i * 4)))
			return false;
	return true;
}

/* Room for n more, or as many as the limit leaves. */
static enum ak_err
make_room(const struct initgroups_list *l, uint32_t n)
{
	long want = *l->start + (long)n;
	gid_t *gids;

	if (l->limit > 0 && want > l->limit)
		want = l->limit;
	if (want <= *l->size)
		return AK_OK;
	if ((size_t)want > SIZE_MAX / sizeof(gid_t) ||
	    (gids = realloc(*l->gids, (size_t)want * sizeof(gid_t))) == NULL)
		return AK_ERR_NOMEM;
	*l->gids = gids;
	*l->size = want;
	return AK_OK;
}

static bool
has(const struct initgroups_list *l, gid_t gid)
{
	for (long i = 0; i < *l->start; i++)
		if ((*l->gids)[i] == gid)
			return true;
	return false;
}

static enum ak_err
add_first(const struct user_record *u, uint32_t n, gid_t group, const struct initgroups_list *l)
{
	enum ak_err err;

	if (n == 0)
		return AK_ERR_NOT_FOUND;
	if ((err = make_room(l, n)) != AK_OK)
		return err;
	for (uint32_t i = 0; i < n; i++) {
		gid_t gid = le32_load(u->gids + (size_t)i * 4);

		if (gid == group || has(l, gid))
			continue;
		if (l->limit > 0 && *l->start >= l->limit)
			break;
		(*l->gids)[(*l->start)++] = gid;
	}
	return AK_OK;
}

static enum ak_err
add_all(const struct nss_source *src, const struct nss_file *file, const struct user_record *u,
    gid_t group, const struct initgroups_list *l)
{
	uint32_t n = u->n_gids;

	if (!all_fit(u))
		return AK_ERR_CORRUPT;
	if (group != NO_GROUP && group != u->uid)
		return AK_ERR_NOT_FOUND;
	if (u->n_marked > 0 && !source_directory_is_fresh(src, file->ix.head.built_at))
		n -= u->n_marked;
	return add_first(u, n, group, l);
}

static enum ak_err
find_and_add(const struct nss_source *src, const char *name, gid_t group,
    const struct initgroups_list *l)
{
	struct record_key key = record_key_text(RECORD_NAME, name);
	struct nss_file file;
	struct index_record rec;
	struct user_record user;
	enum ak_err err;

	if ((err = source_open(src, &file)) != AK_OK)
		return err;
	err = index_find(&file.ix, key.bytes, key.len_b, &rec);
	if (err == AK_OK) {
		err = source_user(&file.extra, &rec.view, &user);
		if (err == AK_OK)
			err = add_all(src, &file, &user, group, l);
		source_release(&rec);
	}
	source_close(&file);
	return err;
}

enum nss_status
initgroups_add(const struct nss_source *src, const char *user, gid_t group,
    struct initgroups_list list, int *errnop)
{
	int caller_errno = status_begin();
	enum ak_err err = AK_ERR_NOT_FOUND;

	if (user != NULL && text_is_key_name(user))
		err = find_and_add(src, user, group, &list);
	return status_end(caller_errno, err, errnop);
}
