/* dirserver_impl: what dirserver.c finds with and dirserver_write.c changes with: libldap's own. */
#ifndef CLI_DIRSERVER_IMPL_H
#define CLI_DIRSERVER_IMPL_H

#include <sys/time.h>

#include <ldap.h>

#include "dirserver.h"

#define VERSION_ATTRIBUTE "entryCSN"
#define VERSION_CAP 256

struct dirserver {
	LDAP *ld;
	struct timeval timeout;
};

/* As ldapconn_fail; what the server finds wrong with a value is its refusal, and no wrong usage. */
enum ak_err dirserver_fail(
    const struct dirserver *s, int rc, const char *what, struct diag *why) AK_MUST_CHECK;

/* As in struct dirserver_calls. */
enum ak_err dirserver_add(void *server, const char *dn, const struct dirserver_change *values,
    size_t n, struct diag *why) AK_MUST_CHECK;
enum ak_err dirserver_change(void *server, const char *dn, const char *version,
    const struct dirserver_change *changes, size_t n, struct diag *why) AK_MUST_CHECK;
enum ak_err dirserver_remove(
    void *server, const char *dn, const char *version, struct diag *why) AK_MUST_CHECK;
enum ak_err dirserver_count(void *server, const char *dn, const char *attribute,
    uint64_t *before, struct diag *why) AK_MUST_CHECK;
enum ak_err dirserver_read(void *server, const char *dn, const char *attribute,
    uint64_t *number, struct diag *why) AK_MUST_CHECK;

#endif
