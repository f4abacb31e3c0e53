/* Ending one process, and a last word to a terminal. Emptying a uid is tests/e2e/ending.sh's: it needs a host to lose. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "ending.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"

/* ---- one process ---- */

static pid_t
start(struct proc_id *id)
{
	pid_t pid = fork();
	struct proc p;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		for (;;)
			(void)pause();
	assert_err("", AK_OK, proc_read(pid, &p));
	*id = p.id;
	return pid;
}

static int
ended_by(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
a_process_gets_the_signal(void **state)
{
	static const int signals[] = {SIGKILL, SIGHUP, SIGTERM};
	struct proc_id id;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid = start(&id);
		assert_err("", AK_OK, ending_signal(&id, signals[i]));
		assert_int_equal(ended_by(pid), signals[i]);
		assert_err("gone", AK_ERR_NOT_FOUND, ending_signal(&id, signals[i]));
	}
}

static void
abuse_136_a_pid_that_was_given_again_gets_none(void **state)
{
	struct proc_id id, other;
	pid_t pid = start(&id);

	(void)state;
	other = id;
	other.start++;
	assert_err("begun later", AK_ERR_NOT_FOUND, ending_signal(&other, SIGKILL));
	other.start -= 2;
	assert_err("begun before", AK_ERR_NOT_FOUND, ending_signal(&other, SIGKILL));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_err("", AK_OK, ending_signal(&id, SIGKILL));
	assert_int_equal(ended_by(pid), SIGKILL);
}

static void
no_number_stands_for_more_than_one_process(void **state)
{
	static const pid_t pids[] = {0, -1, INT32_MIN, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
		const struct proc_id id = {.pid = pids[i]};

		/* 0: whoever could be meant would only be asked for. */
		assert_true(ending_signal(&id, 0) != AK_OK);
	}
}

static void
abuse_151_a_stopped_process_ends_all_the_same(void **state)
{
	struct proc_id id;
	pid_t pid = start(&id);
	int status;

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_err("", AK_OK, ending_signal(&id, SIGKILL));
	assert_int_equal(ended_by(pid), SIGKILL);
}

/* ---- a last word ---- */

struct terminal {
	int above, below;
	dev_t number;
};

static struct terminal
terminal_open(void)
{
	struct terminal t = {.above = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
	struct stat st;

	assert_int_not_equal(t.above, -1);
	assert_int_equal(grantpt(t.above), 0);
	assert_int_equal(unlockpt(t.above), 0);
	t.below = open(ptsname(t.above), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_not_equal(t.below, -1);
	assert_int_equal(fstat(t.below, &st), 0);
	t.number = st.st_rdev;
	return t;
}

static void
terminal_close(struct terminal *t)
{
	(void)close(t->below);
	(void)close(t->above);
}

/* What stands on its screen since it was asked last; "" nothing. */
static const char *
shown(const struct terminal *t)
{
	static char text[256];
	struct pollfd p = {.fd = t->above, .events = POLLIN};
	ssize_t n = 0;

	if (poll(&p, 1, 0) == 1)
		n = read(t->above, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
a_line_comes_to_the_terminal_of_that_number(void **state)
{
	struct terminal one = terminal_open(), two = terminal_open();

	(void)state;
	ending_tell(two.number, "over\r\n");
	assert_string_equal(shown(&one), "");
	assert_non_null(strstr(shown(&two), "over"));
	terminal_close(&two);
	/* It is gone, and nobody is told. */
	ending_tell(two.number, "over\r\n");
	assert_string_equal(shown(&one), "");
	terminal_close(&one);
}

static void
abuse_151_a_stopped_terminal_delays_nobody(void **state)
{
	struct terminal t = terminal_open();

	(void)state;
	/* What Ctrl-S does; a write would wait for Ctrl-Q. */
	assert_int_equal(tcflow(t.below, TCOOFF), 0);
	ending_tell(t.number, "over\r\n");
	assert_string_equal(shown(&t), "");
	assert_int_equal(tcflow(t.below, TCOON), 0);
	terminal_close(&t);
}

static void
a_terminal_that_nobody_reads_delays_nobody(void **state)
{
	struct terminal t = terminal_open();
	char full[4096];

	(void)state;
	memset(full, 'x', sizeof(full));
	assert_int_equal(fcntl(t.below, F_SETFL, O_NONBLOCK), 0);
	while (write(t.below, full, sizeof(full)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	ending_tell(t.number, "over\r\n");
	terminal_close(&t);
}

/* The leader of a session without a terminal gets the first that it opens, unless it takes care. */
static int
stays_without(void *ctx)
{
	struct terminal *t = ctx;
	int own;

	if (setsid() == -1)
		return 2;
	ending_tell(t->number, "over\r\n");
	own = open("/dev/tty", O_RDWR | O_CLOEXEC);
	return own == -1 && errno == ENXIO ? 1 : 0;
}

static void
it_becomes_nobodys_controlling_terminal(void **state)
{
	struct terminal t = terminal_open();

	(void)state;
	assert_int_equal(child_ask(stays_without, &t), 1);
	assert_non_null(strstr(shown(&t), "over"));
	terminal_close(&t);
}

/* In the background of a terminal whose owner said `stty tostop`. */
static int
is_not_stopped(void *ctx)
{
	struct terminal *t = ctx;
	struct termios how;
	int own, status;
	pid_t pid;

	if (setsid() == -1 || (own = open(ptsname(t->above), O_RDWR | O_CLOEXEC)) == -1 ||
	    tcgetattr(own, &how) != 0)
		return 2;
	how.c_lflag |= TOSTOP;
	if (tcsetattr(own, TCSANOW, &how) != 0 || (pid = fork()) == -1)
		return 3;
	if (pid == 0) {
		(void)setpgid(0, 0);
		ending_tell(t->number, "over\r\n");
		_exit(0);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid)
		return 4;
	if (WIFSTOPPED(status)) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return 0;
	}
	return 1;
}

static void
a_terminal_stops_nobody_who_writes_from_its_background(void **state)
{
	struct terminal t = terminal_open();

	(void)state;
	assert_int_equal(child_ask(is_not_stopped, &t), 1);
	assert_non_null(strstr(shown(&t), "over"));
	terminal_close(&t);
}

static void
what_is_no_terminal_of_dev_pts_is_let_alone(void **state)
{
	struct terminal t = terminal_open();

	(void)state;
	ending_tell(0, "over\r\n");
	ending_tell(makedev(major(t.number) + 8, minor(t.number)), "over\r\n");
	ending_tell(makedev(4, minor(t.number)), "over\r\n");
	/* /dev/pts/N by another number: not this one. */
	ending_tell(makedev(major(t.number) + 1, minor(t.number) - 256), "over\r\n");
	assert_string_equal(shown(&t), "");
	terminal_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_gets_the_signal),
	    cmocka_unit_test(abuse_136_a_pid_that_was_given_again_gets_none),
	    cmocka_unit_test(no_number_stands_for_more_than_one_process),
	    cmocka_unit_test(abuse_151_a_stopped_process_ends_all_the_same),
	    cmocka_unit_test(a_line_comes_to_the_terminal_of_that_number),
	    cmocka_unit_test(abuse_151_a_stopped_terminal_delays_nobody),
	    cmocka_unit_test(a_terminal_that_nobody_reads_delays_nobody),
	    cmocka_unit_test(it_becomes_nobodys_controlling_terminal),
	    cmocka_unit_test(a_terminal_stops_nobody_who_writes_from_its_background),
	    cmocka_unit_test(what_is_no_terminal_of_dev_pts_is_let_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
