/* entry: the functions that glibc calls in libnss_apikey.so.2; nothing but glue. */
#ifndef AK_NSS_ENTRY_H
#define AK_NSS_ENTRY_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>

/* Hidden is the rule for every object; nss.map has the same list. */
#define NSS_ENTRY __attribute__((visibility("default"))) enum nss_status

/* As nss_files' own (glibc, nss/nss_files): the status, and on failure an errno in *errnop. */
NSS_ENTRY _nss_apikey_getpwnam_r(
    const char *name, struct passwd *out, char *buf, size_t buflen, int *errnop);
NSS_ENTRY _nss_apikey_getpwuid_r(
    uid_t uid, struct passwd *out, char *buf, size_t buflen, int *errnop);
NSS_ENTRY _nss_apikey_setpwent(int stayopen);
NSS_ENTRY _nss_apikey_getpwent_r(struct passwd *out, char *buf, size_t buflen, int *errnop);
NSS_ENTRY _nss_apikey_endpwent(void);
NSS_ENTRY _nss_apikey_getgrnam_r(
    const char *name, struct group *out, char *buf, size_t buflen, int *errnop);
NSS_ENTRY _nss_apikey_getgrgid_r(
    gid_t gid, struct group *out, char *buf, size_t buflen, int *errnop);
NSS_ENTRY _nss_apikey_setgrent(int stayopen);
NSS_ENTRY _nss_apikey_getgrent_r(struct group *out, char *buf, size_t buflen, int *errnop);
NSS_ENTRY _nss_apikey_endgrent(void);
NSS_ENTRY _nss_apikey_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
    gid_t **gids, long limit, int *errnop);

#endif
