/* Which process is which. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "proc.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

static void
a_process_knows_itself_and_its_parent(void **state)
{
	struct proc own, again;

	(void)state;
	assert_err("", AK_OK, proc_read(getpid(), &own));
	assert_int_equal(own.id.pid, getpid());
	assert_int_equal(own.parent, getppid());
	assert_true(own.id.start > 0);
	assert_err("", AK_OK, proc_read(getpid(), &again));
	assert_true(own.id.start == again.id.start && own.audit == again.audit);
	assert_true(proc_is_alive(&own.id));
	assert_true(proc_namespace() != 0);
}

static int
says_parent(void *ctx)
{
	const char *name = ctx;
	struct proc own;

	return prctl(PR_SET_NAME, name) == 0 && proc_read(getpid(), &own) == AK_OK &&
	       own.parent == getppid() && own.id.pid == getpid() && own.id.start > 0;
}

static void
whatever_a_process_is_called_its_fields_are_found(void **state)
{
	static const char *const names[] = {
	    "", ")", ") R 1 1 1", "a) S 99 9", "((", "a b c", "\n", "sshd: x", "\xff\xfe"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_row(names[i], child_ask(says_parent, (void *)(uintptr_t)names[i]) == 1);
}

static int
does_nothing(void *ctx)
{
	(void)ctx;
	return 0;
}

static void
abuse_136_a_pid_that_was_given_again_is_another_process(void **state)
{
	struct child c = child_start(does_nothing, NULL);
	struct proc proc;
	struct proc_id other;

	(void)state;
	assert_err("", AK_OK, proc_read(c.pid, &proc));
	assert_int_equal(proc.parent, getpid());
	other = proc.id;
	other.start++;
	assert_true(proc_is_alive(&proc.id));
	assert_false(proc_is_alive(&other));
	child_end(&c);
	assert_false(proc_is_alive(&proc.id));
	assert_err("", AK_ERR_NOT_FOUND, proc_read(c.pid, &proc));
}

static void
there_is_no_process_of_an_impossible_number(void **state)
{
	static const pid_t pids[] = {0, -1, INT32_MAX};
	struct proc proc;

	(void)state;
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
		assert_err("", AK_ERR_NOT_FOUND, proc_read(pids[i], &proc));
		assert_int_equal(proc.audit, PROC_NO_AUDIT);
	}
}

/* ---- what the kernel may answer ---- */

static const char *folder; /* what lies there is what each process says; NULL: /proc */
static int open_fails; /* so, at /proc/PID; 0: it does not */
static const char *link_text; /* of the namespace; NULL: as it is */
static ssize_t boot_read; /* what is read of the boot's id; -2: what is there */
static bool no_boot; /* it can't be opened */
static long ticks; /* in a second; 0: as it is */
static bool no_clock;

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...);
ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __real_readlink(const char *name, char *buf, size_t n);
ssize_t __wrap_readlink(const char *name, char *buf, size_t n);
long __real_sysconf(int name);
long __wrap_sysconf(int name);
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	if (strncmp(name, "/proc/", 6) != 0)
		return __real_openat(dir, name, flags);
	if (open_fails != 0) {
		errno = open_fails;
		return -1;
	}
	return __real_openat(dir, folder == NULL ? name : folder, flags);
}

static int boot_fd = -1;

int
__wrap_open(const char *name, int flags, ...)
{
	int fd;

	if (strstr(name, "boot_id") == NULL)
		return __real_open(name, flags, 0600);
	errno = ENOENT;
	fd = no_boot ? -1 : __real_open(name, flags, 0);
	boot_fd = boot_read == -2 ? -1 : fd;
	return fd;
}

ssize_t
__wrap_read(int fd, void *buf, size_t n)
{
	if (fd != boot_fd || fd == -1)
		return __real_read(fd, buf, n);
	boot_fd = -1;
	memset(buf, 'b', boot_read > 0 ? (size_t)boot_read : 0);
	return boot_read;
}

/* It cuts what does not fit, and writes no end, as the kernel does. */
ssize_t
__wrap_readlink(const char *name, char *buf, size_t n)
{
	size_t len;

	if (link_text == NULL)
		return __real_readlink(name, buf, n);
	assert_string_equal(name, "/proc/self/ns/pid");
	len = strlen(link_text) < n ? strlen(link_text) : n;
	memcpy(buf, link_text, len);
	errno = EACCES;
	return len == 0 ? -1 : (ssize_t)len;
}

long
__wrap_sysconf(int name)
{
	return ticks == 0 || name != _SC_CLK_TCK ? __real_sysconf(name) : ticks;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	return no_clock ? -1 : __real_clock_gettime(clock, t);
}

static int
setup(void **state)
{
	folder = link_text = NULL;
	open_fails = 0;
	no_boot = no_clock = false;
	boot_read = -2;
	ticks = 0;
	return tmp_setup(state);
}

#define STAT_77 "7 (a) S 5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 77 9\n"

