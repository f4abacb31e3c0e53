/* Entries of LDAP as the settings read them. */
#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ldapentry.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct directory_settings
some_settings(void)
{
	static const char members[] = "member\0uniqueMember\0memberUid";

	return (struct directory_settings){
	    .group_name = "cn",
	    .members = {members, sizeof(members)},
	    .role_attribute = "apikeyBinding",
	    .keys = {"ou=keys", "(objectClass=apikeyKey)"},
	    .groups = {"ou=groups", "(objectClass=groupOfNames)"},
	    .principal = {"ou=services", "(&(objectClass=account)(uid=%n))"},
	};
}

static void
make_plan(enum directory_search_id search, struct ldapplan *p)
{
	struct directory_settings d = some_settings();

	assert_err("plan", AK_OK, ldapplan_make(&d, search, p, NULL));
}

/* One value, by its length. */
static void
add_bytes(struct ldapentry *e, const char *attribute, const char *bytes, size_t len_b)
{
	struct berval values[2] = {{.bv_val = (char *)(uintptr_t)bytes, .bv_len = len_b}};

	ldapentry_add(e, attribute, values);
}

static void
add(struct ldapentry *e, const char *attribute, const char *value)
{
	add_bytes(e, attribute, value, strlen(value));
}

static void
finish(struct ldapentry *e, struct directory_entry *out)
{
	assert_err(e->dn, AK_OK, ldapentry_finish(e, out));
}

static void
assert_list(struct strv v, const char *wanted, size_t len_b)
{
	assert_int_equal(v.len_b, len_b);
	if (len_b > 0)
		assert_memory_equal(v.bytes, wanted, len_b);
}
#define assert_values(v, literal) assert_list((v), (literal), sizeof(literal) - 1)

static void
a_search_asks_for_what_it_needs_and_the_unique_ids(void **state)
{
	struct ldapplan keys, groups, principals;

	(void)state;
	make_plan(DIRECTORY_KEYS, &keys);
	assert_string_equal(keys.wanted[0], "apikeyName");
	make_plan(DIRECTORY_GROUPS, &groups);
	assert_int_equal(groups.n, 5);
	assert_string_equal(groups.wanted[3], "memberUid");
	assert_string_equal(groups.wanted[5], "entryUUID");
	assert_string_equal(groups.wanted[6], "objectGUID");
	assert_string_equal(groups.wanted[7], "uSNChanged");
	assert_null(groups.wanted[8]);
	make_plan(DIRECTORY_PRINCIPALS, &principals);
	assert_int_equal(principals.n, 1);
	assert_string_equal(principals.wanted[0], "uid");
}

static void
settings_that_can_t_be_asked_for_are_refused(void **state)
{
	static const char *const filters[] = {
	    "(uid=ci)", "(uid=%x)", "=%n", "(=%n)", "(u id=%n)", "(uid:dn:=%n)", ""};
	struct directory_settings d = some_settings();
	struct ldapplan p;

	(void)state;
	for (size_t i = 0; i < N(filters); i++) {
		(void)snprintf(d.principal.filter, sizeof(d.principal.filter), "%s", filters[i]);
		assert_err(filters[i], AK_ERR_INVALID,
		    ldapplan_make(&d, DIRECTORY_PRINCIPALS, &p, NULL));
	}
	(void)snprintf(d.group_name, sizeof(d.group_name), "c n");
	assert_err("", AK_ERR_INVALID, ldapplan_make(&d, DIRECTORY_GROUPS, &p, NULL));
}

