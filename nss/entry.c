#include "entry.h"

#include "group.h"
#include "initgroups.h"
#include "passwd.h"
#include "place.h"
#include "source.h"
#include "walk.h"

static const struct nss_source installed = {
    .path = NSS_USERS_PATH, .freshness = NSS_FRESHNESS_PATH, .owner = 0};

/*
 * The only state. Of the thread, as every program with threads expects; the
 * loader makes the block when a thread first enumerates, so look-ups cost none.
 */
static __thread struct walk passwd_walk;
static __thread struct group_walk group_walk;

static struct place_room
room_of(char *buf, size_t buflen)
{
	return (struct place_room){.buf = buf, .cap_b = buflen};
}

enum nss_status
_nss_apikey_getpwnam_r(
    const char *name, struct passwd *out, char *buf, size_t buflen, int *errnop)
{
	return passwd_by_name(&installed, name, room_of(buf, buflen), out, errnop);
}

enum nss_status
_nss_apikey_getpwuid_r(uid_t uid, struct passwd *out, char *buf, size_t buflen, int *errnop)
{
	return passwd_by_uid(&installed, uid, room_of(buf, buflen), out, errnop);
}

enum nss_status
_nss_apikey_setpwent(int stayopen)
{
	(void)stayopen; /* nothing ever is */
	walk_restart(&passwd_walk);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_apikey_getpwent_r(struct passwd *out, char *buf, size_t buflen, int *errnop)
{
	return passwd_next(&installed, &passwd_walk, room_of(buf, buflen), out, errnop);
}

enum nss_status
_nss_apikey_endpwent(void)
{
	walk_restart(&passwd_walk);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_apikey_getgrnam_r(
    const char *name, struct group *out, char *buf, size_t buflen, int *errnop)
{
	return group_by_name(&installed, name, room_of(buf, buflen), out, errnop);
}

enum nss_status
_nss_apikey_getgrgid_r(gid_t gid, struct group *out, char *buf, size_t buflen, int *errnop)
{
	return group_by_gid(&installed, gid, room_of(buf, buflen), out, errnop);
}

enum nss_status
_nss_apikey_setgrent(int stayopen)
{
	(void)stayopen;
	group_walk_restart(&group_walk);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_apikey_getgrent_r(struct group *out, char *buf, size_t buflen, int *errnop)
{
	return group_next(&installed, &group_walk, room_of(buf, buflen), out, errnop);
}

enum nss_status
_nss_apikey_endgrent(void)
{
	group_walk_restart(&group_walk);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_apikey_initgroups_dyn(const char *user, gid_t group, long *start, long *size, gid_t **gids,
    long limit, int *errnop)
{
	struct initgroups_list list = {
	    .start = start, .size = size, .gids = gids, .limit = limit};

	return initgroups_add(&installed, user, group, list, errnop);
}
