/* policy check, test, apply, rollback, show: what is wrong is told with its place, and what is live is always valid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"
#include "pinned.h"
#include "sessions.h"
#include "safefile.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Every role is used, or bound. */
static const char *const OTHER =
    "version: 1\n"
    "spaces: {production: {}, staging: {}}\n"
    "roles:\n"
    "  viewer: {services: [sshd]}\n"
    "  deployer: {services: [sshd], accounts: [deploy, '*'], unix_groups: [deployers]}\n"
    "deny:\n"
    "- {id: no-robots, reason: robots are out, login: 'robot-*'}\n"
    "grant:\n"
    "- {role: deployer, login: 'ci-*'}\n"
    "tests:\n"
    "- name: ci deploys\n"
    "  given: {login: ci-a}\n"
    "  expect: {decision: allow, roles: {root: [deployer]}}\n"
    "- name: robots are out\n"
    "  given: {login: robot-a}\n"
    "  expect: {decision: deny, by: no-robots}\n";

/* A file of the test's own, with that text. */
static const char *
draft(struct cli_test *t, const char *text)
{
	const char *path = tmp_path(t->tmp, "draft.yaml");

	file_write(path, text, strlen(text), 0600);
	return path;
}

static void
assert_says(const struct cli_test *t, const char *text)
{
	if (strstr(t->out, text) == NULL)
		fail_msg("`%s' is not in: %s", text, t->out);
}

static void
check_tells_errors_with_their_place_and_ends_with_1(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"version: 1\nroles:\n  viewer: {service: [sshd]}\n", ":3:12: error: "},
	    {"version: 2\n", ":1:10: error: "},
	    {"", ": error: "},
	    {"version: 1\nroles: {a: {unix_groups: [sudo]}}\n", ":2:9: error: role `a' hands"},
	    {"version: 1\ngrant:\n- {role: nope, always: true}\n", ":3:10: error: "},
	    {"version: 1\ntests:\n- {name: x, given: {nope: 1}, expect: {decision: deny}}\n",
		":3:"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		const char *path = draft(&t, rows[i].text);

		assert_run(&t, CLI_REFUSED, NULL, "policy", "check", path);
		assert_row(rows[i].text, strncmp(t.out, path, strlen(path)) == 0);
		assert_says(&t, rows[i].says);
		assert_run(&t, CLI_REFUSED, NULL, "policy", "check", path, "-o", "json");
		assert_member(&t, "valid", "false");
		assert_member(&t, "errors", "1");
		assert_member(&t, "findings.0.level", "\"error\"");
	}
	cli_test_clear(&t);
}

static void
check_warns_of_roles_that_nobody_has_and_strict_makes_errors_of_that(void **state)
{
	static const char *const text = "version: 1\nroles:\n  viewer: {services: [sshd]}\n"
					"  spare: {services: [sshd]}\n";
	struct cli_test t;
	const char *path;

	cli_test_make(&t, state);
	path = draft(&t, text);
	/* No key yet: nobody knows what will be bound. */
	assert_run(&t, CLI_DONE, NULL, "policy", "check", path, "--strict");
	assert_non_null(strstr(t.out, "draft.yaml: in order\n"));
	cli_test_create(&t, "a", "viewer", NULL);
	cli_test_create(&t, "b", "editor:spaces:staging", NULL);
	assert_run(&t, CLI_DONE, NULL, "policy", "check", path);
	assert_says(&t, ":4:3: warning: ");
	assert_says(&t, "warning: keys are bound to the role `editor', which this policy does");
	assert_says(&t, "warning: keys are bound to the space `staging'");
	assert_null(strstr(t.out, "`viewer'"));
	assert_run(&t, CLI_REFUSED, NULL, "policy", "check", path, "--strict", "-o", "json");
	assert_member(&t, "valid", "true");
	assert_member(&t, "warnings", "3");
	assert_member(&t, "findings.0.line", "4");
	assert_member(&t, "findings.0.column", "3");
	cli_test_clear(&t);
}

