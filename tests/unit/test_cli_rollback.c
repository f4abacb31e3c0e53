/* policy rollback: puts back the text that it has read, as a file of its own, and comes to its end when it was interrupted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applied.h"
#include "safefile.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const FIRST = "version: 1\nroles:\n  viewer: {services: [sshd]}\n";
static const char *const SECOND = "version: 1\nroles:\n  viewer: {services: [sudo]}\n";
static const char *const THIRD = "version: 1\nroles:\n  viewer: {services: [cron]}\n";

/* SECOND is live, FIRST was before. */
struct before {
	struct cli_test t;
	char prev[PATH_CAP + 8];
};

static void
apply(struct cli_test *t, const char *text)
{
	const char *path = tmp_path(t->tmp, "draft.yaml");

	file_write(path, text, strlen(text), 0600);
	assert_run(t, CLI_DONE, NULL, "policy", "apply", path);
}

static void
before_make(struct before *b, void **state)
{
	cli_test_make(&b->t, state);
	cli_test_create(&b->t, "a", "viewer", NULL);
	apply(&b->t, FIRST);
	apply(&b->t, SECOND);
	(void)snprintf(b->prev, sizeof(b->prev), "%s.prev", b->t.host.paths.policy);
	assert_true(file_holds(b->prev, FIRST));
	b->t.log[0] = '\0';
	b->t.n_calls = 0;
}

static void
assert_texts(const struct before *b, const char *live, const char *prev)
{
	if (!file_holds(b->t.host.paths.policy, live) || !file_holds(b->prev, prev))
		fail_msg("the live policy is not\n%sor the one before it not\n%s", live, prev);
}

/* What somebody else does while the command waits for the lock; the clock is read as soon as that is had. */
static const char *others_path, *others_text;

static int64_t
now_after_others(void *ctx)
{
	if (others_path != NULL)
		file_write(others_path, others_text, strlen(others_text), 0644);
	others_path = NULL;
	return ((struct cli_test *)ctx)->now;
}

static void
nothing_is_put_back_that_was_not_read(void **state)
{
	struct before b;

	before_make(&b, state);
	b.t.cli.host.now = now_after_others;
	others_path = b.prev;
	others_text = THIRD;
	assert_run(
	    &b.t, CLI_REFUSED, "somebody else has changed the policy", "policy", "rollback");
	assert_texts(&b, SECOND, THIRD);
	file_write(b.prev, FIRST, strlen(FIRST), 0644);
	others_path = b.t.host.paths.policy;
	assert_run(
	    &b.t, CLI_REFUSED, "somebody else has changed the policy", "policy", "rollback");
	assert_texts(&b, THIRD, FIRST);
	assert_string_equal(b.t.log, "");
	assert_int_equal(b.t.n_calls, 0);
	/* Now it is meant so. */
	assert_run(&b.t, CLI_DONE, NULL, "policy", "rollback");
	assert_texts(&b, FIRST, THIRD);
	cli_test_clear(&b.t);
}

static void
the_live_policy_is_a_file_of_our_own_whatever_the_one_before_was(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		bool linked;
	} rows[] = {
	    {"0600", 0600, false},
	    {"0755", 0755, false},
	    {"0400", 0400, false},
	    {"a second name", 0644, true},
	    {"a private one's second name", 0600, true},
	};
	struct before b;
	struct stat st;
	const char *mine;

	before_make(&b, state);
	mine = tmp_path(b.t.tmp, "mine.yaml");
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(unlink(b.prev), 0);
		file_write(mine, FIRST, strlen(FIRST), rows[i].mode);
		if (rows[i].linked)
			assert_int_equal(link(mine, b.prev), 0);
		else
			assert_int_equal(rename(mine, b.prev), 0);
		assert_run(&b.t, CLI_DONE, NULL, "policy", "rollback");
		assert_texts(&b, FIRST, SECOND);
		assert_int_equal(lstat(b.t.host.paths.policy, &st), 0);
		assert_row(rows[i].name, (st.st_mode & 07777) == 0644 && st.st_nlink == 1);
		if (rows[i].linked)
			file_write(mine, THIRD, strlen(THIRD), 0600);
		assert_run(&b.t, CLI_DONE, NULL, "policy", "rollback");
		assert_texts(&b, SECOND, FIRST);
		assert_row(rows[i].name, !rows[i].linked || unlink(mine) == 0);
	}
	cli_test_clear(&b.t);
}