static void
members_are_names_of_entries_or_of_keys(void **state)
{
	struct ldapplan p;
	struct ldapentry e;
	struct directory_entry out;

	(void)state;
	make_plan(DIRECTORY_GROUPS, &p);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "CN=Ops, OU=Groups"));
	add(&e, "CN", "ops");
	add(&e, "member", "UID=ci, OU=services");
	add(&e, "uniqueMember", "uid=deploy,ou=services#'01'B");
	add(&e, "memberUid", "backup");
	add(&e, "apikeyBinding", "viewer");
	add(&e, "description", "not asked for");
	add(&e, "cn;lang-de", "betrieb");
	add(&e, "member", "");
	finish(&e, &out);
	assert_string_equal(out.dn, "cn=ops,ou=groups");
	assert_values(out.values[SLOT_NAME], "ops\0");
	assert_values(
	    out.values[SLOT_MEMBER_DN], "uid=ci,ou=services\0uid=deploy,ou=services\0");
	assert_values(out.values[SLOT_MEMBER_NAME], "backup\0");
	assert_values(out.values[SLOT_BINDING], "viewer\0");
	assert_string_equal(e.problem.text, "");
	ldapentry_clear(&e);
}

static void
values_that_nobody_can_mean_are_left_out_and_told(void **state)
{
	static char huge[1 << 20];
	static const struct {
		const char *attribute, *value;
		size_t len_b;
		const char *says;
	} rows[] = {
	    {"cn", "a\0b", 3, "NUL"},
	    {"member", huge, sizeof(huge), "64 KiB"},
	    {"member", huge, LDAPENTRY_VALUE_MAX_B + 1, "64 KiB"},
	    {"member", "=x", 2, "no DN"},
	    {"member", "cn=a,,", 6, "no DN"},
	};
	struct ldapplan p;

	(void)state;
	memset(huge, 'x', sizeof(huge));
	make_plan(DIRECTORY_GROUPS, &p);
	for (size_t i = 0; i < N(rows); i++) {
		struct ldapentry e;
		struct directory_entry out;

		assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ops"));
		add_bytes(&e, rows[i].attribute, rows[i].value, rows[i].len_b);
		add(&e, "memberUid", "ci");
		finish(&e, &out);
		assert_non_null(strstr(e.problem.text, rows[i].says));
		assert_non_null(strstr(e.problem.text, "cn=ops"));
		assert_int_equal(out.values[SLOT_NAME].len_b, 0);
		assert_int_equal(out.values[SLOT_MEMBER_DN].len_b, 0);
		assert_values(out.values[SLOT_MEMBER_NAME], "ci\0");
		ldapentry_clear(&e);
	}
}

/* A key whose limit is left out would be one without that limit. */
static void
a_key_that_lacks_a_value_is_unusable_and_told(void **state)
{
	static char huge[LDAPENTRY_VALUE_MAX_B + 1];
	static const struct {
		enum directory_search_id search;
		const char *attribute, *value;
		size_t len_b;
		const char *says; /* "": nothing */
		bool unusable;
	} rows[] = {
	    {DIRECTORY_KEYS, "apikeyState", "disabled", 8, "", false},
	    {DIRECTORY_KEYS, "apikeyState", "disabled\0", 9, "apikeyState", true},
	    {DIRECTORY_KEYS, "apikeyFrom", "10.0.0.0/8\0", 11, "NUL", true},
	    {DIRECTORY_KEYS, "apikeyFrom", "", 0, "empty", true},
	    {DIRECTORY_KEYS, "apikeyFrom", huge, sizeof(huge), "64 KiB", true},
	    {DIRECTORY_KEYS, "apikeyFrom;lang-de", "10.0.0.0/8", 10, "options", true},
	    {DIRECTORY_KEYS, "description", "a\0", 2, "NUL", true},
	    {DIRECTORY_KEYS, "description;lang-de", "Sicherung", 9, "", false},
	    {DIRECTORY_KEYS, "seeAlso", "a\0", 2, "", false},
	    {DIRECTORY_GROUPS, "cn", "ops\0", 4, "NUL", false},
	    {DIRECTORY_GROUPS, "apikeyBinding", "viewer\0", 7, "NUL", false},
	    {DIRECTORY_GROUPS, "member", "", 0, "", false},
	    {DIRECTORY_GROUPS, "cn;lang-de", "betrieb", 7, "", false},
	};
	struct ldapplan p;

	(void)state;
	memset(huge, 'x', sizeof(huge));
	for (size_t i = 0; i < N(rows); i++) {
		struct ldapentry e;

		make_plan(rows[i].search, &p);
		assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ci"));
		add_bytes(&e, rows[i].attribute, rows[i].value, rows[i].len_b);
		assert_row(rows[i].attribute, e.unusable == rows[i].unusable);
		assert_row(rows[i].attribute,
		    (e.problem.text[0] == '\0') == (rows[i].says[0] == '\0'));
		assert_row(rows[i].attribute, strstr(e.problem.text, rows[i].says) != NULL);
		ldapentry_clear(&e);
	}
}

