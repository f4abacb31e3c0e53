/* Ending all of a uid, and a last word, by a kernel that is made up: what it refuses, and what it only says it did. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ending.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

#define UID 70001U
#define SPARE 99999U
#define CAP_KILL_BIT (1U << CAP_KILL)

/* ---- the kernel ---------------------------------------------------------------------------- */

enum call {
	NONE,
	SETGROUPS,
	SETRESGID,
	SETRESUID,
	GETRESUID,
	CAPGET,
	KILL_FIRST, /* the question whether process 1 may be signalled */
	KILL_PARENT,
	KILL_ALL,
	PIPE,
	FORK,
	READ, /* of the child's answer */
	WAITPID,
	FSTAT,
};

struct caps {
	uint32_t effective[2], permitted[2];
};

struct ids {
	uid_t real, effective, saved;
};

struct kernel {
	struct ids ids;
	bool has_groups;
	struct caps caps;
	bool keeps_caps; /* though uid 0 is given up, as securebits say */
	bool refuses_capset; /* as a service's filter may */
	enum call fails; /* with err */
	int err; /* 0: it says yes, and does nothing */
	bool in_child; /* it does so there alone */
	enum call dies; /* who calls it is gone */
	bool lies; /* setresuid leaves these */
	struct ids left;
	int said; /* the child says this, and not what it came to; 0: as it is */
	unsigned reads, waits;
};

/* What the child did, for its parent to see. */
struct seen {
	unsigned killed; /* how often all of a uid were */
	struct ids ids; /* then */
	gid_t gid;
	bool has_groups, has_caps, is_disturbed;
};

static struct kernel kernel;
static struct seen *seen;
static gid_t gid;
static pid_t test_pid;

static const char last_word[] = "this is over\r\n";
static unsigned words; /* how often it was written */

int __wrap_setgroups(size_t n, const gid_t *list);
int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_getresuid(uid_t *real, uid_t *effective, uid_t *saved);
long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
int __wrap_kill(pid_t pid, int sig);
int __wrap_pipe2(int ends[2], int flags);
int __real_pipe2(int ends[2], int flags);
pid_t __wrap_fork(void);
pid_t __real_fork(void);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __real_write(int fd, const void *buf, size_t n);
pid_t __wrap_waitpid(pid_t pid, int *status, int how);
pid_t __real_waitpid(pid_t pid, int *status, int how);

static bool
is_child(void)
{
	return getpid() != test_pid;
}

/* Is this call one that fails, or does nothing? errno says which. */
static bool
fails(enum call call)
{
	if (kernel.dies == call && is_child())
		_exit(0);
	if (kernel.fails != call || (kernel.in_child && !is_child()))
		return false;
	errno = kernel.err;
	return true;
}

static int
answer(void)
{
	return kernel.err == 0 ? 0 : -1;
}

/* In the child no test can fail: it has no answer then. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
__wrap_setgroups(size_t n, const gid_t *list)
{
	(void)list;
	/* Who asks for it gives up nothing. */
	must(is_child());
	if (fails(SETGROUPS))
		return answer();
	kernel.has_groups = n > 0;
	return 0;
}

int
__wrap_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	if (fails(SETRESGID))
		return answer();
	must(real == effective && real == saved);
	gid = real;
	return 0;
}

int
__wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	if (fails(SETRESUID))
		return answer();
	kernel.ids = kernel.lies ? kernel.left : (struct ids){real, effective, saved};
	if (!kernel.keeps_caps)
		memset(&kernel.caps, 0, sizeof(kernel.caps));
	return 0;
}

/* It tells them even where it says that it can't. */
int
__wrap_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
	*real = kernel.ids.real;
	*effective = kernel.ids.effective;
	*saved = kernel.ids.saved;
	return fails(GETRESUID) ? -1 : 0;
}

static long
capget(struct __user_cap_data_struct *data)
{
	bool failed = fails(CAPGET);

	for (unsigned i = 0; i < 2 && (!failed || kernel.err != 0); i++)
		data[i] = (struct __user_cap_data_struct){.effective = kernel.caps.effective[i],
		    .permitted = kernel.caps.permitted[i]};
	return failed ? answer() : 0;
}

