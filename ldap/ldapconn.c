#include "ldapconn.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include "text.h"

/*
 * A bit of the library's debug level that only its errors (LDAP_DEBUG_ANY)
 * carry. What GnuTLS found wrong with a certificate is told there and nowhere
 * else: the handle's own message is then "(unknown error code)".
 */
#define ERRORS_ALONE 0x8000
#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

/* The first error of TLS since the last note_clear. */
static char noted[256];

static void
note_clear(void)
{
	noted[0] = '\0';
}

/* Printable ASCII, and UTF-8 as it is; the rest becomes a blank. */
static void
add_clean(struct text *t, const char *s)
{
	size_t len = strlen(s);

	while (len > 0 && ((unsigned char)s[len - 1] <= ' ' || s[len - 1] == '.'))
		len--;
	for (size_t i = 0; i < len && !t->cut; i++)
		text_add(t, "%c", (unsigned char)s[i] < ' ' || s[i] == 0x7f ? ' ' : s[i]);
}

static void
note(const char *line)
{
	struct text t = text_over(noted, sizeof(noted));

	if (strncmp(line, "TLS: ", 5) == 0)
		add_clean(&t, line + 5);
}

/* The library's lines; TLS's first error says most. */
static void
note_line(const char *line)
{
	if (noted[0] == '\0')
		note(line);
}

void
ldapconn_init(void)
{
	int level = ERRORS_ALONE;

	(void)setenv("LDAPNOINIT", "1", 1);
	(void)ber_set_option(NULL, LBER_OPT_LOG_PRINT_FN, (void *)note_line);
	(void)ldap_set_option(NULL, LDAP_OPT_DEBUG_LEVEL, &level);
}

/* --- what an error means -------------------------------------------------------------------- */

static const struct {
	int rc;
	enum ak_err err;
} meanings[] = {
    {LDAP_SUCCESS, AK_OK},
    {LDAP_NO_SUCH_OBJECT, AK_ERR_NOT_FOUND},
    {LDAP_NO_SUCH_ATTRIBUTE, AK_ERR_NOT_FOUND},
    {LDAP_ALREADY_EXISTS, AK_ERR_EXISTS},
    {LDAP_TYPE_OR_VALUE_EXISTS, AK_ERR_EXISTS},
    {LDAP_INVALID_CREDENTIALS, AK_ERR_DENIED},
    {LDAP_INSUFFICIENT_ACCESS, AK_ERR_DENIED},
    {LDAP_INAPPROPRIATE_AUTH, AK_ERR_DENIED},
    {LDAP_STRONG_AUTH_REQUIRED, AK_ERR_DENIED},
    {LDAP_AUTH_METHOD_NOT_SUPPORTED, AK_ERR_DENIED},
    {LDAP_CONFIDENTIALITY_REQUIRED, AK_ERR_DENIED},
    {LDAP_AUTH_UNKNOWN, AK_ERR_DENIED},
    {LDAP_SIZELIMIT_EXCEEDED, AK_ERR_FULL},
    {LDAP_ADMINLIMIT_EXCEEDED, AK_ERR_FULL},
    {LDAP_INVALID_DN_SYNTAX, AK_ERR_INVALID},
    {LDAP_INVALID_SYNTAX, AK_ERR_INVALID},
    {LDAP_CONSTRAINT_VIOLATION, AK_ERR_INVALID},
    {LDAP_OBJECT_CLASS_VIOLATION, AK_ERR_INVALID},
    {LDAP_NAMING_VIOLATION, AK_ERR_INVALID},
    {LDAP_UNDEFINED_TYPE, AK_ERR_INVALID},
    {LDAP_FILTER_ERROR, AK_ERR_INVALID},
    {LDAP_PARAM_ERROR, AK_ERR_INVALID},
    {LDAP_DECODING_ERROR, AK_ERR_CORRUPT},
    {LDAP_NO_MEMORY, AK_ERR_NOMEM},
};

static enum ak_err
meaning_of(int rc)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].rc == rc)
			return meanings[i].err;
	return AK_ERR_UNAVAILABLE;
}

/* What the server said in its own words, else what TLS noted. Some answers of GnuTLS say nothing. */
static void
add_details(struct text *t, LDAP *ld)
{
	char *said = NULL;

	if (ld != NULL)
		(void)ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	if (noted[0] != '\0') {
		text_add(t, ": %s", noted);
	} else if (said != NULL && said[0] != '\0') {
		text_add(t, ": ");
		add_clean(t, said);
	}
	ldap_memfree(said);
}

enum ak_err
ldapconn_fail(LDAP *ld, int rc, const char *what, struct diag *why)
{
	char words[400];
	struct text t = text_over(words, sizeof(words));
	enum ak_err err = meaning_of(rc);

	if (err == AK_OK)
		return AK_OK;
	text_add(&t, "%s: ", what);
	add_clean(&t, ldap_err2string(rc));
	add_details(&t, ld);
	note_clear();
	return diag_because(why, err, "%s", words);
}

/* --- a connection --------------------------------------------------------------------------- */

