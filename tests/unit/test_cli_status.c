/* status and sync: how the host stands, what needs attention, and what the daemon answers. */
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "sessions.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_daemon.h"
#include "testlib_directory.h"

/* Published, with a directory that was heard, and one key of each kind. */
static void
make(struct cli_test *t, void **state)
{
	struct key_record a = key_make("a", 70000), b = directory_key("b", DIRECTORY_UID);

	cli_test_make(t, state);
	host_settings(&t->host, CLI_DIRECTORY_SETTINGS);
	a.state = KEY_DISABLED;
	b.expires_at = HOST_NOW - 1;
	(void)directory_write_keys(&t->host.paths, &b, 1, HOST_NOW);
	directory_write_contact(&t->host.paths, HOST_NOW - 10);
	assert_int_equal(host_put(&t->host, &a), AK_OK);
}

static void
a_host_in_order_needs_nothing(void **state)
{
	const struct control_reply reply = daemon_reply();
	struct cli_test t;
	pid_t pid;

	make(&t, state);
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	daemon_end(&t.host.paths, pid, CONTROL_STATUS);
	assert_member(&t, "attention", "[]");
	assert_member(&t, "keys", "{\"local\":1,\"directory\":1,\"disabled\":1,\"expired\":1}");
	/* uid 70000 was given by name and not by counting up; the last one is nobody's. */
	assert_member(&t, "uids_left", "29999");
	assert_member(&t, "policy.valid", "true");
	assert_member(&t, "directory.server", "\"ldapi:///\"");
	assert_member(&t, "directory.phase", "\"following\"");
	assert_member(&t, "directory.contact_age_s", "10");
	assert_member(&t, "directory.stale", "false");
	assert_member(&t, "directory.key_entries", "3");
	assert_member(&t, "daemon.running", "true");
	assert_member(&t, "daemon.pid", "77");
	assert_member(&t, "published", "true");
	assert_member(&t, "time_undefined", "false");
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "status");
	daemon_end(&t.host.paths, pid, CONTROL_STATUS);
	assert_non_null(strstr(t.out, "1 local, 1 of the directory; 1 disabled, 1 expired"));
	assert_non_null(strstr(t.out, "ldapi:///, following"));
	cli_test_clear(&t);
}

