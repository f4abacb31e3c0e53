#include "ldapconn.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "ldapad.h"
#include "ldaptls.h"
#include "text.h"

void
ldapconn_init(void)
{
	(void)setenv("LDAPNOINIT", "1", 1);
	ldaptls_init();
}

/* --- what the server must not make us say ---------------------------------------------------- */

/* The password that servers were shown, since the last connection was closed; NULL: none. */
static char *shown;

static void
forget_shown(void)
{
	if (shown != NULL)
		explicit_bzero(shown, strlen(shown));
	free(shown);
	shown = NULL;
}

static enum ak_err
note_shown(const struct ldapconn_config *c)
{
	forget_shown();
	if (c->bind != LDAPCONN_SIMPLE)
		return AK_OK;
	shown = strdup(c->password);
	return shown != NULL ? AK_OK : AK_ERR_NOMEM;
}

/* A server may send the password back, for logs to keep. */
static bool
is_sayable(const char *said)
{
	return said != NULL && said[0] != '\0' && (shown == NULL || strstr(said, shown) == NULL);
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
	const char *problem = ldaptls_problem(), *refusal;
	char *said = NULL;

	if (ld != NULL)
		(void)ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	if (problem[0] != '\0') {
		text_add(t, ": %s", problem);
	} else if (is_sayable(said)) {
		if ((refusal = ldapad_refusal(said)) != NULL)
			text_add(t, ": %s", refusal);
		text_add(t, ": ");
		ldaptls_add_clean(t, said);
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
	ldaptls_add_clean(&t, ldap_err2string(rc));
	add_details(&t, ld);
	ldaptls_forget_problem();
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
	if ((rc = ldaptls_guard(ld, timeout_s)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_int(ld, LDAP_OPT_X_KEEPALIVE_IDLE, 30)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_int(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, 10)) != LDAP_OPT_SUCCESS)
		return rc;
	return set_int(ld, LDAP_OPT_X_KEEPALIVE_PROBES, 3);
}

/* A certificate, a name or StartTLS that is refused is a "no"; a host that is not there, or silent, is none. */
static enum ak_err
connect_fail(LDAP *ld, int rc, const char *uri, struct diag *why)
{
	char words[256] = "";
	struct text t = text_over(words, sizeof(words));
	bool silent = rc == LDAP_TIMEOUT || strstr(ldaptls_problem(), "does not answer");

	add_details(&t, ld);
	if (silent)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "%s: the server does not answer", uri);
	if (rc == LDAP_CONNECT_ERROR || ldaptls_problem()[0] != '\0')
		return diag_because(
		    why, AK_ERR_DENIED, "%s: TLS with the server failed%s", uri, words);
	if (rc == LDAP_SERVER_DOWN)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "%s: the server can't be reached%s", uri, words);
	if (rc < 0)
		return ldapconn_fail(ld, rc, uri, why);
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
	char nothing[1] = "";

	switch (c->bind) {
	case LDAPCONN_ANONYMOUS:
		return ldap_sasl_bind_s(ld, "", LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	case LDAPCONN_SIMPLE:
		/* The library's type for bytes that it only reads. */
		cred.bv_val = (char *)(uintptr_t)c->password;
		cred.bv_len = strlen(c->password);
		return ldap_sasl_bind_s(ld, c->dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	case LDAPCONN_EXTERNAL:
		/* Credentials that are empty: a server asks for those that are absent. */
		cred.bv_val = nothing;
		return ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &cred, NULL, NULL, NULL);
	case LDAPCONN_GSSAPI:
		return ldap_sasl_interactive_bind_s(
		    ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer_gssapi, NULL);
	}
	return LDAP_PARAM_ERROR;
}

static enum ak_err
bind_to(LDAP *ld, const struct ldapconn_config *c, struct diag *why)
{
	char what[300];
	struct text t = text_over(what, sizeof(what));
	enum ak_err err;
	int rc = bind_as(ld, c);

	text_add(&t, "%s: the bind failed", c->uri);
	err = ldapconn_fail(ld, rc, what, why);
	return err == AK_OK || err == AK_ERR_UNAVAILABLE || err == AK_ERR_NOMEM ? err
										: AK_ERR_DENIED;
}

static enum ak_err
secure(LDAP *ld, const struct ldapconn_config *c, struct diag *why)
{
	enum scheme scheme = scheme_of(c->uri);
	int rc;

	if (scheme != SCHEME_LDAPI &&
	    ldaptls_configure(ld, c->ca_file, c->cert_file, c->key_file) != LDAP_OPT_SUCCESS)
		return diag_because(why, AK_ERR_INVALID,
		    "%s: a certificate or key can't be used: %s", c->uri, ldaptls_problem());
	/* ldaps: TLS begins with the connection. */
	if ((rc = ldap_connect(ld)) != LDAP_SUCCESS)
		return connect_fail(ld, rc, c->uri, why);
	if (scheme == SCHEME_LDAP && (rc = ldap_start_tls_s(ld, NULL, NULL)) != LDAP_SUCCESS)
		return connect_fail(ld, rc, c->uri, why);
	if (scheme != SCHEME_LDAPI && !ldaptls_is_new_enough(ld))
		return diag_because(why, AK_ERR_DENIED,
		    "%s: the server's TLS is too old: version 1.2 is the least", c->uri);
	return AK_OK;
}

static enum ak_err
open_on(LDAP *ld, const struct ldapconn_config *c, struct diag *why)
{
	enum ak_err err;
	int rc;

	if ((rc = set_common(ld, c->timeout_s)) != LDAP_OPT_SUCCESS)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "%s: the LDAP library refuses an option (%d)", c->uri, rc);
	err = secure(ld, c, why);
	rc = ldaptls_unguard(ld);
	if (err != AK_OK)
		return err;
	if (rc != LDAP_SUCCESS)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "%s: the connection has no socket", c->uri);
	return bind_to(ld, c, why);
}

enum ak_err
ldapconn_open(const struct ldapconn_config *c, LDAP **out, struct diag *why)
{
	enum ak_err err;
	LDAP *ld = NULL;
	int rc;

	*out = NULL;
	ldaptls_forget_problem();
	if ((err = check_config(c, why)) != AK_OK || (err = note_shown(c)) != AK_OK)
		return err;
	if ((rc = ldap_initialize(&ld, c->uri)) != LDAP_SUCCESS)
		return diag_because(why, rc == LDAP_NO_MEMORY ? AK_ERR_NOMEM : AK_ERR_INVALID,
		    "%s: %s", c->uri, ldap_err2string(rc));
	if ((err = open_on(ld, c, why)) != AK_OK)
		ldapconn_close(&ld);
	ldaptls_forget_problem();
	*out = ld;
	return err;
}

void
ldapconn_close(LDAP **ld)
{
	if (*ld != NULL)
		(void)ldap_unbind_ext(*ld, NULL, NULL);
	*ld = NULL;
	forget_shown();
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