static void
check_reads_a_pipe_and_says_what_it_cannot_read(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	t.input = "version: 3\n";
	assert_run(&t, CLI_REFUSED, NULL, "policy", "check", "-");
	assert_says(&t, "(standard input):1:10: error: ");
	assert_run(&t, CLI_REFUSED, "cannot be read", "policy", "check", "/nonexistent");
	assert_run(&t, CLI_FAILED, "cannot be read", "policy", "check", t.tmp->dir);
	assert_run(&t, CLI_USAGE, "policy check needs FILE", "policy", "check");
	/* A broken apikey.yaml is said, and no reason not to look at the policy. */
	host_settings(&t.host, "version: 1\nspce: x\n");
	t.input = "version: 1\n";
	assert_run(&t, CLI_DONE, NULL, "policy", "check", "-");
	assert_says(&t, "apikey.yaml:2:1: warning: ");
	cli_test_clear(&t);
}

static void
check_needs_no_privilege(void **state)
{
	struct cli_test t;
	const char *path;

	cli_test_make(&t, state);
	path = draft(&t, OTHER);
	t.cli.paths.owner = t.host.paths.owner + 1;
	assert_run(&t, CLI_DONE, NULL, "policy", "test", path);
	assert_run(&t, CLI_REFUSED, "needs root", "policy", "apply", path);
	assert_run(&t, CLI_REFUSED, "needs root", "policy", "show");
	cli_test_clear(&t);
}

static void
test_runs_each_and_shows_what_was_expected_and_what_came(void **state)
{
	struct cli_test t;
	char text[4096];
	const char *path;

	cli_test_make(&t, state);
	path = draft(&t, OTHER);
	assert_run(&t, CLI_DONE, NULL, "policy", "test", path);
	assert_string_equal(t.out, "ok ci deploys\nok robots are out\n");
	(void)snprintf(text, sizeof(text),
	    "%s- {name: wrong, given: {login: robot-a}, expect: "
	    "{decision: allow}}\n",
	    OTHER);
	path = draft(&t, text);
	assert_run(&t, CLI_REFUSED, NULL, "policy", "test", path);
	assert_says(&t, "FAIL wrong\n");
	assert_says(&t, "  expected: allow");
	assert_says(&t, "  got:      deny by no-robots, roles {}\n");
	assert_run(&t, CLI_REFUSED, NULL, "policy", "test", path, "-o", "json");
	assert_member(&t, "passed", "2");
	assert_member(&t, "failed", "1");
	assert_member(&t, "tests.0.passed", "true");
	assert_member(&t, "tests.2.name", "\"wrong\"");
	assert_member(&t, "tests.2.got", "\"deny by no-robots, roles {}\"");
	path = draft(&t, "version: 1\n");
	assert_run(&t, CLI_DONE, NULL, "policy", "test", path);
	assert_says(&t, "has no tests\n");
	path = draft(&t, "version: 9\n");
	assert_run(&t, CLI_REFUSED, "draft.yaml:1:10: ", "policy", "test", path);
	cli_test_clear(&t);
}

static void
make_keys(struct cli_test *t)
{
	cli_test_create(t, "ci-a", "viewer", NULL);
	cli_test_create(t, "robot-a", "viewer", NULL);
	cli_test_create(t, "ed", "editor", NULL);
	cli_test_create(t, "idle", NULL, NULL);
}