enum scheme { SCHEME_LDAP, SCHEME_LDAPS, SCHEME_LDAPI, SCHEME_BAD };

/* One URI, not a list of them: blanks and commas part those. */
static enum scheme
scheme_of(const char *uri)
{
	static const char *const names[] = {"ldap://", "ldaps://", "ldapi://"};

	if (uri == NULL || strpbrk(uri, " ,\t\n") != NULL)
		return SCHEME_BAD;
	for (int i = 0; i < SCHEME_BAD; i++)
		if (strncasecmp(uri, names[i], strlen(names[i])) == 0)
			return (enum scheme)i;
	return SCHEME_BAD;
}

static bool
is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static enum ak_err
check_config(const struct ldapconn_config *c, struct diag *why)
{
	if (scheme_of(c->uri) == SCHEME_BAD)
		return diag_because(why, AK_ERR_INVALID,
		    "%s is no URI of an LDAP server (ldap://, ldaps:// or ldapi://)",
		    c->uri != NULL ? c->uri : "nothing");
	if (c->bind == LDAPCONN_SIMPLE && (!is_given(c->dn) || !is_given(c->password)))
		return diag_because(why, AK_ERR_INVALID,
		    "%s: a bind with an empty name or password would be an anonymous one",
		    c->uri);
	if (is_given(c->cert_file) != is_given(c->key_file))
		return diag_because(why, AK_ERR_INVALID,
		    "%s: a client certificate needs its key, and a key its certificate", c->uri);
	if (c->timeout_s <= 0)
		return diag_because(
		    why, AK_ERR_INVALID, "%s: the timeout must be at least 1 s", c->uri);
	return AK_OK;
}

static int
set_int(LDAP *ld, int option, int value)
{
	return ldap_set_option(ld, option, &value);
}

/* Deadlines for everything, and no surprises: no referral, no signal that ends a wait for good. */
static int
set_common(LDAP *ld, int timeout_s)
{
	struct timeval tv = {.tv_sec = timeout_s};
	int rc;

	if ((rc = set_int(ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &tv)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = ldap_set_option(ld, LDAP_OPT_TIMEOUT, &tv)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_int(ld, LDAP_OPT_X_KEEPALIVE_IDLE, 30)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_int(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, 10)) != LDAP_OPT_SUCCESS)
		return rc;
	return set_int(ld, LDAP_OPT_X_KEEPALIVE_PROBES, 3);
}

/* Is the library built upon GnuTLS? It alone takes priority strings, and has no certificates of its own. */
static bool
is_gnutls(void)
{
	char *name = NULL;
	bool yes;

	(void)ldap_get_option(NULL, LDAP_OPT_X_TLS_PACKAGE, &name);
	yes = name != NULL && strcmp(name, "GnuTLS") == 0;
	ldap_memfree(name);
	return yes;
}

static int
set_path(LDAP *ld, int option, const char *path)
{
	return is_given(path) ? ldap_set_option(ld, option, path) : LDAP_OPT_SUCCESS;
}

/*
 * With GnuTLS the library ignores the option for a least version; a priority
 * string does it. The context comes last: it is made of what was set before.
 */
static int
set_tls(LDAP *ld, const struct ldapconn_config *c)
{
	bool gnutls = is_gnutls();
	const char *cas = c->ca_file;
	int rc;

	if (!is_given(cas) && gnutls && access(SYSTEM_CAS, R_OK) == 0)
		cas = SYSTEM_CAS;
	if ((rc = set_int(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_HARD)) !=
	    LDAP_OPT_SUCCESS)
		return rc;
	if (gnutls)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_CIPHER_SUITE,
		    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2");
	else
		rc = set_int(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
	if (rc != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_path(ld, LDAP_OPT_X_TLS_CACERTFILE, cas)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_path(ld, LDAP_OPT_X_TLS_CERTFILE, c->cert_file)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_path(ld, LDAP_OPT_X_TLS_KEYFILE, c->key_file)) != LDAP_OPT_SUCCESS)
		return rc;
	return set_int(ld, LDAP_OPT_X_TLS_NEWCTX, 0);
}

/* A certificate, a name or StartTLS that is refused is a "no"; a host that is not there is none. */
static enum ak_err
tls_fail(LDAP *ld, int rc, const char *uri, struct diag *why)
{
	char words[256] = "";
	struct text t = text_over(words, sizeof(words));
	enum ak_err err = meaning_of(rc);

	add_details(&t, ld);
	note_clear();
	if (rc == LDAP_CONNECT_ERROR)
		return diag_because(
		    why, AK_ERR_DENIED, "%s: TLS with the server failed%s", uri, words);
	if (rc == LDAP_SERVER_DOWN)
		return diag_because(why, err, "%s: the server can't be reached%s", uri, words);
	if (rc == LDAP_TIMEOUT)
		return diag_because(why, err, "%s: the server does not answer", uri);
	return diag_because(why, AK_ERR_DENIED, "%s: the server refuses StartTLS (%s%s)", uri,
	    ldap_err2string(rc), words);
}

