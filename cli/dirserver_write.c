#include <stdlib.h>
#include <string.h>

#include "dirserver_impl.h"
#include "ldapconn.h"
#include "num.h"

enum ak_err
dirserver_fail(const struct dirserver *s, int rc, const char *what, struct diag *why)
{
	enum ak_err err = ldapconn_fail(s->ld, rc, what, why);

	return err == AK_ERR_INVALID ? AK_ERR_DENIED : err;
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

enum ak_err
dirserver_add(void *server, const char *dn, const struct dirserver_change *values, size_t n,
    struct diag *why)
{
	struct dirserver *s = server;
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
			err = dirserver_fail(s, rc, "adding the key", why);
	}
	mods_clear(&m);
	return err;
}

/* The assertion (RFC 4528) that nobody changed the entry; none where the server tells no version. */
static enum ak_err
make_assertion(struct dirserver *s, const char *version, LDAPControl **out)
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
changed_err(struct dirserver *s, int rc, const char *what, struct diag *why)
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
		return dirserver_fail(s, rc, what, why);
	}
}

enum ak_err
dirserver_change(void *server, const char *dn, const char *version,
    const struct dirserver_change *changes, size_t n, struct diag *why)
{
	struct dirserver *s = server;
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

enum ak_err
dirserver_remove(void *server, const char *dn, const char *version, struct diag *why)
{
	struct dirserver *s = server;
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

static enum ak_err
say_untold(const char *dn, const char *attribute, const char *rest, struct diag *why)
{
	return diag_because(why, AK_ERR_UNAVAILABLE,
	    "the server does not tell %s of %s%s: may this bind read it?", attribute, dn, rest);
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
await(struct dirserver *s, int id, LDAPControl ***controls)
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

enum ak_err
dirserver_count(
    void *server, const char *dn, const char *attribute, uint64_t *before, struct diag *why)
{
	struct dirserver *s = server;
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
		err = dirserver_fail(s, rc, "counting the uids on", why);
	else if ((err = read_preread(answered, before)) != AK_OK)
		err = say_untold(dn, attribute, " as it was before (RFC 4527)", why);
	ldap_controls_free(answered);
	ldap_control_free(controls[0]);
	return err;
}

enum ak_err
dirserver_read(
    void *server, const char *dn, const char *attribute, uint64_t *number, struct diag *why)
{
	struct dirserver *s = server;
	char *attributes[] = {unconst(attribute), NULL};
	struct berval **values;
	LDAPMessage *res = NULL;
	enum ak_err err = AK_ERR_INVALID;
	int rc = ldap_search_ext_s(s->ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0,
	    NULL, NULL, &s->timeout, 1, &res);

	if (rc == LDAP_NO_SUCH_OBJECT) {
		err = AK_ERR_NOT_FOUND;
	} else if (rc != LDAP_SUCCESS) {
		err = dirserver_fail(s, rc, "reading the counter of uids", why);
	} else {
		values = ldap_get_values_len(s->ld, ldap_first_entry(s->ld, res), attribute);
		if (values != NULL && values[0] != NULL)
			err = num_parse(values[0]->bv_val, 0, UINT64_MAX, number);
		ldap_value_free_len(values);
		if (err != AK_OK)
			err = say_untold(dn, attribute, "", why);
	}
	ldap_msgfree(res);
	return err;
}
