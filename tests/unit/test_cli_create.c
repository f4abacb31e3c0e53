/* create: what it makes, what it refuses, and what it prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
static const char a_verifier[] =
    "apikey-verifier-1:Abcdefghij:00112233445566778899aabbccddeeff:"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static void
create_prints_a_key_with_all_its_fields(void **state)
{
	static const struct {
		const char *path, *value;
	} rows[] = {{"name", "\"ci-deploy\""}, {"uid", "70000"}, {"gid", "70000"},
	    {"state", "\"active\""}, {"source", "\"local\""},
	    {"description", "\"deploys, nightly\""}, {"owner", "\"team a\""},
	    {"roles", "[\"viewer\",\"editor:spaces:production,staging\"]"}, {"groups", "[]"},
	    {"from", "[\"10.0.0.0/8\",\"2001:db8::/32\"]"}, {"not_before", "null"},
	    {"expires_at", "\"2027-02-14T08:00:00Z\""},
	    {"created_at", "\"2027-01-15T08:00:00Z\""}, {"created_by", "\"alice\""},
	    {"secrets",
		"[{\"number\":1,\"created_at\":\"2027-01-15T08:00:00Z\",\"not_after\":null}]"},
	    {"last_used", "null"}, {"home", "\"/srv/ci\""}, {"shell", "\"/bin/sh\""},
	    {"changed", "true"}, {"sessions_ended", "0"}};
	struct cli_test t;
	struct secret text;
	struct token tok;
	json_t *j;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "create", "--name", "ci-deploy", "--role", "viewer",
	    "--role", "editor:spaces:production,staging", "--from", "10.0.0.0/8", "--from",
	    "2001:db8::/32", "--duration", "30d", "--description", "deploys, nightly",
	    "--owner", "team a", "--home", "/srv/ci", "--shell", "/bin/sh");
	for (size_t i = 0; i < N(rows); i++)
		assert_string_equal(cli_test_member(&t, rows[i].path), rows[i].value);
	j = cli_test_json(&t);
	assert_int_equal(json_object_size(j), N(rows) + 2);
	assert_err("", AK_OK,
	    secret_set(&text, json_string_value(json_object_get(j, "token")), TOKEN_LEN));
	assert_err("", AK_OK, token_parse(&text, &tok));
	assert_string_equal(tok.id, json_string_value(json_object_get(j, "id")));
	json_decref(j);
	assert_non_null(strstr(t.log, "event=key-created key=ci-deploy id="));
	assert_non_null(strstr(t.log,
	    "uid=70000 by=alice state=active secrets=1 expires=2027-02-14T08:00:00Z "
	    "roles=\"viewer, editor:spaces:production,staging\" "
	    "networks=\"10.0.0.0/8, 2001:db8::/32\" owner=\"team a\" "
	    "description=\"deploys, nightly\" home=/srv/ci shell=/bin/sh\n"));
	assert_null(strstr(t.log, "apikey_"));
	assert_int_equal(t.flushes, 1);
	cli_test_clear(&t);
}

static void
a_key_that_a_grant_may_give_a_role_is_not_said_to_lack_one(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host,
	    "version: 1\nroles:\n  viewer: {services: [sshd]}\ngrant:\n"
	    "- {role: viewer, login: 'ci-*', time: {dates: ['2001-01-01', '2001-01-02']}}\n");
	assert_run(&t, CLI_DONE, NULL, "create", "--name", "ci-a", "--duration", "1d");
	assert_run(&t, CLI_DONE, "other can't log in yet", "create", "--name", "other",
	    "--duration", "1d");
	cli_test_clear(&t);
}

static void
create_warns_of_keys_without_end_or_role(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "never expires, which is not recommended", "create", "--name",
	    "a", "--role", "viewer");
	assert_null(strstr(t.err, "can't log in yet"));
	assert_member(&t, "expires_at", "null");
	assert_run(
	    &t, CLI_DONE, "b can't log in yet", "create", "--name", "b", "--duration", "86400");
	assert_null(strstr(t.err, "recommended"));
	assert_member(&t, "expires_at", "\"2027-01-16T08:00:00Z\"");
	assert_run(&t, CLI_DONE, NULL, "create", "--name", "c", "--duration", "1s", "--role",
	    "viewer", "-o", "table");
	assert_non_null(strstr(t.out, "name         c\n"));
	assert_non_null(strstr(t.out, "\ntoken        apikey_"));
	cli_test_clear(&t);
}

static void
create_quietly_prints_the_token_alone(void **state)
{
	struct cli_test t;
	char tok[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	assert_int_equal(strncmp(tok, "apikey_", 7), 0);
	cli_test_clear(&t);
}

static void
create_takes_a_verifier_and_prints_no_token(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--verifier", a_verifier);
	assert_member(&t, "id", "\"Abcdefghij\"");
	assert_member(&t, "token", "(none)");
	assert_run(&t, CLI_REFUSED, "id Abcdefghij is the key a's", "create", "--name", "b",
	    "--verifier", a_verifier);
	assert_run(&t, CLI_DONE, "", "delete", "a");
	assert_run(&t, CLI_DONE, "", "create", "--name", "b", "--verifier", a_verifier, "-q");
	assert_string_equal(t.out, "");
	cli_test_clear(&t);
}

static void
create_counts_uids_up_and_past_those_that_are_taken(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	t.taken = 70001;
	assert_run(&t, CLI_DONE, "", "create", "--name", "a");
	assert_member(&t, "uid", "70000");
	assert_run(&t, CLI_DONE, "", "create", "--name", "b");
	assert_member(&t, "uid", "70002");
	assert_run(&t, CLI_DONE, "", "create", "--name", "c", "--uid", "75000");
	assert_member(&t, "uid", "75000");
	assert_run(&t, CLI_REFUSED, "uid 75000 is another key's", "create", "--name", "d",
	    "--uid", "75000");
	assert_run(&t, CLI_REFUSED, "uid 70001 is another user's", "create", "--name", "d",
	    "--uid", "70001");
	assert_run(&t, CLI_REFUSED, "uid 99999 is the last of uid_range: the processes",
	    "create", "--name", "d", "--uid", "99999");
	assert_run(&t, CLI_REFUSED, "uid 1000 is outside uid_range", "create", "--name", "d",
	    "--uid", "1000");
	assert_run(&t, CLI_DONE, "", "delete", "c");
	assert_run(
	    &t, CLI_REFUSED, "never given again", "create", "--name", "d", "--uid", "75000");
	cli_test_clear(&t);
}

static void
create_says_that_ids_are_used_up(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_settings(&t.host,
	    "version: 1\nuid_range: 70000-70001\ncreate_home: false\nshell: /bin/sh\n");
	assert_run(&t, CLI_DONE, "", "create", "--name", "a");
	assert_run(&t, CLI_FAILED, "no uid is left in 70000-70001", "create", "--name", "b");
	cli_test_clear(&t);
}

/* The option that is wrong, after `create --name x`. */
static void
create_refuses_what_this_host_would_not_have(void **state)
{
	static const struct {
		const char *option, *value;
		int code;
		const char *says;
	} rows[] = {
	    {"--role", "nope", CLI_REFUSED, "declares no role `nope'"},
	    {"--role", "viewer:spaces:moon", CLI_REFUSED, "declares no space `moon'"},
	    {"--role", "viewer:moons:io", CLI_USAGE, "neither ROLE"},
	    {"--role", "Viewer", CLI_USAGE, "no name of a role"},
	    {"--from", "10.0.0.1/8", CLI_USAGE, "is no network"},
	    {"--from", "10.0.0.0/8,11.0.0.0/8", CLI_USAGE, "is no network"},
	    {"--from", "bastion", CLI_USAGE, "is no network"},
	    {"--duration", "30x", CLI_USAGE, "is no duration"},
	    {"--duration", "0", CLI_USAGE, "is no duration"},
	    {"--duration", "-5d", CLI_USAGE, "is no duration"},
	    {"--not-before", "tomorrow", CLI_USAGE, "is no moment"},
	    {"--shell", "/nonexistent/sh", CLI_REFUSED, "cannot be used"},
	    {"--shell", "/etc/passwd", CLI_REFUSED, "no executable file"},
	    {"--shell", "/tmp", CLI_REFUSED, "no executable file"},
	    {"--shell", "sh", CLI_USAGE, "is not absolute"},
	    {"--home", "srv", CLI_USAGE, "is not absolute"},
	    {"--home", "/srv:x", CLI_USAGE, "holds a colon"},
	    {"--description", "a\nb", CLI_USAGE, "control character"},
	    {"--description",
		"a\xc2\x9b"
		"1m",
		CLI_USAGE, "control character"},
	    {"--owner", "\xc2\x80", CLI_USAGE, "control character"},
	    {"--owner", "\xff", CLI_USAGE, "not UTF-8"},
	    {"--uid", "x", CLI_USAGE, "is no uid"},
	    {"--uid", "0", CLI_USAGE, "is no uid"},
	    {"--verifier", "apikey-verifier-1:x", CLI_USAGE, "is no verifier"},
	    {"--colour", "red", CLI_USAGE, "unknown option --colour"},
	    {"--in", "directory", CLI_REFUSED, "names no directory for keys"},
	    {"--group", "a\tb", CLI_USAGE, "control character"},
	    {"--group", "\xc2\x85", CLI_USAGE, "control character"},
	    {"--group", "\xff", CLI_USAGE, "not UTF-8"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		assert_run(&t, rows[i].code, rows[i].says, "create", "--name", "x",
		    rows[i].option, rows[i].value);
		assert_string_equal(t.out, "");
	}
	assert_int_equal(cli_test_generation(&t), 0);
	cli_test_clear(&t);
}

static void
create_refuses_names_that_are_malformed_or_taken(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *says;
	} rows[] = {
	    {"taken", CLI_REFUSED, "there is a key taken already"},
	    {"bob", CLI_REFUSED, "has a user bob already (id 1000)"},
	    {"staff", CLI_REFUSED, "has a group staff already (id 50)"},
	    {"apikey-editors", CLI_REFUSED, "a Unix group of role editor"},
	    {"apikey", CLI_REFUSED, "the group of all keys"},
	    {"", CLI_USAGE, "no name of a key"},
	    {"Upper", CLI_USAGE, "no name of a key"},
	    {"1st", CLI_USAGE, "no name of a key"},
	    {"a b", CLI_USAGE, "no name of a key"},
	    {"a2345678901234567890123456789012", CLI_USAGE, "no name of a key"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "taken", NULL, NULL);
	t.user = "bob";
	t.user_uid = 1000;
	t.group = "staff";
	t.group_gid = 50;
	for (size_t i = 0; i < N(rows); i++)
		assert_run(&t, rows[i].code, rows[i].says, "create", "--name", rows[i].name);
	assert_run(&t, CLI_USAGE, "create needs --name", "create");
	t.accounts_down = true;
	assert_run(&t, CLI_FAILED, "can't be told now", "create", "--name", "fresh");
	cli_test_clear(&t);
}

/* After a publish that failed, users.idx may serve what is deleted. */
static void
an_old_key_of_ours_does_not_hold_its_name(void **state)
{
	struct cli_test t;
	struct store *s;
	struct key k;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", NULL, NULL);
	s = host_open(&t.host);
	assert_err("", AK_OK, store_find_name(s, "a", &k));
	assert_err("", AK_OK, store_remove(s, &k.rec, HOST_NOW));
	assert_err("", AK_OK, store_commit(s, HOST_NOW, NULL, NULL));
	key_clear(&k);
	store_close(&s);
	t.user = t.group = "a";
	t.user_uid = t.group_gid = 70000;
	assert_run(&t, CLI_DONE, "", "create", "--name", "a");
	assert_member(&t, "uid", "70001");
	cli_test_clear(&t);
}

static void
create_obeys_max_duration(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_settings(
	    &t.host, "version: 1\nmax_duration: 7d\ncreate_home: false\nshell: /bin/sh\n");
	assert_run(&t, CLI_REFUSED, "max_duration of this host is 7d", "create", "--name", "a",
	    "--duration", "8d");
	assert_run(
	    &t, CLI_REFUSED, "max_duration", "create", "--name", "a", "--duration", "never");
	assert_run(&t, CLI_REFUSED, "keys of this host must expire", "create", "--name", "a");
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--duration", "7d");
	assert_run(&t, CLI_REFUSED, "max_duration", "set", "a", "--duration", "never");
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--owner", "x");
	cli_test_clear(&t);
}

static void
a_key_may_not_expire_before_it_is_valid(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_REFUSED, "would expire before it is valid", "create", "--name", "a",
	    "--duration", "1h", "--not-before", "2027-01-15T09:00:00Z");
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--duration", "2h",
	    "--not-before", "2027-01-15T10:00:00+01:00");
	assert_member(&t, "not_before", "\"2027-01-15T09:00:00Z\"");
	assert_member(&t, "state", "\"pending\"");
	assert_run(
	    &t, CLI_REFUSED, "would expire before it is valid", "set", "a", "--duration", "1h");
	cli_test_clear(&t);
}