static void
a_host_without_directory_and_daemon_is_in_order(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	assert_member(&t, "directory", "null");
	assert_member(&t, "daemon.running", "false");
	assert_member(&t, "daemon.pid", "null");
	cli_test_create(&t, "a", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	assert_member(&t, "uids_left", "29998");
	cli_test_clear(&t);
}

static void
of_keys_that_cannot_be_read_nothing_is_said(void **state)
{
	static const char *const members[] = {
	    "keys", "uids_left", "gids_left", "published", "time_undefined"};
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	file_write(t.host.paths.local, "x", 1, 0600);
	assert_run(&t, CLI_FAILED, NULL, "status", "-o", "json");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_member(&t, members[i], "null");
	assert_run(&t, CLI_FAILED, NULL, "status");
	assert_null(strstr(t.out, "ids left"));
	cli_test_clear(&t);
}

static void
needs(struct cli_test *t, const char *sentence)
{
	assert_run(t, CLI_FAILED, NULL, "status", "-o", "json");
	if (strstr(cli_test_member(t, "attention"), sentence) == NULL)
		fail_msg("%s: %s", sentence, t->out);
}

static void
what_is_wrong_on_the_host_needs_attention(void **state)
{
	struct cli_test t;

	make(&t, state);
	needs(&t, "apikeyd is not running");
	assert_member(&t, "directory.stale", "false");
	assert_member(&t, "directory.key_entries", "null");
	t.now = HOST_NOW + 3600;
	needs(&t, "roles through its groups are not given");
	t.now = HOST_NOW + 90000;
	needs(&t, "its keys are refused");
	assert_member(&t, "directory.keys_stale", "true");
	t.now = HOST_NOW - 86400;
	needs(&t, "the clock is behind these files");
	t.now = HOST_NOW;
	host_policy(&t.host, "version: 1\nroles: 5\n");
	needs(&t, "policy.yaml:2:");
	needs(&t, "groups are not published");
	assert_member(&t, "policy.valid", "false");
	/* Published without it: what needs attention is the policy alone. */
	assert_run(&t, CLI_FAILED, "no key may do anything now", "publish");
	needs(&t, "policy.yaml:2:");
	assert_member(&t, "published", "true");
	host_settings(&t.host, "version: 1\nuid_range: 5\n");
	needs(&t, "the settings can't be used");
	cli_test_clear(&t);
}

static void
a_new_snapshot_that_nss_does_not_serve_yet_is_said(void **state)
{
	struct key_record b = directory_key("b", DIRECTORY_UID);
	const struct control_reply reply = daemon_reply();
	struct cli_test t;
	pid_t pid;

	make(&t, state);
	(void)directory_write_keys(&t.host.paths, &b, 1, HOST_NOW);
	pid = daemon_start(&t.host.paths, &reply);
	needs(&t, "groups are not published");
	daemon_end(&t.host.paths, pid, CONTROL_STATUS);
	cli_test_clear(&t);
}

static void
what_the_daemon_complains_of_needs_attention(void **state)
{
	struct control_reply bad[] = {
	    daemon_reply(), daemon_reply(), daemon_reply(), daemon_reply()};
	static const char *const says[] = {"the directory: no route", "can't use the policy: x",
	    "2 keys of the directory are not served", "9 sessions should end"};
	struct cli_test t;
	pid_t pid;

	make(&t, state);
	(void)!text_copy(bad[0].problem, sizeof(bad[0].problem), "no route");
	(void)!text_copy(bad[1].policy_problem, sizeof(bad[1].policy_problem), "x");
	bad[2].skipped = 2;
	bad[3].held_back = 9;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pid = daemon_start(&t.host.paths, &bad[i]);
		needs(&t, says[i]);
		daemon_end(&t.host.paths, pid, CONTROL_STATUS);
	}
	cli_test_clear(&t);
}

/* A session of key a, led by this process. */
static struct session
open_session(const struct cli_test *t)
{
	struct session s = {.state = SESSION_OPEN,
	    .uid = 70000,
	    .key = "a",
	    .key_id = "K000070000",
	    .secret = 1,
	    .account = "a",
	    .account_uid = 70000,
	    .service = "sshd",
	    .since = HOST_NOW};

	assert_err("", AK_OK, sessions_open(&t->host.paths, &s));
	return s;
}

static void
live_sessions_are_counted_and_those_held_back_need_attention(void **state)
{
	struct cli_test t;
	struct session s;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	assert_member(&t, "sessions", "{\"live\":0,\"held_back\":0}");
	s = open_session(&t);
	(void)open_session(&t);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	/* Of two with one leader, what runs there is the newer one's. */
	assert_member(&t, "sessions", "{\"live\":1,\"held_back\":0}");
	assert_run(&t, CLI_DONE, NULL, "status");
	assert_non_null(strstr(t.out, "1 live, 0 held back"));
	s.held_back = true;
	s.since = HOST_NOW + 1;
	assert_err("", AK_OK, sessions_update(&t.host.paths, &s));
	needs(&t, "1 sessions should end");
	cli_test_clear(&t);
}

static void
lockdown_needs_attention_whatever_lies_there(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	assert_member(&t, "lockdown", "false");
	assert_int_equal(symlink("/nowhere", t.host.paths.lockdown), 0);
	needs(&t, "every key is refused");
	assert_member(&t, "lockdown", "true");
	assert_run(&t, CLI_FAILED, NULL, "status");
	assert_non_null(strstr(t.out, "lockdown"));
	cli_test_clear(&t);
}

