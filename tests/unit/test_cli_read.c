/* list, show and role list: what they show of keys. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "lastused.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The names that list printed, each with a blank behind. */
static const char *
listed(const struct cli_test *t)
{
	static char names[1024];
	json_t *j = cli_test_json(t), *key;
	size_t i;

	names[0] = '\0';
	json_array_foreach(j, i, key)
	{
		strncat(names, json_string_value(json_object_get(key, "name")), 100);
		strncat(names, " ", 2);
	}
	json_decref(j);
	return names;
}

static void
make_keys(struct cli_test *t)
{
	assert_run(t, CLI_DONE, "", "create", "--name", "soon", "--duration", "13d", "--role",
	    "viewer");
	assert_run(t, CLI_DONE, "", "create", "--name", "gone", "--duration", "1s", "--role",
	    "editor:spaces:production");
	assert_run(t, CLI_DONE, "", "create", "--name", "eu", "--duration", "90d", "--role",
	    "viewer:spaces:production-eu", "--role", "editor:spaces:staging");
	assert_run(
	    t, CLI_DONE, "", "create", "--name", "host", "--role", "viewer:hosts:bastion-1");
	assert_run(t, CLI_DONE, "", "create", "--name", "bare");
	t->now += 60;
}

static void
list_shows_the_keys_that_are_asked_for_by_name(void **state)
{
	static const struct {
		const char *words[5];
		const char *names;
	} rows[] = {
	    {{NULL}, "bare eu gone host soon "},
	    {{"--expired"}, "gone "},
	    {{"--expiring", "14d"}, "soon "},
	    {{"--expiring", "100d"}, "eu soon "},
	    {{"--expiring", "1h"}, ""},
	    {{"--expired", "--expiring", "100d"}, ""},
	    {{"--role", "viewer"}, "eu host soon "},
	    {{"--role", "editor"}, "eu gone "},
	    {{"--role", "nobody-has-it"}, ""},
	    {{"--space", "production"}, "gone soon "},
	    {{"--space", "production-eu"}, "eu gone soon "},
	    {{"--space", "root"}, "soon "},
	    {{"--space", "production-eu", "--role", "viewer"}, "eu soon "},
	    {{"--space", "staging", "--role", "viewer"}, "soon "},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[9] = {"apikey", "list", "-o", "json"};

		for (size_t w = 0; w < 4 && rows[i].words[w] != NULL; w++)
			words[4 + w] = rows[i].words[w];
		assert_int_equal(cli_test_run(&t, words), CLI_DONE);
		assert_string_equal(t.err, "");
		assert_string_equal(listed(&t), rows[i].names);
	}
	cli_test_clear(&t);
}

static void
list_prints_a_table_for_people(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "list");
	assert_string_equal(t.out, "NAME  ID  UID  STATE  SOURCE  EXPIRES  LAST USED  ROLES\n");
	assert_run(&t, CLI_DONE, NULL, "list", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	make_keys(&t);
	assert_run(&t, CLI_DONE, NULL, "disable", "host");
	assert_run(&t, CLI_DONE, NULL, "list");
	assert_non_null(strstr(t.out, "NAME  ID          UID    STATE     SOURCE  EXPIRES"));
	assert_non_null(strstr(t.out,
	    "active    local   2027-04-15T08:00:00Z  never      viewer:spaces:production-eu, "
	    "editor:spaces:staging\n"));
	assert_non_null(
	    strstr(t.out, "expired   local   2027-01-15T08:00:01Z  never      editor"));
	assert_non_null(
	    strstr(t.out, "disabled  local   never                 never      viewer:hosts"));
	assert_null(strstr(t.out, " \n"));
	cli_test_clear(&t);
}

static void
list_refuses_filters_that_mean_nothing(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_USAGE, "is no duration", "list", "--expiring", "soon");
	assert_run(&t, CLI_USAGE, "is no duration", "list", "--expiring", "never");
	assert_run(&t, CLI_USAGE, "no name of a role", "list", "--role", "editor:spaces:x");
	assert_run(&t, CLI_REFUSED, "declares no space `moon'", "list", "--space", "moon");
	assert_run(&t, CLI_USAGE, "--unused `ever' is no duration", "list", "--unused", "ever");
	assert_run(&t, CLI_USAGE, "unknown option --older", "list", "--older", "90d");
	host_policy(&t.host, "version: 2\n");
	assert_run(&t, CLI_FAILED, "spaces are not known", "list", "--space", "staging");
	cli_test_clear(&t);
}

