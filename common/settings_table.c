#include "settings_table.h"

#include <string.h>

#include "net.h"
#include "num.h"
#include "settings_shape.h"

#define FIELD(member)                                                                          \
	offsetof(struct settings, member), sizeof(((struct settings *)NULL)->member), 0
/* A list: its bytes, and the strv over them. */
#define LIST(member, strv)                                                                     \
	offsetof(struct settings, member), sizeof(((struct settings *)NULL)->member),          \
	    offsetof(struct settings, strv)

#define URI_SHAPE                                                                              \
	"ldaps://HOST[:PORT], ldap://HOST[:PORT] or ldapi://[%2FPATH], and nothing after"
#define PATH_SHAPE "an absolute path"
#define DN_SHAPE "a DN (as ou=keys,dc=example,dc=com)"
#define FILTER_SHAPE "a filter in its parentheses (as (objectClass=person); RFC 4515)"
#define ATTRIBUTE_SHAPE "an attribute's name (letters, digits and -)"
#define HOUR_S 3600

static const struct option options[] = {
    {"host", KIND_LIST, LIST(hosts_bytes, hosts), net_is_host_name, "a host's name", {0}, "", 0},
    {"space", KIND_TEXT, FIELD(space), text_is_policy_name,
	"a space's name (lower-case letters, digits, - and _)", {0}, "root", 0},
    {"uid_range", KIND_RANGE, FIELD(uids), NULL, NULL, {0}, "70000-99999", 0},
    {"gid_range", KIND_RANGE, FIELD(gids), NULL, NULL, {0}, "69000-69999", 0},
    {"home", KIND_TEXT, FIELD(home), shape_is_home,
	"an absolute path; it may hold %n, %u, %i and %% alone, and no colon", {0}, "/home/%n",
	0},
    {"create_home", KIND_BOOL, FIELD(create_home), NULL, NULL, {"false", "true"}, "true", 0},
    {"shell", KIND_TEXT, FIELD(shell), shape_is_program, "an absolute path without a colon",
	{0}, "/bin/bash", 0},
    {"keys_group", KIND_TEXT, FIELD(keys_group), text_is_key_name,
	"a Unix group's name (lower-case letters, digits, - and _; 31 at most)", {0}, "apikey",
	0},
    {"enumerate", KIND_BOOL, FIELD(enumerate), NULL, NULL, {"false", "true"}, "true", 0},
    {"max_duration", KIND_DURATION, FIELD(max_duration_s), NULL, NULL, {0}, "never", 0},
    {"public_key_logins", KIND_CHOICE, FIELD(public_key_logins), NULL, NULL, {"deny", "allow"},
	"deny", 0},
    {"audit", KIND_CHOICE, FIELD(audit_required), NULL, NULL, {"best-effort", "required"},
	"best-effort", 0},
    {"samples.max", KIND_COUNT, FIELD(samples_max), NULL, NULL, {0}, "1000", 1000000},
    {"samples.max_age", KIND_DURATION, FIELD(samples_max_age_s), NULL, NULL, {0}, "30d", 0},
    {"directory.uris", KIND_LIST, LIST(directory.uris_bytes, directory.uris), shape_is_uri,
	URI_SHAPE, {0}, "", 0},
    {"directory.tls", KIND_TLS, 0, 0, 0, shape_is_tls, "starttls, ldaps or ldapi", {0}, "", 0},
    {"directory.ca_file", KIND_TEXT, FIELD(directory.ca_file), shape_is_path, PATH_SHAPE, {0},
	"/etc/ssl/certs/ca-certificates.crt", 0},
    {"directory.cert_file", KIND_TEXT, FIELD(directory.cert_file), shape_is_path, PATH_SHAPE,
	{0}, "", 0},
    {"directory.key_file", KIND_TEXT, FIELD(directory.key_file), shape_is_path, PATH_SHAPE, {0},
	"", 0},
    {"directory.bind_dn", KIND_TEXT, FIELD(directory.bind_dn), shape_is_dn, DN_SHAPE, {0}, "",
	0},
    {"directory.password_file", KIND_TEXT, FIELD(directory.password_file), shape_is_path,
	PATH_SHAPE, {0}, "", 0},
    {"directory.sasl", KIND_SASL, FIELD(directory.sasl), shape_is_sasl, "external", {0}, "", 0},
    {"directory.timeout", KIND_DURATION, FIELD(directory.timeout_s), NULL, "from 1s to 1h", {0},
	"5s", HOUR_S},
    {"directory.poll", KIND_DURATION, FIELD(directory.poll_s), NULL, "as 60s, and not never",
	{0}, "60s", NUM_NEVER - 1},
    {"directory.reconcile", KIND_DURATION, FIELD(directory.reconcile_s), NULL, NULL, {0}, "1h",
	0},
    {"directory.max_age", KIND_DURATION, FIELD(directory.max_age_s), NULL, NULL, {0}, "15m", 0},
    {"directory.keys_max_age", KIND_DURATION, FIELD(directory.keys_max_age_s), NULL, NULL, {0},
	"24h", 0},
    {"directory.may_grant", KIND_LIST, LIST(directory.may_grant_bytes, directory.may_grant),
	shape_is_grantable, "a role's name, nor `*'", {0}, "", 0},
    {"directory.uid_range", KIND_RANGE, FIELD(directory.uids), NULL, NULL, {0},
	"1879048192-1999999999", 0},
    {"directory.counter", KIND_TEXT, FIELD(directory.counter), shape_is_dn, DN_SHAPE, {0}, "",
	0},
    {"directory.keys.base", KIND_TEXT, FIELD(directory.keys.base), shape_is_dn, DN_SHAPE, {0},
	"", 0},
    {"directory.keys.filter", KIND_TEXT, FIELD(directory.keys.filter), shape_is_filter,
	FILTER_SHAPE, {0}, "(objectClass=apikeyKey)", 0},
    {"directory.groups.base", KIND_TEXT, FIELD(directory.groups.base), shape_is_dn, DN_SHAPE,
	{0}, "", 0},
    {"directory.groups.filter", KIND_TEXT, FIELD(directory.groups.filter), shape_is_filter,
	FILTER_SHAPE, {0}, "(objectClass=groupOfNames)", 0},
    {"directory.groups.name", KIND_TEXT, FIELD(directory.group_name), shape_is_attribute,
	ATTRIBUTE_SHAPE, {0}, "cn", 0},
    {"directory.groups.member", KIND_LIST, LIST(directory.members_bytes, directory.members),
	shape_is_attribute, ATTRIBUTE_SHAPE, {0}, "[member, uniqueMember, memberUid]", 0},
    {"directory.groups.nested", KIND_BOOL, FIELD(directory.nested), NULL, NULL,
	{"false", "true"}, "true", 0},
    {"directory.groups.role_attribute", KIND_TEXT_OR_NONE, FIELD(directory.role_attribute),
	shape_is_attribute, ATTRIBUTE_SHAPE, {0}, "none", 0},
    {"directory.principal.base", KIND_TEXT, FIELD(directory.principal.base), shape_is_dn,
	DN_SHAPE, {0}, "", 0},
    {"directory.principal.filter", KIND_TEXT, FIELD(directory.principal.filter),
	shape_is_principal_filter, "a filter with (ATTRIBUTE=%n) once, and no other %", {0},
	"(uid=%n)", 0},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

const struct option *
settings_option(size_t i)
{
	return i < N_OPTIONS ? &options[i] : NULL;
}

bool
option_is_directory(const struct option *o)
{
	return strncmp(o->name, "directory.", strlen("directory.")) == 0;
}

void *
option_field(struct settings *s, const struct option *o)
{
	return (unsigned char *)s + o->offset;
}

const void *
option_field_const(const struct settings *s, const struct option *o)
{
	return (const unsigned char *)s + o->offset;
}

struct strv
option_list(const struct settings *s, const struct option *o)
{
	return *(const struct strv *)(const void *)((const unsigned char *)s + o->list);
}

void
option_borrow_list(struct settings *s, const struct option *o, size_t len_b)
{
	*(struct strv *)(void *)((unsigned char *)s + o->list) =
	    (struct strv){.bytes = len_b == 0 ? NULL : option_field(s, o), .len_b = len_b};
}

bool
option_set_list(struct settings *s, const struct option *o, struct strv v)
{
	if (v.len_b > o->size_b)
		return false;
	if (v.len_b > 0)
		memcpy(option_field(s, o), v.bytes, v.len_b);
	option_borrow_list(s, o, v.len_b);
	return true;
}

bool
option_allows_duration(const struct option *o, int64_t duration_s)
{
	return duration_s > 0 && (o->most == 0 || duration_s <= o->most);
}