static void
the_unique_id_is_the_servers_or_made_of_the_name(void **state)
{
	static const unsigned char guid[16] = {
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const unsigned char uuid[16] = {0x59, 0x7a, 0xe2, 0xf6, 0x16, 0xa6, 0x10, 0x27,
	    0x98, 0xf4, 0xd2, 0x8b, 0x53, 0x65, 0xdc, 0x14};
	struct ldapplan p;
	struct ldapentry e;
	struct directory_entry out, same, other;

	(void)state;
	make_plan(DIRECTORY_GROUPS, &p);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ops"));
	add_bytes(&e, "objectGUID", (const char *)guid, sizeof(guid));
	finish(&e, &out);
	assert_memory_equal(out.uuid, guid, 16);
	add(&e, "entryUUID", "597ae2f6-16a6-1027-98F4-d28b5365dc14");
	finish(&e, &out);
	assert_memory_equal(out.uuid, uuid, 16);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ops"));
	add(&e, "entryUUID", "597ae2f6-16a6-1027-98F4-d28b5365dc1x");
	finish(&e, &out);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "CN=OPS"));
	finish(&e, &same);
	assert_memory_equal(out.uuid, same.uuid, 16);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ops2"));
	finish(&e, &other);
	assert_memory_not_equal(out.uuid, other.uuid, 16);
}

static void
a_list_in_parts_is_known_to_be_cut(void **state)
{
	static const struct {
		const char *attribute, *more_of;
		unsigned long more_from;
		enum ak_err err;
	} rows[] = {
	    {"member;range=0-1499", "member", 1500, AK_OK},
	    {"MEMBER;Range=0-1499", "member", 1500, AK_OK},
	    {"member;range=0-*", "", 0, AK_OK},
	    {"member", "", 0, AK_OK},
	    {"member;lang-de", "", 0, AK_OK},
	    {"member;binary", "", 0, AK_OK},
	    /* What lacks its beginning, or its bounds, would be fewer. */
	    {"member;range=1500-2999", "member", 3000, AK_ERR_CORRUPT},
	    {"member;range=3000-*", "", 0, AK_ERR_CORRUPT},
	    {"member;range=0-", "", 0, AK_ERR_CORRUPT},
	    {"member;range=5-4", "", 0, AK_ERR_CORRUPT},
	    {"member;binary;range=0-1499", "", 0, AK_ERR_CORRUPT},
	    {"other;range=5-4", "", 0, AK_OK},
	};
	struct directory_entry out;
	struct ldapplan p;

	(void)state;
	make_plan(DIRECTORY_GROUPS, &p);
	for (size_t i = 0; i < N(rows); i++) {
		struct ldapentry e;

		assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ops"));
		add(&e, rows[i].attribute, "cn=a");
		assert_string_equal(e.more_of, rows[i].more_of);
		assert_int_equal(e.more_from, rows[i].more_from);
		assert_err(rows[i].attribute, rows[i].err, ldapentry_finish(&e, &out));
		ldapentry_clear(&e);
	}
}

static void
an_entry_with_two_cut_lists_is_refused(void **state)
{
	struct ldapplan p;
	struct ldapentry e;
	struct directory_entry out;

	(void)state;
	make_plan(DIRECTORY_GROUPS, &p);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=ops"));
	add(&e, "member;range=0-1499", "cn=a");
	add(&e, "memberUid;range=0-1499", "b");
	assert_err("", AK_ERR_CORRUPT, ldapentry_finish(&e, &out));
	ldapentry_clear(&e);
}

