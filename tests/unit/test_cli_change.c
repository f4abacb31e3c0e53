/* set, disable, enable, delete, role and publish: what they change, and what they leave alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keyring.h"
#include "safefile.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* By how much the clock is ahead: files that were written just now are old then. */
static time_t clock_ahead_s;

int __real_clock_gettime(clockid_t which, struct timespec *out);
int __wrap_clock_gettime(clockid_t which, struct timespec *out);

int
__wrap_clock_gettime(clockid_t which, struct timespec *out)
{
	int rc = __real_clock_gettime(which, out);

	if (which == CLOCK_REALTIME)
		out->tv_sec += clock_ahead_s;
	return rc;
}

/* Is users.idx of the local.idx that is there? */
static bool
users_made_from_now(const struct cli_test *t)
{
	struct keyring k;
	bool is = keyring_open(&t->host.paths, &k) == AK_OK && keyring_is_published(&k);

	keyring_close(&k);
	return is;
}

/* `check` with this token: the exit code. */
static int
check(struct cli_test *t, const char *tok)
{
	int code;

	t->input = tok;
	code = run(t, "check");
	t->input = NULL;
	return code;
}

static void
set_changes_each_thing_that_create_set(void **state)
{
	static const struct {
		const char *option, *value, *path, *wanted;
	} rows[] = {
	    {"--role", "editor:hosts:bastion-1", "roles", "[\"editor:hosts:bastion-1\"]"},
	    {"--role", "", "roles", "[]"},
	    {"--from", "192.0.2.0/24", "from", "[\"192.0.2.0/24\"]"},
	    {"--from", "", "from", "[]"},
	    {"--duration", "1d", "expires_at", "\"2027-01-16T08:00:00Z\""},
	    {"--duration", "never", "expires_at", "null"},
	    {"--not-before", "2027-01-01T00:00:00Z", "not_before", "\"2027-01-01T00:00:00Z\""},
	    {"--not-before", "", "not_before", "null"},
	    {"--description", "d", "description", "\"d\""},
	    {"--description", "", "description", "\"\""},
	    {"--owner", "o", "owner", "\"o\""},
	    {"--owner", "", "owner", "\"\""},
	    {"--shell", "/bin/cat", "shell", "\"/bin/cat\""},
	    {"--home", "/srv/a", "home", "\"/srv/a\""},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	for (size_t i = 0; i < N(rows); i++) {
		assert_run(&t, CLI_DONE, NULL, "set", "a", rows[i].option, rows[i].value, "-o",
		    "json");
		assert_member(&t, "changed", "true");
		assert_member(&t, rows[i].path, rows[i].wanted);
		assert_run(&t, CLI_DONE, NULL, "set", "a", rows[i].option, rows[i].value, "-o",
		    "json");
		assert_member(&t, "changed", "false");
		assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
		assert_member(&t, rows[i].path, rows[i].wanted);
	}
	assert_non_null(strstr(t.log, "event=key-changed key=a "));
	cli_test_clear(&t);
}

static void
set_refuses_what_cannot_be(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	generation = cli_test_generation(&t);
	assert_run(&t, CLI_USAGE, "unknown option --name", "set", "a", "--name", "b");
	assert_run(&t, CLI_USAGE, "unknown option --uid", "set", "a", "--uid", "70005");
	assert_run(&t, CLI_USAGE, "something to change", "set", "a");
	assert_run(&t, CLI_USAGE, "something to change", "set", "a", "-o", "json");
	assert_run(&t, CLI_USAGE, "stands alone", "set", "a", "--role", "", "--role", "viewer");
	assert_run(&t, CLI_USAGE, "is given twice", "set", "a", "--owner", "x", "--owner", "y");
	assert_run(&t, CLI_REFUSED, "declares no role", "set", "a", "--role", "nope");
	assert_run(&t, CLI_REFUSED, "no executable file", "set", "a", "--shell", "/etc/passwd");
	assert_run(&t, CLI_REFUSED, "there is no key `b'", "set", "b", "--owner", "x");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--owner", "x");
	assert_string_equal(t.out, "a: changed\n");
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--owner", "x");
	assert_string_equal(t.out, "a: nothing to change\n");
	cli_test_clear(&t);
}

static void
disable_and_enable_change_the_state_of_several_keys(void **state)
{
	struct cli_test t;
	char tok[80];
	uint64_t generation;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	cli_test_create(&t, "b", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	assert_string_equal(t.out, "a: disabled\n");
	assert_int_equal(check(&t, tok), CLI_REFUSED);
	assert_run(&t, CLI_DONE, NULL, "disable", "b", "a", "b", "-o", "json");
	assert_member(&t, "0.name", "\"b\"");
	assert_member(&t, "0.changed", "true");
	assert_member(&t, "0.state", "\"disabled\"");
	assert_member(&t, "1.changed", "false");
	assert_member(&t, "2", "(none)");
	generation = cli_test_generation(&t);
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	assert_string_equal(t.out, "a: nothing to change\n");
	assert_run(&t, CLI_REFUSED, "there is no key `c'", "enable", "a", "c");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_run(&t, CLI_DONE, NULL, "enable", "a", "b");
	assert_int_equal(check(&t, tok), CLI_DONE);
	assert_non_null(strstr(t.log, "event=key-disabled key=b "));
	assert_non_null(strstr(t.log, "event=key-enabled key=a "));
	assert_run(&t, CLI_USAGE, "disable needs NAME", "disable");
	cli_test_clear(&t);
}

static void
delete_takes_names_and_ids_and_all_or_none(void **state)
{
	struct cli_test t;
	char tok[80], id[KEY_ID_LEN + 1];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	cli_test_create(&t, "b", "viewer", NULL);
	cli_test_create(&t, "c", "viewer", NULL);
	(void)snprintf(id, sizeof(id), "%.*s", KEY_ID_LEN, tok + 7);
	assert_run(&t, CLI_REFUSED, "there is no key `nobody'", "delete", "a", "nobody");
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	/* Named twice, once by its id. */
	assert_run(&t, CLI_DONE, NULL, "delete", "b", id, "a");
	assert_string_equal(t.out, "b: deleted\na: deleted\n");
	assert_run(&t, CLI_REFUSED, "there is no key", "show", id);
	assert_run(&t, CLI_REFUSED, "there is no key", "delete", "b");
	assert_run(&t, CLI_DONE, NULL, "delete", "c", "-o", "json");
	assert_member(&t, "0.name", "\"c\"");
	assert_member(&t, "0.changed", "true");
	assert_run(&t, CLI_DONE, "", "create", "--name", "a");
	assert_member(&t, "uid", "70003");
	assert_non_null(strstr(t.log, "event=key-deleted key=b "));
	cli_test_clear(&t);
}

static void
delete_names_what_is_left_behind(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_int_equal(mkdir(t.crontabs, 0700), 0);
	assert_int_equal(mkdir(t.atjobs, 0700), 0);
	file_write(tmp_path(t.tmp, "crontabs/a"), "", 0, 0600);
	file_write(tmp_path(t.tmp, "crontabs/b"), "", 0, 0600);
	file_write(tmp_path(t.tmp, "atjobs/a00001"), "", 0, 0600);
	file_write(tmp_path(t.tmp, "atjobs/other"), "", 0, 0600);
	if (geteuid() == 0)
		assert_int_equal(chown(tmp_path(t.tmp, "atjobs/a00001"), 70000, 70000), 0);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_DONE, "a left a crontab behind: ", "delete", "a");
	assert_null(strstr(t.err, "crontabs/b"));
	assert_null(strstr(t.err, "atjobs/other"));
	if (geteuid() == 0)
		assert_non_null(strstr(t.err, "a left an at job behind: "));
	cli_test_clear(&t);
}

static void
delete_says_when_a_home_stays(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--home", "/");
	assert_run(&t, CLI_DONE, "", "create", "--name", "b", "--home", "/etc");
	assert_run(
	    &t, CLI_DONE, "", "create", "--name", "c", "--home", tmp_path(t.tmp, "missing"));
	assert_run(&t, CLI_DONE, "", "create", "--name", "d", "--home", t.tmp->dir);
	assert_run(
	    &t, CLI_FAILED, "no folder of one user's own", "delete", "a", "--remove-home");
	assert_run(
	    &t, CLI_FAILED, "no folder of one user's own", "delete", "b", "--remove-home");
	assert_run(&t, CLI_DONE, "there is no home", "delete", "c", "--remove-home");
	assert_run(&t, CLI_FAILED, "it belongs to uid", "delete", "d", "--remove-home");
	assert_run(&t, CLI_DONE, NULL, "list", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	assert_true(file_is_there(t.host.paths.local));
	cli_test_clear(&t);
}

static void
role_add_binds_what_is_declared_once(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "role", "add", "a", "editor:spaces:production,staging",
	    "admin:hosts:bastion-1", "-o", "json");
	assert_member(&t, "roles",
	    "[\"viewer\",\"editor:spaces:production,staging\",\"admin:hosts:bastion-1\"]");
	generation = cli_test_generation(&t);
	assert_run(&t, CLI_DONE, NULL, "role", "add", "a", "viewer",
	    "editor:spaces:staging,production", "admin:hosts:BASTION-1", "-o", "json");
	assert_member(&t, "changed", "false");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_run(&t, CLI_REFUSED, "no role `nope'", "role", "add", "a", "editor", "nope");
	assert_run(&t, CLI_REFUSED, "no space `moon'", "role", "add", "a", "viewer:spaces:moon");
	assert_run(&t, CLI_USAGE, "no name of a role", "role", "add", "a", "");
	assert_run(&t, CLI_USAGE, "role add needs", "role", "add", "a");
	assert_run(&t, CLI_REFUSED, "there is no key", "role", "add", "b", "viewer");
	assert_run(&t, CLI_DONE, NULL, "role", "list", "a", "-o", "json");
	assert_member(&t, "3", "(none)");
	assert_non_null(strstr(t.log, "event=role-added key=a "));
	cli_test_clear(&t);
}

static void
role_remove_takes_what_is_bound_and_says_what_is_not(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "role", "add", "a", "editor:spaces:production,staging");
	assert_run(&t, CLI_REFUSED, "a is not bound as `editor'", "role", "remove", "a",
	    "viewer", "editor");
	assert_run(&t, CLI_DONE, NULL, "role", "remove", "a",
	    "editor:spaces:staging,production", "-o", "json");
	assert_member(&t, "roles", "[\"viewer\"]");
	/* A role that the policy no longer has can be taken away all the same. */
	host_policy(&t.host, "version: 1\nroles: {other: {}}\n");
	assert_run(&t, CLI_DONE, "", "role", "remove", "a", "viewer");
	assert_run(&t, CLI_USAGE, "no name of a role", "role", "remove", "a", "Ä");
	cli_test_clear(&t);
}