static void
an_audit_log_that_cannot_be_written_needs_attention(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	file_write(t.host.paths.audit, "", 0, 0640);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	assert_member(&t, "audit_writable", "true");
	assert_int_equal(unlink(t.host.paths.audit), 0);
	assert_run(&t, CLI_DONE, NULL, "status", "-o", "json");
	assert_member(&t, "audit_writable", "true");
	assert_false(file_is_there(t.host.paths.audit));
	assert_false(file_is_there(t.host.paths.run));
	assert_int_equal(symlink("/dev/null", t.host.paths.audit), 0);
	needs(&t, "audit.log can't be written");
	assert_member(&t, "audit_writable", "false");
	assert_null(strstr(t.out, "and so every key is refused"));
	host_settings(&t.host, "version: 1\nhost: bastion-1\naudit: required\n");
	(void)snprintf(t.cli.paths.audit, sizeof(t.cli.paths.audit), "%s",
	    tmp_path(t.tmp, "nowhere/audit.log"));
	needs(&t, "and so every key is refused");
	cli_test_clear(&t);
}

static void
sync_waits_for_what_the_daemon_answers(void **state)
{
	struct control_reply reply = daemon_reply();
	struct cli_test t;
	pid_t pid;

	cli_test_make(&t, state);
	assert_run(&t, CLI_FAILED, "apikeyd is not running", "sync");
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "sync");
	daemon_end(&t.host.paths, pid, CONTROL_SYNC);
	assert_string_equal(t.out,
	    "fetched from ldapi:///: 3 keys (0 not served here), 2 groups, 1 principals\n");
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "sync", "--now", "-o", "json");
	daemon_end(&t.host.paths, pid, CONTROL_SYNC);
	assert_member(&t, "key_entries", "3");
	reply.err = AK_ERR_UNAVAILABLE;
	(void)!text_copy(reply.text, sizeof(reply.text), "no server answers");
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_FAILED, "no server answers", "sync", "--now");
	daemon_end(&t.host.paths, pid, CONTROL_SYNC);
	cli_test_clear(&t);
}

static void
what_was_held_back_is_accepted(void **state)
{
	struct control_reply reply = daemon_reply();
	struct cli_test t;
	pid_t pid;

	cli_test_make(&t, state);
	reply.ended = 12;
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "sync", "--accept", "-o", "json");
	daemon_end(&t.host.paths, pid, CONTROL_ACCEPT);
	assert_member(&t, "changed", "true");
	assert_member(&t, "ended", "12");
	assert_string_equal(t.log, "event=endings-accepted sessions=12 by=alice\n");
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "sync", "--accept");
	daemon_end(&t.host.paths, pid, CONTROL_ACCEPT);
	assert_string_equal(t.out, "accepted: 12 sessions were ended\n");
	t.log[0] = '\0';
	reply.err = AK_ERR_NOT_FOUND;
	pid = daemon_start(&t.host.paths, &reply);
	assert_run(&t, CLI_DONE, NULL, "sync", "--accept");
	daemon_end(&t.host.paths, pid, CONTROL_ACCEPT);
	assert_string_equal(t.out, "nothing was held back\n");
	assert_string_equal(t.log, "");
	assert_run(&t, CLI_USAGE, "give one of them", "sync", "--accept", "--now");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_host_in_order_needs_nothing),
	    T(a_host_without_directory_and_daemon_is_in_order),
	    T(of_keys_that_cannot_be_read_nothing_is_said),
	    T(what_is_wrong_on_the_host_needs_attention),
	    T(a_new_snapshot_that_nss_does_not_serve_yet_is_said),
	    T(what_the_daemon_complains_of_needs_attention),
	    T(live_sessions_are_counted_and_those_held_back_need_attention),
	    T(lockdown_needs_attention_whatever_lies_there),
	    T(an_audit_log_that_cannot_be_written_needs_attention),
	    T(sync_waits_for_what_the_daemon_answers),
	    T(what_was_held_back_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
