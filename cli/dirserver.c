#include "dirserver.h"

#include <stdlib.h>
#include <string.h>

#include <ldap.h>

#include "dirtext.h"
#include "ldapconn.h"
#include "num.h"

#define VERSION_ATTRIBUTE "entryCSN"
#define VERSION_CAP 256
#define FILTER_CAP 2048

struct server {
	LDAP *ld;
	struct timeval timeout;
};

/* What the server finds wrong with a value is its refusal, and no wrong usage. */
static enum ak_err
fail(const struct server *s, int rc, const char *what, struct diag *why)
{
	enum ak_err err = ldapconn_fail(s->ld, rc, what, why);

	return err == AK_ERR_INVALID ? AK_ERR_DENIED : err;
}

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
	struct server *s = calloc(1, sizeof(*s));
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
	struct server *s = *server;

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

static enum ak_err
take_entry(
    struct server *s, LDAPMessage *m, dirserver_take_fn *take, void *ctx, struct diag *why)
{
	struct directory_entry e = {.search = DIRECTORY_KEYS};
	struct found f = {.version = ""};
	char *dn = ldap_get_dn(s->ld, m);
	enum ak_err err;

	if (dn == NULL)
		return AK_ERR_NOMEM;
	e.dn = dn;
	if ((err = take_slots(s->ld, m, &f, why)) != AK_OK) {
		struct diag what = *why;

		*why = DIAG_INIT;
		(void)diag_say(why, err, dn, 0, 0, "%s", what.text);
	} else if ((err = take_version(s->ld, m, &f)) == AK_OK) {
		for (int slot = 0; slot < SLOT_COUNT; slot++)
			e.values[slot] = pack_borrow_strv(&f.values[slot]);
		err = take(ctx, &e, f.version, why);
	}
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
	struct server *s = server;
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
		err = fail(s, rc, "the search for keys", why);
	for (LDAPMessage *m = ldap_first_entry(s->ld, res); m != NULL && err == AK_OK;
	     m = ldap_next_entry(s->ld, m))
		err = take_entry(s, m, take, ctx, why);
	ldap_msgfree(res);
	return err;
}

/* Modifications as libldap wants them: they borrow every text. */
struct mods {
	LDAPMod *list; /* at most two for each change */
	LDAPMod **pointers;
	char ***values; /* of each */
	size_t n;
};

static void
mods_clear(struct mods *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->values[i]);
	free(m->list);
	free(m->pointers);
	free(m->values);
}

/* libldap takes char *, and writes nothing there. */
static char *
unconst(const char *s)
{
	char *out;

	memcpy(&out, &s, sizeof(out));
	return out;
}

static enum ak_err
mods_add(struct mods *m, int op, const char *attribute, struct strv values)
{
	char **v = calloc(strv_count(values) + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return AK_ERR_NOMEM;
	strv_for (values, value) {
		v[n++] = unconst(value);
	}
	m->values[m->n] = v;
	m->list[m->n] = (LDAPMod){.mod_op = op, .mod_type = unconst(attribute)};
	m->list[m->n].mod_values = v;
	m->pointers[m->n] = &m->list[m->n];
	m->n++;
	return AK_OK;
}

/* What goes is named before what comes: so a single value can be exchanged. */
static enum ak_err
mods_make(const struct dirserver_change *c, size_t n, struct mods *m)
{
	enum ak_err err = AK_OK;

	*m = (struct mods){.list = calloc(2 * n + 1, sizeof(*m->list)),
	    .pointers = calloc(2 * n + 1, sizeof(LDAPMod *)),
	    .values = calloc(2 * n + 1, sizeof(char **))};
	if (m->list == NULL || m->pointers == NULL || m->values == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < n && err == AK_OK; i++) {
		if (c[i].gone.len_b > 0)
			err = mods_add(m, LDAP_MOD_DELETE, c[i].attribute, c[i].gone);
		if (err == AK_OK && c[i].fresh.len_b > 0)
			err = mods_add(m, LDAP_MOD_ADD, c[i].attribute, c[i].fresh);
	}
	return err;
}

static enum ak_err
server_add(void *server, const char *dn, const struct dirserver_change *values, size_t n,
    struct diag *why)
{
	struct server *s = server;
	struct mods m;
	enum ak_err err = mods_make(values, n, &m);
	int rc;

	if (err == AK_OK) {
		rc = ldap_add_ext_s(s->ld, dn, m.pointers, NULL, NULL);
		if (rc == LDAP_ALREADY_EXISTS)
			err = AK_ERR_EXISTS;
		else if (rc == LDAP_NO_SUCH_OBJECT)
			err = AK_ERR_NOT_FOUND;
		else if (rc != LDAP_SUCCESS)
			err = fail(s, rc, "adding the key", why);
	}
	mods_clear(&m);
	return err;
}

/* The assertion (RFC 4528) that nobody changed the entry; none where the server tells no version. */
static enum ak_err
make_assertion(struct server *s, const char *version, LDAPControl **out)
{
	char value[VERSION_CAP * 3], filter[VERSION_CAP * 3 + 32];
	struct text t = text_over(filter, sizeof(filter));
	enum ak_err err;

	*out = NULL;
	if (version[0] == '\0')
		return AK_OK;
	if ((err = ldapconn_escape_filter(version, value, sizeof(value))) != AK_OK)
		return err;
	text_add(&t, "(" VERSION_ATTRIBUTE "=%s)", value);
	return ldap_create_assertion_control(s->ld, filter, 1, out) == LDAP_SUCCESS
		   ? AK_OK
		   : AK_ERR_NOMEM;
}

static enum ak_err
changed_err(struct server *s, int rc, const char *what, struct diag *why)
{
	switch (rc) {
	case LDAP_SUCCESS:
		return AK_OK;
	case LDAP_ASSERTION_FAILED:
	case LDAP_NO_SUCH_ATTRIBUTE:
	case LDAP_TYPE_OR_VALUE_EXISTS:
		return AK_ERR_ROLLBACK;
	case LDAP_NO_SUCH_OBJECT:
		return AK_ERR_NOT_FOUND;
	default:
		return fail(s, rc, what, why);
	}
}

static enum ak_err
server_change(void *server, const char *dn, const char *version,
    const struct dirserver_change *changes, size_t n, struct diag *why)
{
	struct server *s = server;
	LDAPControl *controls[2] = {NULL, NULL};
	struct mods m;
	enum ak_err err = mods_make(changes, n, &m);

	if (err == AK_OK)
		err = make_assertion(s, version, &controls[0]);
	if (err == AK_OK)
		err = changed_err(s, ldap_modify_ext_s(s->ld, dn, m.pointers, controls, NULL),
		    "changing the key", why);
	ldap_control_free(controls[0]);
	mods_clear(&m);
	return err;
}

static enum ak_err
server_remove(void *server, const char *dn, const char *version, struct diag *why)
{
	struct server *s = server;
	LDAPControl *controls[2] = {NULL, NULL};
	enum ak_err err = make_assertion(s, version, &controls[0]);

	if (err == AK_OK)
		err = changed_err(
		    s, ldap_delete_ext_s(s->ld, dn, controls, NULL), "deleting the key", why);
	ldap_control_free(controls[0]);
	return err;
}

/* The control that asks for an attribute as it was before (RFC 4527). */
static enum ak_err
make_preread(const char *attribute, LDAPControl **out)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	char *names[] = {unconst(attribute), NULL};
	struct berval value;
	enum ak_err err = AK_ERR_NOMEM;

	*out = NULL;
	if (ber == NULL)
		return err;
	if (ber_printf(ber, "{v}", names) != -1 && ber_flatten2(ber, &value, 0) != -1 &&
	    ldap_control_create(LDAP_CONTROL_PRE_READ, 1, &value, 1, out) == LDAP_SUCCESS)
		err = AK_OK;
	ber_free(ber, 1);
	return err;
}