static int
answer_gssapi(LDAP *ld, unsigned flags, void *defaults, void *in)
{
	(void)ld, (void)flags, (void)defaults, (void)in;
	return LDAP_SUCCESS;
}

static int
bind_as(LDAP *ld, const struct ldapconn_config *c)
{
	struct berval cred = {0};

	switch (c->bind) {
	case LDAPCONN_ANONYMOUS:
		return ldap_sasl_bind_s(ld, "", LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	case LDAPCONN_SIMPLE:
		/* The library's type for bytes that it only reads. */
		cred.bv_val = (char *)(uintptr_t)c->password;
		cred.bv_len = strlen(c->password);
		return ldap_sasl_bind_s(ld, c->dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	case LDAPCONN_EXTERNAL:
		return ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &cred, NULL, NULL, NULL);
	case LDAPCONN_GSSAPI:
		return ldap_sasl_interactive_bind_s(
		    ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer_gssapi, NULL);
	}
	return LDAP_PARAM_ERROR;
}

/* For ldaps the first operation makes the connection, so that certificates are refused here too. */
static enum ak_err
bind_to(LDAP *ld, const struct ldapconn_config *c, enum scheme scheme, struct diag *why)
{
	char what[300];
	struct text t = text_over(what, sizeof(what));
	int rc = bind_as(ld, c);

	if (rc == LDAP_SUCCESS)
		return AK_OK;
	if (rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR || rc == LDAP_TIMEOUT)
		return tls_fail(ld,
		    scheme == SCHEME_LDAPS && noted[0] != '\0' ? LDAP_CONNECT_ERROR : rc,
		    c->uri, why);
	text_add(&t, "%s: the server refuses the bind", c->uri);
	(void)ldapconn_fail(ld, rc, what, why);
	return meaning_of(rc) == AK_ERR_UNAVAILABLE ? AK_ERR_UNAVAILABLE : AK_ERR_DENIED;
}

static enum ak_err
open_on(LDAP *ld, const struct ldapconn_config *c, struct diag *why)
{
	enum scheme scheme = scheme_of(c->uri);
	int rc;

	if ((rc = set_common(ld, c->timeout_s)) != LDAP_OPT_SUCCESS)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "%s: the LDAP library refuses an option (%d)", c->uri, rc);
	if (scheme != SCHEME_LDAPI && set_tls(ld, c) != LDAP_OPT_SUCCESS) {
		enum ak_err err = diag_because(why, AK_ERR_INVALID,
		    "%s: a certificate or key can't be used%s%s", c->uri,
		    noted[0] != '\0' ? ": " : "", noted);

		note_clear();
		return err;
	}
	if (scheme == SCHEME_LDAP && (rc = ldap_start_tls_s(ld, NULL, NULL)) != LDAP_SUCCESS)
		return tls_fail(ld, rc, c->uri, why);
	return bind_to(ld, c, scheme, why);
}

enum ak_err
ldapconn_open(const struct ldapconn_config *c, LDAP **out, struct diag *why)
{
	enum ak_err err;
	LDAP *ld = NULL;
	int rc;

	*out = NULL;
	note_clear();
	if ((err = check_config(c, why)) != AK_OK)
		return err;
	if ((rc = ldap_initialize(&ld, c->uri)) != LDAP_SUCCESS)
		return diag_because(why, rc == LDAP_NO_MEMORY ? AK_ERR_NOMEM : AK_ERR_INVALID,
		    "%s: %s", c->uri, ldap_err2string(rc));
	if ((err = open_on(ld, c, why)) != AK_OK)
		ldapconn_close(&ld);
	*out = ld;
	return err;
}

void
ldapconn_close(LDAP **ld)
{
	if (*ld != NULL)
		(void)ldap_unbind_ext(*ld, NULL, NULL);
	*ld = NULL;
}

/* --- escapes -------------------------------------------------------------------------------- */

static enum ak_err
finish(struct text *t)
{
	if (!t->cut)
		return AK_OK;
	if (t->cap > 0)
		t->buf[0] = '\0';
	return AK_ERR_RANGE;
}

enum ak_err
ldapconn_escape_filter(const char *text, char *out, size_t cap)
{
	struct text t = text_over(out, cap);

	for (; *text != '\0'; text++) {
		if (strchr("*()\\", *text) != NULL || (unsigned char)*text < ' ')
			text_add(&t, "\\%02x", (unsigned char)*text);
		else
			text_add(&t, "%c", *text);
	}
	return finish(&t);
}

enum ak_err
ldapconn_escape_dn(const char *text, char *out, size_t cap)
{
	struct text t = text_over(out, cap);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		bool at_end = i == 0 || i + 1 == len;

		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text_add(&t, "\\%02x", (unsigned char)text[i]);
		else if (strchr("\"+,;<>=\\", text[i]) != NULL || (at_end && text[i] == ' ') ||
			 (i == 0 && text[i] == '#'))
			text_add(&t, "\\%c", text[i]);
		else
			text_add(&t, "%c", text[i]);
	}
	return finish(&t);
}
