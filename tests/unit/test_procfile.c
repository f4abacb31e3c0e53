/* The small files of /proc/PID, as kernels write them and as they never should. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pack.h"
#include "proc.h"
#include "procfile.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

/* A folder that looks like a process's, with one file in it. */
static int
process_with(void **state, const char *name, const char *text)
{
	struct tmp *t = *state;
	int dir;

	file_write(tmp_path(t, name), text, strlen(text), 0600);
	assert_err("", AK_OK, procfile_open(AT_FDCWD, t->dir, &dir));
	return dir;
}

static void
stat_is_read_whatever_the_name_is(void **state)
{
	static const struct {
		const char *text;
		char state;
		pid_t parent;
		unsigned major, minor;
		uint64_t threads, start;
	} rows[] = {
	    {"7 (sshd) S 5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4321 9 9\n", 'S', 5, 0, 0,
		1, 4321},
	    {"7 (a) Z 9 (b) c) R 6 7 7 34816 7 4194560 1 0 0 0 1 2 0 0 20 0 3 0 77 9\n", 'R', 6,
		136, 0, 3, 77},
	    {"7 () Z 1 7 7 34821 7 4194560 1 0 0 0 1 2 0 0 20 0 1 0 1 9\n", 'Z', 1, 136, 5, 1,
		1},
	    {"7 (x) S 1 7 7 1083392 7 4194560 1 0 0 0 1 2 0 0 20 0 1 0 1 9\n", 'S', 1, 136, 256,
		1, 1},
	    {"7 (x) S 1 7 7 -2147448832 7 4194560 1 0 0 0 1 2 0 0 20 0 1 0 1 9\n", 'S', 1, 0, 0,
		1, 1},
	    {"1 (init) S 0 1 1 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 18446744073709551615 9\n",
		'S', 0, 0, 0, 1, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int dir = process_with(state, "stat", rows[i].text);
		struct procfile_stat s;

		assert_err(rows[i].text, AK_OK, procfile_stat(dir, &s));
		assert_row(rows[i].text, s.state == rows[i].state);
		assert_row(rows[i].text, s.parent == rows[i].parent);
		assert_row(rows[i].text, s.tty == makedev(rows[i].major, rows[i].minor));
		assert_row(rows[i].text, s.threads == rows[i].threads);
		assert_row(rows[i].text, s.start == rows[i].start);
		(void)close(dir);
	}
}

static void
stat_that_is_not_as_expected_says_nothing(void **state)
{
	static const char *const rows[] = {"", "7", "7 (x)", "7 (x) ", "7 (x) S", "7 (x) S ",
	    "7 (x) S -5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4321 9",
	    "7 (x) S 99999999999 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4321 9",
	    "7 (x) S 5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0",
	    "7 (x) S 5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 soon 9",
	    "7 (x) S 5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 many 0 4321 9"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int dir = process_with(state, "stat", rows[i]);
		struct procfile_stat s;

		assert_err(rows[i], AK_ERR_UNAVAILABLE, procfile_stat(dir, &s));
		assert_row(rows[i], s.start == 0 && s.parent == 0 && s.tty == 0);
		(void)close(dir);
	}
}

static void
the_audit_session_is_a_number_or_unset(void **state)
{
	static const struct {
		const char *text;
		uint32_t audit;
	} rows[] = {{"12", 12}, {"0", 0}, {"4294967294", 4294967294U},
	    {"4294967295", PROC_NO_AUDIT}, {"4294967296", PROC_NO_AUDIT}, {"", PROC_NO_AUDIT},
	    {"-1", PROC_NO_AUDIT}, {"12x", PROC_NO_AUDIT}, {"12\n", 12}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int dir = process_with(state, "sessionid", rows[i].text);
		uint32_t audit = 7;

		assert_err(rows[i].text, AK_OK, procfile_audit(dir, &audit));
		assert_row(rows[i].text, audit == rows[i].audit);
		(void)close(dir);
	}
}

#define TOP "Name:\tx\nUmask:\t0022\nState:\tS (sleeping)\n"

static void
the_uids_are_all_three_or_none(void **state)
{
	static const struct {
		const char *text;
		uid_t real, effective, saved;
	} rows[] = {
	    {TOP "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n", 1, 2, 3},
	    {TOP "Uid:\t70000\t0\t0\t0\n", 70000, 0, 0},
	    /* The kernel escapes a newline in a name. */
	    {"Name:\t\\nUid:\t9\\n\nUid:\t1\t2\t3\t4\n", 1, 2, 3},
	    {TOP "Uid:\t4294967295\t4294967295\t4294967295\t4294967295\n", (uid_t)-1, (uid_t)-1,
		(uid_t)-1},
	    {TOP "Uid:\t1\t2\n", (uid_t)-1, (uid_t)-1, (uid_t)-1},
	    {TOP "Uid:\t1\t2\t4294967296\t4\n", (uid_t)-1, (uid_t)-1, (uid_t)-1},
	    {TOP "Uid:\t1\t-2\t3\t4\n", (uid_t)-1, (uid_t)-1, (uid_t)-1},
	    {TOP "Gid:\t1\t2\t3\t4\n", (uid_t)-1, (uid_t)-1, (uid_t)-1},
	    {"", (uid_t)-1, (uid_t)-1, (uid_t)-1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int dir = process_with(state, "status", rows[i].text);
		struct procfile_status got = {.real = 7, .effective = 7, .saved = 7};
		enum ak_err err = procfile_status(dir, &got);

		assert_row(rows[i].text, got.real == rows[i].real);
		assert_row(rows[i].text, got.effective == rows[i].effective);
		assert_row(rows[i].text, got.saved == rows[i].saved);
		assert_row(rows[i].text, (err == AK_OK) == (i < 4));
		(void)close(dir);
	}
}

static void
a_container_is_told_from_what_a_key_may_make_itself(void **state)
{
	static const struct {
		const char *nspid, *map;
		bool nested, host_ids;
	} rows[] = {
	    {"NSpid:\t7\n", "         0          0 4294967295\n", false, true},
	    {"NSpid:\t7\t1\n", "         0          0 4294967295\n", true, true},
	    {"NSpid:\t7\t3\t1\n", "         0      70000          1\n", true, false},
	    {"NSpid:\t7\t1\n", "", true, false},
	    {"", "         0          0 4294967294\n", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		struct procfile_status got;
		int dir;

		(void)snprintf(text, sizeof(text), "%sUid:\t1\t2\t3\t4\n%s", TOP, rows[i].nspid);
		(void)close(process_with(state, "uid_map", rows[i].map));
		dir = process_with(state, "status", text);
		assert_row(rows[i].nspid, procfile_status(dir, &got) == AK_OK);
		assert_row(rows[i].nspid, got.nested == rows[i].nested);
		assert_row(rows[i].map, procfile_has_host_ids(dir) == rows[i].host_ids);
		(void)close(dir);
	}
}

/* Where the room ends within a line, the rest of it is none. */
static void
the_rest_of_a_long_line_is_no_line(void **state)
{
	char text[4200];
	struct procfile_status got;
	int dir;

	memset(text, '1', sizeof(text));
	(void)snprintf(text + 4095, sizeof(text) - 4095, "Uid:\t0\t0\t0\t0\nUid:\t1\t2\t3\t4\n");
	dir = process_with(state, "status", text);
	assert_err("", AK_OK, procfile_status(dir, &got));
	assert_int_equal(got.real, 1);
	(void)close(dir);
}

/* A service with all the groups that Linux permits, or with so many that a line's end is the last of what one read gives. */
static void
however_many_groups_stand_before_it_a_container_is_told(void **state)
{
	static const char before[] = TOP "Uid:\t1\t2\t3\t4\nGroups:\t",
			  behind[] = "\nNStgid:\t7\t1\nNSpid:\t7\t1\n";
	static const size_t rows[] = {0, 1, 1000, 4095, 4096, 4097, 8190, 65536};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t pad = 0; pad < 12; pad++) {
			struct pack text = PACK_INIT;
			struct procfile_status got;
			int dir;

			pack_bytes(&text, before, strlen(before));
			for (size_t g = 0; g < rows[i]; g++)
				pack_bytes(
				    &text, g < pad ? "10 " : "4294967290 ", g < pad ? 3 : 11);
			pack_bytes(&text, behind, sizeof(behind));
			assert_err("", AK_OK, text.err);
			dir = process_with(state, "status", (const char *)text.bytes);
			assert_err("", AK_OK, procfile_status(dir, &got));
			assert_true(got.nested);
			assert_int_equal(got.saved, 3);
			(void)close(dir);
			pack_clear(&text);
		}
}

#define SCOPE "/user.slice/user-70000.slice/session-4.scope"

static void
a_logins_scope_is_told_from_other_groups(void **state)
{
	static const struct {
		const char *text, *scope;
	} rows[] = {
	    {"0::" SCOPE "\n", SCOPE},
	    {"0::" SCOPE, SCOPE},
	    {"9:name=systemd:" SCOPE "\n1:cpu:/\n0::/\n", SCOPE},
	    {"9:name=systemd:/\n0::" SCOPE "\n", SCOPE},
	    {"0::/../../session-c1.scope\n", "/../../session-c1.scope"},
	    {"0::/session-1:2.scope\n", "/session-1:2.scope"},
	    /* Who may make groups below a controller may call them as they like. */
	    {"3:memory:" SCOPE "\n0::/system.slice/ssh.service\n", ""},
	    {"3:name=other:" SCOPE "\n0::/\n", ""},
	    {"0::" SCOPE "/inner\n", ""},
	    {"0::" SCOPE " (deleted)\n", ""},
	    {"0::/user.slice/user-70000.slice/user@70000.service/app.slice/run-1.scope\n", ""},
	    {"0::/session-.scope\n", ""},
	    {"0::/session-4.slice\n", ""},
	    {"0::/xsession-4.scope\n", ""},
	    {"0::session-4.scope\n", ""},
	    {"0::/\n", ""},
	    {"0:\n", ""},
	    {"\n\n", ""},
	    {"", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int dir = process_with(state, "cgroup", rows[i].text);
		char scope[64], small[sizeof(SCOPE) - 1];

		assert_err(rows[i].text, AK_OK, procfile_scope(dir, scope, sizeof(scope)));
		assert_row(rows[i].text, strcmp(scope, rows[i].scope) == 0);
		/* One that doesn't fit is none: a piece of a path is another's. */
		assert_err(rows[i].text, AK_OK, procfile_scope(dir, small, sizeof(small)));
		assert_row(rows[i].text,
		    strcmp(small, strlen(rows[i].scope) < sizeof(small) ? rows[i].scope : "") ==
			0);
		(void)close(dir);
	}
}

static void
what_is_not_there_is_not_found(void **state)
{
	struct tmp *t = *state;
	char scope[16] = "x";
	struct procfile_stat s;
	struct procfile_status status;
	uint32_t audit = 7;
	int dir;

	assert_err("", AK_OK, procfile_open(AT_FDCWD, t->dir, &dir));
	assert_err("", AK_ERR_NOT_FOUND, procfile_stat(dir, &s));
	assert_err("", AK_ERR_NOT_FOUND, procfile_status(dir, &status));
	assert_err("", AK_ERR_NOT_FOUND, procfile_audit(dir, &audit));
	assert_int_equal(audit, PROC_NO_AUDIT);
	assert_err("", AK_ERR_NOT_FOUND, procfile_scope(dir, scope, sizeof(scope)));
	assert_string_equal(scope, "");
	(void)close(dir);
	file_write(tmp_path(t, "file"), "", 0, 0600);
	assert_err("", AK_ERR_UNAVAILABLE, procfile_open(AT_FDCWD, tmp_path(t, "file"), &dir));
	assert_int_equal(dir, -1);
	assert_err("", AK_ERR_NOT_FOUND, procfile_open(AT_FDCWD, tmp_path(t, "none"), &dir));
	assert_int_equal(dir, -1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(stat_is_read_whatever_the_name_is),
	    T(stat_that_is_not_as_expected_says_nothing),
	    T(the_audit_session_is_a_number_or_unset),
	    T(the_uids_are_all_three_or_none),
	    T(a_container_is_told_from_what_a_key_may_make_itself),
	    T(the_rest_of_a_long_line_is_no_line),
	    T(however_many_groups_stand_before_it_a_container_is_told),
	    T(a_logins_scope_is_told_from_other_groups),
	    T(what_is_not_there_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
