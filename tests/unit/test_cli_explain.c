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
	    "{\"step\":\"gate\",\"holds\":true,\"undefined\":false,\"missing\":[],\"id\":null,"
	    "\"role\":null,\"text\":\"this host is not locked down\","
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
	assert_run(
	    &t, CLI_REFUSED, "policy.yaml:1:10: version `2'", "explain", "a", "-o", "json");
	assert_null(strstr(t.err, "apikey publish"));
	assert_member(&t, "reason", "\"no-policy\"");
	assert_non_null(strstr(cli_test_member(&t, "why"), "policy.yaml:1:10: version"));
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

/* Of every kind of rule one that fires, one that does not, and one that lacks an input. */
static const char *const RULES =
    "version: 1\n"
    "roles:\n"
    "  viewer: {services: [sshd]}\n"
    "  editor: {services: [sshd]}\n"
    "groups:\n"
    "  ops:\n"
    "  - {role: editor}\n"
    "define:\n"
    "  inside: {from: 10.0.0.0/8}\n"
    "deny:\n"
    "- {id: others, reason: others, login: 'b*'}\n"
    "- {id: outside, reason: outside, service: su, not: {is: inside}}\n"
    "- {id: stray, reason: stray, creator_from: 192.0.2.0/24}\n"
    "allow:\n"
    "- {is: inside}\n"
    "- {time: {hours: '08:00-09:00'}}\n"
    "- {login: 'a*'}\n"
    "grant:\n"
    "- {role: viewer, login: 'a*'}\n"
    "- {role: editor, from: 10.0.0.0/8}\n";

/* The line of the trace that ends so, or the test fails. */
static const char *
line_of(const struct cli_test *t, const char *place)
{
	static char line[1024];
	const char *at = strstr(t->out, place), *begin = at;

	if (at == NULL)
		fail_msg("`%s' is not in: %s", place, t->out);
	while (begin > t->out && begin[-1] != '\n')
		begin--;
	(void)snprintf(line, sizeof(line), "%.*s", (int)(at - begin), begin);
	return line;
}

static void
assert_begins(const char *line, const char *with)
{
	if (strncmp(line, with, strlen(with)) != 0)
		fail_msg("`%s' does not begin with `%s'", line, with);
}

static void
every_rule_is_told_with_its_place_its_outcome_and_what_it_lacks(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, RULES);
	assert_run(
	    &t, CLI_DONE, "", "create", "--name", "a", "--role", "viewer", "--group", "ops");
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a");
	assert_begins(t.out, "a (");
	assert_non_null(strstr(t.out, "): sshd as a, at 2027-01-15T08:00:00Z\ngates\n  pass "));
	assert_begins(line_of(&t, "policy.yaml:11)"), "  no         deny others");
	assert_begins(line_of(&t, "policy.yaml:12)"), "  no         deny outside");
	assert_begins(line_of(&t, "policy.yaml:13)"), "  fires      deny stray");
	assert_non_null(strstr(line_of(&t, "policy.yaml:13)"), ": missing: origin"));
	assert_begins(line_of(&t, "policy.yaml:15)"), "  undefined  allow rule 1");
	assert_non_null(strstr(line_of(&t, "policy.yaml:15)"), ": missing: address"));
	assert_begins(line_of(&t, "policy.yaml:16)"), "  fires      allow rule 2");
	assert_begins(line_of(&t, "policy.yaml:17)"), "  fires      allow rule 3");
	assert_begins(
	    line_of(&t, "policy.yaml:3)"), "  held       role viewer, bound directly");
	assert_begins(
	    line_of(&t, "policy.yaml:7)"), "  held       role editor, through group ops");
	assert_begins(line_of(&t, "policy.yaml:19)"), "  held       role viewer, granted");
	assert_begins(line_of(&t, "policy.yaml:20)"), "  undefined  role editor, granted");
	assert_non_null(strstr(t.out, "\ndeny: deny rule stray: stray\n"));
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "-o", "json");
	assert_member(&t, "rule", "\"stray\"");
	assert_member(&t, "trace.8.id", "\"stray\"");
	assert_member(&t, "trace.8.undefined", "true");
	assert_member(&t, "trace.8.missing", "[\"origin\"]");
	assert_member(&t, "trace.8.line", "13");
	assert_member(&t, "held.0",
	    "{\"role\":\"viewer\",\"source\":\"binding\",\"name\":\"viewer\",\"file\":null,"
	    "\"line\":null,\"here\":true,\"through_directory\":false}");
	assert_member(&t, "held.1.source", "\"group\"");
	assert_member(&t, "held.1.line", "7");
	assert_member(&t, "held.2.source", "\"grant\"");
	assert_member(&t, "held.2.line", "19");
	assert_member(&t, "held.3", "(none)");
	cli_test_clear(&t);
}

