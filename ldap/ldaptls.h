/* ldaptls: TLS as every connection wants it: verified, with a deadline on its handshake, and with words for what was wrong. */
#ifndef AK_LDAPTLS_H
#define AK_LDAPTLS_H

#include <stdbool.h>

#include <ldap.h>

#include "text.h"

/* Listen to the library's complaints. Once, with ldapconn_init. */
void ldaptls_init(void);

/*
 * Certificates and the server's name are verified.
 * Paths may be NULL or "". An LDAP result; ldaptls_problem then says more.
 * Not a line of this for ldapi.
 */
int ldaptls_configure(
    LDAP *ld, const char *ca_file, const char *cert_file, const char *key_file);

/*
 * A handshake of this handle ends after so long, whatever the server does. One
 * handle at a time: from here to ldaptls_unguard, which also makes the socket
 * one that never blocks, so that half a TLS record holds up nobody later.
 */
int ldaptls_guard(LDAP *ld, int timeout_s);
int ldaptls_unguard(LDAP *ld);

/* TLS 1.2 at least? Asked before anything is sent over it. */
bool ldaptls_is_new_enough(LDAP *ld);

/* What TLS found first since it was forgotten, such as "peer certificate is expired"; or "". */
const char *ldaptls_problem(void);
void ldaptls_forget_problem(void);

/* Text from elsewhere for a sentence of ours: control characters become blanks; without a full stop. */
void ldaptls_add_clean(struct text *t, const char *s);

#endif
