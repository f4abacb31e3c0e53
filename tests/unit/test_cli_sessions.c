/* sessions: which are listed and what runs in them, which are ended by hand, and where the command itself is run from. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wherefrom.h"
#include "sessions.h"
#include "testlib_child.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

static struct session
make(const char *key, uint32_t uid)
{
	struct session s = {.state = SESSION_OPEN,
	    .uid = uid,
	    .secret = 1,
	    .account_uid = geteuid(),
	    .service = "sshd",
	    .address = "192.0.2.1",
	    .since = HOST_NOW,
	    .roles = "viewer,editor",
	    .n_groups = 1,
	    .groups = {{1005, "app"}}};

	(void)snprintf(s.key_id, sizeof(s.key_id), "K%09u", uid);
	(void)snprintf(s.key, sizeof(s.key), "%s", key);
	(void)snprintf(s.account, sizeof(s.account), "%s", key);
	return s;
}

/* Led by a child that stays. */
struct led {
	const struct cli_test *t;
	struct session s;
};

static int
lead(void *ctx)
{
	struct led *l = ctx;

	return sessions_open(&l->t->host.paths, &l->s) == AK_OK ? 0 : 1;
}

static enum ak_err
take_key(void *ctx, const struct session *s)
{
	struct session *wanted = ctx;

	if (strcmp(s->key, wanted->key) == 0)
		*wanted = *s;
	return AK_OK;
}

static struct session
find(const struct cli_test *t, const char *key)
{
	struct session s = {.state = 0};

	(void)snprintf(s.key, sizeof(s.key), "%s", key);
	assert_err("", AK_OK, sessions_each(&t->host.paths, take_key, &s));
	assert_int_not_equal(s.state, 0);
	return s;
}

static struct child
start(const struct cli_test *t, const char *key, uint32_t uid, int64_t since)
{
	struct led l = {.t = t, .s = make(key, uid)};
	struct child c;

	l.s.since = since;
	c = child_start(lead, &l);
	assert_int_equal(c.answer, 0);
	return c;
}

static void
sessions_are_listed_with_what_runs_in_them(void **state)
{
	struct cli_test t;
	struct child a, b;
	char wanted[64];

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "sessions", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	b = start(&t, "b", 70001, HOST_NOW);
	a = start(&t, "a", 70000, HOST_NOW - 60);
	assert_run(&t, CLI_DONE, NULL, "sessions", "-o", "json");
	/* The oldest first. */
	assert_member(&t, "0.key", "\"a\"");
	assert_member(&t, "1.key", "\"b\"");
	assert_member(&t, "2", "(none)");
	(void)snprintf(wanted, sizeof(wanted), "\"%s\"", find(&t, "a").id);
	assert_member(&t, "0.id", wanted);
	assert_member(&t, "0.key_id", "\"K000070000\"");
	assert_member(&t, "0.uid", "70000");
	assert_member(&t, "0.secret", "1");
	assert_member(&t, "0.account", "\"a\"");
	assert_member(&t, "0.service", "\"sshd\"");
	assert_member(&t, "0.from", "\"192.0.2.1\"");
	assert_member(&t, "0.since", "\"2027-01-15T07:59:00Z\"");
	assert_member(&t, "0.roles", "[\"viewer\",\"editor\"]");
	assert_member(&t, "0.unix_groups", "[\"app\"]");
	assert_member(&t, "0.state", "\"open\"");
	assert_member(&t, "0.held_back", "false");
	assert_member(&t, "0.old_policy", "false");
	assert_member(&t, "0.processes", "1");
	assert_member(&t, "0.sudo", "0");
	(void)snprintf(wanted, sizeof(wanted), "%ld", (long)a.pid);
	assert_member(&t, "0.leader", wanted);
	assert_run(&t, CLI_DONE, NULL, "sessions");
	assert_int_equal(strncmp(t.out, "ID ", 3), 0);
	assert_non_null(
	    strstr(t.out, "2027-01-15T07:59:00Z  viewer,editor  1      0     open\n"));
	for (int i = 0; i < 2; i++) {
		assert_run(&t, CLI_DONE, NULL, "sessions", "--key", i == 0 ? "b" : "K000070001",
		    "-o", "json");
		assert_member(&t, "0.key", "\"b\"");
		assert_member(&t, "1", "(none)");
	}
	/* What nothing carries is no session any more, though its record lies there still. */
	child_end(&a);
	assert_run(&t, CLI_DONE, NULL, "sessions", "-o", "json");
	assert_member(&t, "0.key", "\"b\"");
	assert_member(&t, "1", "(none)");
	child_end(&b);
	cli_test_clear(&t);
}

