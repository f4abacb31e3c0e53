#include "accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

/* What getpwnam(3) lists as "not found"; all else is an outage, and never "no such user". */
static enum ak_err
err_of(int rc, const void *found)
{
	if (found != NULL)
		return AK_OK;
	switch (rc) {
	case 0:
	case ENOENT:
	case ESRCH:
	case EBADF:
	case EPERM:
		return AK_ERR_NOT_FOUND;
	default:
		return AK_ERR_UNAVAILABLE;
	}
}

#define ROOM_B ((size_t)64 << 10)
#define ROOM_MAX_B ((size_t)64 << 20)

/* The getXXX_r family wants the caller to guess how large an entry is. */
static enum ak_err
with_room(int (*ask)(void *with, char *room, size_t len_b, const void **found), void *with)
{
	const void *found = NULL;
	int rc = ERANGE;

	for (size_t len_b = ROOM_B; rc == ERANGE && len_b <= ROOM_MAX_B; len_b *= 4) {
		char *room = malloc(len_b);

		if (room == NULL)
			return AK_ERR_NOMEM;
		rc = ask(with, room, len_b, &found);
		free(room);
	}
	return err_of(rc, found);
}

struct user_query {
	const char *name; /* NULL: by uid */
	uid_t uid;
};

static int
ask_user(void *with, char *room, size_t len_b, const void **found)
{
	struct user_query *q = with;
	struct passwd pw, *result = NULL;
	int rc = q->name != NULL ? getpwnam_r(q->name, &pw, room, len_b, &result)
				 : getpwuid_r(q->uid, &pw, room, len_b, &result);

	if (result != NULL)
		q->uid = pw.pw_uid;
	*found = result;
	return rc;
}

struct group_query {
	const char *name; /* NULL: by gid */
	gid_t gid;
};

static int
ask_group(void *with, char *room, size_t len_b, const void **found)
{
	struct group_query *q = with;
	struct group gr, *result = NULL;
	int rc = q->name != NULL ? getgrnam_r(q->name, &gr, room, len_b, &result)
				 : getgrgid_r(q->gid, &gr, room, len_b, &result);

	if (result != NULL)
		q->gid = gr.gr_gid;
	*found = result;
	return rc;
}

enum ak_err
accounts_find_user(const char *name, uint32_t *uid)
{
	struct user_query q = {.name = name};
	enum ak_err err = with_room(ask_user, &q);

	*uid = q.uid;
	return err;
}

enum ak_err
accounts_find_group(const char *name, uint32_t *gid)
{
	struct group_query q = {.name = name};
	enum ak_err err = with_room(ask_group, &q);

	*gid = q.gid;
	return err;
}

enum ak_err
accounts_check_id(uint32_t id)
{
	struct user_query user = {.uid = id};
	struct group_query group = {.gid = id};
	enum ak_err err = with_room(ask_user, &user);

	if (err == AK_ERR_NOT_FOUND)
		err = with_room(ask_group, &group);
	if (err == AK_ERR_NOT_FOUND)
		return AK_OK;
	return err == AK_OK ? AK_ERR_EXISTS : err;
}