static void
publish_makes_a_new_host_and_says_what_it_did(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_true(file_is_there(t.host.paths.local));
	assert_true(file_is_there(t.host.paths.users));
	assert_int_equal(strncmp(t.out, "published: 0 users", 18), 0);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "publish", "-o", "json");
	assert_member(&t, "users", "1");
	assert_member(&t, "without_policy", "false");
	host_policy(&t.host, "version: 3\n");
	assert_run(&t, CLI_FAILED, "no key may do anything now", "publish", "-o", "json");
	assert_non_null(strstr(t.err, "policy.yaml:1:10: version `3'"));
	assert_member(&t, "without_policy", "true");
	assert_run(&t, CLI_USAGE, "takes no further", "publish", "now");
	cli_test_clear(&t);
}

/* users.idx as it was before the last change: as where that one was killed behind local.idx. */
static void
abuse_074_who_changes_nothing_publishes_what_a_killed_one_did_not(void **state)
{
	static const struct {
		int code;
		const char *says, *words[6];
	} rows[] = {
	    {CLI_DONE, NULL, {"set", "a", "--owner", ""}},
	    {CLI_DONE, NULL, {"disable", "b"}},
	    {CLI_REFUSED, "there is a key b already", {"create", "--name", "b"}},
	    {CLI_REFUSED, "is not bound as", {"role", "remove", "a", "admin"}},
	    {CLI_REFUSED, "there is no key `c'", {"delete", "c"}},
	};
	struct cli_test t;
	struct host_files kept;
	const char *words[8];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	host_keep(&t.host, &kept);
	cli_test_create(&t, "b", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "disable", "b");
	clock_ahead_s = 10;
	for (size_t i = 0; i < N(rows); i++) {
		file_write(t.host.paths.users, kept.users, kept.users_len_b, 0644);
		assert_row(rows[i].words[0], users_made_from_now(&t) == false);
		t.flushes = 0;
		t.n_calls = 0;
		words[0] = "apikey";
		memcpy(words + 1, rows[i].words, sizeof(rows[i].words));
		words[7] = NULL;
		cli_test_assert(&t, rows[i].code, rows[i].says, cli_test_run(&t, words),
		    __FILE__, __LINE__);
		assert_row(rows[i].words[0], users_made_from_now(&t));
		assert_row(rows[i].words[0], t.flushes == 1);
		/* Whoever lost a right by it was not judged either. */
		assert_row(rows[i].words[0], t.n_calls > 0 && t.calls[0].all);
		assert_row(rows[i].words[0], t.calls[0].users == t.calls[0].local);
		/* Once. */
		t.n_calls = 0;
		assert_run(&t, CLI_DONE, NULL, "set", "a", "--owner", "");
		assert_row(rows[i].words[0], t.n_calls == 0 && t.flushes == 1);
	}
	assert_int_equal(unlink(t.host.paths.users), 0);
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--owner", "");
	assert_true(users_made_from_now(&t));
	/* Not by who only looks. */
	file_write(t.host.paths.users, kept.users, kept.users_len_b, 0644);
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--dry-run");
	assert_false(users_made_from_now(&t));
	clock_ahead_s = 0;
	host_files_clear(&kept);
	cli_test_clear(&t);
}

