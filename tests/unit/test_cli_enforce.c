/* What a change to keys means for live sessions and for the audit log: who is judged, when, and what is told of it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_child.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
each_verb_has_the_sessions_judged_of_the_keys_that_it_changes(void **state)
{
	static const struct {
		const char *words[8];
		bool judged, all;
		uint32_t uids[3];
	} rows[] = {
	    {{"apikey", "set", "a", "--owner", "x"}, true, false, {70000}},
	    {{"apikey", "set", "a", "--owner", "x"}, false, false, {0}},
	    {{"apikey", "ensure", "a", "--owner", "y"}, true, false, {70000}},
	    {{"apikey", "ensure", "a", "--owner", "y"}, false, false, {0}},
	    {{"apikey", "rotate", "b"}, true, false, {70001}},
	    {{"apikey", "role", "add", "a", "editor"}, true, false, {70000}},
	    {{"apikey", "role", "remove", "a", "editor"}, true, false, {70000}},
	    {{"apikey", "group", "add", "a", "g"}, true, false, {70000}},
	    {{"apikey", "group", "remove", "a", "g"}, true, false, {70000}},
	    {{"apikey", "disable", "c", "a"}, true, false, {70002, 70000}},
	    /* Disabled already: what an earlier pass did not end. */
	    {{"apikey", "disable", "a"}, true, false, {70000}},
	    {{"apikey", "enable", "a"}, true, false, {70000}},
	    {{"apikey", "delete", "a", "b"}, true, false, {70000, 70001}},
	    {{"apikey", "create", "--name", "d"}, false, false, {0}},
	    {{"apikey", "ensure", "e"}, false, false, {0}},
	    {{"apikey", "publish"}, true, true, {0}},
	    {{"apikey", "publish", "--trust-clock"}, true, true, {0}},
	    {{"apikey", "list"}, false, false, {0}},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	cli_test_create(&t, "b", "viewer", NULL);
	cli_test_create(&t, "c", "viewer", NULL);
	for (size_t i = 0; i < N(rows); i++) {
		const struct enforce_call *call = &t.calls[0];

		t.n_calls = 0;
		assert_row(rows[i].words[1], cli_test_run(&t, rows[i].words) == CLI_DONE);
		assert_row(rows[i].words[1], t.n_calls == (rows[i].judged ? 1U : 0U));
		if (!rows[i].judged)
			continue;
		assert_row(rows[i].words[1], call->all == rows[i].all && !call->end_all &&
						 call->end_uid == 0 && call->end_id[0] == '\0');
		for (size_t k = 0; k < 3; k++)
			assert_row(rows[i].words[1],
			    rows[i].uids[k] == (k < call->n_uids ? call->uids[k] : 0));
	}
	cli_test_clear(&t);
}

static void
sessions_end_after_the_keys_the_name_service_and_the_log(void **state)
{
	struct cli_test t;
	uint64_t before;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	before = cli_test_generation(&t);
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	assert_true(t.calls[0].local > before);
	assert_true(t.calls[0].users == t.calls[0].local);
	assert_int_equal(t.calls[0].logged, strlen(t.log));
	assert_non_null(strstr(t.log, "event=key-disabled"));
	assert_true(t.calls[0].now == HOST_NOW);
	cli_test_clear(&t);
}

