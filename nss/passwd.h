/* passwd: keys as users: by name, by uid, one after the other. */
#ifndef AK_NSS_PASSWD_H
#define AK_NSS_PASSWD_H

#include <nss.h>
#include <pwd.h>

#include "place.h"
#include "source.h"
#include "walk.h"

/*
 * Answers as glibc wants them (status.h). What can't be a key's (a name of
 * another shape, NULL, a uid that no key may have) is NOTFOUND without a look
 * at the file: so root's and the system's own accounts don't depend on it.
 */
enum nss_status passwd_by_name(const struct nss_source *src, const char *name,
    struct place_room room, struct passwd *out, int *errnop);
enum nss_status passwd_by_uid(const struct nss_source *src, uid_t uid, struct place_room room,
    struct passwd *out, int *errnop);

/* The next user of the walk (a zeroed one begins at the first). After TRYAGAIN it stands where it stood. */
enum nss_status passwd_next(const struct nss_source *src, struct walk *w,
    struct place_room room, struct passwd *out, int *errnop);

#endif
