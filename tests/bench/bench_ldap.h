/* bench_ldap: an LDAP server of a bench, whose group gets and loses a member. */
#ifndef BENCH_LDAP_H
#define BENCH_LDAP_H

#include <ldap.h>
#include <stdbool.h>

/* A connection to it, as whom its socket takes this process for; or the end. */
LDAP *bench_ldap_open(const char *uri);

/* The member into the group, or out of it; or the end. */
void bench_ldap_change(LDAP *ld, const char *group, char *member, bool in);

#endif
