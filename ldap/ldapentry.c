#include "ldapentry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dirtext.h"
#include "hash.h"
#include "text.h"

enum ak_err
ldapentry_begin(struct ldapentry *e, const struct ldapplan *plan, const char *dn)
{
	memset(e, 0, sizeof(*e));
	e->plan = plan;
	return ldapdn_normalise(dn, e->dn) == AK_OK ? AK_OK : AK_ERR_INVALID;
}

static void
leave_out(struct ldapentry *e, const char *attribute, const char *because)
{
	bool key = e->plan->search == DIRECTORY_KEYS;

	e->unusable |= key;
	(void)diag_because(&e->problem, AK_ERR_INVALID, "%.256s: %s of %.64s is left out: %s",
	    e->dn, key ? "the key with a value" : "a value", attribute, because);
}

static void
put_value(struct pack *out, const struct berval *v)
{
	pack_bytes(out, v->bv_val, v->bv_len);
	pack_u8(out, 0);
}

static void
add_member(struct ldapentry *e, const char *attribute, const struct berval *v)
{
	char value[3 * LDAPDN_CAP], dn[LDAPDN_CAP];

	if (memchr(v->bv_val, '=', v->bv_len) == NULL) {
		put_value(&e->values[SLOT_MEMBER_NAME], v);
		return;
	}
	if (v->bv_len < sizeof(value)) {
		memcpy(value, v->bv_val, v->bv_len);
		value[v->bv_len] = '\0';
		if (ldapdn_normalise(value, dn) == AK_OK) {
			pack_entry(&e->values[SLOT_MEMBER_DN], dn);
			return;
		}
	}
	leave_out(e, attribute, "it is no DN");
}

