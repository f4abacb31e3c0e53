/* doctor: clock, directory, daemon and the host around, on made-up hosts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_doctor.h"
#include "wire.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A file below one of the test's folders, with the folders above it. */
static void
put(struct cli_test *t, const char *path, const char *text, mode_t mode)
{
	char name[TMP_CAP];

	for (const char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/')) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(at - path), path);
		(void)mkdir(tmp_path(t->tmp, name), 0755);
	}
	file_write(tmp_path(t->tmp, path), text, strlen(text), mode);
}

/* A daemon that answers every question so, until the test ends it. */
static pid_t
daemon_start(const struct cli_test *t, const struct control_reply *reply)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_int_equal(
	    text_copy(at.sun_path, sizeof(at.sun_path), t->host.paths.control), AK_OK);
	(void)mkdir(t->host.paths.run, 0755);
	(void)unlink(at.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	if ((pid = fork()) == 0) {
		struct pack out = PACK_INIT;
		unsigned char bytes[64];

		control_reply_pack(reply, &out);
		for (;;) {
			int conn = accept(fd, NULL, NULL);

			if (recv(conn, bytes, sizeof(bytes), 0) > 0)
				(void)!send(conn, out.bytes, out.len_b, MSG_NOSIGNAL);
			(void)close(conn);
		}
	}
	assert_true(pid != -1);
	(void)close(fd);
	return pid;
}

static void
daemon_end(const struct cli_test *t, pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)unlink(t->host.paths.control);
}

static struct control_reply
good_reply(void)
{
	return (struct control_reply){.pid = 77,
	    .started_at = HOST_NOW - 1000,
	    .has_directory = true,
	    .phase = WIRE_FOLLOWING,
	    .uri = "ldapi:///",
	    .contact_at = HOST_NOW - 10};
}

/* ---- clock ---- */

static void
a_clock_that_cannot_be_right_is_told(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_true(doctor_says(&t, "clock", "ok", "2027-01-15", NULL));
	cli_test_create(&t, "a", "viewer", NULL);
	t.now = HOST_NOW - 86400;
	assert_true(doctor_says(&t, "clock", "attention", "behind these files", NULL));
	t.now = 1000;
	assert_true(doctor_says(&t, "clock", "attention", "the clock says 1970-01-01", NULL));
	cli_test_clear(&t);
}

static const char *time_answer;
static int time_exit;

static int
answer_time(struct cli_test *t, char *const argv[], char *out, size_t cap)
{
	(void)t;
	if (strstr(argv[0], "timedatectl") == NULL)
		return -1;
	(void)snprintf(out, cap, "%s", time_answer);
	return time_exit;
}

