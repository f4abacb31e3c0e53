/* policy samples and simulate: what was kept is listed, and asked again of one policy or another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const POLICY =
    "version: 1\n"
    "spaces: {production: {}, staging: {}}\n"
    "roles:\n"
    "  viewer: {services: [sshd]}\n"
    "  editor: {services: [sshd, sudo], accounts: [deploy]}\n"
    "groups: {ops: [{role: editor}]}\n"
    "deny:\n"
    "- {id: outside, reason: from inside alone, service: sudo, not: {from: 10.0.0.0/8}}\n"
    "- {id: night, reason: people sleep, time: {hours: '00:00-06:00'}}\n"
    "grant:\n"
    "- {role: editor, in: production, login: 'ci-*'}\n"
    "sample:\n"
    "- {always: true}\n";

/* The same without `outside`. */
static const char *const OPEN = "version: 1\n"
				"spaces: {production: {}, staging: {}}\n"
				"roles:\n"
				"  viewer: {services: [sshd]}\n"
				"  editor: {services: [sshd, sudo], accounts: [deploy]}\n"
				"groups: {ops: [{role: editor}]}\n";

static const char *
draft(struct cli_test *t, const char *text)
{
	const char *path = tmp_path(t->tmp, "draft.yaml");

	file_write(path, text, strlen(text), 0600);
	return path;
}

/* What a login as PAM has it would keep. */
static void
keep(struct cli_test *t, const char *name, const char *service, int64_t at_ms)
{
	struct key_record k = key_make(name, 70000);
	struct moments when;
	struct verdict v;
	struct live live;
	struct decide_request req = {.key = &k, .service = service, .now = at_ms / 1000};

	key_bind(&k, "editor");
	live_load(&t->host.paths, &live);
	assert_non_null(live.image);
	assert_err("", AK_OK, moments_resolve(live.image, ZONE_DIR, at_ms, &when));
	req.policy = live.image;
	req.when = &when;
	req.hosts = live.hosts;
	(void)!decide(&req, NULL, &v);
	samples_keep(&t->host.paths, &live, &req, &v);
	verdict_clear(&v);
	moments_clear(&when);
	live_clear(&live);
}

/* The id that is listed at that place. */
static const char *
id_of(struct cli_test *t, unsigned place)
{
	static char id[SAMPLE_ID_LEN + 1];
	char path[16];

	assert_run(t, CLI_DONE, NULL, "policy", "samples", "-o", "json");
	(void)snprintf(path, sizeof(path), "%u.id", place);
	assert_int_equal(strlen(cli_test_member(t, path)), SAMPLE_ID_LEN + 2);
	(void)snprintf(id, sizeof(id), "%.*s", SAMPLE_ID_LEN, cli_test_member(t, path) + 1);
	return id;
}