static void
add_value(struct ldapentry *e, const char *attribute, enum directory_slot slot,
    const struct berval *v)
{
	if (v->bv_len == 0) {
		/* Of a group's lists it means nothing. */
		if (e->plan->search == DIRECTORY_KEYS)
			leave_out(e, attribute, "it is empty");
	} else if (v->bv_len > LDAPENTRY_VALUE_MAX_B)
		leave_out(e, attribute, "it is longer than 64 KiB");
	else if (memchr(v->bv_val, '\0', v->bv_len) != NULL)
		leave_out(e, attribute, "there is a NUL in it");
	else if (slot == SLOT_MEMBER_DN)
		add_member(e, attribute, v);
	else
		put_value(&e->values[slot], v);
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 597ae2f6-16a6-1027-98f4-d28b5365dc14 */
static bool
parse_uuid(const struct berval *v, unsigned char out[DIRECTORY_UUID_B])
{
	size_t n = 0;

	if (v->bv_len != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		int digit = digit_of(v->bv_val[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (v->bv_val[i] != '-')
				return false;
			continue;
		}
		if (digit < 0)
			return false;
		out[n / 2] = (unsigned char)(n % 2 == 0 ? digit << 4 : out[n / 2] | digit);
		n++;
	}
	return true;
}

static void
add_uuid(struct ldapentry *e, const char *attribute, const struct berval *v)
{
	if (strcasecmp(attribute, LDAPPLAN_ENTRY_UUID) == 0)
		e->has_uuid = parse_uuid(v, e->uuid) || e->has_uuid;
	if (strcasecmp(attribute, LDAPPLAN_OBJECT_GUID) == 0 && !e->has_uuid &&
	    v->bv_len == DIRECTORY_UUID_B) {
		memcpy(e->uuid, v->bv_val, DIRECTORY_UUID_B);
		e->has_uuid = true;
	}
}

static bool
copy(char *out, size_t cap, const struct berval *v)
{
	if (v->bv_len >= cap || (v->bv_len > 0 && memchr(v->bv_val, '\0', v->bv_len) != NULL))
		return false;
	if (v->bv_len > 0)
		memcpy(out, v->bv_val, v->bv_len);
	out[v->bv_len] = '\0';
	return true;
}

/* As it was when the first part was made; a later one must not be of another. */
static void
note_usn(struct ldapentry *e, const char *attribute, const struct berval *v, bool first)
{
	char usn[sizeof(e->usn)] = "";

	if (strcasecmp(attribute, LDAPPLAN_USN_CHANGED) != 0 || !copy(usn, sizeof(usn), v))
		return;
	if (first)
		memcpy(e->usn, usn, sizeof(e->usn));
	else
		e->moved_on = e->moved_on || strcmp(e->usn, usn) != 0;
}

#define RANGE ";range="

/* "member;range=0-1499": the name's length, and where the next part begins (0: this is the last one). False: other options. */
static bool
parse_options(const char *attribute, size_t *name_len, unsigned long *first, unsigned long *next)
{
	const char *at = strchr(attribute, ';');
	char *end;

	*name_len = at != NULL ? (size_t)(at - attribute) : strlen(attribute);
	*first = *next = 0;
	if (at == NULL)
		return true;
	if (strncasecmp(at, RANGE, strlen(RANGE)) != 0 || digit_of(at[strlen(RANGE)]) < 0)
		return false;
	errno = 0;
	*first = strtoul(at + strlen(RANGE), &end, 10);
	if (errno != 0 || *end != '-')
		return false;
	if (strcmp(end, "-*") == 0)
		return true;
	if (digit_of(end[1]) < 0)
		return false;
	*next = strtoul(end + 1, &end, 10) + 1;
	return errno == 0 && *end == '\0' && *next > *first;
}

/* In which of the plan's attributes these values go; -1: none. */
static int
find(const struct ldapplan *p, const char *attribute, size_t len)
{
	for (unsigned i = 0; i < p->n; i++)
		if (strlen(p->attributes[i].name) == len &&
		    strncasecmp(p->attributes[i].name, attribute, len) == 0)
			return (int)i;
	return -1;
}

static void
add_all(struct ldapentry *e, int at, const struct berval *values)
{
	for (; values != NULL && values->bv_val != NULL; values++)
		add_value(e, e->plan->attributes[at].name, e->plan->attributes[at].slot, values);
}

static void
set_more(struct ldapentry *e, int at, unsigned long next)
{
	e->more_of[0] = '\0';
	e->more_from = next;
	if (next > 0)
		memcpy(e->more_of, e->plan->attributes[at].name, sizeof(e->more_of));
}

void
ldapentry_add(struct ldapentry *e, const char *attribute, const struct berval *values)
{
	unsigned long first, next;
	size_t len;
	bool whole = parse_options(attribute, &len, &first, &next);
	int at = find(e->plan, attribute, len);

	if (values != NULL && values->bv_val != NULL) {
		add_uuid(e, attribute, values);
		note_usn(e, attribute, values, true);
	}
	if (at < 0)
		return;
	/* A part that is not the first, or that can't be told which: what it belongs to is not whole. */
	if (strcasestr(attribute, RANGE) != NULL && (!whole || first != 0))
		e->values[e->plan->attributes[at].slot].err = AK_ERR_CORRUPT;
	/* cn;lang-de is another attribute than cn; apikeyFrom;lang-de was meant to limit the key. */
	if (!whole) {
		if (e->plan->search == DIRECTORY_KEYS &&
		    e->plan->attributes[at].slot != SLOT_KEY_DESCRIPTION)
			leave_out(e, attribute, "options are not understood");
		return;
	}
	add_all(e, at, values);
	if (next == 0)
		return;
	/* Two long lists in one entry nobody has; the first one would stay cut. */
	if (e->more_of[0] != '\0')
		e->values[e->plan->attributes[at].slot].err = AK_ERR_CORRUPT;
	set_more(e, at, next);
}

/* Each attribute of a message. take's answer other than AK_OK ends it. */
static enum ak_err
each_attribute(LDAP *ld, LDAPMessage *message, struct ldapentry *e,
    enum ak_err (*take)(struct ldapentry *e, const char *dn, const char *attribute,
	const struct berval *values))
{
	BerElement *ber = NULL;
	struct berval bv = {0}, *values = NULL;
	char dn[3 * LDAPDN_CAP], attribute[128];
	enum ak_err err = AK_ERR_CORRUPT;

	if (ldap_get_dn_ber(ld, message, &ber, &bv) == LDAP_SUCCESS)
		err = copy(dn, sizeof(dn), &bv) ? take(e, dn, NULL, NULL) : AK_ERR_INVALID;
	while (err == AK_OK) {
		if (ldap_get_attribute_ber(ld, message, ber, &bv, &values) != LDAP_SUCCESS) {
			err = AK_ERR_CORRUPT;
			break;
		}
		if (bv.bv_val == NULL)
			break;
		/* No attribute that was asked for has such a name. */
		if (copy(attribute, sizeof(attribute), &bv))
			err = take(e, dn, attribute, values);
		ber_memfree(values);
		values = NULL;
	}
	ber_free(ber, 0);
	return err;
}

static enum ak_err
take_first(
    struct ldapentry *e, const char *dn, const char *attribute, const struct berval *values)
{
	if (attribute == NULL)
		return ldapentry_begin(e, e->plan, dn);
	ldapentry_add(e, attribute, values);
	return AK_OK;
}

enum ak_err
ldapentry_read(struct ldapentry *e, const struct ldapplan *plan, LDAP *ld, LDAPMessage *message)
{
	e->plan = plan;
	return each_attribute(ld, message, e, take_first);
}

/* Beside the part Active Directory gives the attribute itself too, without a value. */
static enum ak_err
take_more(
    struct ldapentry *e, const char *dn, const char *attribute, const struct berval *values)
{
	unsigned long first, next;
	size_t len;
	int at;

	(void)dn;
	if (attribute == NULL)
		return AK_OK;
	if (values != NULL && values->bv_val != NULL)
		note_usn(e, attribute, values, false);
	if (!parse_options(attribute, &len, &first, &next) || first != e->more_from ||
	    strlen(e->more_of) != len || strncasecmp(e->more_of, attribute, len) != 0 ||
	    (at = find(e->plan, attribute, len)) < 0)
		return AK_OK;
	add_all(e, at, values);
	set_more(e, at, next);
	return AK_OK;
}

enum ak_err
ldapentry_read_more(struct ldapentry *e, LDAP *ld, LDAPMessage *message)
{
	unsigned long before = e->more_from;
	enum ak_err err = each_attribute(ld, message, e, take_more);

	if (err == AK_OK && e->more_from == before && !e->moved_on)
		return AK_ERR_CORRUPT;
	return err;
}

enum ak_err
ldapentry_finish(struct ldapentry *e, struct directory_entry *out)
{
	memset(out, 0, sizeof(*out));
	out->search = e->plan->search;
	out->dn = e->dn;
	if (!e->has_uuid) {
		le64_store(e->uuid, hash_sip(1, e->dn, strlen(e->dn)));
		le64_store(e->uuid + 8, hash_sip(2, e->dn, strlen(e->dn)));
	}
	memcpy(out->uuid, e->uuid, sizeof(out->uuid));
	for (unsigned s = 1; s < SLOT_COUNT; s++) {
		if (e->values[s].err != AK_OK)
			return e->values[s].err;
		out->values[s] = pack_borrow_strv(&e->values[s]);
	}
	return AK_OK;
}

void
ldapentry_clear(struct ldapentry *e)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++)
		pack_wipe(&e->values[s]);
}