static void
a_clock_that_nobody_keeps_is_noted(void **state)
{
	static const struct {
		const char *says;
		int exit;
		bool noted;
	} rows[] = {
	    {"NTP=no\nNTPSynchronized=no\n", 0, true},
	    {"NTP=yes\nNTPSynchronized=no\n", 0, false},
	    {"NTP=no\nNTPSynchronized=yes\n", 0, false},
	    {"NTP=no\nNTPSynchronized=no\n", 1, false},
	    {"", -1, false},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	t.tool = answer_time;
	for (size_t i = 0; i < N(rows); i++) {
		time_answer = rows[i].says;
		time_exit = rows[i].exit;
		assert_row(rows[i].says,
		    doctor_says(&t, "clock", "note", "no time service", NULL) == rows[i].noted);
	}
	cli_test_clear(&t);
}

/* ---- daemon ---- */

static void
a_host_without_the_daemon_is_told_what_that_means(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	cli_test_make(&t, state);
	assert_true(doctor_says(&t, "daemon", "note", "seen at the next login", advice));
	assert_null(strstr(advice, "systemctl"));
	put(&t, "run/systemd/system/x", "", 0644);
	assert_true(doctor_says(&t, "daemon", "note", "seen at the next login", advice));
	assert_string_equal(advice, "systemctl enable --now apikeyd");
	host_settings(&t.host, CLI_DIRECTORY_SETTINGS);
	assert_true(doctor_says(&t, "daemon", "attention", "apikeyd is not running", advice));
	assert_string_equal(advice, "systemctl enable --now apikeyd");
	assert_int_equal(doctor_said(&t, "daemon", "note"), 0);
	cli_test_clear(&t);
}

static int
answer_disabled(struct cli_test *t, char *const argv[], char *out, size_t cap)
{
	(void)t;
	if (strstr(argv[0], "systemctl") == NULL)
		return -1;
	(void)snprintf(out, cap, "disabled\n");
	return 1;
}

static void
a_daemon_that_was_replaced_or_will_not_start_again_is_told(void **state)
{
	const struct control_reply reply = good_reply();
	char advice[ADVICE_CAP];
	struct cli_test t;
	pid_t pid;

	cli_test_make(&t, state);
	pid = daemon_start(&t, &reply);
	put(&t, "run/systemd/system/x", "", 0644);
	put(&t, "proc/77/x", "", 0644);
	assert_int_equal(symlink("/usr/sbin/apikeyd", tmp_path(t.tmp, "proc/77/exe")), 0);
	assert_true(doctor_says(&t, "daemon", "ok", "apikeyd runs (process 77)", NULL));
	assert_int_equal(unlink(tmp_path(t.tmp, "proc/77/exe")), 0);
	assert_int_equal(
	    symlink("/usr/sbin/apikeyd (deleted)", tmp_path(t.tmp, "proc/77/exe")), 0);
	assert_true(doctor_says(&t, "daemon", "attention", "was replaced", advice));
	assert_string_equal(advice, "systemctl restart apikeyd");
	t.tool = answer_disabled;
	assert_true(doctor_says(&t, "daemon", "note", "will not after the next start", NULL));
	daemon_end(&t, pid);
	cli_test_clear(&t);
}

/* ---- directory ---- */

#define DIRECTORY(more)                                                                        \
	"version: 1\nhost: bastion-1\ncreate_home: false\nshell: /bin/sh\ndirectory:\n"        \
	"  uris: 'ldapi://'\n"                                                                 \
	"  groups: {base: 'ou=groups,dc=x', filter: '(objectClass=groupOfNames)'}\n" more

static void
a_directory_is_looked_at_by_its_files_and_by_what_the_daemon_says(void **state)
{
	static const struct {
		const char *name, *text, *says, *advice;
		mode_t mode; /* of password_file; 0: none */
	} rows[] = {
	    {"in order", "secret", "", "", 0600},
	    {"the password is gone", "secret", "password_file, ", "put it there", 0},
	    {"the password is empty", "", "is empty", "put the right one", 0600},
	    {"the password can be read", "secret", "has mode 0640", "chmod 0600 ", 0640},
	};
	const struct control_reply reply = good_reply();

	for (size_t i = 0; i < N(rows); i++) {
		char settings[1024], advice[ADVICE_CAP];
		struct cli_test t;
		pid_t pid;

		cli_test_make(&t, state);
		(void)snprintf(settings, sizeof(settings),
		    DIRECTORY(
			"  may_grant: [viewer]\n  bind_dn: 'cn=x'\n  password_file: %s\n"),
		    tmp_path(t.tmp, "password"));
		host_settings(&t.host, settings);
		directory_write_contact(&t.host.paths, HOST_NOW - 10);
		if (rows[i].mode != 0)
			put(&t, "password", rows[i].text, rows[i].mode);
		pid = daemon_start(&t, &reply);
		if (!doctor_says(&t, "directory", rows[i].says[0] == '\0' ? "ok" : "attention",
			rows[i].says, advice))
			fail_msg("%s: %s", rows[i].name, t.out);
		assert_non_null(strstr(advice, rows[i].advice));
		daemon_end(&t, pid);
		cli_test_clear(&t);
		(void)tmp_teardown(state);
		(void)tmp_setup(state);
	}
}

static void
a_role_that_no_policy_has_is_told(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	host_settings(&t.host, DIRECTORY("  may_grant: [viewer, '*', operator]\n"));
	assert_true(doctor_says(&t, "directory", "attention", "the role operator", NULL));
	assert_false(doctor_says(&t, "directory", "attention", "the role viewer", NULL));
	assert_false(doctor_says(&t, "directory", "attention", "the role *", NULL));
	assert_true(doctor_says(&t, "directory", "attention", "not heard for too long", NULL));
	cli_test_clear(&t);
}

static int
answer_certificate(struct cli_test *t, char *const argv[], char *out, size_t cap)
{
	(void)t;
	if (strcmp(argv[0], "/usr/bin/openssl") != 0)
		return -1;
	(void)snprintf(out, cap, "Certificate will%s expire\n",
	    strstr(argv[6], "soon") != NULL ? "" : " not");
	return strstr(argv[6], "soon") != NULL ? 1 : 0;
}

static void
a_certificate_that_ends_soon_is_told(void **state)
{
	static const char *const names[] = {"soon.pem", "late.pem"};

	for (size_t i = 0; i < N(names); i++) {
		char settings[1024];
		struct cli_test t;

		cli_test_make(&t, state);
		t.tool = answer_certificate;
		put(&t, names[i], "x", 0644);
		(void)snprintf(settings, sizeof(settings),
		    DIRECTORY("  may_grant: [viewer]\n  ca_file: %s\n"),
		    tmp_path(t.tmp, names[i]));
		host_settings(&t.host, settings);
		assert_row(names[i], doctor_says(&t, "directory", "attention",
					 "ends within 14 days", NULL) == (i == 0));
		cli_test_clear(&t);
		(void)tmp_teardown(state);
		(void)tmp_setup(state);
	}
}

/* ---- host ---- */

static void
what_keeps_keys_out_of_the_whole_host_is_told(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	cli_test_make(&t, state);
	assert_false(doctor_says(&t, "host", "attention", "", NULL));
	assert_run(&t, CLI_DONE, "", "lockdown", "on");
	assert_true(doctor_says(&t, "host", "attention", "every key is refused", advice));
	assert_string_equal(advice, "apikey lockdown off");
	doctor_follow(&t, advice);
	assert_false(doctor_says(&t, "host", "attention", "", NULL));
	(void)unlink(t.host.paths.audit);
	assert_int_equal(mkdir(t.host.paths.audit, 0755), 0);
	assert_true(doctor_says(&t, "host", "attention", "audit.log can't be written", NULL));
	host_settings(&t.host, "version: 1\npublic_key_logins: allow\n");
	assert_true(doctor_says(&t, "host", "note", "public_key_logins is allow", NULL));
	cli_test_clear(&t);
}

static void
hidden_processes_are_told_where_the_daemon_cannot_see_them(void **state)
{
	static const struct {
		const char *name, *mounts, *capabilities;
		bool told;
	} rows[] = {
	    {"seen", "proc /proc proc rw,relatime 0 0\n", "0", false},
	    {"hidden", "x / ext4 rw 0 0\nproc /proc proc rw,hidepid=invisible 0 0\n",
		"00000000000000e0", true},
	    {"by number", "proc /proc proc rw,hidepid=2,gid=4 0 0\n", "0", true},
	    {"off", "proc /proc proc rw,hidepid=off 0 0\n", "0", false},
	    {"elsewhere", "proc /chroot/proc proc rw,hidepid=2 0 0\n", "0", false},
	    {"with the right", "proc /proc proc rw,hidepid=2 0 0\n", "00000000000800e0", false},
	};
	const struct control_reply reply = good_reply();
	char status[128];
	struct cli_test t;
	pid_t pid;

	cli_test_make(&t, state);
	pid = daemon_start(&t, &reply);
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(
		    status, sizeof(status), "Name:\tx\nCapEff:\t%s\n", rows[i].capabilities);
		put(&t, "proc/mounts", rows[i].mounts, 0644);
		put(&t, "proc/77/status", status, 0644);
		assert_row(rows[i].name,
		    doctor_says(&t, "host", "attention", "hidepid", NULL) == rows[i].told);
	}
	daemon_end(&t, pid);
	cli_test_clear(&t);
}

