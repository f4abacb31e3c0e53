/* explain and check: what they show of a decision. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A key with one role, or none; how it is asked about; what is decided. */
static void
explain_asks_the_evaluator_and_tells_all_it_looked_at(void **state)
{
	static const struct {
		const char *words[6];
		int code;
		const char *reason;
	} rows[] = {
	    {{"a"}, CLI_DONE, "\"permitted\""},
	    {{"a", "--service", "cron"}, CLI_REFUSED, "\"role\""},
	    {{"a", "--account", "a"}, CLI_DONE, "\"permitted\""},
	    {{"a", "--account", "deploy"}, CLI_REFUSED, "\"role\""},
	    {{"narrow"}, CLI_REFUSED, "\"from\""},
	    {{"narrow", "--rhost", "10.1.2.3"}, CLI_DONE, "\"permitted\""},
	    {{"narrow", "--rhost", "::ffff:10.1.2.3"}, CLI_DONE, "\"permitted\""},
	    {{"narrow", "--rhost", "11.1.2.3"}, CLI_REFUSED, "\"from\""},
	    {{"short"}, CLI_REFUSED, "\"expired\""},
	    {{"short", "--at", "2027-01-15T08:00:00Z"}, CLI_DONE, "\"permitted\""},
	    {{"off"}, CLI_REFUSED, "\"disabled\""},
	    {{"bare"}, CLI_REFUSED, "\"role\""},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	cli_test_create(&t, "off", "viewer", NULL);
	cli_test_create(&t, "bare", NULL, NULL);
	assert_run(&t, CLI_DONE, NULL, "disable", "off");
	assert_run(&t, CLI_DONE, "", "create", "--name", "narrow", "--role", "viewer", "--from",
	    "10.0.0.0/8");
	assert_run(&t, CLI_DONE, NULL, "create", "--name", "short", "--role", "viewer",
	    "--duration", "1s");
	t.now += 10;
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[11] = {"apikey", "explain", "-o", "json"};

		for (size_t w = 0; w < 6 && rows[i].words[w] != NULL; w++)
			words[4 + w] = rows[i].words[w];
		assert_int_equal(cli_test_run(&t, words), rows[i].code);
		assert_string_equal(t.err, "");
		assert_member(&t, "reason", rows[i].reason);
		assert_member(
		    &t, "decision", rows[i].code == CLI_DONE ? "\"allow\"" : "\"deny\"");
	}
	cli_test_clear(&t);
}

static void
explain_names_every_role_and_where_it_comes_from(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--role", "viewer", "--role",
	    "editor:spaces:staging", "--role", "admin:hosts:bastion-1");
	assert_run(&t, CLI_DONE, NULL, "explain", "a");
	assert_non_null(strstr(t.out, "role viewer, bound directly as viewer"));
	assert_non_null(strstr(t.out, "bound directly as editor:spaces:staging: this host"));
	assert_non_null(strstr(t.out, "policy.yaml:7"));
	assert_non_null(strstr(t.out, "\nallow: a role permits sshd\n"));
	assert_non_null(strstr(t.out, "roles here: admin,viewer\n"));
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "-o", "json");
	assert_member(&t, "roles", "[\"admin\",\"viewer\"]");
	assert_member(&t, "trace.0",
	    "{\"step\":\"gate\",\"holds\":true,\"text\":\"this host is not locked down\","
	    "\"file\":null,\"line\":null}");
	assert_member(&t, "trace.6.step", "\"role\"");
	assert_member(&t, "trace.6.line", "7");
	assert_member(&t, "published", "true");
	assert_member(&t, "key", "\"a\"");
	assert_member(&t, "service", "\"sshd\"");
	assert_member(&t, "account", "\"a\"");
	assert_member(&t, "rhost", "null");
	assert_member(&t, "at", "\"2027-01-15T08:00:00Z\"");
	cli_test_clear(&t);
}

static void
explain_sees_lockdown_a_broken_policy_and_what_is_not_published(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	file_write(t.host.paths.lockdown, "", 0, 0644);
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "-o", "json");
	assert_member(&t, "reason", "\"lockdown\"");
	assert_int_equal(unlink(t.host.paths.lockdown), 0);
	host_policy(&t.host, "version: 1\nroles: {viewer: {services: [sshd]}}\n");
	assert_run(&t, CLI_DONE, "groups are not published", "explain", "a", "-o", "json");
	assert_member(&t, "published", "false");
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_run(&t, CLI_DONE, NULL, "explain", "a");
	host_policy(&t.host, "version: 2\n");
	assert_run(&t, CLI_REFUSED, "groups are not published", "explain", "a", "-o", "json");
	assert_member(&t, "reason", "\"no-policy\"");
	assert_member(&t, "roles", "[]");
	cli_test_clear(&t);
}