/* The record of a leader's child: of another uid, where the test may have one. */
static void
who_runs_as_somebody_else_is_counted_but_not_the_leader(void **state)
{
	struct cli_test t;
	struct child b;
	struct session s;

	cli_test_make(&t, state);
	b = start(&t, "b", 70001, HOST_NOW);
	/* The account is another than the one that all of it runs as. */
	s = find(&t, "b");
	s.account_uid = 4242;
	assert_err("", AK_OK, sessions_update(&t.host.paths, &s));
	assert_run(&t, CLI_DONE, NULL, "sessions", "-o", "json");
	assert_member(&t, "0.processes", "1");
	assert_member(&t, "0.sudo", "0");
	/* This process leads, and its child is of the session. */
	child_end(&b);
	s = make("a", 70000);
	s.account_uid = 4242;
	assert_err("", AK_OK, sessions_open(&t.host.paths, &s));
	b = start(&t, "elsewhere", 70002, HOST_NOW);
	s = find(&t, "elsewhere");
	s.namespace ++;
	assert_err("", AK_OK, sessions_update(&t.host.paths, &s));
	assert_run(&t, CLI_DONE, NULL, "sessions", "--key", "a", "-o", "json");
	assert_member(&t, "0.processes", "2");
	assert_member(&t, "0.sudo", "1");
	/* Of another pid namespace nothing can be told. */
	assert_run(&t, CLI_DONE, NULL, "sessions", "--key", "elsewhere", "-o", "json");
	assert_member(&t, "0.processes", "null");
	child_end(&b);
	cli_test_clear(&t);
}

static void
a_state_is_told_by_its_name(void **state)
{
	static const struct {
		enum session_state state;
		bool held_back;
		const char *json, *shown;
	} rows[] = {{SESSION_OPEN, true, "\"open\"", "held back\n"},
	    {SESSION_REFUSED, false, "\"refused\"", "refused\n"},
	    {SESSION_ENDING, false, "\"ending\"", "ending\n"}};
	struct cli_test t;
	struct child a;

	cli_test_make(&t, state);
	a = start(&t, "a", 70000, HOST_NOW);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s = find(&t, "a");

		s.state = rows[i].state;
		s.held_back = rows[i].held_back;
		assert_err("", AK_OK, sessions_update(&t.host.paths, &s));
		assert_run(&t, CLI_DONE, NULL, "sessions", "-o", "json");
		assert_member(&t, "0.state", rows[i].json);
		assert_run(&t, CLI_DONE, NULL, "sessions");
		assert_row(rows[i].shown, strstr(t.out, rows[i].shown) != NULL);
	}
	child_end(&a);
	cli_test_clear(&t);
}

static void
sessions_are_ended_by_id_and_no_other_is_judged(void **state)
{
	struct cli_test t;
	struct child a, b;
	struct session sa, sb;
	struct enforce_ended ends[1];

	cli_test_make(&t, state);
	a = start(&t, "a", 70000, HOST_NOW);
	b = start(&t, "b", 70001, HOST_NOW);
	sa = find(&t, "a");
	sb = find(&t, "b");
	ends[0] = (struct enforce_ended){
	    .session = &sa, .reason = REASON_BY_HAND, .why = "an administrator ends it"};
	t.ends = ends;
	t.n_ends = 1;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "sessions", "end", sa.id);
	assert_int_equal(t.n_calls, 1);
	assert_false(t.calls[0].all);
	assert_int_equal(t.calls[0].n_uids, 0);
	assert_string_equal(t.calls[0].end_id, sa.id);
	assert_int_equal(t.calls[0].end_uid, 0);
	assert_non_null(strstr(t.out, ": ended, a session of a\n"));
	assert_non_null(strstr(t.log, "event=session-ended key=a "));
	t.n_calls = 0;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "sessions", "end", sa.id, sb.id, "-o",
	    "json");
	assert_int_equal(t.n_calls, 2);
	assert_string_equal(t.calls[1].end_id, sb.id);
	assert_member(&t, "changed", "true");
	assert_member(&t, "sessions_ended", "1");
	assert_member(&t, "sessions.0.reason", "\"by-hand\"");
	/* All or none. */
	t.n_calls = 0;
	assert_run(&t, CLI_REFUSED, "there is no live session `0123456789abcdef'", "sessions",
	    "end", sa.id, "0123456789abcdef");
	assert_int_equal(t.n_calls, 0);
	child_end(&a);
	assert_run(&t, CLI_REFUSED, "there is no live session", "sessions", "end", sa.id);
	child_end(&b);
	cli_test_clear(&t);
}