/* As it is when the rollback to FIRST is killed behind the policy. */
static void
interrupt(struct before *b)
{
	struct applied r = {.at = HOST_NOW, .by = "alice", .how = APPLIED_BEGUN};

	assert_err("", AK_OK, token_sha256(FIRST, strlen(FIRST), r.sha256));
	assert_err("", AK_OK, applied_write(&b->t.host.paths, &r, NULL));
	assert_err("", AK_OK, safefile_swap(b->t.host.paths.policy, b->prev, NULL));
}

static void
a_rollback_that_was_interrupted_is_finished_and_not_turned_round(void **state)
{
	static const char *const says =
	    "an earlier rollback to the live policy was interrupted";
	struct before b;

	before_make(&b, state);
	interrupt(&b);
	assert_run(&b.t, CLI_DONE, says, "policy", "rollback", "--dry-run");
	assert_non_null(strstr(b.t.err, "it would be finished"));
	assert_int_equal(b.t.n_calls, 0);
	/* Whoever published meanwhile has not finished it: apikeyd does so at once. */
	assert_run(&b.t, CLI_DONE, NULL, "publish");
	assert_run(&b.t, CLI_DONE, NULL, "policy", "show", "-o", "json");
	assert_member(&b.t, "how", "\"rollback-begun\"");
	b.t.n_calls = 0;
	assert_run(&b.t, CLI_DONE, says, "policy", "rollback", "-o", "json");
	assert_member(&b.t, "changed", "false");
	assert_texts(&b, FIRST, SECOND);
	assert_non_null(strstr(b.t.log, "event=policy-rolled-back sha256_before="));
	assert_true(b.t.n_calls == 1 && b.t.calls[0].all);
	assert_run(&b.t, CLI_DONE, NULL, "policy", "show", "-o", "json");
	assert_member(&b.t, "how", "\"rollback\"");
	assert_run(&b.t, CLI_DONE, NULL, "policy", "rollback");
	assert_texts(&b, SECOND, FIRST);
	cli_test_clear(&b.t);
}

static void
what_cannot_be_told_in_both_looks_puts_nothing_back(void **state)
{
	struct before b;

	before_make(&b, state);
	interrupt(&b);
	b.t.cli.host.now = now_after_others;
	others_path = b.t.host.paths.applied;
	others_text = "damaged";
	assert_run(&b.t, CLI_FAILED, "could not be read for a moment", "policy", "rollback");
	assert_texts(&b, FIRST, SECOND);
	cli_test_clear(&b.t);
}

static void
a_rollback_that_cannot_be_published_is_to_be_finished(void **state)
{
	struct before b;

	before_make(&b, state);
	assert_int_equal(mkdir(tmp_path(b.t.tmp, "state/.users.idx.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(b.t.tmp, "state/.users.idx.new/x"), 0700), 0);
	assert_run(&b.t, CLI_FAILED, "its groups are not published", "policy", "rollback");
	assert_texts(&b, FIRST, SECOND);
	assert_int_equal(rmdir(tmp_path(b.t.tmp, "state/.users.idx.new/x")), 0);
	assert_int_equal(rmdir(tmp_path(b.t.tmp, "state/.users.idx.new")), 0);
	assert_run(&b.t, CLI_DONE, "it is finished", "policy", "rollback");
	assert_texts(&b, FIRST, SECOND);
	cli_test_clear(&b.t);
}

/* The record is the earlier policy's then, and that is the one that is meant. */
static void
an_apply_that_was_interrupted_is_undone(void **state)
{
	struct before b;

	before_make(&b, state);
	file_write(b.prev, SECOND, strlen(SECOND), 0644);
	file_write(b.t.host.paths.policy, THIRD, strlen(THIRD), 0644);
	assert_run(&b.t, CLI_DONE, NULL, "policy", "rollback");
	assert_texts(&b, SECOND, THIRD);
	cli_test_clear(&b.t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(nothing_is_put_back_that_was_not_read),
	    T(the_live_policy_is_a_file_of_our_own_whatever_the_one_before_was),
	    T(a_rollback_that_was_interrupted_is_finished_and_not_turned_round),
	    T(what_cannot_be_told_in_both_looks_puts_nothing_back),
	    T(a_rollback_that_cannot_be_published_is_to_be_finished),
	    T(an_apply_that_was_interrupted_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