static void
a_kernel_without_pidfds_is_told(void **state)
{
	static const struct {
		const char *release;
		bool told;
	} rows[] = {{"4.19.0-27-amd64\n", true}, {"5.2.21\n", true}, {"5.3.0\n", false},
	    {"6.1.0-18-amd64\n", false}, {"10.0\n", false}};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		put(&t, "proc/sys/kernel/osrelease", rows[i].release, 0644);
		assert_row(rows[i].release, doctor_says(&t, "host", "attention",
						"has no pidfds", NULL) == rows[i].told);
	}
	cli_test_clear(&t);
}

static void
without_any_file_of_ours_it_still_says_what_is_wrong(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_int_equal(rename(tmp_path(t.tmp, "state"), tmp_path(t.tmp, "away")), 0);
	assert_int_equal(rename(tmp_path(t.tmp, "etc"), tmp_path(t.tmp, "etc.away")), 0);
	assert_run(&t, CLI_FAILED, NULL, "doctor");
	assert_true(doctor_says(&t, "files", "attention", "state is missing", NULL));
	assert_true(doctor_says(&t, "files", "attention", "no key may do anything", NULL));
	assert_run(&t, CLI_FAILED, NULL, "doctor");
	cli_test_clear(&t);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_clock_that_cannot_be_right_is_told),
	    T(a_clock_that_nobody_keeps_is_noted),
	    T(a_host_without_the_daemon_is_told_what_that_means),
	    T(a_daemon_that_was_replaced_or_will_not_start_again_is_told),
	    T(a_directory_is_looked_at_by_its_files_and_by_what_the_daemon_says),
	    T(a_role_that_no_policy_has_is_told),
	    T(a_certificate_that_ends_soon_is_told),
	    T(what_keeps_keys_out_of_the_whole_host_is_told),
	    T(hidden_processes_are_told_where_the_daemon_cannot_see_them),
	    T(a_kernel_without_pidfds_is_told),
	    T(without_any_file_of_ours_it_still_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