static void
explain_refuses_circumstances_that_cannot_be(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_USAGE, "is no address", "explain", "a", "--rhost", "bastion");
	assert_run(&t, CLI_USAGE, "is no moment", "explain", "a", "--at", "now");
	assert_run(&t, CLI_USAGE, "can't be empty", "explain", "a", "--service", "");
	assert_run(&t, CLI_USAGE, "is no address", "check", "--rhost", "bastion");
	assert_run(&t, CLI_REFUSED, "there is no key", "explain", "b");
	cli_test_clear(&t);
}

/* stdin, and what is said. The token of key a stands for %s. */
static void
check_takes_only_a_whole_and_true_token(void **state)
{
	static const struct {
		const char *input;
		int code;
		const char *says;
	} rows[] = {
	    {"%s", CLI_DONE, NULL},
	    {"%s\n", CLI_DONE, NULL},
	    {"%s\r\n", CLI_DONE, NULL},
	    {"%s\n\n", CLI_REFUSED, "deny: what was given is no token"},
	    {" %s", CLI_REFUSED, "deny: what was given is no token"},
	    {"%sx", CLI_REFUSED, "deny: what was given is no token"},
	    {"hello", CLI_REFUSED, "deny: what was given is no token"},
	    {"", CLI_USAGE, "no token was given"},
	    {"\n", CLI_USAGE, "no token was given"},
	};
	struct cli_test t;
	char tok[80], input[512], *made;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	for (size_t i = 0; i < N(rows); i++) {
		const char *at = strstr(rows[i].input, "%s");

		if (at == NULL)
			(void)snprintf(input, sizeof(input), "%s", rows[i].input);
		else
			(void)snprintf(input, sizeof(input), "%.*s%s%s",
			    (int)(at - rows[i].input), rows[i].input, tok, at + 2);
		t.input = input;
		assert_run(
		    &t, rows[i].code, rows[i].code == CLI_USAGE ? rows[i].says : NULL, "check");
		if (rows[i].code == CLI_REFUSED)
			assert_int_equal(strncmp(t.out, rows[i].says, strlen(rows[i].says)), 0);
		assert_null(strstr(t.out, tok + 18));
		assert_null(strstr(t.err, tok + 18));
	}
	memset(input, 'x', sizeof(input) - 1);
	input[sizeof(input) - 1] = '\0';
	assert_run(&t, CLI_USAGE, "what was given is no token", "check");
	assert_run(&t, CLI_DONE, NULL, "token", "new", "-q");
	made = strdup(t.out);
	t.input = made;
	assert_run(&t, CLI_REFUSED, NULL, "check", "-o", "json");
	assert_member(&t, "why", "\"this host has no key of the token's id\"");
	assert_member(&t, "reason", "\"wrong-token\"");
	assert_member(&t, "decision", "\"deny\"");
	assert_member(&t, "key", "null");
	assert_member(&t, "roles", "[]");
	free(made);
	cli_test_clear(&t);
}

static void
check_shows_the_secret_and_the_decision(void **state)
{
	struct cli_test t;
	char tok[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	t.input = tok;
	assert_run(&t, CLI_DONE, NULL, "check", "-o", "json");
	assert_member(&t, "trace.1.text", "\"secret 1 is the key's\"");
	assert_run(&t, CLI_REFUSED, NULL, "check", "--service", "sudo", "--rhost", "192.0.2.1",
	    "--account", "a", "--at", "2027-06-01T00:00:00Z", "-o", "json");
	assert_member(&t, "decision", "\"deny\"");
	assert_member(&t, "rhost", "\"192.0.2.1\"");
	assert_member(&t, "at", "\"2027-06-01T00:00:00Z\"");
	assert_run(&t, CLI_USAGE, "takes no further", "check", "a");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(explain_asks_the_evaluator_and_tells_all_it_looked_at),
	    T(explain_names_every_role_and_where_it_comes_from),
	    T(explain_sees_lockdown_a_broken_policy_and_what_is_not_published),
	    T(explain_refuses_circumstances_that_cannot_be),
	    T(check_takes_only_a_whole_and_true_token),
	    T(check_shows_the_secret_and_the_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
