/* ldapconn: one verified connection to an LDAP server: opened, made safe, bound, with a deadline on everything. */
#ifndef AK_LDAPCONN_H
#define AK_LDAPCONN_H

#include <stdint.h>

#include <ldap.h>

#include "diag.h"
#include "err.h"

enum ldapconn_bind {
	LDAPCONN_ANONYMOUS,
	LDAPCONN_SIMPLE, /* dn and password */
	LDAPCONN_EXTERNAL, /* SASL: the peer of ldapi, or the client certificate */
	LDAPCONN_GSSAPI, /* SASL, with the caller's Kerberos ticket; people's programs alone */
};

/* What the server's certificate is held against is always asked for: there is no way to leave it out. */
struct ldapconn_config {
	const char *uri; /* ldap:// (StartTLS, always), ldaps://, ldapi:// */
	const char *ca_file, *cert_file,
	    *key_file; /* NULL or "": the library's own, none, none */
	enum ldapconn_bind bind;
	const char *dn;
	const char *password; /* borrowed, never logged; empty is AK_ERR_INVALID for SIMPLE */
	int timeout_s; /* of each step: connect, TLS, bind, and every later synchronous operation */
};

/* LDAPNOINIT, before the first call of the library: no ldaprc, ldap.conf or LDAP* variable is read. Once, in main. */
void ldapconn_init(void);

/*
 * LDAPv3, referrals not followed, TCP keepalive, TLS 1.2 at least. AK_ERR_DENIED:
 * certificate, StartTLS or bind refused; AK_ERR_UNAVAILABLE: no server;
 * AK_ERR_INVALID: the configuration. why names the URI and what was wrong,
 * never the password. *out is the caller's to close; one at a time, since until
 * then the password is kept to know it in what the server says.
 */
enum ak_err ldapconn_open(
    const struct ldapconn_config *c, LDAP **out, struct diag *why) AK_MUST_CHECK;
void ldapconn_close(LDAP **ld);

/* One err for an LDAP result code; the sentence (with the server's own words, control characters taken out, unless the password is in them) into why. */
enum ak_err ldapconn_fail(LDAP *ld, int rc, const char *what, struct diag *why);

/* RFC 4515 escapes of what goes into a filter. AK_ERR_RANGE when out is too small, out "". */
enum ak_err ldapconn_escape_filter(const char *text, char *out, size_t cap) AK_MUST_CHECK;

#endif
