/* status: what each outcome is to glibc: an enum nss_status and an errno. */
#ifndef AK_NSS_STATUS_H
#define AK_NSS_STATUS_H

#include <nss.h>

#include "err.h"

/*
 * Around every answer: status_begin returns the caller's errno, for
 * status_end to put back. glibc passes &errno as errnop, so *errnop is
 * written last, and on success not at all.
 *
 *   AK_OK                SUCCESS
 *   AK_ERR_NOT_FOUND     NOTFOUND  ENOENT
 *   AK_ERR_RANGE         TRYAGAIN  ERANGE   the same question with more room
 *   AK_ERR_UNAVAILABLE   UNAVAIL   what the system said: ENOENT, EMFILE, EIO
 *   all else             UNAVAIL   ENOMEM, EACCES, EIO
 */
int status_begin(void);
enum nss_status status_end(int caller_errno, enum ak_err err, int *errnop);

#endif