static void
settings_and_policies_that_are_broken_are_named(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, "version: 2\n");
	assert_run(
	    &t, CLI_FAILED, "policy.yaml:1:", "create", "--name", "a", "--role", "viewer");
	assert_run(&t, CLI_DONE, "no key may do anything now", "create", "--name", "a");
	host_policy(&t.host, NULL);
	assert_run(&t, CLI_FAILED, "no role can be bound", "create", "--name", "b", "--role",
	    "viewer");
	host_policy(&t.host, CLI_POLICY);
	host_settings(&t.host, "version: 1\nshell: 7 8\ncolour: red\n");
	assert_run(&t, CLI_FAILED, "apikey.yaml:", "create", "--name", "b");
	assert_run(&t, CLI_DONE, "", "disable", "a");
	cli_test_clear(&t);
}

static void
a_token_that_cannot_be_written_is_said_to_be_lost(void **state)
{
	static const char *const outputs[] = {"json", "table"};
	struct cli_test t;

	cli_test_make(&t, state);
	assert_non_null(t.out_to = fopen("/dev/full", "we"));
	for (size_t i = 0; i < N(outputs); i++) {
		char name[] = {'a', (char)('0' + i), '\0'};

		assert_run(&t, CLI_FAILED, "No space left on device", "create", "--name", name,
		    "-o", outputs[i]);
		assert_non_null(strstr(t.err, "make another by `apikey rotate a"));
	}
	assert_run(
	    &t, CLI_FAILED, "make another by `apikey rotate b`", "create", "--name", "b", "-q");
	assert_run(&t, CLI_FAILED, "make another by `apikey rotate b`", "rotate", "b", "-q");
	assert_run(&t, CLI_FAILED, "the answer could not be written", "show", "b");
	(void)fclose(t.out_to);
	t.out_to = NULL;
	assert_run(&t, CLI_DONE, NULL, "show", "b");
	cli_test_clear(&t);
}

