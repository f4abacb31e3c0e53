/* group: roles' groups, and each key's own: by name, by gid, one after the other. */
#ifndef AK_NSS_GROUP_H
#define AK_NSS_GROUP_H

#include <grp.h>
#include <nss.h>

#include "place.h"
#include "source.h"
#include "walk.h"

/*
 * Answers as glibc wants them (status.h). A name or gid is a role's group if
 * there is one, without its members by the directory (marked) while that is stale;
 * else the group that is a key's own, with its name and uid and without members. What can't be either is NOTFOUND without a look at the file.
 */
enum nss_status group_by_name(const struct nss_source *src, const char *name,
    struct place_room room, struct group *out, int *errnop);
enum nss_status group_by_gid(const struct nss_source *src, gid_t gid, struct place_room room,
    struct group *out, int *errnop);

/* First the roles' groups, then the keys' own. */
struct group_walk {
	bool in_users;
	struct walk walk;
};

void group_walk_restart(struct group_walk *w);

/* The next group (a zeroed walk begins at the first). After TRYAGAIN it stands where it stood. */
enum nss_status group_next(const struct nss_source *src, struct group_walk *w,
    struct place_room room, struct group *out, int *errnop);

#endif
