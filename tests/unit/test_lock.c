/* One writer at a time, that is neither stopped nor interrupted. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lock.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

static void
is_made_0600_and_stays(void **state)
{
	const char *path = tmp_path(*state, "lock");
	struct lock l = LOCK_INIT;
	struct stat st;
	mode_t was = umask(0);

	assert_err("", AK_OK, lock_take(&l, path, NULL, NULL, NULL));
	(void)umask(was);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	lock_release(&l);
	assert_true(file_is_there(path));
	lock_release(&l); /* twice is fine */
}

struct waiter {
	const char *path;
	int told[2], got[2];
	pid_t holder;
};

static void
tell(void *ctx, pid_t holder)
{
	struct waiter *w = ctx;

	w->holder = holder;
	if (write(w->told[1], &holder, sizeof(holder)) != sizeof(holder))
		_exit(90);
}

static void
a_second_writer_is_told_who_the_first_one_is_and_waits(void **state)
{
	struct waiter w = {.path = tmp_path(*state, "lock")};
	struct lock l = LOCK_INIT;
	pid_t child, holder = 0;
	char early;
	int status;

	assert_int_equal(pipe2(w.told, O_CLOEXEC), 0);
	assert_int_equal(pipe2(w.got, O_CLOEXEC | O_NONBLOCK), 0);
	assert_err("", AK_OK, lock_take(&l, w.path, tell, &w, NULL));
	assert_int_equal(w.holder, 0);
	if ((child = fork()) == 0) {
		struct lock second = LOCK_INIT;
		enum ak_err err = lock_take(&second, w.path, tell, &w, NULL);

		_exit(write(w.got[1], "g", 1) == 1 ? (int)err : 91);
	}
	(void)close(w.told[1]); /* a child that waits for nobody ends the reading */
	assert_int_equal(poll(&(struct pollfd){.fd = w.told[0], .events = POLLIN}, 1, 10000), 1);
	assert_int_equal(read(w.told[0], &holder, sizeof(holder)), sizeof(holder));
	assert_int_equal(holder, getpid());
	assert_int_equal(read(w.got[0], &early, 1), -1);
	lock_release(&l);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(w.got[0], &early, 1), 1);
	(void)close(w.told[0]);
	(void)close(w.got[0]);
	(void)close(w.got[1]);
}

static void
signals_that_would_stop_or_end_it_wait_until_release(void **state)
{
	static const int waits[] = {SIGTSTP, SIGINT, SIGTERM, SIGHUP};
	struct lock l = LOCK_INIT;
	sigset_t before, during, after;

	(void)sigemptyset(&before);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_err("", AK_OK, lock_take(&l, tmp_path(*state, "lock"), NULL, NULL, NULL));
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &during), 0);
	lock_release(&l);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int sig = 1; sig < NSIG; sig++) {
		int wanted = sigismember(&before, sig);

		for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
			wanted = sig == waits[i] ? 1 : wanted;
		assert_int_equal(sigismember(&during, sig), wanted);
		assert_int_equal(sigismember(&after, sig), sigismember(&before, sig));
	}
}

static int
hold_and_die(void *arg)
{
	struct lock l = LOCK_INIT;

	if (lock_take(&l, arg, NULL, NULL, NULL) != AK_OK)
		return 1;
	(void)raise(SIGKILL);
	return 2;
}

static void
a_dead_writer_holds_nothing(void **state)
{
	char *path = (char *)(uintptr_t)tmp_path(*state, "lock");
	struct lock l = LOCK_INIT;

	assert_int_equal(child_run(hold_and_die, path), -1);
	assert_err("", AK_OK, lock_take(&l, path, NULL, NULL, NULL));
	lock_release(&l);
}

static void
abuse_057_069_what_is_no_plain_file_is_refused_with_a_sentence(void **state)
{
	struct lock l = LOCK_INIT;
	struct diag why = DIAG_INIT;
	const char *path = tmp_path(*state, "lock");

	assert_int_equal(symlink("elsewhere", path), 0);
	assert_err("a link", AK_ERR_UNAVAILABLE, lock_take(&l, path, NULL, NULL, &why));
	assert_int_equal(l.fd, -1);
	assert_string_not_equal(why.text, "");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_err("a folder", AK_ERR_UNAVAILABLE, lock_take(&l, path, NULL, NULL, NULL));
	assert_err("no folder", AK_ERR_UNAVAILABLE,
	    lock_take(&l, tmp_path(*state, "none/lock"), NULL, NULL, NULL));
}

static void
the_lock_is_closed_on_exec(void **state)
{
	struct lock l = LOCK_INIT;

	assert_err("", AK_OK, lock_take(&l, tmp_path(*state, "lock"), NULL, NULL, NULL));
	assert_true((fcntl(l.fd, F_GETFD) & FD_CLOEXEC) != 0);
	lock_release(&l);
}

/* ---- without waiting ---- */

static bool
is_masked(void)
{
	sigset_t now;

	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	return sigismember(&now, SIGTSTP) == 1 && sigismember(&now, SIGTERM) == 1;
}

static int
holds(void *path)
{
	struct lock l;

	return lock_take(&l, path, NULL, NULL, NULL) == AK_OK ? 1 : 0;
}