static void
list_tells_damage_from_emptiness(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", NULL, NULL);
	file_write(t.host.paths.users, "x", 1, 0644);
	assert_run(&t, CLI_FAILED, "remake it by `apikey publish`", "list");
	assert_run(&t, CLI_DONE, "", "publish");
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	file_write(t.host.paths.local, "x", 1, 0600);
	assert_run(&t, CLI_FAILED, "local.idx: ", "list");
	assert_run(&t, CLI_FAILED, "local.idx: ", "show", "a");
	assert_int_equal(unlink(t.host.paths.local), 0);
	assert_run(&t, CLI_FAILED, "local.idx: ", "list");
	assert_int_equal(unlink(t.host.paths.users), 0);
	assert_run(&t, CLI_DONE, NULL, "list");
	cli_test_clear(&t);
}

static void
show_shows_one_key_by_name_or_id(void **state)
{
	struct cli_test t;
	char tok[80], id[KEY_ID_LEN + 1];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	(void)snprintf(id, sizeof(id), "%.*s", KEY_ID_LEN, tok + 7);
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	assert_non_null(strstr(t.out, "name         a\n"));
	assert_non_null(strstr(t.out, "description  -\n"));
	assert_non_null(strstr(t.out, "number 1, made 2027-01-15T08:00:00Z, ends never\n"));
	assert_null(strstr(t.out, tok + 18));
	assert_run(&t, CLI_DONE, NULL, "show", id, "-o", "json");
	assert_member(&t, "name", "\"a\"");
	assert_member(&t, "token", "(none)");
	assert_member(&t, "changed", "(none)");
	assert_run(&t, CLI_REFUSED, "there is no key `b'", "show", "b");
	assert_run(&t, CLI_REFUSED, "apikey_(redacted)", "show", tok);
	assert_run(&t, CLI_USAGE, "takes no further `apikey_(redacted)'", "show", "a", tok);
	cli_test_clear(&t);
}

/* As a login leaves it behind. */
static void
use(const struct cli_test *t, const char *name, int64_t at, const char *from)
{
	struct lastused use = {.at = at, .service = "sshd", .account = "deploy"};
	struct keys keys;
	struct key k;

	assert_err(from, AK_OK, text_copy(use.from, sizeof(use.from), from));
	assert_err(name, AK_OK, keys_open(&t->host.paths, &keys, NULL));
	assert_err(name, AK_OK, keys_find(&keys, name, &k, NULL));
	lastused_note(&t->host.paths, &k.rec, &use);
	key_clear(&k);
	keys_close(&keys);
}

static void
the_last_use_is_shown_with_a_key(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", NULL, NULL);
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	assert_non_null(strstr(t.out, "last used    never\n"));
	use(&t, "a", HOST_NOW + 5, "192.0.2.7");
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	assert_non_null(strstr(
	    t.out, "last used    2027-01-15T08:00:05Z, from 192.0.2.7, by sshd into deploy\n"));
	assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
	assert_member(&t, "last_used",
	    "{\"at\":\"2027-01-15T08:00:05Z\",\"from\":\"192.0.2.7\",\"service\":\"sshd\","
	    "\"account\":\"deploy\"}");
	use(&t, "a", HOST_NOW + 6, "");
	assert_run(&t, CLI_DONE, NULL, "list", "-o", "json");
	assert_member(&t, "0.last_used.at", "\"2027-01-15T08:00:06Z\"");
	assert_member(&t, "0.last_used.from", "null");
	assert_run(&t, CLI_DONE, NULL, "list");
	assert_non_null(strstr(t.out, "never    2027-01-15T08:00:06Z  -\n"));
	assert_run(&t, CLI_DONE, NULL, "disable", "a", "-o", "json");
	assert_member(&t, "0.last_used.at", "\"2027-01-15T08:00:06Z\"");
	assert_run(&t, CLI_DONE, NULL, "rotate", "a");
	assert_member(&t, "last_used.at", "\"2027-01-15T08:00:06Z\"");
	/* Another key of the same name and uid was never used. */
	assert_run(&t, CLI_DONE, NULL, "delete", "a");
	cli_test_create(&t, "a", NULL, NULL);
	assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
	assert_member(&t, "last_used", "null");
	cli_test_clear(&t);
}