/* An edit, be it half a one, is for whoever publishes: a command that changes nothing says at most that it is due. */
static void
who_changes_nothing_publishes_no_edit(void **state)
{
	static const struct {
		const char *name, *policy; /* NULL: as it is */
		bool behind; /* users.idx is of an older local.idx */
		time_t ahead_s;
		const char *says;
	} rows[] = {
	    {"half saved, and old", "version: 1\nroles: {viewer: {}}\n", false, 10, NULL},
	    {"broken", "version: 3\n", false, 10, NULL},
	    {"broken, behind", "version: 3\n", true, 10, "is not valid: run `apikey publish`"},
	    {"young, behind", "version: 1\n", true, 0, "changed just now: run `apikey publish`"},
	    {"the same, behind", NULL, true, 0, "changed just now: run `apikey publish`"},
	};
	struct cli_test t;
	struct host_files kept;
	struct safefile_id before, after;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	host_keep(&t.host, &kept);
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	for (size_t i = 0; i < N(rows); i++) {
		host_policy(&t.host, CLI_POLICY);
		assert_run(&t, CLI_DONE, NULL, "publish");
		if (rows[i].policy != NULL)
			host_policy(&t.host, rows[i].policy);
		if (rows[i].behind)
			file_write(t.host.paths.users, kept.users, kept.users_len_b, 0644);
		assert_row(rows[i].name, users_made_from_now(&t) != rows[i].behind);
		(void)!safefile_identify(t.host.paths.users, &before);
		clock_ahead_s = rows[i].ahead_s;
		t.flushes = 0;
		t.n_calls = 0;
		assert_run(&t, CLI_DONE, rows[i].says, "set", "a", "--owner", "");
		clock_ahead_s = 0;
		(void)!safefile_identify(t.host.paths.users, &after);
		assert_row(rows[i].name, safefile_id_equal(&before, &after));
		assert_row(rows[i].name, t.flushes == 0 && t.n_calls == 0);
	}
	host_files_clear(&kept);
	cli_test_clear(&t);
}