static void
apply_shows_who_gains_and_who_loses(void **state)
{
	struct cli_test t;
	const char *path;
	char before[8192];
	size_t len_b;
	char *text;

	cli_test_make(&t, state);
	make_keys(&t);
	path = draft(&t, OTHER);
	text = file_read(t.host.paths.policy, &len_b);
	(void)snprintf(before, sizeof(before), "%s", text);
	free(text);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path, "--dry-run");
	assert_says(&t, "ci-a     gains deployer\n");
	assert_says(&t, "ed       loses editor\n");
	assert_says(&t, "robot-a  is refused no-robots\n");
	assert_null(strstr(t.out, "idle"));
	assert_says(&t, "3 of 4 keys gain or lose something\n");
	assert_says(&t, "nothing was changed\n");
	assert_says(&t, "Match User deploy\n    PasswordAuthentication yes\n");
	assert_null(strstr(t.out, "Match User *"));
	assert_true(file_holds(t.host.paths.policy, before));
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path, "-o", "json");
	assert_member(&t, "changed", "true");
	assert_member(&t, "dry_run", "false");
	assert_member(&t, "keys", "4");
	assert_member(&t, "changed_keys", "3");
	assert_member(&t, "opens_accounts", "[\"deploy\"]");
	assert_member(&t, "changes.0.key", "\"ci-a\"");
	assert_member(&t, "changes.0.gains", "[\"deployer\"]");
	assert_member(&t, "changes.0.loses", "[]");
	assert_member(&t, "changes.1.loses", "[\"editor\"]");
	assert_member(&t, "changes.2.admitted_before", "true");
	assert_member(&t, "changes.2.admitted", "false");
	assert_member(&t, "changes.2.refused_by", "\"no-robots\"");
	assert_member(&t, "changes.3", "(none)");
	assert_true(file_holds(t.host.paths.policy, OTHER));
	assert_non_null(strstr(t.log, "event=policy-applied sha256_before="));
	assert_non_null(strstr(t.log, "changed_keys=3 by=alice"));
	(void)snprintf(before, sizeof(before),
	    " sha256=%.16s changed_keys=", cli_test_member(&t, "sha256") + 1);
	assert_non_null(strstr(t.log, before));
	cli_test_clear(&t);
}