static void
all_sessions_of_a_key_are_ended_by_its_name(void **state)
{
	struct cli_test t;
	struct child gone;

	cli_test_make(&t, state);
	cli_test_create(&t, "idle", "viewer", NULL);
	/* A key that was deleted meanwhile. */
	gone = start(&t, "gone", 70009, HOST_NOW);
	assert_run(&t, CLI_DONE, NULL, "sessions", "end", "--key", "gone");
	assert_int_equal(t.n_calls, 1);
	assert_int_equal(t.calls[0].end_uid, 70009);
	assert_false(t.calls[0].all);
	assert_int_equal(t.calls[0].n_uids, 0);
	assert_run(&t, CLI_DONE, NULL, "sessions", "end", "--key", "K000070009");
	assert_int_equal(t.n_calls, 2);
	/* There is such a key, and it has no session. */
	assert_run(&t, CLI_DONE, NULL, "sessions", "end", "--key", "idle", "-o", "json");
	assert_member(&t, "changed", "false");
	assert_run(
	    &t, CLI_REFUSED, "there is no key `nobody'", "sessions", "end", "--key", "nobody");
	assert_run(&t, CLI_USAGE, "needs the ids of sessions", "sessions", "end");
	assert_run(&t, CLI_USAGE, "needs the ids of sessions", "sessions", "end", "--key",
	    "gone", "0123456789abcdef");
	assert_int_equal(t.n_calls, 2);
	t.enforce_err = AK_ERR_UNAVAILABLE;
	assert_run(&t, CLI_FAILED, "may live on", "sessions", "end", "--key", "gone");
	child_end(&gone);
	cli_test_clear(&t);
}

/* A name that was two keys': of each, its uid. */
static void
all_keys_that_had_the_name_are_ended(void **state)
{
	struct cli_test t;
	struct child a, b;

	cli_test_make(&t, state);
	a = start(&t, "a", 70000, HOST_NOW - 2);
	b = start(&t, "a", 70005, HOST_NOW - 1);
	assert_run(&t, CLI_DONE, NULL, "sessions", "end", "--key", "a");
	assert_int_equal(t.n_calls, 2);
	assert_int_equal(t.calls[0].end_uid, 70000);
	assert_int_equal(t.calls[1].end_uid, 70005);
	child_end(&a);
	child_end(&b);
	cli_test_clear(&t);
}

static void
a_session_of_another_pid_namespace_is_told_and_not_counted_as_ended(void **state)
{
	static const char says[] = "was not ended: it runs in another pid namespace";
	struct cli_test t;
	struct child a, b;
	struct session s;

	cli_test_make(&t, state);
	a = start(&t, "a", 70000, HOST_NOW);
	b = start(&t, "b", 70001, HOST_NOW);
	s = find(&t, "a");
	s.namespace ++;
	assert_err("", AK_OK, sessions_update(&t.host.paths, &s));
	assert_run(&t, CLI_FAILED, says, "sessions", "end", s.id);
	assert_run(&t, CLI_FAILED, says, "sessions", "end", "--key", "a");
	assert_run(&t, CLI_FAILED, says, "lockdown", "on", "--end-sessions");
	assert_run(&t, CLI_DONE, NULL, "sessions", "end", find(&t, "b").id);
	assert_run(&t, CLI_DONE, NULL, "sessions", "end", "--key", "b");
	child_end(&a);
	child_end(&b);
	cli_test_clear(&t);
}

static void
the_command_comes_from_where_its_session_came_from(void **state)
{
	struct cli_test t;
	struct session s = make("a", 70000);
	const char *loginuid = tmp_path(*state, "loginuid");
	char from[64] = "x";

	cli_test_make(&t, state);
	s.account_uid = 4242;
	file_write(loginuid, "4242", 4, 0600);
	wherefrom_find(&t.host.paths, loginuid, from, sizeof(from));
	assert_string_not_equal(from, "192.0.2.1");
	assert_err("", AK_OK, sessions_open(&t.host.paths, &s));
	wherefrom_find(&t.host.paths, loginuid, from, sizeof(from));
	assert_string_equal(from, "192.0.2.1");
	/* Another's login, and none at all. */
	file_write(loginuid, "4243", 4, 0600);
	wherefrom_find(&t.host.paths, loginuid, from, sizeof(from));
	assert_string_not_equal(from, "192.0.2.1");
	file_write(loginuid, "4294967295", 10, 0600);
	wherefrom_find(&t.host.paths, loginuid, from, sizeof(from));
	assert_string_not_equal(from, "192.0.2.1");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(sessions_are_listed_with_what_runs_in_them),
	    T(who_runs_as_somebody_else_is_counted_but_not_the_leader),
	    T(a_state_is_told_by_its_name),
	    T(sessions_are_ended_by_id_and_no_other_is_judged),
	    T(all_sessions_of_a_key_are_ended_by_its_name),
	    T(all_keys_that_had_the_name_are_ended),
	    T(a_session_of_another_pid_namespace_is_told_and_not_counted_as_ended),
	    T(the_command_comes_from_where_its_session_came_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