static void
a_name_that_is_none_makes_no_entry(void **state)
{
	struct ldapplan p;
	struct ldapentry e;

	(void)state;
	make_plan(DIRECTORY_GROUPS, &p);
	assert_err("", AK_ERR_INVALID, ldapentry_begin(&e, &p, ""));
	assert_err("", AK_ERR_INVALID, ldapentry_begin(&e, &p, "ops"));
}

static void
a_group_of_100000_is_read_whole(void **state)
{
	struct ldapplan p;
	struct ldapentry e;
	struct directory_entry out;
	char dn[80];

	(void)state;
	make_plan(DIRECTORY_GROUPS, &p);
	assert_err("", AK_OK, ldapentry_begin(&e, &p, "cn=all"));
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(dn, sizeof(dn),
		    "uid=service-account-%06d,ou=services,dc=example,dc=com", i);
		add(&e, "member", dn);
	}
	finish(&e, &out);
	assert_int_equal(strv_count(out.values[SLOT_MEMBER_DN]), 100000);
	assert_string_equal(e.problem.text, "");
	ldapentry_clear(&e);
}

static void
principals_are_asked_for_by_name_until_there_are_many(void **state)
{
	static const struct {
		const char *filter, *names;
		size_t names_b;
		const char *wanted;
	} rows[] = {
	    {"(uid=%n)", "", 0, ""},
	    {"(uid=%n)", "ci\0", 3, "(uid=ci)"},
	    {"(uid=%n)", "ci\0backup\0", 10, "(|(uid=ci)(uid=backup))"},
	    {"(|(uid=%n)(cn=%n))", "ci\0", 3, "(|(uid=ci)(cn=ci))"},
	};
	struct pack names = PACK_INIT, out = PACK_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_err("", AK_OK,
		    ldapplan_name_filter(
			rows[i].filter, (struct strv){rows[i].names, rows[i].names_b}, &out));
		assert_string_equal((const char *)out.bytes, rows[i].wanted);
		pack_clear(&out);
	}
	for (int i = 0; i <= LDAPPLAN_NAMES_MAX; i++)
		pack_entry(&names, "ci");
	assert_err("", AK_OK, ldapplan_name_filter("(uid=%n)", pack_borrow_strv(&names), &out));
	assert_string_equal((const char *)out.bytes, "(uid=*)");
	pack_clear(&out);
	names.len_b -= 3;
	assert_err("", AK_OK, ldapplan_name_filter("(uid=%n)", pack_borrow_strv(&names), &out));
	assert_int_equal(out.len_b, 3 + 256 * strlen("(uid=ci)") + 1);
	pack_clear(&out);
	pack_clear(&names);
	assert_err("", AK_ERR_INVALID,
	    ldapplan_name_filter("(uid=%n)", (struct strv){"ci)(uid=*\0", 10}, &out));
	pack_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_search_asks_for_what_it_needs_and_the_unique_ids),
	    cmocka_unit_test(settings_that_can_t_be_asked_for_are_refused),
	    cmocka_unit_test(members_are_names_of_entries_or_of_keys),
	    cmocka_unit_test(values_that_nobody_can_mean_are_left_out_and_told),
	    cmocka_unit_test(a_key_that_lacks_a_value_is_unusable_and_told),
	    cmocka_unit_test(the_unique_id_is_the_servers_or_made_of_the_name),
	    cmocka_unit_test(a_list_in_parts_is_known_to_be_cut),
	    cmocka_unit_test(an_entry_with_two_cut_lists_is_refused),
	    cmocka_unit_test(a_name_that_is_none_makes_no_entry),
	    cmocka_unit_test(a_group_of_100000_is_read_whole),
	    cmocka_unit_test(principals_are_asked_for_by_name_until_there_are_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