static void
apply_keeps_the_previous_and_publishes_at_once(void **state)
{
	struct cli_test t;
	const char *path;
	char prev[PATH_CAP + 8], *dump, *text;
	size_t len_b;
	struct stat st;

	cli_test_make(&t, state);
	make_keys(&t);
	path = draft(&t, OTHER);
	text = file_read(t.host.paths.policy, &len_b);
	assert_err("", AK_OK, live_previous_path(&t.host.paths, prev));
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_says(&t, "is live now; `apikey policy rollback` puts back the one before it\n");
	assert_true(file_holds(prev, text));
	free(text);
	assert_int_equal(stat(t.host.paths.policy, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(stat(prev, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	dump = host_dump(&t.host);
	assert_non_null(strstr(dump, "group deployers "));
	assert_non_null(strstr(dump, "members ci-a"));
	free(dump);
	assert_run(&t, CLI_DONE, NULL, "explain", "ci-a", "-o", "json");
	assert_member(&t, "published", "true");
	assert_member(&t, "held.1.role", "\"deployer\"");
	/* Again: nothing to do, and the one before stays. */
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path, "-o", "json");
	assert_member(&t, "changed", "false");
	assert_false(file_holds(prev, OTHER));
	cli_test_clear(&t);
}

static void
apply_refuses_what_is_wrong_and_leaves_all_as_it_was(void **state)
{
	static const struct {
		const char *text, *says;
		int code;
	} rows[] = {
	    {"version: 2\n", "draft.yaml:1:10: ", CLI_REFUSED},
	    {"version: 1\ntests:\n- {name: x, given: {}, expect: {decision: deny}}\n",
		"1 of 1 tests fail", CLI_REFUSED},
	    {"version: 1\nroles: {a: {unix_groups: [root], root_equivalent: true}}\n",
		"is gid 0", CLI_REFUSED},
	};
	struct cli_test t;
	struct safefile_id was, is;
	const char *path;
	char prev[PATH_CAP + 8];

	cli_test_make(&t, state);
	make_keys(&t);
	assert_err("", AK_OK, live_previous_path(&t.host.paths, prev));
	assert_err("", AK_OK, safefile_identify(t.host.paths.policy, &was));
	for (size_t i = 0; i < N(rows); i++) {
		path = draft(&t, rows[i].text);
		assert_run(&t, rows[i].code, rows[i].says, "policy", "apply", path);
		assert_string_equal(t.out, "");
		assert_err("", AK_OK, safefile_identify(t.host.paths.policy, &is));
		assert_true(safefile_id_equal(&was, &is));
		assert_false(file_is_there(prev));
	}
	assert_run(&t, CLI_REFUSED, "cannot be read", "policy", "apply", "/nonexistent");
	path = draft(&t, OTHER);
	host_settings(&t.host, "version: 1\nspce: x\n");
	assert_run(&t, CLI_FAILED, "apikey.yaml:2:1: ", "policy", "apply", path);
	assert_run(
	    &t, CLI_USAGE, "recheck or none", "policy", "apply", path, "--sessions", "all");
	assert_int_equal(t.n_calls, 0);
	cli_test_clear(&t);
}

static void
apply_mends_a_broken_policy_and_a_missing_one(void **state)
{
	struct cli_test t;
	const char *path;
	char prev[PATH_CAP + 8];

	cli_test_make(&t, state);
	make_keys(&t);
	path = draft(&t, OTHER);
	assert_err("", AK_OK, live_previous_path(&t.host.paths, prev));
	host_policy(&t.host, NULL);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_says(&t, "ci-a     gains viewer\n");
	assert_says(&t, "robot-a  gains viewer\n");
	assert_false(file_is_there(prev));
	host_policy(&t.host, "version: 2\n");
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_true(file_is_there(prev));
	/* What was broken is no policy to go back to. */
	assert_run(&t, CLI_REFUSED, "policy.yaml.prev:1:10: ", "policy", "rollback");
	assert_true(file_holds(t.host.paths.policy, OTHER));
	cli_test_clear(&t);
}

/* Of the other two files one is missing, and one older than two seconds. */
static void
an_applied_policy_is_trusted_at_once_and_an_edit_of_it_is_not(void **state)
{
	struct cli_test t;
	struct live l;

	cli_test_make(&t, state);
	host_settings(&t.host, NULL);
	(void)snprintf(t.host.paths.group, sizeof(t.host.paths.group), "/etc/group");
	t.cli.paths = t.host.paths;
	assert_run(&t, CLI_DONE, NULL, "publish");
	live_load(&t.host.paths, &l);
	assert_false(l.from_store);
	live_clear(&l);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER));
	live_load(&t.host.paths, &l);
	assert_non_null(l.image);
	assert_true(l.from_store);
	assert_true(image_find_role(l.image, "deployer") != IMAGE_NONE);
	live_clear(&l);
	host_policy(&t.host, OTHER);
	live_load(&t.host.paths, &l);
	assert_non_null(l.image);
	assert_false(l.from_store);
	live_clear(&l);
	cli_test_clear(&t);
}

/* apikeyd, which saw the file before its image was stored. */
static void
who_loaded_an_applied_policy_before_it_was_stored_does_not_replace_its_image(void **state)
{
	struct cli_test t;
	struct live l;
	char *bytes;
	size_t len_b;

	cli_test_make(&t, state);
	host_settings(&t.host, NULL);
	(void)snprintf(t.host.paths.group, sizeof(t.host.paths.group), "/etc/group");
	t.cli.paths = t.host.paths;
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER));
	bytes = file_read(t.host.paths.image, &len_b);
	assert_int_equal(unlink(t.host.paths.image), 0);
	live_load(&t.host.paths, &l);
	assert_false(l.from_store);
	file_write(t.host.paths.image, bytes, len_b, 0600);
	assert_err("", AK_OK, live_store(&t.host.paths, &l, NULL));
	live_clear(&l);
	live_load(&t.host.paths, &l);
	assert_true(l.from_store);
	live_clear(&l);
	free(bytes);
	cli_test_clear(&t);
}

/* Settings that were edited a moment ago may be edited again within the clock's grain. */
static void
an_applied_policy_does_not_vouch_for_young_settings(void **state)
{
	struct cli_test t;
	struct live l;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER));
	live_load(&t.host.paths, &l);
	assert_non_null(l.image);
	assert_false(l.from_store);
	live_clear(&l);
	cli_test_clear(&t);
}

