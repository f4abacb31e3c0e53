/* lockdown: on whatever else is broken, off whatever lies there, and what becomes of live sessions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"

static bool
is_on(const struct cli_test *t)
{
	struct stat st;

	return lstat(t->host.paths.lockdown, &st) == 0 || errno != ENOENT;
}

static void
on_refuses_every_key_until_off(void **state)
{
	struct cli_test t;
	struct stat st;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "lockdown", "on");
	assert_string_equal(
	    t.out, "every key is refused on this host, until `apikey lockdown off`\n");
	assert_int_equal(stat(t.host.paths.lockdown, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644 & ~umask(umask(0)));
	assert_string_equal(t.log, "event=lockdown-on by=alice\n");
	/* Again: nothing happens, and nothing is logged. */
	assert_run(&t, CLI_DONE, NULL, "lockdown", "on", "-o", "json");
	assert_member(&t, "lockdown", "true");
	assert_member(&t, "changed", "false");
	assert_string_equal(t.log, "event=lockdown-on by=alice\n");
	t.from = "192.0.2.9";
	assert_run(&t, CLI_DONE, NULL, "lockdown", "off", "-o", "json");
	assert_member(&t, "lockdown", "false");
	assert_member(&t, "changed", "true");
	assert_false(is_on(&t));
	assert_non_null(strstr(t.log, "event=lockdown-off by=alice from=192.0.2.9\n"));
	assert_run(&t, CLI_DONE, NULL, "lockdown", "off");
	assert_string_equal(t.out, "nothing to change\n");
	assert_int_equal(t.n_calls, 0);
	cli_test_clear(&t);
}

static void
on_needs_no_other_file(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_policy(&t.host, NULL);
	host_settings(&t.host, "version: 7\n");
	file_write(t.host.paths.local, "x", 1, 0600);
	file_write(t.host.paths.users, "x", 1, 0666);
	assert_run(&t, CLI_DONE, NULL, "lockdown", "on");
	assert_true(is_on(&t));
	/* No folder either, and no log. */
	(void)snprintf(t.cli.paths.lockdown, sizeof(t.cli.paths.lockdown), "%s",
	    tmp_path(t.tmp, "fresh/lockdown"));
	t.log_err = AK_ERR_UNAVAILABLE;
	assert_run(&t, CLI_DONE, "can't be written", "lockdown", "on");
	assert_true(file_is_there(tmp_path(t.tmp, "fresh/lockdown")));
	cli_test_clear(&t);
}

static void
what_lies_there_counts_as_on_and_is_removed(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_int_equal(symlink("/nowhere", t.host.paths.lockdown), 0);
	assert_run(&t, CLI_DONE, NULL, "lockdown", "on");
	assert_string_equal(t.out, "nothing to change\n");
	assert_run(&t, CLI_DONE, NULL, "lockdown", "off");
	assert_false(is_on(&t));
	assert_int_equal(mkfifo(t.host.paths.lockdown, 0600), 0);
	assert_run(&t, CLI_DONE, NULL, "lockdown", "off");
	assert_false(is_on(&t));
	assert_int_equal(mkdir(t.host.paths.lockdown, 0700), 0);
	assert_run(&t, CLI_DONE, NULL, "lockdown", "on");
	assert_run(&t, CLI_REFUSED, "is a folder, and keys stay refused", "lockdown", "off");
	assert_true(is_on(&t));
	assert_null(strstr(t.log, "lockdown-on"));
	cli_test_clear(&t);
}

static void
what_cannot_be_made_or_removed_is_said(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	file_write(tmp_path(t.tmp, "file"), "", 0, 0600);
	(void)snprintf(t.cli.paths.lockdown, sizeof(t.cli.paths.lockdown), "%s",
	    tmp_path(t.tmp, "file/lockdown"));
	assert_run(
	    &t, CLI_FAILED, "so keys are not refused", "lockdown", "on", "--end-sessions");
	assert_run(&t, CLI_FAILED, "so keys stay refused", "lockdown", "off");
	assert_string_equal(t.log, "");
	assert_int_equal(t.n_calls, 0);
	cli_test_clear(&t);
}

/* In a pass: nobody gets in again behind it. */
static void
it_is_on_and_logged(struct cli_test *t)
{
	assert_true(is_on(t));
	assert_non_null(strstr(t->log, "event=lockdown-on"));
}

static void
with_end_sessions_every_session_ends_when_keys_are_refused(void **state)
{
	struct session s = {
	    .id = "00000000000000aa", .key = "a", .service = "sshd", .address = "192.0.2.1"};
	const struct enforce_ended ends[] = {
	    {.session = &s, .reason = REASON_BY_HAND, .why = "an administrator ends it"}};
	static const struct enforce_result results[] = {
	    {.again_in_ms = 10}, {.again_in_ms = -1}};
	struct cli_test t;

	cli_test_make(&t, state);
	t.ends = ends;
	t.n_ends = 1;
	t.results = results;
	t.n_results = 2;
	t.during = it_is_on_and_logged;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "lockdown", "on", "--end-sessions",
	    "-o", "json");
	assert_member(&t, "sessions_ended", "1");
	assert_member(&t, "sessions.0.id", "\"00000000000000aa\"");
	assert_member(&t, "sessions.0.from", "\"192.0.2.1\"");
	assert_non_null(strstr(t.log, "event=session-ended key=a "));
	assert_int_equal(t.n_calls, 2);
	assert_true(t.calls[0].end_all);
	/* Then it is but waited for. */
	assert_false(t.calls[1].end_all);
	/* Who came from no address. */
	s.address[0] = '\0';
	t.n_calls = 0;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "lockdown", "on", "--end-sessions",
	    "-o", "json");
	assert_member(&t, "sessions.0.from", "null");
	/* On already: sessions end all the same. */
	t.n_calls = 0;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "lockdown", "on", "--end-sessions");
	assert_null(strstr(t.out, "nothing to change"));
	assert_true(t.calls[0].end_all);
	t.enforce_err = AK_ERR_UNAVAILABLE;
	assert_run(&t, CLI_FAILED, "may live on", "lockdown", "on", "--end-sessions");
	assert_run(&t, CLI_USAGE, "unknown option", "lockdown", "off", "--end-sessions");
	cli_test_clear(&t);
}

/* Sessions that an administrator is told of, or not: exit 3 says that more were ended. */
static void
without_memory_no_session_is_left_out_in_silence(void **state)
{
	static const struct session s = {
	    .id = "00000000000000aa", .key = "a", .service = "sshd"};
	static const struct enforce_ended ends[] = {
	    {.session = &s, .reason = REASON_BY_HAND, .why = "w"}};
	struct cli_test t;

	cli_test_make(&t, state);
	t.ends = ends;
	t.n_ends = 1;
	for (t.fail_nth = 1;; t.fail_nth++) {
		int code;

		t.n_calls = 0;
		code = run(&t, "lockdown", "on", "--end-sessions");
		if (code == CLI_DONE)
			assert_string_equal(t.err, "apikey: 1 session was ended\n");
		else
			assert_true(code == CLI_FAILED && strstr(t.err, "memory") != NULL);
		if (!t.alloc_failed)
			break;
	}
	assert_true(t.fail_nth > 1);
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(on_refuses_every_key_until_off),
	    T(on_needs_no_other_file),
	    T(what_lies_there_counts_as_on_and_is_removed),
	    T(what_cannot_be_made_or_removed_is_said),
	    T(with_end_sessions_every_session_ends_when_keys_are_refused),
	    T(without_memory_no_session_is_left_out_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