static void
who_does_not_wait_is_told_who_has_it(void **state)
{
	char *path = (char *)(uintptr_t)tmp_path(*state, "lock");
	struct child other = child_start(holds, path);
	struct diag why = DIAG_INIT;
	pid_t holder = 0;
	struct lock l;

	assert_err("", AK_ERR_EXISTS, lock_try(&l, path, &holder, &why));
	assert_int_equal(holder, other.pid);
	assert_int_equal(l.fd, -1);
	assert_false(is_masked());
	assert_string_equal(why.text, "");
	assert_err("", AK_ERR_EXISTS, lock_try(&l, path, NULL, NULL));
	child_end(&other);
	assert_int_equal(other.answer, 1);
	assert_err("", AK_OK, lock_try(&l, path, &holder, &why));
	assert_int_equal(holder, 0);
	assert_true(is_masked());
	lock_release(&l);
	assert_false(is_masked());
	holder = 7;
	assert_err("no folder", AK_ERR_UNAVAILABLE,
	    lock_try(&l, tmp_path(*state, "none/lock"), &holder, &why));
	assert_int_equal(holder, 0);
	assert_non_null(strstr(why.text, strerror(ENOENT)));
}

/* ---- what the kernel may answer ---- */

/* Errors of fcntl's commands; 0: it succeeds. */
static bool scripted;
static int set_fails, get_fails, wait_fails;
static pid_t held_by; /* 0: nobody, any more */
static unsigned interrupts, waits, told;

int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);

static int
answer_with(int e)
{
	errno = e;
	return e == 0 ? 0 : -1;
}

static int
wait_for_lock(void)
{
	waits++;
	if (interrupts == 0)
		return answer_with(wait_fails);
	interrupts--;
	return answer_with(EINTR);
}

int
__wrap_fcntl(int fd, int cmd, ...)
{
	struct flock *lock;
	va_list args;

	if (cmd != F_SETLK && cmd != F_GETLK && cmd != F_SETLKW)
		return __real_fcntl(fd, cmd);
	va_start(args, cmd);
	lock = va_arg(args, struct flock *);
	va_end(args);
	if (!scripted)
		return __real_fcntl(fd, cmd, lock);
	if (cmd == F_SETLK)
		return answer_with(set_fails);
	if (cmd == F_SETLKW)
		return wait_for_lock();
	lock->l_type = held_by == 0 ? F_UNLCK : F_WRLCK;
	lock->l_pid = held_by == 0 ? 99 : held_by;
	return answer_with(get_fails);
}

static void
count(void *ctx, pid_t holder)
{
	told++;
	*(pid_t *)ctx = holder;
}

static void
whatever_the_kernel_says_of_a_lock_is_understood(void **state)
{
	static const struct {
		const char *name;
		int set_fails, get_fails, wait_fails;
		pid_t held_by;
		unsigned interrupts;
		enum ak_err taken, tried;
		unsigned waits;
		pid_t told; /* 0: nobody is told of */
	} rows[] = {
	    {"free", 0, 0, 0, 0, 0, AK_OK, AK_OK, 0, 0},
	    {"held", EAGAIN, 0, 0, 7, 0, AK_OK, AK_ERR_EXISTS, 1, 7},
	    {"held, as POSIX may say it", EACCES, 0, 0, 7, 0, AK_OK, AK_ERR_EXISTS, 1, 7},
	    {"given up meanwhile", EAGAIN, 0, 0, 0, 0, AK_OK, AK_ERR_EXISTS, 1, 0},
	    {"by nobody knows whom", EAGAIN, EINVAL, 0, 7, 0, AK_OK, AK_ERR_EXISTS, 1, 0},
	    {"a signal's handler ran", EAGAIN, 0, 0, 7, 2, AK_OK, AK_ERR_EXISTS, 3, 7},
	    {"a deadlock", EAGAIN, 0, EDEADLK, 7, 1, AK_ERR_UNAVAILABLE, AK_ERR_EXISTS, 2, 7},
	    {"no locks", ENOLCK, 0, 0, 7, 0, AK_ERR_UNAVAILABLE, AK_ERR_UNAVAILABLE, 0, 0},
	};
	const char *path = tmp_path(*state, "lock");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag why = DIAG_INIT;
		pid_t holder = 0;
		struct lock l;

		set_fails = rows[i].set_fails;
		get_fails = rows[i].get_fails;
		wait_fails = rows[i].wait_fails;
		held_by = rows[i].held_by;
		interrupts = rows[i].interrupts;
		waits = told = 0;
		scripted = true;
		assert_err(
		    rows[i].name, rows[i].taken, lock_take(&l, path, count, &holder, &why));
		assert_row(rows[i].name, waits == rows[i].waits && holder == rows[i].told);
		assert_row(rows[i].name, told == (rows[i].told == 0 ? 0 : 1));
		assert_row(rows[i].name, is_masked() == (rows[i].taken == AK_OK));
		assert_row(rows[i].name, (why.text[0] == '\0') == (rows[i].taken == AK_OK));
		lock_release(&l);
		assert_err(rows[i].name, rows[i].tried, lock_try(&l, path, &holder, &why));
		assert_row(rows[i].name, is_masked() == (rows[i].tried == AK_OK));
		lock_release(&l);
		/* Who wants to be told nothing waits all the same. */
		interrupts = 0;
		assert_err(rows[i].name, rows[i].taken, lock_take(&l, path, NULL, NULL, NULL));
		lock_release(&l);
		scripted = false;
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(is_made_0600_and_stays),
	    T(whatever_the_kernel_says_of_a_lock_is_understood),
	    T(who_does_not_wait_is_told_who_has_it),
	    T(a_second_writer_is_told_who_the_first_one_is_and_waits),
	    T(signals_that_would_stop_or_end_it_wait_until_release),
	    T(a_dead_writer_holds_nothing),
	    T(abuse_057_069_what_is_no_plain_file_is_refused_with_a_sentence),
	    T(the_lock_is_closed_on_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