static void
a_digest_is_sha_256(void **state)
{
	char hex[TOKEN_SHA256_CAP];

	(void)state;
	assert_err("", AK_OK, token_sha256("abc", 3, hex));
	assert_string_equal(
	    hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_err("", AK_OK, token_sha256("", 0, hex));
	assert_string_equal(
	    hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
abuse_074_who_applies_again_after_a_killed_apply_is_written_down(void **state)
{
	struct cli_test t;
	const char *path;

	cli_test_make(&t, state);
	path = draft(&t, "version: 1\nroles: {other: {}}\n");
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_int_equal(unlink(t.host.paths.applied), 0);
	t.log[0] = '\0';
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_says(&t, "nothing to change");
	assert_non_null(strstr(t.log, "event=policy-applied "));
	assert_run(&t, CLI_DONE, NULL, "policy", "show", "-o", "json");
	assert_member(&t, "by", "\"alice\"");
	assert_member(&t, "how", "\"apply\"");
	t.log[0] = '\0';
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_string_equal(t.log, "");
	cli_test_clear(&t);
}

static void
rollback_puts_the_previous_one_back_and_again_forward(void **state)
{
	struct cli_test t;
	const char *path;
	char first[8192], *text;
	size_t len_b;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_run(&t, CLI_REFUSED, "no policy to go back to", "policy", "rollback");
	text = file_read(t.host.paths.policy, &len_b);
	(void)snprintf(first, sizeof(first), "%s", text);
	free(text);
	path = draft(&t, OTHER);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_run(&t, CLI_DONE, NULL, "policy", "rollback", "--dry-run");
	assert_says(&t, "ci-a     loses deployer\n");
	assert_says(&t, "robot-a  is refused no longer\n");
	assert_true(file_holds(t.host.paths.policy, OTHER));
	assert_run(&t, CLI_DONE, NULL, "policy", "rollback");
	assert_true(file_holds(t.host.paths.policy, first));
	assert_non_null(strstr(t.log, "event=policy-rolled-back sha256_before="));
	assert_run(&t, CLI_DONE, NULL, "policy", "rollback", "-o", "json");
	assert_member(&t, "changed", "true");
	assert_true(file_holds(t.host.paths.policy, OTHER));
	assert_run(&t, CLI_USAGE, "takes no further", "policy", "rollback", "x");
	cli_test_clear(&t);
}

/* A session of this key, led by this process. */
static struct session
open_session(struct cli_test *t, const char *key, uint32_t uid)
{
	struct session s = {.state = SESSION_OPEN,
	    .uid = uid,
	    .secret = 1,
	    .account_uid = uid,
	    .service = "sshd",
	    .address = "192.0.2.1",
	    .since = HOST_NOW};

	assert_run(t, CLI_DONE, NULL, "show", key, "-o", "json");
	(void)snprintf(s.key_id, sizeof(s.key_id), "%.10s", cli_test_member(t, "id") + 1);
	(void)snprintf(s.key, sizeof(s.key), "%s", key);
	(void)snprintf(s.account, sizeof(s.account), "%s", key);
	assert_err("", AK_OK, sessions_open(&t->host.paths, &s));
	return s;
}

/* The only one there is. */
static enum ak_err
take_only(void *ctx, const struct session *s)
{
	*(struct session *)ctx = *s;
	return AK_OK;
}

static struct session
only_session(const struct cli_test *t)
{
	struct session s = {.state = 0};

	assert_err("", AK_OK, sessions_each(&t->host.paths, take_only, &s));
	assert_int_not_equal(s.state, 0);
	return s;
}

static void
a_new_policy_is_held_against_every_live_session(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER));
	assert_int_equal(t.n_calls, 1);
	assert_true(t.calls[0].all);
	assert_true(t.calls[0].users == t.calls[0].local);
	/* Nothing to change: sessions that an earlier pass did not get are judged now. */
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER));
	assert_int_equal(t.n_calls, 2);
	assert_run(&t, CLI_DONE, NULL, "policy", "rollback");
	assert_int_equal(t.n_calls, 3);
	assert_true(t.calls[2].all);
	assert_run(&t, CLI_DONE, NULL, "policy", "rollback", "--dry-run");
	assert_run(&t, CLI_REFUSED, "1:10", "policy", "apply", draft(&t, "version: 2\n"));
	assert_int_equal(t.n_calls, 3);
	cli_test_clear(&t);
}