static void
keys_that_nobody_uses_are_found(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "never", NULL, NULL);
	cli_test_create(&t, "long-ago", NULL, NULL);
	cli_test_create(&t, "lately", NULL, NULL);
	use(&t, "long-ago", HOST_NOW + 100, "192.0.2.7");
	use(&t, "lately", HOST_NOW + 101, "192.0.2.7");
	t.now = HOST_NOW + 100 + 86400;
	cli_test_create(&t, "new", NULL, NULL);
	assert_run(&t, CLI_DONE, NULL, "list", "--unused", "1d", "-o", "json");
	assert_string_equal(listed(&t), "long-ago never ");
	assert_run(&t, CLI_DONE, NULL, "list", "--unused", "86500", "-o", "json");
	assert_string_equal(listed(&t), "never ");
	assert_run(&t, CLI_DONE, NULL, "list", "--unused", "86501", "-o", "json");
	assert_string_equal(listed(&t), "");
	assert_run(&t, CLI_DONE, NULL, "list", "--unused", "1s", "-o", "json");
	assert_string_equal(listed(&t), "lately long-ago never ");
	cli_test_clear(&t);
}

/* The slot of this uid, half of it another's. */
static void
tear(const char *path, uint32_t uid)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "torn", 4, (off_t)uid * 128 + 20), 4);
	(void)close(fd);
}

/* Nobody deletes a key that only seems unused. */
static void
uses_that_cannot_be_read_are_unknown_and_not_none(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", NULL, NULL);
	use(&t, "a", HOST_NOW + 5, "192.0.2.7");
	tear(t.host.paths.lastused, 70000);
	t.now = HOST_NOW + 1000;
	assert_run(&t, CLI_DONE, NULL, "list", "--unused", "1s", "-o", "json");
	assert_string_equal(listed(&t), "");
	t.now = HOST_NOW;
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	assert_non_null(strstr(t.out, "last used    unknown\n"));
	assert_int_equal(chmod(t.host.paths.lastused, 0666), 0);
	assert_run(&t, CLI_FAILED, "lastused: ", "list", "--unused", "1s");
	assert_string_equal(t.out, "");
	assert_run(&t, CLI_FAILED, "it is not known when keys were used last", "list");
	assert_non_null(strstr(t.out, "never    unknown    -\n"));
	assert_run(&t, CLI_DONE, "it is not known when keys were used last", "show", "a");
	assert_non_null(strstr(t.out, "last used    unknown\n"));
	assert_run(&t, CLI_DONE, "it is not known", "rotate", "a");
	assert_member(&t, "last_used", "null");
	cli_test_clear(&t);
}

static void
role_list_shows_which_bindings_mean_something_here(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--role", "viewer", "--role",
	    "editor:spaces:staging", "--role", "admin:hosts:x,y");
	host_policy(&t.host, "version: 1\nroles: {viewer: {}, editor: {}}\n");
	assert_run(&t, CLI_DONE, NULL, "role", "list", "a", "-o", "json");
	assert_member(&t, "0",
	    "{\"binding\":\"viewer\",\"role\":\"viewer\",\"scope\":\"global\",\"names\":[],"
	    "\"declared\":true}");
	assert_member(&t, "1.declared", "false");
	assert_member(&t, "2.names", "[\"x\",\"y\"]");
	assert_member(&t, "2.declared", "false");
	assert_run(&t, CLI_DONE, NULL, "role", "list", "a");
	assert_non_null(strstr(t.out, "admin   hosts   x, y     no: inert on this host\n"));
	assert_run(&t, CLI_REFUSED, "there is no key", "role", "list", "b");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(list_shows_the_keys_that_are_asked_for_by_name),
	    T(list_prints_a_table_for_people),
	    T(list_refuses_filters_that_mean_nothing),
	    T(list_tells_damage_from_emptiness),
	    T(show_shows_one_key_by_name_or_id),
	    T(the_last_use_is_shown_with_a_key),
	    T(keys_that_nobody_uses_are_found),
	    T(uses_that_cannot_be_read_are_unknown_and_not_none),
	    T(role_list_shows_which_bindings_mean_something_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