/* users.idx can't be replaced, local.idx can: the key is true, so its token must not be lost. */
static void
a_key_that_was_made_but_not_published_has_its_token_printed(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_int_equal(mkdir(tmp_path(t.tmp, "state/.users.idx.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(t.tmp, "state/.users.idx.new/x"), 0700), 0);
	assert_run(&t, CLI_FAILED, "users.idx", "create", "--name", "a", "-q");
	assert_int_equal(strlen(t.out), TOKEN_LEN + 1);
	assert_non_null(strstr(t.log, "event=key-created key=a "));
	assert_int_equal(rmdir(tmp_path(t.tmp, "state/.users.idx.new/x")), 0);
	assert_int_equal(rmdir(tmp_path(t.tmp, "state/.users.idx.new")), 0);
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	cli_test_clear(&t);
}

static void
homes_are_made_with_keys(void **state)
{
	struct cli_test t;
	char settings[512];
	struct stat st;

	cli_test_make(&t, state);
	assert_int_equal(mkdir(tmp_path(t.tmp, "home"), 0755), 0);
	(void)snprintf(settings, sizeof(settings), "version: 1\nshell: /bin/sh\nhome: %s\n",
	    tmp_path(t.tmp, "home/%n.%u"));
	host_settings(&t.host, settings);
	/* Only root can give files away; for others the token is what counts. */
	if (geteuid() == 0) {
		assert_run(&t, CLI_DONE, "", "create", "--name", "a");
		assert_int_equal(stat(tmp_path(t.tmp, "home/a.70000"), &st), 0);
		assert_int_equal(st.st_uid, 70000);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_run(&t, CLI_DONE, NULL, "delete", "a", "--remove-home");
	} else {
		assert_run(&t, CLI_FAILED, "home", "create", "--name", "a");
		assert_int_not_equal(strcmp(cli_test_member(&t, "token"), "(none)"), 0);
	}
	assert_false(file_is_there(tmp_path(t.tmp, "home/a.70000")));
	cli_test_clear(&t);
}

/* Retries after a failure, and homes that are kept over a deletion. */
static void
a_home_that_is_there_is_left_as_it_is(void **state)
{
	struct cli_test t;
	char settings[512];

	cli_test_make(&t, state);
	assert_int_equal(mkdir(tmp_path(t.tmp, "home"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(t.tmp, "home/a"), 0755), 0);
	(void)snprintf(settings, sizeof(settings), "version: 1\nshell: /bin/sh\nhome: %s\n",
	    tmp_path(t.tmp, "home/%n"));
	host_settings(&t.host, settings);
	assert_run(&t, CLI_DONE, "it is left as it is", "create", "--name", "a");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(create_prints_a_key_with_all_its_fields),
	    T(a_key_that_a_grant_may_give_a_role_is_not_said_to_lack_one),
	    T(create_warns_of_keys_without_end_or_role),
	    T(create_quietly_prints_the_token_alone),
	    T(create_takes_a_verifier_and_prints_no_token),
	    T(create_counts_uids_up_and_past_those_that_are_taken),
	    T(create_says_that_ids_are_used_up),
	    T(create_refuses_what_this_host_would_not_have),
	    T(create_refuses_names_that_are_malformed_or_taken),
	    T(an_old_key_of_ours_does_not_hold_its_name),
	    T(create_obeys_max_duration),
	    T(a_key_may_not_expire_before_it_is_valid),
	    T(settings_and_policies_that_are_broken_are_named),
	    T(a_token_that_cannot_be_written_is_said_to_be_lost),
	    T(a_key_that_was_made_but_not_published_has_its_token_printed),
	    T(homes_are_made_with_keys),
	    T(a_home_that_is_there_is_left_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
