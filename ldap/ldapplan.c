#include "ldapplan.h"

#include <stdbool.h>
#include <string.h>

#include "dirtext.h"

/* RFC 4512: a letter, then letters, digits, hyphens; or an OID. No options. */
static bool
is_attribute(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return len > 0;
}

static enum ak_err
plan_add(struct ldapplan *p, const char *name, size_t len, enum directory_slot slot,
    struct diag *why)
{
	char *room;

	if (p->n == LDAPPLAN_ATTRIBUTES_MAX)
		return diag_because(why, AK_ERR_INVALID,
		    "there are more than %d attributes to ask for", LDAPPLAN_ATTRIBUTES_MAX);
	if (!is_attribute(name, len) || len >= sizeof(p->attributes[0].name))
		return diag_because(
		    why, AK_ERR_INVALID, "'%.*s' is no attribute's name", (int)len, name);
	room = p->attributes[p->n].name;
	memcpy(room, name, len);
	room[len] = '\0';
	p->attributes[p->n].slot = slot;
	p->wanted[p->n++] = room;
	return AK_OK;
}

static enum ak_err
plan_keys(struct ldapplan *p, struct diag *why)
{
	enum ak_err err = AK_OK;

	for (unsigned s = 1; s < SLOT_COUNT && err == AK_OK; s++) {
		const char *name = dirtext_attribute((enum directory_slot)s);

		if (name != NULL)
			err = plan_add(p, name, strlen(name), (enum directory_slot)s, why);
	}
	return err;
}

static enum ak_err
plan_groups(const struct directory_settings *d, struct ldapplan *p, struct diag *why)
{
	const char *role = d->role_attribute;
	enum ak_err err = plan_add(p, d->group_name, strlen(d->group_name), SLOT_NAME, why);

	strv_for (d->members, name)
		if (err == AK_OK)
			err = plan_add(p, name, strlen(name), SLOT_MEMBER_DN, why);
	if (err == AK_OK && role[0] != '\0')
		err = plan_add(p, role, strlen(role), SLOT_BINDING, why);
	return err;
}

/* The ATTR of (ATTR=%n). */
static enum ak_err
plan_principals(const char *filter, struct ldapplan *p, struct diag *why)
{
	const char *end = strstr(filter, "=%n"), *begin = end;

	while (begin != NULL && begin > filter && begin[-1] != '(')
		begin--;
	if (begin == NULL || begin == filter || !is_attribute(begin, (size_t)(end - begin)))
		return diag_because(why, AK_ERR_INVALID,
		    "principal.filter has no '(ATTRIBUTE=%%n)': %s", filter);
	return plan_add(p, begin, (size_t)(end - begin), SLOT_NAME, why);
}

enum ak_err
ldapplan_make(const struct directory_settings *d, enum directory_search_id search,
    struct ldapplan *out, struct diag *why)
{
	static char uuid[] = LDAPPLAN_ENTRY_UUID, guid[] = LDAPPLAN_OBJECT_GUID,
		    usn[] = LDAPPLAN_USN_CHANGED;
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	out->search = search;
	if (search == DIRECTORY_KEYS)
		err = plan_keys(out, why);
	else if (search == DIRECTORY_GROUPS)
		err = plan_groups(d, out, why);
	else
		err = plan_principals(d->principal.filter, out, why);
	out->wanted[out->n] = uuid;
	out->wanted[out->n + 1] = guid;
	out->wanted[out->n + 2] = usn;
	return err;
}

/* --- principal.filter ----------------------------------------------------------------------- */

static void
add_text(struct pack *out, const char *s)
{
	pack_bytes(out, s, strlen(s));
}

static void
add_for_name(struct pack *out, const char *filter, const char *name)
{
	const char *at;

	for (; (at = strstr(filter, "%n")) != NULL; filter = at + 2) {
		pack_bytes(out, filter, (size_t)(at - filter));
		add_text(out, name);
	}
	add_text(out, filter);
}

enum ak_err
ldapplan_name_filter(const char *filter, struct strv names, struct pack *out)
{
	size_t n = strv_count(names);

	if (n > LDAPPLAN_NAMES_MAX)
		add_for_name(out, filter, "*");
	else if (n > 1)
		add_text(out, "(|");
	strv_for (names, name) {
		if (n > LDAPPLAN_NAMES_MAX)
			break;
		/* What may be a key's name has nothing that a filter would read otherwise. */
		if (!text_is_key_name(name))
			return AK_ERR_INVALID;
		add_for_name(out, filter, name);
	}
	if (n > 1 && n <= LDAPPLAN_NAMES_MAX)
		add_text(out, ")");
	pack_u8(out, 0);
	return out->err;
}