static long
capset(const struct __user_cap_data_struct *data)
{
	if (kernel.refuses_capset) {
		errno = EPERM;
		return -1;
	}
	for (unsigned i = 0; i < 2; i++) {
		kernel.caps.effective[i] = data[i].effective;
		kernel.caps.permitted[i] = data[i].permitted;
	}
	return 0;
}

long
__wrap_syscall(long number, ...)
{
	void *head, *data;
	va_list args;

	va_start(args, number);
	head = va_arg(args, void *);
	data = va_arg(args, void *);
	va_end(args);
	must(head != NULL);
	must(number == SYS_capget || number == SYS_capset);
	return number == SYS_capget ? capget(data) : capset(data);
}

static int
kill_all(int sig)
{
	sigset_t now;

	must(sig == SIGKILL);
	(void)sigprocmask(SIG_SETMASK, NULL, &now);
	seen->killed++;
	seen->ids = kernel.ids;
	seen->gid = gid;
	seen->has_groups = kernel.has_groups;
	for (unsigned i = 0; i < 2; i++)
		if ((kernel.caps.effective[i] | kernel.caps.permitted[i]) != 0)
			seen->has_caps = true;
	seen->is_disturbed = !sigismember(&now, SIGTERM) || !sigismember(&now, SIGTSTP);
	return fails(KILL_ALL) ? answer() : 0;
}

/* No signal is sent by any of this. Process 1 and who began it are root's. */
int
__wrap_kill(pid_t pid, int sig)
{
	if (pid == -1)
		return kill_all(sig);
	must(sig == 0);
	must(pid == 1 || pid == test_pid);
	if (fails(pid == 1 ? KILL_FIRST : KILL_PARENT))
		return answer();
	if (kernel.ids.real == 0 || kernel.ids.effective == 0 ||
	    (kernel.caps.effective[0] & CAP_KILL_BIT) != 0)
		return 0;
	errno = EPERM;
	return -1;
}

int
__wrap_pipe2(int ends[2], int flags)
{
	return fails(PIPE) ? -1 : __real_pipe2(ends, flags);
}

pid_t
__wrap_fork(void)
{
	return fails(FORK) ? -1 : __real_fork();
}

/* EINTR comes once, and stands in errno when the next try succeeds. */
ssize_t
__wrap_read(int fd, void *buf, size_t n)
{
	ssize_t got;

	if (fails(READ) && (kernel.err != EINTR || kernel.reads++ == 0))
		return -1;
	got = __real_read(fd, buf, n);
	if (kernel.fails == READ)
		errno = kernel.err;
	return got;
}

ssize_t
__wrap_write(int fd, const void *buf, size_t n)
{
	unsigned char byte = (unsigned char)kernel.said;

	if (n == sizeof(last_word) - 1 && memcmp(buf, last_word, n) == 0)
		words++;
	return kernel.said != 0 && is_child() && n == 1 ? __real_write(fd, &byte, 1)
							: __real_write(fd, buf, n);
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int how)
{
	pid_t got;

	must(++kernel.waits < 5);
	if (fails(WAITPID) && (kernel.err != EINTR || kernel.waits == 1)) {
		if (kernel.err != EINTR)
			(void)__real_waitpid(pid, status, how);
		errno = kernel.err;
		return -1;
	}
	got = __real_waitpid(pid, status, how);
	if (kernel.fails == WAITPID)
		errno = kernel.err;
	return got;
}

static struct kernel
roots(void)
{
	return (struct kernel){
	    .has_groups = true, .caps = {.effective = {~0U, ~0U}, .permitted = {~0U, ~0U}}};
}

static char sentence[sizeof(((struct diag *)0)->text)];