static void
samples_lists_what_was_kept_and_why(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, POLICY);
	assert_run(&t, CLI_DONE, NULL, "policy", "samples", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	keep(&t, "a", "sshd", HOST_NOW * 1000);
	keep(&t, "a", "sudo", HOST_NOW * 1000 + 1000);
	keep(&t, "b", "cron", HOST_NOW * 1000 + 2000);
	assert_run(&t, CLI_DONE, NULL, "policy", "samples", "-o", "json");
	assert_member(&t, "0.key", "\"a\"");
	assert_member(&t, "0.decision", "\"allow\"");
	assert_member(&t, "0.at", "\"2027-01-15T08:00:00Z\"");
	assert_member(&t, "0.rule", "null");
	assert_member(&t, "0.roles", "[\"editor\"]");
	assert_member(&t, "1.service", "\"sudo\"");
	assert_member(&t, "1.decision", "\"deny\"");
	assert_member(&t, "1.rule", "\"outside\"");
	assert_member(&t, "2.reason", "\"role\"");
	assert_member(&t, "3", "(none)");
	assert_run(&t, CLI_DONE, NULL, "policy", "samples");
	assert_non_null(strstr(t.out, "  a    sudo     deny      outside\n"));
	assert_non_null(strstr(t.out, "  b    cron     deny      role\n"));
	/* Out of bounds by age. */
	t.now += 31 * 86400;
	assert_run(&t, CLI_DONE, NULL, "policy", "samples", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	cli_test_clear(&t);
}

static void
simulate_replays_what_was_kept(void **state)
{
	struct cli_test t;
	const char *id, *other;

	cli_test_make(&t, state);
	host_policy(&t.host, POLICY);
	keep(&t, "a", "sudo", HOST_NOW * 1000);
	id = id_of(&t, 0);
	assert_run(&t, CLI_DONE, NULL, "policy", "simulate", "--sample", id);
	assert_non_null(strstr(t.out, "deny rules\n  fires      deny outside"));
	assert_non_null(strstr(t.out, ": missing: address"));
	assert_non_null(strstr(t.out, "\nno difference to what was kept\n"));
	other = draft(&t, OPEN);
	assert_run(
	    &t, CLI_REFUSED, NULL, "policy", "simulate", "--sample", id, "--policy", other);
	assert_non_null(strstr(t.out, "\ndifference to what was kept\n"
				      "  was:  deny (deny-rule outside)\n"
				      "  is:   allow (permitted); roles editor\n"));
	assert_run(&t, CLI_REFUSED, NULL, "policy", "simulate", "--sample", id, "--policy",
	    other, "-o", "json");
	assert_member(&t, "differs", "true");
	assert_member(&t, "compared_to", "\"kept\"");
	assert_member(&t, "was.decision", "\"deny\"");
	assert_member(&t, "was.rule", "\"outside\"");
	assert_member(&t, "decision", "\"allow\"");
	assert_member(&t, "roles", "[\"editor\"]");
	/* A host that has moved since answers for where it stood. */
	host_settings(&t.host, "version: 1\nspace: nowhere\ncreate_home: false\n");
	assert_run(&t, CLI_DONE, NULL, "policy", "simulate", "--sample", id, "-o", "json");
	assert_member(&t, "differs", "false");
	assert_member(&t, "space", "\"root\"");
	cli_test_clear(&t);
}

/* That a key is in no group is the directory's word where there is one, and then may_grant counts: that of the day. */
static void
a_host_answers_for_the_directory_that_it_had(void **state)
{
	static const char *const settings[] = {"version: 1\n",
	    "version: 1\ndirectory: {uris: 'ldapi://', may_grant: [viewer]}\n",
	    "version: 1\ndirectory: {uris: 'ldapi://'}\n"};
	static const char *const roles[] = {
	    "[\"editor\",\"viewer\"]", "[\"editor\",\"viewer\"]", "[\"editor\"]"};
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, "version: 1\n"
			     "roles: {viewer: {services: [sshd]}, editor: {services: [sshd]}}\n"
			     "grant: [{role: viewer, not: {group: contractors}}]\n"
			     "sample: [{always: true}]\n");
	for (unsigned was = 0; was < N(settings); was++) {
		host_settings(&t.host, settings[was]);
		keep(&t, "a", "sshd", HOST_NOW * 1000 + was);
		for (unsigned is = 0; is < N(settings); is++) {
			host_settings(&t.host, settings[is]);
			assert_run(&t, CLI_DONE, NULL, "policy", "simulate", "--sample",
			    id_of(&t, was), "-o", "json");
			assert_member(&t, "differs", "false");
			assert_member(&t, "roles", roles[was]);
		}
	}
	cli_test_clear(&t);
}

/* Options, and what is decided by the live policy. */
static void
simulate_asks_about_a_key_that_is_made_up(void **state)
{
	static const struct {
		const char *words[10];
		const char *reason, *roles;
	} rows[] = {
	    {{"--role", "viewer"}, "\"permitted\"", "[\"viewer\"]"},
	    {{NULL}, "\"role\"", "[]"},
	    {{"--group", "ops"}, "\"permitted\"", "[\"editor\"]"},
	    {{"--space", "production"}, "\"permitted\"", "[\"editor\"]"},
	    {{"--space", "staging"}, "\"role\"", "[]"},
	    {{"--space", "moon"}, "\"space\"", "[]"},
	    {{"--role", "viewer:hosts:h", "--host", "g", "--host", "h"}, "\"permitted\"",
		"[\"viewer\"]"},
	    {{"--role", "viewer:hosts:h", "--host", "g"}, "\"role\"", "[]"},
	    {{"--role", "viewer", "--at", "2027-01-15T03:00:00Z"}, "\"deny-rule\"", "[]"},
	    {{"--group", "ops", "--service", "sudo"}, "\"deny-rule\"", "[]"},
	    {{"--group", "ops", "--service", "sudo", "--rhost", "10.0.0.1"}, "\"permitted\"",
		"[\"editor\"]"},
	    {{"--group", "ops", "--service", "sudo", "--origin", "10.0.0.1"}, "\"permitted\"",
		"[\"editor\"]"},
	    {{"--group", "ops", "--account", "deploy"}, "\"permitted\"", "[\"editor\"]"},
	    {{"--role", "viewer", "--account", "deploy"}, "\"role\"", "[\"viewer\"]"},
	    {{"--role", "viewer", "--without-token"}, "\"no-token\"", "[]"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, POLICY);
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[20] = {
		    "apikey", "policy", "simulate", "--login", "ci-x", "-o", "json"};

		for (size_t w = 0; w < 10 && rows[i].words[w] != NULL; w++)
			words[7 + w] = rows[i].words[w];
		assert_int_equal(cli_test_run(&t, words), CLI_DONE);
		assert_string_equal(t.err, "");
		assert_member(&t, "reason", rows[i].reason);
		assert_member(&t, "roles", rows[i].roles);
		assert_member(&t, "compared_to", "null");
		assert_member(&t, "was", "null");
		assert_member(&t, "sample", "null");
	}
	cli_test_clear(&t);
}

