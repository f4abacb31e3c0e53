#include "ldapdn.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ldap.h>

#include "text.h"

/* RDNs of more parts than this nobody makes. */
#define PARTS_MAX 16

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* text_add for one byte: names are many. */
static void
add_char(struct text *t, char c)
{
	if (t->len + 1 >= t->cap)
		t->cut = true;
	if (t->cut)
		return;
	t->buf[t->len++] = c;
	t->buf[t->len] = '\0';
}

/* RFC 4519: what one type is also called; the first name is ours. */
static const char *const types[][3] = {
    {"cn", "commonName", "2.5.4.3"},
    {"uid", "userid", "0.9.2342.19200300.100.1.1"},
    {"ou", "organizationalUnitName", "2.5.4.11"},
    {"o", "organizationName", "2.5.4.10"},
    {"dc", "domainComponent", "0.9.2342.19200300.100.1.25"},
    {"c", "countryName", "2.5.4.6"},
    {"l", "localityName", "2.5.4.7"},
    {"st", "stateOrProvinceName", "2.5.4.8"},
    {"sn", "surname", "2.5.4.4"},
};

static const char *
our_name(const struct berval *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (size_t j = 1; j < sizeof(types[0]) / sizeof(types[0][0]); j++)
			if (strlen(types[i][j]) == type->bv_len &&
			    strncasecmp(types[i][j], type->bv_val, type->bv_len) == 0)
				return types[i][0];
	return NULL;
}

static void
add_type(struct text *t, const struct berval *type)
{
	const char *ours = our_name(type);

	for (; ours != NULL && *ours != '\0'; ours++)
		add_char(t, *ours);
	for (size_t i = 0; ours == NULL && i < type->bv_len; i++)
		add_char(t, lower(type->bv_val[i]));
	add_char(t, '=');
}

/* A value that was given as #HEX. */
static void
add_hex(struct text *t, const struct berval *v)
{
	add_char(t, '#');
	for (size_t i = 0; i < v->bv_len; i++)
		text_add(t, "%02x", (unsigned char)v->bv_val[i]);
}

static void
add_byte(struct text *t, char c, bool first)
{
	if ((unsigned char)c < ' ' || c == 0x7f || strchr("\"+,;<>=\\", c) != NULL ||
	    (first && c == '#'))
		text_add(t, "\\%02x", (unsigned char)c);
	else
		add_char(t, lower(c));
}

/* Blanks around a value mean nothing, and a run of them is one. */
static void
add_value(struct text *t, const struct berval *v)
{
	bool first = true, blank = false;

	for (size_t i = 0; i < v->bv_len; i++) {
		if (v->bv_val[i] == ' ') {
			blank = !first;
			continue;
		}
		if (blank)
			add_char(t, ' ');
		add_byte(t, v->bv_val[i], first);
		first = blank = false;
	}
}

static void
add_part(struct text *t, const LDAPAVA *ava)
{
	add_type(t, &ava->la_attr);
	if ((ava->la_flags & LDAP_AVA_BINARY) != 0)
		add_hex(t, &ava->la_value);
	else
		add_value(t, &ava->la_value);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* As libldap has it. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
}

/*
 * libldap passes over whatever stands between a value as #HEX with a blank
 * behind it and the next part, and takes a # alone: such a text would be
 * another entry's name.
 */
static bool
hex_is_whole(const char *dn, size_t len)
{
	const char *at = dn, *end = dn + len;

	while ((at = memchr(at, '=', (size_t)(end - at))) != NULL) {
		const char *digits;

		for (at++; at < end && is_blank(*at); at++)
			;
		if (at == end || *at != '#')
			continue;
		for (digits = ++at; at < end && is_hex(*at); at++)
			;
		if (at == digits)
			return false;
		while (at < end && is_blank(*at))
			at++;
		if (at < end && strchr(",;+", *at) == NULL)
			return false;
	}
	return true;
}

static bool
has_hex(LDAPDN dn)
{
	for (int i = 0; dn[i] != NULL; i++)
		for (int j = 0; dn[i][j] != NULL; j++)
			if ((dn[i][j]->la_flags & LDAP_AVA_BINARY) != 0)
				return true;
	return false;
}

/* The parts of one RDN, each as text, sorted. */
static enum ak_err
add_sorted(struct text *t, LDAPRDN rdn)
{
	char room[LDAPDN_CAP], *parts[PARTS_MAX] = {NULL};
	struct text all = text_over(room, sizeof(room));
	size_t n = 0;

	for (; rdn[n] != NULL; n++) {
		if (n == PARTS_MAX || all.len + 1 >= all.cap)
			return AK_ERR_RANGE;
		parts[n] = all.buf + all.len;
		add_part(&all, rdn[n]);
		/* The NUL after this part stays. */
		all.len++;
		if (all.cut || all.len >= all.cap)
			return AK_ERR_RANGE;
	}
	qsort(parts, n, sizeof(parts[0]), compare);
	for (size_t i = 0; i < n; i++)
		text_add(t, "%s%s", i == 0 ? "" : "+", parts[i]);
	return AK_OK;
}

static enum ak_err
print(LDAPDN dn, struct text *t)
{
	enum ak_err err;

	for (int i = 0; dn[i] != NULL; i++) {
		if (i > 0)
			add_char(t, ',');
		if (dn[i][0] != NULL && dn[i][1] == NULL)
			add_part(t, dn[i][0]);
		else if ((err = add_sorted(t, dn[i])) != AK_OK)
			return err;
	}
	return t->cut ? AK_ERR_RANGE : AK_OK;
}

/* Without the bit string of uniqueMember: NAME#'0101'B. */
static size_t
length_of_name(const char *dn)
{
	size_t len = strlen(dn), at;

	if (len < 4 || strcmp(dn + len - 2, "'B") != 0)
		return len;
	at = len - 3;
	while (at > 0 && (dn[at] == '0' || dn[at] == '1'))
		at--;
	return at > 0 && dn[at] == '\'' && dn[at - 1] == '#' ? at - 1 : len;
}

enum ak_err
ldapdn_normalise(const char *dn, char out[LDAPDN_CAP])
{
	struct text t = text_over(out, LDAPDN_CAP);
	struct berval bv = {
	    .bv_val = (char *)(uintptr_t)dn,
	    .bv_len = length_of_name(dn),
	};
	LDAPDN parsed = NULL;
	enum ak_err err = AK_ERR_INVALID;

	/* Escapes make a name at most three times as long as it was. */
	if (bv.bv_len > (size_t)3 * LDAPDN_CAP)
		return AK_ERR_RANGE;
	if (ldap_bv2dn(&bv, &parsed, LDAP_DN_FORMAT_LDAP) == LDAP_SUCCESS && parsed != NULL &&
	    (!has_hex(parsed) || hex_is_whole(bv.bv_val, bv.bv_len)))
		err = print(parsed, &t);
	if (err != AK_OK)
		out[0] = '\0';
	ldap_dnfree(parsed);
	return err;
}
