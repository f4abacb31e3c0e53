/* initgroups: the supplementary groups that a key's roles give it. */
#ifndef AK_NSS_INITGROUPS_H
#define AK_NSS_INITGROUPS_H

#include <nss.h>

#include "source.h"

/* glibc's growing array: start of size are used; never more than limit, if that is above 0. */
struct initgroups_list {
	long *start, *size;
	gid_t **gids;
	long limit;
};

/*
 * Adds the user's gids but `group` and what is there already: all that fit
 * under the limit, or none. Those that rest on the directory (marked) are left
 * out while it is stale, whether or not a daemon lives to say so.
 *
 * glibc goes on to the next module after NOTFOUND and UNAVAIL, and after
 * SUCCESS too unless nsswitch.conf has an `initgroups` line. So, as `files`
 * does: SUCCESS when the user has groups here, NOTFOUND when the user is not
 * ours or has none, and under such a line, too, the others are asked.
 *
 * `group` must be the key's own gid, or -1, with which nscd asks: a local
 * account that was given a key's name has another primary group, and must not
 * come by the key's roles.
 */
enum nss_status initgroups_add(const struct nss_source *src, const char *user, gid_t group,
    struct initgroups_list list, int *errnop);

#endif