/* Else its sessions would be taken for ended: nobody would end them. */
static void
a_process_that_cannot_be_looked_at_is_taken_for_alive(void **state)
{
	static const int errors[] = {EMFILE, ENFILE, EACCES};
	struct proc_id id = {.pid = 7, .start = 77}, found;
	struct proc proc;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		open_fails = errors[i];
		assert_row(strerror(errors[i]), proc_is_alive(&id));
		assert_row(strerror(errors[i]), proc_find(7, &found) != AK_OK);
		assert_row(strerror(errors[i]), found.pid == 7 && found.start == 0);
		assert_row(strerror(errors[i]), proc_read(7, &proc) != AK_OK);
	}
	open_fails = ENOENT;
	assert_false(proc_is_alive(&id));
	open_fails = 0;
	folder = ((struct tmp *)*state)->dir;
	file_write(tmp_path(*state, "stat"), STAT_77, strlen(STAT_77), 0600);
	assert_true(proc_is_alive(&id));
	id.start = 78;
	assert_false(proc_is_alive(&id));
	file_write(tmp_path(*state, "stat"), "what?", 5, 0600);
	assert_true(proc_is_alive(&id));
	assert_err("", AK_ERR_UNAVAILABLE, proc_find(7, &found));
	assert_true(found.pid == 7 && found.start == 0);
	assert_err("", AK_ERR_UNAVAILABLE, proc_read(7, &proc));
	assert_true(proc.id.start == 0 && proc.parent == 0);
	assert_int_equal(proc.audit, PROC_NO_AUDIT);
}

static void
a_process_is_read_with_its_parent_and_its_audit_session(void **state)
{
	struct proc proc;
	struct proc_id id;

	folder = ((struct tmp *)*state)->dir;
	file_write(tmp_path(*state, "stat"), STAT_77, strlen(STAT_77), 0600);
	assert_err("", AK_OK, proc_read(7, &proc));
	assert_true(proc.id.pid == 7 && proc.id.start == 77 && proc.parent == 5);
	assert_int_equal(proc.audit, PROC_NO_AUDIT);
	file_write(tmp_path(*state, "sessionid"), "12", 2, 0600);
	assert_err("", AK_OK, proc_read(7, &proc));
	assert_int_equal(proc.audit, 12);
	assert_err("", AK_OK, proc_find(7, &id));
	assert_true(id.pid == 7 && id.start == 77);
}

static void
the_scope_of_a_login_is_found_and_none_where_there_is_none(void **state)
{
	static const char scope[] = "0::/user.slice/user-7.slice/session-3.scope\n";
	char out[64];

	folder = ((struct tmp *)*state)->dir;
	file_write(tmp_path(*state, "cgroup"), scope, strlen(scope), 0600);
	proc_read_scope(7, out, sizeof(out));
	assert_string_equal(out, "/user.slice/user-7.slice/session-3.scope");
	open_fails = EMFILE;
	proc_read_scope(7, out, sizeof(out));
	assert_string_equal(out, "");
	open_fails = ENOENT;
	proc_read_scope(7, out, sizeof(out));
	assert_string_equal(out, "");
}

static int
started_between(void *ctx)
{
	const uint64_t *before = ctx;
	struct proc own;

	return proc_read(getpid(), &own) == AK_OK && *before <= own.id.start &&
	       own.id.start <= proc_ticks();
}

/* Else a session's leader would be taken for one that began before the session, or after it. */
static void
now_is_told_on_the_clock_of_the_start_times(void **state)
{
	uint64_t before = proc_ticks();

	(void)state;
	assert_true(before > 0);
	assert_int_equal(child_ask(started_between, &before), 1);
	no_clock = true;
	assert_true(proc_ticks() == 0);
	no_clock = false;
	ticks = -1;
	assert_true(proc_ticks() == 0);
	ticks = 1;
	assert_true(proc_ticks() > 0 && proc_ticks() <= before);
}

static void
a_namespace_is_told_by_its_number_and_its_boot_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		bool told;
	} rows[] = {
	    {"pid:[4026531836]", true},
	    {"pid:[4]", true},
	    {"pid:[]", false},
	    {"pid:[0]", false},
	    {"pid:[x]", false},
	    {"net:[4026531836]", false},
	    {"", false},
	    /* What fills the room was cut, maybe. */
	    {"pid:[000000000000000000000000000000000000000000000000000000012]", true},
	    {"pid:[0000000000000000000000000000000000000000000000000000000012]", false},
	    {"pid:[0000000000000000000000000000000000000000000000000000000012345", false},
	};
	uint64_t own = proc_namespace(), here;

	(void)state;
	assert_true(own != 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		link_text = rows[i].text;
		assert_row(rows[i].text, (proc_namespace() != 0) == rows[i].told);
	}
	/* That of another boot is another one. */
	link_text = "pid:[4]";
	here = proc_namespace();
	assert_true(here != 4);
	boot_read = 36;
	assert_true(proc_namespace() != here && proc_namespace() != 4);
	/* Where there is no boot's id its number must do. */
	boot_read = 0;
	assert_true(proc_namespace() == 4);
	boot_read = -1;
	assert_true(proc_namespace() == 4);
	boot_read = -2;
	no_boot = true;
	assert_true(proc_namespace() == 4);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_knows_itself_and_its_parent),
	    cmocka_unit_test(whatever_a_process_is_called_its_fields_are_found),
	    cmocka_unit_test(abuse_136_a_pid_that_was_given_again_is_another_process),
	    cmocka_unit_test(there_is_no_process_of_an_impossible_number),
	    T(a_process_that_cannot_be_looked_at_is_taken_for_alive),
	    T(a_process_is_read_with_its_parent_and_its_audit_session),
	    T(the_scope_of_a_login_is_found_and_none_where_there_is_none),
	    T(now_is_told_on_the_clock_of_the_start_times),
	    T(a_namespace_is_told_by_its_number_and_its_boot_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