/* In a pass. */
static void
the_policy_is_live_and_logged(struct cli_test *t)
{
	assert_true(file_holds(t->host.paths.policy, OTHER));
	assert_non_null(strstr(t->log, "event=policy-applied "));
}

static void
sessions_end_by_a_policy_that_is_live_and_logged_though_not_published(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_int_equal(mkdir(tmp_path(t.tmp, "state/.users.idx.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(t.tmp, "state/.users.idx.new/x"), 0700), 0);
	t.during = the_policy_is_live_and_logged;
	assert_run(&t, CLI_FAILED, "its groups are not published", "policy", "apply",
	    draft(&t, OTHER));
	assert_int_equal(t.n_calls, 1);
	cli_test_clear(&t);
}

static void
apply_shows_the_sessions_that_ended(void **state)
{
	const struct session s = {
	    .id = "00000000000000aa", .key = "ed", .account = "ed", .service = "sshd"};
	const struct enforce_ended ends[] = {
	    {.session = &s, .reason = REASON_ROLE, .why = "no role permits sshd"}};
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	t.ends = ends;
	t.n_ends = 1;
	assert_run(&t, CLI_DONE, "1 session was ended\n", "policy", "apply", draft(&t, OTHER));
	assert_says(
	    &t, "ENDED\n00000000000000aa  ed   ed       sshd     -     no role permits sshd\n");
	t.n_calls = 0;
	assert_run(&t, CLI_DONE, "1 session was", "policy", "rollback", "-o", "json");
	assert_member(&t, "sessions_ended", "1");
	assert_member(&t, "sessions",
	    "[{\"id\":\"00000000000000aa\",\"key\":\"ed\",\"account\":\"ed\",\"service\":"
	    "\"sshd\",\"from\":null,\"reason\":\"role\",\"why\":\"no role permits sshd\","
	    "\"gently\":false}]");
	cli_test_clear(&t);
}

static void
a_dry_run_tells_the_sessions_that_would_end_and_ends_none(void **state)
{
	struct cli_test t;
	struct session s;

	cli_test_make(&t, state);
	make_keys(&t);
	s = open_session(&t, "ed", 70002);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER), "--dry-run");
	assert_says(&t, "WOULD END\n");
	assert_says(&t, s.id);
	assert_run(
	    &t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER), "--dry-run", "-o", "json");
	assert_member(&t, "sessions.0.key", "\"ed\"");
	assert_member(&t, "sessions.0.from", "\"192.0.2.1\"");
	assert_member(&t, "sessions.1", "(none)");
	assert_member(&t, "sessions_ended", "0");
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER), "--dry-run",
	    "--sessions=none", "-o", "json");
	assert_member(&t, "sessions", "[]");
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, CLI_POLICY), "--dry-run",
	    "-o", "json");
	assert_member(&t, "sessions", "[]");
	assert_int_equal(t.n_calls, 0);
	cli_test_clear(&t);
}

static void
sessions_that_are_left_alone_stay_on_the_policy_before(void **state)
{
	struct cli_test t;
	struct session was, is;
	struct image *im;
	uint64_t first;

	cli_test_make(&t, state);
	make_keys(&t);
	was = open_session(&t, "ed", 70002);
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER), "--sessions=none");
	is = only_session(&t);
	assert_string_equal(is.id, was.id);
	assert_true(is.policy != 0 && is.key_print != 0);
	assert_err("", AK_OK, pinned_load(&t.host.paths, is.policy, &im));
	assert_true(image_find_role(im, "editor") != IMAGE_NONE);
	image_free(&im);
	/* The next one leaves it where it is. */
	first = is.policy;
	assert_run(&t, CLI_DONE, NULL, "policy", "rollback", "--sessions=none");
	assert_true(only_session(&t).policy == first);
	assert_run(
	    &t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER), "--dry-run", "-o", "json");
	assert_member(&t, "sessions", "[]");
	/* Its own key changes. */
	assert_run(&t, CLI_DONE, NULL, "set", "ed", "--owner", "x");
	assert_run(
	    &t, CLI_DONE, NULL, "policy", "apply", draft(&t, OTHER), "--dry-run", "-o", "json");
	assert_member(&t, "sessions.0.key", "\"ed\"");
	cli_test_clear(&t);
}

