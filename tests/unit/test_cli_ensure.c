/* ensure and token new: the wanted state, on every run; a token without a key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"

static const char a_verifier[] =
    "apikey-verifier-1:Abcdefghij:00112233445566778899aabbccddeeff:"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static void
ensure_makes_a_key_once(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	for (int i = 0; i < 3; i++) {
		t.now = HOST_NOW + 1000 * i;
		assert_run(&t, CLI_DONE, i == 0 ? "" : NULL, "ensure", "a", "--role", "viewer",
		    "--role", "editor:spaces:staging,production", "--duration", "30d", "--from",
		    "10.0.0.0/8", "--owner", "x", "--not-before", "2027-01-01T00:00:00Z");
		assert_member(&t, "changed", i == 0 ? "true" : "false");
		assert_member(&t, "expires_at", "\"2027-02-14T08:00:00Z\"");
		if (i == 0)
			assert_int_not_equal(strcmp(cli_test_member(&t, "token"), "(none)"), 0);
		else
			assert_member(&t, "token", "(none)");
		generation = i == 0 ? cli_test_generation(&t) : generation;
		assert_int_equal(cli_test_generation(&t), generation);
	}
	assert_int_equal(t.flushes, 1);
	/* The order of a binding's spaces, and of the bindings, means nothing. */
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--role",
	    "editor:spaces:production,staging", "--role", "viewer");
	assert_member(&t, "changed", "false");
	cli_test_clear(&t);
}

static void
ensure_changes_what_is_given_and_nothing_else(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "ensure", "a", "--role", "viewer", "--owner", "x");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--description", "d", "-q");
	assert_string_equal(t.out, "");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--description", "e");
	assert_member(&t, "changed", "true");
	assert_member(&t, "roles", "[\"viewer\"]");
	assert_member(&t, "owner", "\"x\"");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--uid", "70000");
	assert_member(&t, "changed", "false");
	assert_run(&t, CLI_REFUSED, "which can't be changed to 70001", "ensure", "a", "--uid",
	    "70001");
	assert_run(&t, CLI_REFUSED, "declares no role", "ensure", "a", "--role", "nope");
	assert_run(&t, CLI_USAGE, "no name of a key", "ensure", "A");
	assert_run(&t, CLI_USAGE, "ensure needs NAME", "ensure");
	cli_test_clear(&t);
}

/* A killed command may have made the key alone; but nobody asked for the home now. */
static void
ensure_makes_a_home_that_is_missing_and_only_says_when_it_cannot(void **state)
{
	struct cli_test t;
	char settings[512], home[512];

	cli_test_make(&t, state);
	if (geteuid() != 0)
		skip();
	cli_test_create(&t, "a", "viewer", NULL);
	(void)snprintf(settings, sizeof(settings), "version: 1\nshell: /bin/sh\nhome: %s\n",
	    tmp_path(t.tmp, "home/%n"));
	host_settings(&t.host, settings);
	(void)snprintf(home, sizeof(home), "%s", tmp_path(t.tmp, "home/a"));
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--home", home);
	assert_run(&t, CLI_DONE, "/home: No such file", "ensure", "a", "--role", "viewer");
	assert_member(&t, "changed", "false");
	assert_int_equal(mkdir(tmp_path(t.tmp, "home"), 0755), 0);
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--role", "viewer");
	assert_false(file_is_there(home));
	assert_run(&t, CLI_DONE, NULL, "enable", "a");
	t.now = HOST_NOW + 1000;
	assert_run(&t, CLI_DONE, "has expired by that", "ensure", "a", "--duration", "10");
	assert_false(file_is_there(home));
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--duration", "30d");
	assert_true(file_is_there(home));
	cli_test_clear(&t);
}

static void
ensure_counts_a_duration_from_the_keys_making(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "ensure", "a", "--duration", "10d");
	t.now += 5 * 86400;
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--duration", "20d");
	assert_member(&t, "expires_at", "\"2027-02-04T08:00:00Z\"");
	assert_run(&t, CLI_DONE, "a has expired by that", "ensure", "a", "--duration", "1d");
	assert_member(&t, "state", "\"expired\"");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--duration", "1d");
	assert_member(&t, "changed", "false");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--duration", "never");
	assert_member(&t, "expires_at", "null");
	cli_test_clear(&t);
}

static void
ensure_takes_a_verifier_as_the_state_that_is_wanted(void **state)
{
	struct cli_test t;
	char other[sizeof(a_verifier)];

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "ensure", "a", "--verifier", a_verifier);
	assert_member(&t, "changed", "true");
	assert_member(&t, "token", "(none)");
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--verifier", a_verifier);
	assert_member(&t, "changed", "false");
	memcpy(other, a_verifier, sizeof(other));
	other[sizeof(other) - 2] = '0';
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--verifier", other);
	assert_member(&t, "changed", "true");
	assert_member(&t, "secrets.0.number", "2");
	assert_member(&t, "secrets.1", "(none)");
	other[strlen("apikey-verifier-1:")] = 'B';
	assert_run(&t, CLI_REFUSED, "make one by `apikey token new --id Abcdefghij`", "ensure",
	    "a", "--verifier", other);
	cli_test_clear(&t);
}

static void
token_new_prints_a_token_and_its_verifier(void **state)
{
	struct cli_test t;
	struct secret text;
	struct token tok;
	struct verifier v;
	json_t *j;
	const char *s;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "token", "new", "--id", "Abcdefghij", "-o", "json");
	assert_member(&t, "id", "\"Abcdefghij\"");
	j = cli_test_json(&t);
	s = json_string_value(json_object_get(j, "token"));
	assert_err("", AK_OK, secret_set(&text, s, strlen(s)));
	assert_err("", AK_OK, token_parse(&text, &tok));
	assert_err("", AK_OK,
	    token_parse_verifier(json_string_value(json_object_get(j, "verifier")), &v));
	assert_err("", AK_OK, token_verify(&tok, v.salt, v.digest));
	assert_string_equal(v.id, "Abcdefghij");
	json_decref(j);
	assert_run(&t, CLI_DONE, NULL, "token", "new", "-q");
	assert_int_equal(strlen(t.out), TOKEN_LEN + 1);
	assert_run(&t, CLI_DONE, NULL, "token", "new");
	assert_non_null(strstr(t.out, "\nverifier  apikey-verifier-1:"));
	assert_run(&t, CLI_USAGE, "is no id", "token", "new", "--id", "abcdefghij");
	assert_run(&t, CLI_USAGE, "is no id", "token", "new", "--id", "A");
	assert_false(file_is_there(t.host.paths.lock));
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(ensure_makes_a_key_once),
	    T(ensure_changes_what_is_given_and_nothing_else),
	    T(ensure_makes_a_home_that_is_missing_and_only_says_when_it_cannot),
	    T(ensure_counts_a_duration_from_the_keys_making),
	    T(ensure_takes_a_verifier_as_the_state_that_is_wanted),
	    T(token_new_prints_a_token_and_its_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