/* With an address the same key passes; one of this host's own is as good as none. */
static void
an_own_address_is_undefined_as_in_a_login(void **state)
{
	static const struct {
		const char *option, *address;
		int code;
	} rows[] = {
	    {"--rhost", "10.1.2.3", CLI_DONE},
	    {"--rhost", "192.0.2.7", CLI_REFUSED},
	    {"--rhost", "127.0.0.1", CLI_REFUSED},
	    {"--rhost", "127.9.9.9", CLI_REFUSED},
	    {"--rhost", "::1", CLI_REFUSED},
	    {"--origin", "10.1.2.3", CLI_DONE},
	    {"--origin", "192.0.2.7", CLI_REFUSED},
	    {"--origin", "127.0.0.1", CLI_REFUSED},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, RULES);
	cli_test_create(&t, "a", "viewer", NULL);
	for (size_t i = 0; i < N(rows); i++)
		assert_run(
		    &t, rows[i].code, NULL, "explain", "a", rows[i].option, rows[i].address);
	assert_non_null(strstr(t.out,
	    ", in a session from 127.0.0.1 (an address of this host, and so undefined)"));
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "--rhost", "127.0.0.1", "-o", "json");
	assert_member(&t, "rhost", "\"127.0.0.1\"");
	assert_member(&t, "trace.8.missing", "[\"origin\"]");
	assert_member(&t, "trace.9.missing", "[\"address\"]");
	cli_test_clear(&t);
}

static void
a_login_without_a_token_and_another_moment_can_be_asked_about(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host,
	    "version: 1\n"
	    "roles: {viewer: {services: [sshd, sudo]}}\n"
	    "grant:\n"
	    "- {role: viewer, time: {hours: '09:00-10:00', zone: Europe/Berlin}}\n");
	cli_test_create(&t, "a", NULL, NULL);
	assert_run(&t, CLI_DONE, NULL, "explain", "a");
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "--at", "2027-07-01T08:30:00Z");
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "--at", "2027-07-01T07:30:00Z");
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "--without-token", "-o", "json");
	assert_member(&t, "reason", "\"no-token\"");
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "--without-token", "--service", "sudo");
	/* A clock that can't be believed: what is asked for a made-up moment can. */
	t.now -= 86400;
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "-o", "json");
	assert_member(&t, "trace.6.missing", "[\"time\"]");
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "--at", "2027-07-01T07:30:00Z");
	cli_test_clear(&t);
}

static void
root_is_entered_by_no_name(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, "version: 1\nroles: {all: {services: ['*'], accounts: ['*']}}\n");
	cli_test_create(&t, "a", "all", NULL);
	t.user = "toor";
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "--account", "toor");
	t.user_uid = 1000;
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "--account", "toor");
	assert_run(&t, CLI_REFUSED, NULL, "explain", "a", "--account", "root");
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
	    T(every_rule_is_told_with_its_place_its_outcome_and_what_it_lacks),
	    T(an_own_address_is_undefined_as_in_a_login),
	    T(a_login_without_a_token_and_another_moment_can_be_asked_about),
	    T(root_is_entered_by_no_name),
	    T(explain_refuses_circumstances_that_cannot_be),
	    T(check_takes_only_a_whole_and_true_token),
	    T(check_shows_the_secret_and_the_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
