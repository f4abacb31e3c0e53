/* Groups of the identity provider that a key lists: exactly as they are called, and what they give. */
#include <stdio.h>
#include <string.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const POLICY = "version: 1\n"
				  "roles:\n"
				  "  viewer: {services: [sshd]}\n"
				  "  editor: {services: [sudo]}\n"
				  "groups:\n"
				  "  Platform Team: [{role: viewer}, {role: editor}]\n"
				  "  platform team: [{role: editor}]\n";

static void
create_ensure_and_set_take_groups_exactly(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--group", "Platform Team",
	    "--group", " blank ", "--group", "platform team", "--group", "Platform Team");
	assert_null(strstr(t.err, "can't log in yet"));
	assert_member(&t, "groups", "[\"Platform Team\",\" blank \",\"platform team\"]");
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--group", "x:y*", "-o", "json");
	assert_member(&t, "groups", "[\"x:y*\"]");
	generation = cli_test_generation(&t);
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--group", "x:y*");
	assert_member(&t, "changed", "false");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--group", "", "-o", "json");
	assert_member(&t, "groups", "[]");
	assert_run(&t, CLI_USAGE, "stands alone", "set", "a", "--group", "", "--group", "x");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--group", "\xc3\x84rzte");
	assert_member(&t, "groups", "[\"\xc3\x84rzte\"]");
	cli_test_clear(&t);
}

static void
a_group_is_one_line_of_utf_8_at_most_255_bytes_long(void **state)
{
	static const struct {
		const char *name;
		const char *says; /* NULL: taken */
	} rows[] = {
	    {"x", NULL},
	    {" ", NULL},
	    {"cn=x,ou=y", NULL},
	    {"\xc2\xa0", NULL},
	    {"", "can't be empty"},
	    {"a\nb", "control character"},
	    {"\x7f", "control character"},
	    {"\xc2\x9f", "control character"},
	    {"\xc3", "not UTF-8"},
	};
	struct cli_test t;
	char name[300];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	for (size_t i = 0; i < N(rows); i++)
		assert_run(&t, rows[i].says == NULL ? CLI_DONE : CLI_USAGE, rows[i].says,
		    "group", "add", "a", rows[i].name);
	memset(name, 'g', sizeof(name));
	name[255] = '\0';
	assert_run(&t, CLI_DONE, NULL, "group", "add", "a", name);
	name[255] = 'g';
	name[256] = '\0';
	assert_run(&t, CLI_USAGE, "longer than 255 bytes", "group", "add", "a", name);
	cli_test_clear(&t);
}

static void
add_and_remove_change_what_is_there(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "group", "add", "a", "x", "Y", "x", "-o", "json");
	assert_member(&t, "groups", "[\"x\",\"Y\"]");
	assert_member(&t, "changed", "true");
	generation = cli_test_generation(&t);
	assert_run(&t, CLI_DONE, NULL, "group", "add", "a", "x");
	assert_string_equal(t.out, "a: nothing to change\n");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_run(&t, CLI_REFUSED, "a lists no group `y'", "group", "remove", "a", "x", "y");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_run(&t, CLI_DONE, NULL, "group", "remove", "a", "x", "-o", "json");
	assert_member(&t, "groups", "[\"Y\"]");
	assert_non_null(strstr(t.log, "event=group-added key=a "));
	assert_non_null(strstr(t.log, "event=group-removed key=a "));
	assert_run(&t, CLI_USAGE, "group add needs", "group", "add", "a");
	assert_run(&t, CLI_USAGE, "usage: apikey group add", "group");
	assert_run(&t, CLI_REFUSED, "there is no key `b'", "group", "add", "b", "x");
	assert_run(&t, CLI_REFUSED, "there is no key `b'", "group", "list", "b");
	cli_test_clear(&t);
}