/* users.idx can't be written. */
static void
block_users(struct cli_test *t)
{
	assert_int_equal(mkdir(tmp_path(t->tmp, "state/.users.idx.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(t->tmp, "state/.users.idx.new/x"), 0700), 0);
}

static void
a_key_that_is_disabled_and_not_published_loses_its_sessions_all_the_same(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	block_users(&t);
	assert_run(&t, CLI_FAILED, "users.idx", "disable", "a");
	assert_int_equal(t.n_calls, 1);
	assert_int_equal(t.calls[0].uids[0], 70000);
	assert_true(t.calls[0].users < t.calls[0].local);
	/* Nothing is committed: nobody loses anything. */
	assert_int_equal(mkdir(tmp_path(t.tmp, "state/.local.idx.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(t.tmp, "state/.local.idx.new/x"), 0700), 0);
	assert_run(&t, CLI_FAILED, "local.idx", "delete", "a");
	assert_int_equal(t.n_calls, 1);
	assert_null(strstr(t.log, "key-deleted"));
	cli_test_clear(&t);
}

static const struct session ended_a = {
    .id = "00000000000000aa", .uid = 70000, .key = "a", .account = "a", .service = "sshd"};
static const struct session ended_b = {
    .id = "00000000000000bb", .uid = 70001, .key = "b", .account = "b", .service = "cron"};
static const struct enforce_ended two_ends[] = {
    {.session = &ended_a, .reason = REASON_DISABLED, .why = "the key is disabled"},
    {.session = &ended_b, .reason = REASON_EXPIRED, .why = "it has expired", .gently = true}};

static void
what_was_ended_is_said_counted_and_logged(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	cli_test_create(&t, "b", "viewer", NULL);
	t.ends = two_ends;
	t.n_ends = 2;
	assert_run(
	    &t, CLI_DONE, "apikey: 2 sessions were ended\n", "disable", "a", "b", "-o", "json");
	assert_member(&t, "0.sessions_ended", "1");
	assert_member(&t, "1.sessions_ended", "1");
	assert_non_null(
	    strstr(t.log, "event=session-ended key=a uid=70000 session=00000000000000aa "));
	assert_non_null(strstr(t.log, "reason=disabled"));
	assert_non_null(strstr(t.log, "by=alice"));
	t.n_calls = 0;
	t.n_ends = 1;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "rotate", "a");
	assert_member(&t, "sessions_ended", "1");
	t.n_calls = 0;
	assert_run(
	    &t, CLI_DONE, "1 session was ended\n", "set", "a", "--owner", "x", "-o", "json");
	assert_member(&t, "sessions_ended", "1");
	t.n_calls = 0;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "publish", "-o", "json");
	assert_member(&t, "sessions_ended", "1");
	cli_test_clear(&t);
}

static void
sessions_that_could_not_be_judged_are_said_and_exit_3_though_the_key_changed(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	t.enforce_err = AK_ERR_UNAVAILABLE;
	assert_run(&t, CLI_FAILED, "no sessions can be read", "disable", "a");
	assert_non_null(strstr(t.err, "run `apikey publish`"));
	assert_string_equal(t.out, "a: disabled\n");
	assert_run(&t, CLI_FAILED, "may live on", "rotate", "a", "-q");
	assert_int_equal(strlen(t.out), TOKEN_LEN + 1);
	assert_run(&t, CLI_FAILED, "may live on", "publish");
	t.enforce_err = AK_OK;
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	assert_string_equal(t.out, "a: nothing to change\n");
	cli_test_clear(&t);
}

static void
the_command_waits_until_nobody_who_was_told_to_end_is_left(void **state)
{
	static const struct enforce_result results[] = {
	    {.gently = 1, .again_in_ms = 5000, .distrusted = true}, {.again_in_ms = 4800},
	    {.again_in_ms = 200}, {.again_in_ms = 199}, {.again_in_ms = 30}, {.again_in_ms = 0},
	    {.again_in_ms = -1}};
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	t.results = results;
	t.n_results = N(results);
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--duration", "1s");
	assert_int_equal(t.n_calls, 7);
	/* Soon each time, and not at the end of their grace: they may be gone before. */
	assert_int_equal(t.waited_ms, 200 + 200 + 200 + 200 + 31 + 1);
	for (size_t i = 0; i < t.n_calls; i++)
		assert_int_equal(t.calls[i].uids[0], 70000);
	cli_test_clear(&t);
}

static void
the_command_does_not_wait_for_ever(void **state)
{
	static const struct enforce_result stuck = {.again_in_ms = 1000, .left = 3};
	struct enforce_result due[41]; /* 8 s in steps of 200 ms, and one more */
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	t.results = &stuck;
	t.n_results = 1;
	assert_run(
	    &t, CLI_FAILED, "3 processes of ended sessions are there still", "delete", "a");
	assert_non_null(strstr(t.err, "not every session is judged yet"));
	assert_int_equal(t.waited_ms, 8000);
	assert_string_equal(t.out, "a: deleted\n");
	/* Nor is one left out that is due at once when its patience ends. */
	for (size_t i = 0; i < N(due); i++)
		due[i] = (struct enforce_result){.again_in_ms = i + 1 < N(due) ? 1000 : 0};
	t.results = due;
	t.n_results = N(due);
	t.n_calls = 0;
	assert_run(&t, CLI_FAILED, "not every session is judged yet", "publish");
	assert_null(strstr(t.err, "are there still"));
	cli_test_clear(&t);
}

/* In a pass: the terminal is gone, and somebody presses ^C. */
static void
send_signals(struct cli_test *t)
{
	(void)t;
	(void)raise(SIGHUP);
	(void)raise(SIGTERM);
}

/* In a child: the disposition of these is the default there. */
static int
be_ended(void *ctx)
{
	struct cli_test *t = ctx;
	FILE *done = fopen(tmp_path(t->tmp, "out"), "w");

	t->during = send_signals;
	t->out_to = done;
	(void)run(t, "disable", "a");
	_exit(9);
}

static void
signals_wait_until_all_is_done(void **state)
{
	struct cli_test t;
	int status;
	pid_t pid;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_true((pid = fork()) != -1);
	if (pid == 0)
		_exit(be_ended(&t));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
	assert_member(&t, "state", "\"disabled\"");
	cli_test_clear(&t);
}

static void
the_log_tells_what_each_field_was_and_is(void **state)
{
	static const struct {
		const char *words[10], *logged;
	} rows[] = {
	    {{"apikey", "role", "add", "a", "editor:spaces:production,staging"},
		"event=role-added key=a id=%s uid=70000 by=alice from=192.0.2.9 "
		"roles_before=viewer "
		"roles=\"viewer, editor:spaces:production,staging\"\n"},
	    {{"apikey", "role", "remove", "a", "viewer", "editor:spaces:production,staging"},
		"event=role-removed key=a id=%s uid=70000 by=alice from=192.0.2.9 "
		"roles_before=\"viewer, editor:spaces:production,staging\"\n"},
	    {{"apikey", "group", "add", "a", "Release Managers"},
		"event=group-added key=a id=%s uid=70000 by=alice from=192.0.2.9 "
		"groups=\"Release Managers\"\n"},
	    {{"apikey", "set", "a", "--duration", "1d", "--from", "10.0.0.0/8", "--owner", "o"},
		"event=key-changed key=a id=%s uid=70000 by=alice from=192.0.2.9 "
		"expires_before=never expires=2027-01-16T08:00:00Z networks=10.0.0.0/8 "
		"owner=o\n"},
	    {{"apikey", "set", "a", "--not-before", "2027-01-02T00:00:00Z", "--owner", ""},
		"not_before=2027-01-02T00:00:00Z owner_before=o\n"},
	    {{"apikey", "set", "a", "--description", "d", "--home", "/h", "--shell", "/bin/cat"},
		"description=d home_before=/home/a home=/h shell_before=/bin/sh "
		"shell=/bin/cat\n"},
	    {{"apikey", "rotate", "a", "--overlap", "1h"},
		"event=key-rotated key=a id=%s uid=70000 by=alice from=192.0.2.9 "
		"secrets_before=1 secrets=\"2, 1 (until 2027-01-15T09:00:00Z)\"\n"},
	    {{"apikey", "disable", "a"},
		"event=key-disabled key=a id=%s uid=70000 by=alice from=192.0.2.9 "
		"state_before=active state=disabled\n"},
	    {{"apikey", "enable", "a"}, "state_before=disabled state=active\n"},
	    {{"apikey", "ensure", "a", "--owner", "p"},
		"event=key-changed key=a id=%s uid=70000 by=alice from=192.0.2.9 owner=p\n"},
	    {{"apikey", "delete", "a"},
		"event=key-deleted key=a id=%s uid=70000 by=alice from=192.0.2.9\n"},
	    {{"apikey", "publish", "--trust-clock"},
		"event=clock-trusted by=alice from=192.0.2.9\n"},
	};
	struct cli_test t;
	char tok[80], wanted[512];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	t.from = "192.0.2.9";
	tok[7 + KEY_ID_LEN] = '\0';
	for (size_t i = 0; i < N(rows); i++) {
		const char *id = strstr(rows[i].logged, "%s");
		size_t before = strlen(t.log);

		(void)snprintf(wanted, sizeof(wanted), "%.*s%s%s",
		    id == NULL ? 0 : (int)(id - rows[i].logged), rows[i].logged,
		    id == NULL ? "" : tok + 7, id == NULL ? rows[i].logged : id + 2);
		assert_int_equal(cli_test_run(&t, rows[i].words), CLI_DONE);
		if (strstr(t.log + before, wanted) == NULL)
			fail_msg("`%s' is not in: %s", wanted, t.log + before);
	}
	cli_test_clear(&t);
}

/* Where tokens might come from: those that were made, and those that somebody takes for a text. */
static void
no_line_and_no_sentence_holds_a_token(void **state)
{
	struct cli_test t;
	char tok[80], next[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	t.from = tok;
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--description", tok, "--owner", tok + 20);
	assert_run(&t, CLI_DONE, NULL, "group", "add", "a", tok);
	assert_run(&t, CLI_DONE, NULL, "set", "a", "--description", "");
	assert_run(&t, CLI_DONE, NULL, "rotate", "a", "-q");
	(void)snprintf(next, sizeof(next), "%.*s", (int)TOKEN_LEN, t.out);
	assert_null(strstr(t.err, next + 20));
	assert_null(strstr(t.log, next + 20));
	assert_null(strstr(t.log, tok + 20));
	assert_non_null(strstr(t.log, "description=\"apikey_(redacted)\""));
	assert_non_null(strstr(t.log, "description_before=\"apikey_(redacted)\""));
	cli_test_clear(&t);
}

static void
every_field_at_its_longest_has_room_in_its_line(void **state)
{
	struct cli_test t;
	char text[256];

	cli_test_make(&t, state);
	memset(text, '"', 255);
	text[255] = '\0';
	cli_test_create(&t, "a", "viewer", NULL);
	for (int i = 0; i < 2; i++) {
		text[0] = (char)('0' + i);
		assert_run(&t, CLI_DONE, NULL, "set", "a", "--role",
		    "editor:spaces:production,staging", "--role", i == 0 ? "viewer" : "admin",
		    "--group", text, "--from", i == 0 ? "10.0.0.0/8" : "2001:db8::/32",
		    "--description", text, "--owner", text, "--not-before",
		    i == 0 ? "2026-01-01T00:00:00Z" : "2026-01-02T00:00:00Z", "--shell",
		    i == 0 ? "/bin/cat" : "/bin/sh");
	}
	assert_non_null(strstr(t.log, " shell_before=/bin/cat shell=/bin/sh\n"));
	cli_test_clear(&t);
}

static void
a_log_that_cannot_be_written_is_said_once_and_stops_nothing(void **state)
{
	struct cli_test t;
	const char *said;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	cli_test_create(&t, "b", "viewer", NULL);
	t.log_err = AK_ERR_UNAVAILABLE;
	assert_run(&t, CLI_DONE, "audit.log can't be written", "disable", "a", "b");
	said = strstr(t.err, "can't be written");
	assert_null(strstr(said + 1, "can't be written"));
	assert_run(&t, CLI_DONE, NULL, "list");
	cli_test_clear(&t);
}

/* ---- a terminal that is stopped ---- */

/* What a terminal was asked to show, and how often while somebody waited for a lock. */
struct terminal {
	const struct paths *paths;
	char shown[4096];
	unsigned writes, stopped;
};

static int
is_pass_free(void *ctx)
{
	const struct terminal *term = ctx;
	struct lock pass;

	return enforce_lock(term->paths, false, &pass, NULL) == AK_OK ? 1 : 0;
}

static int
are_locks_free(void *ctx)
{
	const struct terminal *term = ctx;
	struct lock keys;

	return lock_try(&keys, term->paths->lock, NULL, NULL) == AK_OK ? is_pass_free(ctx) : 0;
}

static ssize_t
show(void *ctx, const char *bytes, size_t len_b)
{
	struct terminal *term = ctx;
	size_t len = strlen(term->shown);

	term->writes++;
	term->stopped += child_ask(are_locks_free, term) == 1 ? 0 : 1;
	(void)snprintf(term->shown + len, sizeof(term->shown) - len, "%.*s", (int)len_b, bytes);
	return (ssize_t)len_b;
}

/* Another process could judge sessions now. */
static unsigned let_in;

static void
let_others_in(struct cli_test *t)
{
	struct terminal term = {.paths = &t->cli.paths};

	let_in += child_ask(is_pass_free, &term) == 1 ? 1 : 0;
}

/* Not between two of its passes either: apikeyd would end it with its session. */
static void
until_a_change_is_enforced_nobody_else_judges_sessions(void **state)
{
	static const struct enforce_result results[] = {
	    {.again_in_ms = 300}, {.again_in_ms = 100}, {.again_in_ms = -1}};
	static const char other[] = "version: 1\nroles: {viewer: {services: [cron]}}\n";
	struct cli_test t;
	const char *const rows[][4] = {
	    {"apikey", "disable", "a"},
	    {"apikey", "publish"},
	    {"apikey", "policy", "apply"},
	};

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	file_write(tmp_path(t.tmp, "new"), other, sizeof(other) - 1, 0600);
	t.results = results;
	t.n_results = N(results);
	t.during = let_others_in;
	let_in = 0;
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[5] = {NULL};

		memcpy(words, rows[i], sizeof(rows[i]));
		if (strcmp(words[1], "policy") == 0)
			words[3] = tmp_path(t.tmp, "new");
		t.n_calls = 0;
		assert_row(words[1], cli_test_run(&t, words) == CLI_DONE);
		assert_row(words[1], t.n_calls == N(results) && let_in == 0);
		let_others_in(&t);
		assert_row(words[1], let_in == 1);
		let_in = 0;
	}
	cli_test_clear(&t);
}

static void
break_policy(struct cli_test *t)
{
	host_policy(&t->host, "version: 1\nroles: {");
}

static void
break_log(struct cli_test *t)
{
	t->log_err = AK_ERR_UNAVAILABLE;
}

/* Live sessions end, and that can't be logged. */
static void
break_log_of_endings(struct cli_test *t)
{
	break_log(t);
	t->ends = two_ends;
	t->n_ends = 2;
}

static void
break_passes(struct cli_test *t)
{
	t->enforce_err = AK_ERR_UNAVAILABLE;
}

static void
break_commit(struct cli_test *t)
{
	assert_int_equal(mkdir(tmp_path(t->tmp, "state/.local.idx.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(t->tmp, "state/.local.idx.new/x"), 0700), 0);
}

static void
nobody_waits_for_a_terminal_that_is_stopped(void **state)
{
	static const char other[] = "version: 1\nroles: {viewer: {services: [cron]}}\n";
	static const struct {
		const char *verb;
		void (*broken)(struct cli_test *t);
		const char *says;
	} rows[] = {
	    {"disable", break_policy, "no key may do anything now"},
	    {"publish", break_policy, "no key may do anything now"},
	    {"disable", break_log, "audit.log can't be written"},
	    {"disable", break_log_of_endings, "2 sessions were ended"},
	    {"disable", break_passes, "may live on"},
	    {"disable", block_users, "users.idx"},
	    {"disable", break_commit, "local.idx"},
	    {"apply", block_users, "its groups are not published"},
	    {"apply", break_log, "audit.log can't be written"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct terminal term = {.writes = 0};
		struct cli_test t;
		void *own = NULL;

		(void)state;
		assert_int_equal(tmp_setup(&own), 0);
		cli_test_make(&t, &own);
		cli_test_create(&t, "a", "viewer", NULL);
		term.paths = &t.cli.paths;
		rows[i].broken(&t);
		t.err_to = fopencookie(&term, "w", (cookie_io_functions_t){.write = show});
		assert_non_null(t.err_to);
		setbuf(t.err_to, NULL);
		if (strcmp(rows[i].verb, "apply") == 0) {
			file_write(tmp_path(t.tmp, "new"), other, sizeof(other) - 1, 0600);
			(void)run(&t, "policy", "apply", tmp_path(t.tmp, "new"));
		} else {
			(void)run(&t, rows[i].verb,
			    strcmp(rows[i].verb, "disable") == 0 ? "a" : NULL);
		}
		(void)fclose(t.err_to);
		assert_row(rows[i].says, strstr(term.shown, rows[i].says) != NULL);
		assert_row(rows[i].says, term.stopped == 0);
		cli_test_clear(&t);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_verb_has_the_sessions_judged_of_the_keys_that_it_changes),
	    T(sessions_end_after_the_keys_the_name_service_and_the_log),
	    T(a_key_that_is_disabled_and_not_published_loses_its_sessions_all_the_same),
	    T(what_was_ended_is_said_counted_and_logged),
	    T(sessions_that_could_not_be_judged_are_said_and_exit_3_though_the_key_changed),
	    T(the_command_waits_until_nobody_who_was_told_to_end_is_left),
	    T(the_command_does_not_wait_for_ever),
	    T(signals_wait_until_all_is_done),
	    T(the_log_tells_what_each_field_was_and_is),
	    T(no_line_and_no_sentence_holds_a_token),
	    T(every_field_at_its_longest_has_room_in_its_line),
	    T(a_log_that_cannot_be_written_is_said_once_and_stops_nothing),
	    T(until_a_change_is_enforced_nobody_else_judges_sessions),
	    cmocka_unit_test(nobody_waits_for_a_terminal_that_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