static enum ak_err
empty(uid_t uid, uid_t spare)
{
	struct diag why = DIAG_INIT;
	sigset_t before, after;
	enum ak_err err;

	memset(seen, 0, sizeof(*seen));
	gid = 0;
	test_pid = getpid();
	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	err = ending_empty_uid(uid, spare, &why);
	(void)sigprocmask(SIG_SETMASK, NULL, &after);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		assert_int_equal(sigismember(&before, sig), sigismember(&after, sig));
	(void)snprintf(sentence, sizeof(sentence), "%s", why.text);
	/* Nobody is left behind. */
	assert_int_equal(__real_waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return err;
}

static int
set_up(void **state)
{
	(void)state;
	seen = child_share(sizeof(*seen));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return munmap(seen, sizeof(*seen));
}

/* ---- all of a uid -------------------------------------------------------------------------- */

static void
all_of_a_uid_are_killed_by_one_who_may_end_nobody_else(void **state)
{
	static const uid_t uids[][2] = {{UID, SPARE}, {1000, SPARE}, {UID, 1000}};

	(void)state;
	for (size_t i = 0; i < N(uids); i++) {
		kernel = roots();
		assert_err(sentence, AK_OK, empty(uids[i][0], uids[i][1]));
		assert_string_equal(sentence, "");
		assert_int_equal(seen->killed, 1);
		assert_int_equal(seen->ids.effective, uids[i][0]);
		assert_int_equal(seen->ids.real, uids[i][1]);
		assert_int_equal(seen->ids.saved, uids[i][1]);
		assert_int_equal(seen->gid, uids[i][1]);
		assert_false(seen->has_groups || seen->has_caps || seen->is_disturbed);
	}
}

static void
ids_that_no_key_has_are_refused(void **state)
{
	static const uid_t uids[][2] = {{0, SPARE}, {UID, 0}, {999, SPARE}, {UID, 999},
	    {65534, SPARE}, {UID, 65534}, {UINT32_MAX, SPARE}, {UID, UINT32_MAX}, {UID, UID},
	    {0, 0}};

	(void)state;
	for (size_t i = 0; i < N(uids); i++) {
		kernel = roots();
		assert_err("", AK_ERR_INVALID, empty(uids[i][0], uids[i][1]));
		assert_non_null(strstr(sentence, "uids that a key may have"));
		assert_int_equal(seen->killed, 0);
	}
}

static void
nobody_ends_his_own_uid(void **state)
{
	static const struct ids own[] = {
	    {UID, 0, 0}, {0, UID, 0}, {0, 0, UID}, {SPARE, 0, 0}, {0, SPARE, 0}, {0, 0, SPARE}};

	(void)state;
	for (size_t i = 0; i < N(own); i++) {
		kernel = roots();
		kernel.ids = own[i];
		assert_err("", AK_ERR_INVALID, empty(UID, SPARE));
		assert_non_null(strstr(sentence, "by one of them"));
		assert_int_equal(seen->killed, 0);
	}
	kernel = roots();
	kernel.fails = GETRESUID;
	kernel.err = EFAULT;
	assert_err("", AK_ERR_INVALID, empty(UID, SPARE));
	assert_int_equal(seen->killed, 0);
}

/* With one right too many the last step would end the host. */
static void
each_step_is_proved_before_anybody_is_killed(void **state)
{
	static const char no_groups[] = "groups can't be given up",
			  no_uid[] = "uid can't be taken",
			  caps[] = "capabilities can't be given up",
			  others[] = "a right to end others", begun[] = "was not begun";
	static const struct {
		const char *name;
		struct kernel kernel;
		enum ak_err err;
		const char *says;
	} rows[] = {
	    {"setgroups", {.fails = SETGROUPS, .err = EPERM}, AK_ERR_UNAVAILABLE, no_groups},
	    {"setresgid", {.fails = SETRESGID, .err = EPERM}, AK_ERR_UNAVAILABLE, no_groups},
	    {"setresuid", {.fails = SETRESUID, .err = EAGAIN}, AK_ERR_UNAVAILABLE, no_uid},
	    {"its capabilities stay and can't be dropped",
		{.keeps_caps = true, .refuses_capset = true}, AK_ERR_UNAVAILABLE, caps},
	    {"capget", {.fails = CAPGET, .err = EINVAL}, AK_ERR_UNAVAILABLE, caps},
	    {"capget says nothing", {.fails = CAPGET}, AK_ERR_UNAVAILABLE, caps},
	    {"setresuid does nothing", {.fails = SETRESUID}, AK_ERR_INVALID, others},
	    {"another real uid", {.lies = true, .left = {UID, UID, SPARE}}, AK_ERR_INVALID,
		others},
	    {"another effective uid", {.lies = true, .left = {SPARE, SPARE, SPARE}},
		AK_ERR_INVALID, others},
	    {"another saved uid", {.lies = true, .left = {SPARE, UID, 0}}, AK_ERR_INVALID,
		others},
	    {"getresuid", {.fails = GETRESUID, .err = EFAULT, .in_child = true}, AK_ERR_INVALID,
		others},
	    {"it may signal process 1", {.fails = KILL_FIRST}, AK_ERR_INVALID, others},
	    {"it may signal its parent", {.fails = KILL_PARENT}, AK_ERR_INVALID, others},
	    {"there is no process 1", {.fails = KILL_FIRST, .err = ESRCH}, AK_ERR_INVALID,
		others},
	    {"its parent is gone", {.fails = KILL_PARENT, .err = ESRCH}, AK_ERR_INVALID, others},
	    {"pipe", {.fails = PIPE, .err = EMFILE}, AK_ERR_UNAVAILABLE, begun},
	    {"fork", {.fails = FORK, .err = EAGAIN}, AK_ERR_UNAVAILABLE, begun},
	    {"it ends before its first step", {.dies = SETGROUPS}, AK_ERR_UNAVAILABLE, begun},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		kernel = rows[i].kernel;
		kernel.has_groups = true;
		kernel.caps = roots().caps;
		if (rows[i].kernel.fails == SETRESUID && rows[i].kernel.err == 0)
			memset(&kernel.caps, 0, sizeof(kernel.caps));
		assert_err(rows[i].name, rows[i].err, empty(UID, SPARE));
		assert_row(rows[i].name, strstr(sentence, rows[i].says) != NULL);
		assert_row(rows[i].name, strstr(sentence, "uid 70001") != NULL);
		assert_row(rows[i].name, seen->killed == 0);
	}
}

static void
not_one_capability_may_be_left(void **state)
{
	static const struct caps left[] = {{.effective = {1}}, {.effective = {0, 1U << 31}},
	    {.permitted = {1U << 5}}, {.permitted = {0, 1}}};

	(void)state;
	for (size_t i = 0; i < N(left); i++) {
		kernel = (struct kernel){
		    .caps = left[i], .keeps_caps = true, .refuses_capset = true};
		assert_err("", AK_ERR_UNAVAILABLE, empty(UID, SPARE));
		assert_non_null(strstr(sentence, "capabilities"));
		assert_int_equal(seen->killed, 0);
	}
	kernel = roots();
	kernel.keeps_caps = true;
	assert_err("dropped", AK_OK, empty(UID, SPARE));
	assert_false(seen->has_caps);
	/* They went with uid 0; that they can't be dropped says nothing. */
	kernel = roots();
	kernel.refuses_capset = true;
	assert_err("gone", AK_OK, empty(UID, SPARE));
}

static void
what_the_last_step_came_to_is_said(void **state)
{
	static const struct {
		const char *name;
		struct kernel kernel;
		enum ak_err err;
		const char *says;
	} rows[] = {
	    {"there was nobody", {.fails = KILL_ALL, .err = ESRCH}, AK_OK, ""},
	    {"it was refused", {.fails = KILL_ALL, .err = EPERM}, AK_ERR_UNAVAILABLE,
		"signal can't be sent"},
	    {"it is killed behind it", {.dies = KILL_ALL}, AK_ERR_UNAVAILABLE, "ended itself"},
	    {"EACCES is a refusal too", {.fails = KILL_FIRST, .err = EACCES}, AK_OK, ""},
	    {"a signal comes while its answer is read", {.fails = READ, .err = EINTR}, AK_OK,
		""},
	    {"its answer can't be read", {.fails = READ, .err = EIO}, AK_ERR_UNAVAILABLE,
		"ended itself"},
	    {"a signal comes while it is waited for", {.fails = WAITPID, .err = EINTR}, AK_OK,
		""},
	    {"the caller ignores SIGCHLD", {.fails = WAITPID, .err = ECHILD}, AK_OK, ""},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		kernel = rows[i].kernel;
		assert_err(rows[i].name, rows[i].err, empty(UID, SPARE));
		assert_row(rows[i].name, strstr(sentence, rows[i].says) != NULL);
		assert_row(rows[i].name, seen->killed == 1);
	}
}

static void
an_answer_that_is_none_is_none(void **state)
{
	(void)state;
	for (int byte = 6; byte < 256; byte++) {
		kernel = roots();
		kernel.said = byte;
		assert_err("", AK_ERR_UNAVAILABLE, empty(UID, SPARE));
		assert_non_null(strstr(sentence, "ended itself"));
	}
}
/* ---- a last word --------------------------------------------------------------------------- */

/* The terminal that was asked for, and what the kernel says of what was opened in its place. */
static struct {
	char path[64];
	struct stat st;
} terminal;

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_fstat(int fd, struct stat *st);
int __real_fstat(int fd, struct stat *st);

int
__wrap_open(const char *path, int flags, ...)
{
	if (strncmp(path, "/dev/pts/", 9) != 0)
		return __real_open(path, flags, 0600);
	must((flags & (O_NONBLOCK | O_NOCTTY)) == (O_NONBLOCK | O_NOCTTY));
	(void)snprintf(terminal.path, sizeof(terminal.path), "%s", path);
	return memfd_create("terminal", MFD_CLOEXEC);
}

/* It tells all there is, even where it says that it can't. */
int
__wrap_fstat(int fd, struct stat *st)
{
	if (terminal.path[0] == '\0')
		return __real_fstat(fd, st);
	*st = terminal.st;
	return fails(FSTAT) ? -1 : 0;
}

static void
only_a_terminal_of_dev_pts_is_opened(void **state)
{
	static const struct {
		unsigned major, minor;
		const char *path;
	} rows[] = {{135, 5, ""}, {136, 5, "/dev/pts/5"}, {136, 255, "/dev/pts/255"},
	    {137, 0, "/dev/pts/256"}, {143, 255, "/dev/pts/2047"}, {144, 0, ""}, {0, 0, ""}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		dev_t tty = makedev(rows[i].major, rows[i].minor);
		char name[32];

		(void)snprintf(name, sizeof(name), "%u:%u", rows[i].major, rows[i].minor);
		kernel = roots();
		words = 0;
		memset(&terminal, 0, sizeof(terminal));
		terminal.st = (struct stat){.st_mode = S_IFCHR | 0620, .st_rdev = tty};
		ending_tell(tty, last_word);
		assert_row(name, strcmp(terminal.path, rows[i].path) == 0);
		assert_row(name, words == (rows[i].path[0] == '\0' ? 0 : 1));
	}
}

static void
what_is_another_than_was_asked_for_hears_nothing(void **state)
{
	const dev_t tty = makedev(136, 5);
	const struct {
		const char *name;
		bool fails;
		mode_t mode;
		dev_t number;
	} rows[] = {{"a file", false, S_IFREG, tty},
	    {"another terminal", false, S_IFCHR, makedev(136, 6)},
	    {"a disk of that number", false, S_IFBLK, tty},
	    {"nobody knows what", true, S_IFCHR, tty}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		kernel = roots();
		kernel.fails = rows[i].fails ? FSTAT : NONE;
		kernel.err = EIO;
		words = 0;
		memset(&terminal, 0, sizeof(terminal));
		terminal.st = (struct stat){.st_mode = rows[i].mode, .st_rdev = rows[i].number};
		ending_tell(tty, last_word);
		assert_row(rows[i].name, strcmp(terminal.path, "/dev/pts/5") == 0);
		assert_row(rows[i].name, words == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_of_a_uid_are_killed_by_one_who_may_end_nobody_else),
	    cmocka_unit_test(ids_that_no_key_has_are_refused),
	    cmocka_unit_test(nobody_ends_his_own_uid),
	    cmocka_unit_test(each_step_is_proved_before_anybody_is_killed),
	    cmocka_unit_test(not_one_capability_may_be_left),
	    cmocka_unit_test(what_the_last_step_came_to_is_said),
	    cmocka_unit_test(an_answer_that_is_none_is_none),
	    cmocka_unit_test(only_a_terminal_of_dev_pts_is_opened),
	    cmocka_unit_test(what_is_another_than_was_asked_for_hears_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