static void
a_dry_run_sweeps_nothing(void **state)
{
	struct cli_test t;
	char beside[sizeof(t.host.paths.policy) + 8];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	(void)snprintf(beside, sizeof(beside), "%.*s.policy.yaml.new",
	    (int)(strrchr(t.host.paths.policy, '/') - t.host.paths.policy + 1),
	    t.host.paths.policy);
	file_write(beside, "mine", 4, 0600);
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--dry-run");
	assert_true(file_holds(beside, "mine"));
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired");
	assert_false(file_is_there(beside));
	cli_test_clear(&t);
}

static void
a_rollback_is_accepted_only_when_told(void **state)
{
	struct cli_test t;
	struct host_files kept;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	host_keep(&t.host, &kept);
	cli_test_create(&t, "b", "viewer", NULL);
	file_write(t.host.paths.local, kept.local, kept.local_len_b, 0600);
	assert_run(&t, CLI_FAILED, "local.idx", "list");
	assert_run(&t, CLI_FAILED, "--accept-rollback", "publish");
	assert_run(&t, CLI_FAILED, "--accept-rollback", "create", "--name", "c");
	assert_run(&t, CLI_USAGE, "accept-rollback", "publish", "--accept-rollback");
	(void)run(&t, "doctor", "--accept-rollback");
	assert_run(&t, CLI_DONE, "", "list");
	assert_non_null(strstr(t.log, "event=rollback-accepted by=alice"));
	assert_run(&t, CLI_DONE, "", "create", "--name", "c");
	assert_member(&t, "uid", "70002");
	host_files_clear(&kept);
	cli_test_clear(&t);
}

static void
publish_trusts_a_clock_that_was_set_back_only_when_told(void **state)
{
	struct cli_test t;
	char tok[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--duration", "never", "--not-before",
	    "2026-01-01T00:00:00Z");
	t.now -= 86400;
	assert_int_equal(check(&t, tok), CLI_REFUSED);
	assert_non_null(strstr(t.out, "clock can't be believed"));
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_int_equal(check(&t, tok), CLI_REFUSED);
	assert_run(&t, CLI_DONE, NULL, "publish", "--trust-clock");
	assert_int_equal(check(&t, tok), CLI_DONE);
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(set_changes_each_thing_that_create_set),
	    T(set_refuses_what_cannot_be),
	    T(disable_and_enable_change_the_state_of_several_keys),
	    T(delete_takes_names_and_ids_and_all_or_none),
	    T(delete_names_what_is_left_behind),
	    T(delete_says_when_a_home_stays),
	    T(role_add_binds_what_is_declared_once),
	    T(role_remove_takes_what_is_bound_and_says_what_is_not),
	    T(publish_makes_a_new_host_and_says_what_it_did),
	    T(abuse_074_who_changes_nothing_publishes_what_a_killed_one_did_not),
	    T(who_changes_nothing_publishes_no_edit),
	    T(a_dry_run_sweeps_nothing),
	    T(a_rollback_is_accepted_only_when_told),
	    T(publish_trusts_a_clock_that_was_set_back_only_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