/* The one number of the entry that the answer's control holds. */
static enum ak_err
read_preread(LDAPControl **controls, uint64_t *before)
{
	LDAPControl *c = ldap_control_find(LDAP_CONTROL_PRE_READ, controls, NULL);
	struct berval dn, name, *values = NULL;
	BerElement *ber;
	enum ak_err err = AK_ERR_INVALID;

	if (c == NULL || (ber = ber_init(&c->ldctl_value)) == NULL)
		return AK_ERR_INVALID;
	if (ber_scanf(ber, "{m{{m[W]", &dn, &name, &values) != LBER_ERROR && values != NULL &&
	    values[0].bv_val != NULL)
		err = num_parse(values[0].bv_val, 0, UINT64_MAX, before);
	ber_bvarray_free(values);
	ber_free(ber, 1);
	return err;
}

/* Wait for the answer to a modification, with its controls. */
static int
await(struct server *s, int id, LDAPControl ***controls)
{
	LDAPMessage *res = NULL;
	int rc = LDAP_OTHER;

	switch (ldap_result(s->ld, id, LDAP_MSG_ALL, &s->timeout, &res)) {
	case -1:
		(void)ldap_get_option(s->ld, LDAP_OPT_RESULT_CODE, &rc);
		return rc;
	case 0:
		return LDAP_TIMEOUT;
	default:
		break;
	}
	if (ldap_parse_result(s->ld, res, &rc, NULL, NULL, NULL, controls, 1) != LDAP_SUCCESS)
		return LDAP_DECODING_ERROR;
	return rc;
}

static enum ak_err
server_count(
    void *server, const char *dn, const char *attribute, uint64_t *before, struct diag *why)
{
	struct server *s = server;
	char one[] = "1", *values[] = {one, NULL};
	LDAPMod mod = {.mod_op = LDAP_MOD_INCREMENT, .mod_type = unconst(attribute)};
	LDAPMod *mods[] = {&mod, NULL};
	LDAPControl *controls[2] = {NULL, NULL}, **answered = NULL;
	enum ak_err err = make_preread(attribute, &controls[0]);
	int rc, id;

	mod.mod_values = values;
	if (err != AK_OK)
		return err;
	if ((rc = ldap_modify_ext(s->ld, dn, mods, controls, NULL, &id)) == LDAP_SUCCESS)
		rc = await(s, id, &answered);
	if (rc == LDAP_NO_SUCH_OBJECT)
		err = AK_ERR_NOT_FOUND;
	else if (rc != LDAP_SUCCESS)
		err = fail(s, rc, "counting the uids on", why);
	else if ((err = read_preread(answered, before)) != AK_OK)
		err = diag_because(why, AK_ERR_UNAVAILABLE,
		    "the server does not tell %s of %s as it was before (RFC 4527): may this "
		    "bind read it?",
		    attribute, dn);
	ldap_controls_free(answered);
	ldap_control_free(controls[0]);
	return err;
}

const struct dirserver_calls dirserver_ldap = {
    .open = server_open,
    .close = server_close,
    .search = server_search,
    .add = server_add,
    .change = server_change,
    .remove = server_remove,
    .count = server_count,
};