static void
list_shows_what_a_group_gives_and_keys_by_group(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, POLICY);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--group", "Platform Team",
	    "--group", "none");
	assert_run(&t, CLI_DONE, "", "create", "--name", "b", "--group", "platform team");
	assert_run(&t, CLI_DONE, NULL, "group", "list", "a", "-o", "json");
	assert_member(
	    &t, "0", "{\"group\":\"Platform Team\",\"roles\":[\"viewer\",\"editor\"]}");
	assert_member(&t, "1.roles", "[]");
	assert_run(&t, CLI_DONE, NULL, "group", "list", "a");
	assert_non_null(strstr(t.out, "Platform Team  viewer, editor\n"));
	assert_non_null(strstr(t.out, "none           -\n"));
	assert_run(&t, CLI_DONE, NULL, "list", "--group", "platform team", "-o", "json");
	assert_member(&t, "0.name", "\"b\"");
	assert_member(&t, "1", "(none)");
	assert_run(&t, CLI_DONE, NULL, "list", "--group", "PLATFORM TEAM", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	/* And the group's roles are held. */
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "-o", "json");
	assert_member(&t, "held.0.source", "\"group\"");
	assert_member(&t, "held.0.name", "\"Platform Team\"");
	assert_member(&t, "held.0.line", "6");
	cli_test_clear(&t);
}

static void
a_key_has_at_most_256_bindings_and_groups_each(void **state)
{
	struct cli_test t;
	char name[64];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", NULL, NULL);
	for (int from = 0; from < 256; from += 32) {
		char names[32][64];
		const char *roles[40] = {"apikey", "role", "add", "a"};
		const char *groups[40] = {"apikey", "group", "add", "a"};

		for (int i = 0; i < 32; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "viewer:hosts:h%d", from + i);
			roles[4 + i] = groups[4 + i] = names[i];
		}
		assert_int_equal(cli_test_run(&t, roles), CLI_DONE);
		assert_int_equal(cli_test_run(&t, groups), CLI_DONE);
	}
	(void)snprintf(name, sizeof(name), "viewer:hosts:h256");
	assert_run(&t, CLI_REFUSED, "at most 256 bindings", "role", "add", "a", name);
	assert_run(&t, CLI_REFUSED, "at most 256 groups", "group", "add", "a", name);
	assert_run(&t, CLI_DONE, NULL, "role", "add", "a", "viewer:hosts:H255");
	assert_run(&t, CLI_DONE, NULL, "role", "remove", "a", "viewer:hosts:h0");
	assert_run(&t, CLI_DONE, NULL, "role", "add", "a", name);
	cli_test_clear(&t);
}

static void
binding_where_grants_alone_count_is_said(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, "version: 1\nstrategy: policy\nroles: {viewer: {}}\n");
	assert_run(&t, CLI_DONE, "direct bindings give nothing here", "create", "--name", "a",
	    "--role", "viewer");
	assert_run(&t, CLI_DONE, "direct bindings give nothing here", "role", "add", "a",
	    "viewer:hosts:x");
	assert_run(
	    &t, CLI_DONE, "direct bindings give nothing here", "set", "a", "--role", "viewer");
	assert_run(&t, CLI_DONE, "direct bindings give nothing here", "ensure", "a", "--role",
	    "viewer");
	assert_run(&t, CLI_DONE, "", "set", "a", "--owner", "x");
	assert_null(strstr(t.err, "direct bindings"));
	assert_run(&t, CLI_DONE, "", "role", "remove", "a", "viewer");
	assert_null(strstr(t.err, "direct bindings"));
	cli_test_clear(&t);
}

static void
a_key_outside_an_edited_range_is_a_refusal(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	host_settings(&t.host,
	    "version: 1\nuid_range: 80000-80100\ncreate_home: false\nshell: /bin/sh\n");
	assert_run(&t, CLI_REFUSED, "outside uid_range 80000-80100", "publish");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(create_ensure_and_set_take_groups_exactly),
	    T(a_group_is_one_line_of_utf_8_at_most_255_bytes_long),
	    T(add_and_remove_change_what_is_there),
	    T(list_shows_what_a_group_gives_and_keys_by_group),
	    T(a_key_has_at_most_256_bindings_and_groups_each),
	    T(binding_where_grants_alone_count_is_said),
	    T(a_key_outside_an_edited_range_is_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
