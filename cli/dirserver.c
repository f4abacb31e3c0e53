#include <stdlib.h>
#include <string.h>

#include "dirserver_impl.h"
#include "dirtext.h"
#include "ldapconn.h"

#define FILTER_CAP 2048

static enum ak_err
open_one(const struct dirserver_login *login, const char *uri, LDAP **ld, struct diag *why)
{
	static const enum ldapconn_bind binds[] = {[DIRSERVER_SIMPLE] = LDAPCONN_SIMPLE,
	    [DIRSERVER_EXTERNAL] = LDAPCONN_EXTERNAL,
	    [DIRSERVER_GSSAPI] = LDAPCONN_GSSAPI};
	const struct directory_settings *s = login->settings;
	const struct ldapconn_config config = {.uri = uri,
	    .ca_file = s->ca_file,
	    .cert_file = s->cert_file,
	    .key_file = s->key_file,
	    .bind = binds[login->bind],
	    .dn = login->dn,
	    .password = login->password,
	    .timeout_s = (int)s->timeout_s};

	return ldapconn_open(&config, ld, why);
}

/* The next one is asked when a server is away, and never when it refuses us: all of them know the same. */
static enum ak_err
server_open(void *ctx, const struct dirserver_login *login, void **out, struct diag *why)
{
	struct dirserver *s = calloc(1, sizeof(*s));
	enum ak_err err = AK_ERR_UNAVAILABLE;

	(void)ctx;
	*out = NULL;
	if (s == NULL)
		return AK_ERR_NOMEM;
	s->timeout.tv_sec = (time_t)login->settings->timeout_s;
	strv_for (login->uris, uri) {
		struct diag said = DIAG_INIT;

		if ((err = open_one(login, uri, &s->ld, &said)) == AK_OK) {
			*out = s;
			return AK_OK;
		}
		*why = said; /* the last one's */
		if (err != AK_ERR_UNAVAILABLE)
			break;
	}
	free(s);
	return err;
}

static void
server_close(void **server)
{
	struct dirserver *s = *server;

	if (s == NULL)
		return;
	ldapconn_close(&s->ld);
	free(s);
	*server = NULL;
}

/* What an entry holds, borrowed from the packs. */
struct found {
	struct pack values[SLOT_COUNT];
	char version[VERSION_CAP];
};

static void
found_clear(struct found *f)
{
	for (int slot = 0; slot < SLOT_COUNT; slot++)
		pack_wipe(&f->values[slot]);
}

static enum ak_err
take_values(struct berval **values, const char *attribute, struct pack *out, struct diag *why)
{
	for (int i = 0; values != NULL && values[i] != NULL; i++) {
		if (values[i]->bv_len == 0 ||
		    memchr(values[i]->bv_val, '\0', values[i]->bv_len) != NULL)
			return diag_because(why, AK_ERR_INVALID,
			    "%s has a value that is empty or no text", attribute);
		pack_bytes(out, values[i]->bv_val, values[i]->bv_len);
		pack_u8(out, 0);
	}
	return out->err;
}

static enum ak_err
take_slots(LDAP *ld, LDAPMessage *m, struct found *f, struct diag *why)
{
	enum ak_err err = AK_OK;

	for (int slot = 0; slot < SLOT_COUNT && err == AK_OK; slot++) {
		const char *attribute = dirtext_attribute((enum directory_slot)slot);
		struct berval **values;

		if (attribute == NULL)
			continue;
		values = ldap_get_values_len(ld, m, attribute);
		err = take_values(values, attribute, &f->values[slot], why);
		ldap_value_free_len(values);
	}
	return err;
}

static enum ak_err
take_version(LDAP *ld, LDAPMessage *m, struct found *f)
{
	struct berval **values = ldap_get_values_len(ld, m, VERSION_ATTRIBUTE);
	enum ak_err err = AK_OK;

	if (values != NULL && values[0] != NULL)
		err = text_copy(f->version, sizeof(f->version), values[0]->bv_val);
	ldap_value_free_len(values);
	return err;
}

/* One bad entry is no reason to hide the others. */
static enum ak_err
take_entry(
    struct dirserver *s, LDAPMessage *m, dirserver_take_fn *take, void *ctx, struct diag *why)
{
	struct directory_entry e = {.search = DIRECTORY_KEYS};
	struct found f = {.version = ""};
	struct diag said = DIAG_INIT;
	char *dn = ldap_get_dn(s->ld, m);
	enum ak_err err, bad;

	if (dn == NULL)
		return AK_ERR_NOMEM;
	e.dn = dn;
	bad = take_slots(s->ld, m, &f, &said);
	for (int slot = 0; slot < SLOT_COUNT && bad == AK_OK; slot++)
		e.values[slot] = pack_borrow_strv(&f.values[slot]);
	err = bad == AK_ERR_INVALID ? AK_OK : bad;
	if (err == AK_OK)
		err = take_version(s->ld, m, &f);
	if (err == AK_OK && (err = take(ctx, &e, f.version, &said)) != AK_OK)
		*why = said;
	found_clear(&f);
	ldap_memfree(dn);
	return err;
}

/* (&FILTER(ATTRIBUTE=VALUE)) */
static enum ak_err
write_filter(const struct dirserver_search *s, char *out, size_t cap)
{
	struct text t = text_over(out, cap);
	char value[512];
	enum ak_err err;

	if (s->attribute == NULL)
		return text_copy(out, cap, s->filter);
	if ((err = ldapconn_escape_filter(s->value, value, sizeof(value))) != AK_OK)
		return err;
	text_add(&t, "(&%s(%s=%s))", s->filter, s->attribute, value);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

static enum ak_err
server_search(void *server, const struct dirserver_search *search, dirserver_take_fn *take,
    void *ctx, struct diag *why)
{
	struct dirserver *s = server;
	char filter[FILTER_CAP], wanted[SLOT_COUNT + 1][64] = {VERSION_ATTRIBUTE};
	char *attributes[SLOT_COUNT + 2] = {wanted[0]};
	size_t n = 1;
	LDAPMessage *res = NULL;
	enum ak_err err;
	int rc;

	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		const char *name = dirtext_attribute((enum directory_slot)slot);

		if (name == NULL)
			continue;
		if ((err = text_copy(wanted[n], sizeof(wanted[n]), name)) != AK_OK)
			return err;
		attributes[n] = wanted[n];
		n++;
	}
	if ((err = write_filter(search, filter, sizeof(filter))) != AK_OK)
		return diag_because(why, err, "the filter of directory.keys is too long");
	rc = ldap_search_ext_s(s->ld, search->base, LDAP_SCOPE_SUBTREE, filter, attributes, 0,
	    NULL, NULL, &s->timeout, LDAP_NO_LIMIT, &res);
	if (rc == LDAP_NO_SUCH_OBJECT)
		err = AK_ERR_NOT_FOUND;
	else if (rc != LDAP_SUCCESS)
		err = dirserver_fail(s, rc, "the search for keys", why);
	for (LDAPMessage *m = ldap_first_entry(s->ld, res); m != NULL && err == AK_OK;
	     m = ldap_next_entry(s->ld, m))
		err = take_entry(s, m, take, ctx, why);
	ldap_msgfree(res);
	return err;
}

const struct dirserver_calls dirserver_ldap = {
    .open = server_open,
    .close = server_close,
    .search = server_search,
    .add = dirserver_add,
    .change = dirserver_change,
    .remove = dirserver_remove,
    .count = dirserver_count,
    .read = dirserver_read,
};