static void
simulate_holds_another_policy_against_the_live_one(void **state)
{
	struct cli_test t;
	const char *other;

	cli_test_make(&t, state);
	host_policy(&t.host, POLICY);
	other = draft(&t, OPEN);
	assert_run(&t, CLI_DONE, NULL, "policy", "simulate", "--login", "a", "--role", "viewer",
	    "--policy", other);
	assert_non_null(strstr(t.out, "no difference to the live policy\n"));
	assert_run(&t, CLI_REFUSED, NULL, "policy", "simulate", "--login", "a", "--role",
	    "editor", "--service", "sudo", "--policy", other, "-o", "json");
	assert_member(&t, "compared_to", "\"live\"");
	assert_member(&t, "was.rule", "\"outside\"");
	assert_member(&t, "decision", "\"allow\"");
	host_policy(&t.host, "version: 2\n");
	assert_run(&t, CLI_REFUSED, NULL, "policy", "simulate", "--login", "a", "--role",
	    "viewer", "--policy", other, "-o", "json");
	assert_member(&t, "was.reason", "\"no-policy\"");
	assert_run(&t, CLI_FAILED, "policy.yaml:1:10: ", "policy", "simulate", "--login", "a");
	cli_test_clear(&t);
}

static void
simulate_refuses_what_cannot_be_asked(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_USAGE, "needs --sample ID, or the --login", "policy", "simulate");
	assert_run(&t, CLI_USAGE, "is no name of a key", "policy", "simulate", "--login", "A");
	assert_run(&t, CLI_USAGE, "is no name of a host", "policy", "simulate", "--login", "a",
	    "--host", "a b");
	assert_run(&t, CLI_USAGE, "is no name of a space", "policy", "simulate", "--login", "a",
	    "--space", "A");
	assert_run(&t, CLI_USAGE, "is no address", "policy", "simulate", "--login", "a",
	    "--rhost", "x");
	assert_run(&t, CLI_USAGE, "--origin `x' is no address", "policy", "simulate", "--login",
	    "a", "--origin", "x");
	assert_run(
	    &t, CLI_USAGE, "is no moment", "policy", "simulate", "--login", "a", "--at", "now");
	assert_run(&t, CLI_USAGE, "no name of a role", "policy", "simulate", "--login", "a",
	    "--role", "A");
	assert_run(&t, CLI_USAGE, "brings its own", "policy", "simulate", "--sample", "x",
	    "--login", "a");
	assert_run(
	    &t, CLI_REFUSED, "there is no sample `x'", "policy", "simulate", "--sample", "x");
	assert_run(&t, CLI_REFUSED, "cannot be read", "policy", "simulate", "--login", "a",
	    "--policy", "/nonexistent");
	assert_run(&t, CLI_REFUSED, "draft.yaml:1:10: ", "policy", "simulate", "--login", "a",
	    "--policy", draft(&t, "version: 2\n"));
	assert_run(&t, CLI_USAGE, "usage: apikey policy check", "policy");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(samples_lists_what_was_kept_and_why),
	    T(simulate_replays_what_was_kept),
	    T(a_host_answers_for_the_directory_that_it_had),
	    T(simulate_asks_about_a_key_that_is_made_up),
	    T(simulate_holds_another_policy_against_the_live_one),
	    T(simulate_refuses_what_cannot_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