static void
sessions_can_be_left_on_a_valid_policy_alone(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	host_policy(&t.host, "version: 2\n");
	assert_run(&t, CLI_REFUSED, "leave out --sessions=none", "policy", "apply",
	    draft(&t, OTHER), "--sessions=none");
	assert_false(file_holds(t.host.paths.policy, OTHER));
	cli_test_clear(&t);
}

static void
show_tells_the_text_and_who_put_it_there(void **state)
{
	struct cli_test t;
	const char *path;

	cli_test_make(&t, state);
	path = draft(&t, OTHER);
	assert_run(&t, CLI_DONE, NULL, "policy", "show", "-o", "json");
	assert_member(&t, "by", "null");
	assert_member(&t, "how", "\"edit\"");
	assert_member(&t, "previous_sha256", "null");
	assert_run(&t, CLI_DONE, NULL, "policy", "apply", path);
	assert_run(&t, CLI_DONE, NULL, "policy", "show");
	assert_says(&t, "changed   2027-01-15T08:00:00Z\n");
	assert_says(&t, "by        alice\n");
	assert_says(&t, "how       apply\n");
	assert_says(&t, "valid     yes\n");
	assert_says(&t, OTHER);
	assert_run(&t, CLI_DONE, NULL, "policy", "show", "-o", "json");
	assert_member(&t, "by", "\"alice\"");
	assert_member(&t, "changed_at", "\"2027-01-15T08:00:00Z\"");
	assert_member(&t, "valid", "true");
	assert_member(&t, "problem", "null");
	assert_int_equal(strlen(cli_test_member(&t, "sha256")), 66);
	assert_int_equal(strlen(cli_test_member(&t, "previous_sha256")), 66);
	/* Edited in place since: nobody knows by whom. */
	host_policy(&t.host, "version: 2\n");
	assert_run(&t, CLI_DONE, NULL, "policy", "show", "-o", "json");
	assert_member(&t, "how", "\"edit\"");
	assert_member(&t, "by", "null");
	assert_member(&t, "valid", "false");
	assert_non_null(strstr(cli_test_member(&t, "problem"), "policy.yaml:1:10: "));
	host_policy(&t.host, NULL);
	assert_run(&t, CLI_REFUSED, "no such file", "policy", "show");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(check_tells_errors_with_their_place_and_ends_with_1),
	    T(check_warns_of_roles_that_nobody_has_and_strict_makes_errors_of_that),
	    T(check_reads_a_pipe_and_says_what_it_cannot_read),
	    T(check_needs_no_privilege),
	    T(test_runs_each_and_shows_what_was_expected_and_what_came),
	    T(apply_shows_who_gains_and_who_loses),
	    T(apply_keeps_the_previous_and_publishes_at_once),
	    T(apply_refuses_what_is_wrong_and_leaves_all_as_it_was),
	    T(apply_mends_a_broken_policy_and_a_missing_one),
	    T(an_applied_policy_is_trusted_at_once_and_an_edit_of_it_is_not),
	    T(who_loaded_an_applied_policy_before_it_was_stored_does_not_replace_its_image),
	    T(an_applied_policy_does_not_vouch_for_young_settings),
	    T(a_digest_is_sha_256),
	    T(abuse_074_who_applies_again_after_a_killed_apply_is_written_down),
	    T(rollback_puts_the_previous_one_back_and_again_forward),
	    T(a_new_policy_is_held_against_every_live_session),
	    T(sessions_end_by_a_policy_that_is_live_and_logged_though_not_published),
	    T(apply_shows_the_sessions_that_ended),
	    T(a_dry_run_tells_the_sessions_that_would_end_and_ends_none),
	    T(sessions_that_are_left_alone_stay_on_the_policy_before),
	    T(sessions_can_be_left_on_a_valid_policy_alone),
	    T(show_tells_the_text_and_who_put_it_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
