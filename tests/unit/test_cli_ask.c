/* Asking for a token on a terminal: it is not echoed, and the echo comes back whatever happens. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "testlib_cmocka.h"

/* A terminal, and a child that asks for a token on it. */
struct asked {
	int master, slave;
	pid_t child;
	char seen[1024]; /* what a person would have seen */
	size_t n_seen;
};

/* Read what is shown until it holds text, or a second has gone by without any. */
static bool
see(struct asked *a, const char *text)
{
	struct pollfd p = {.fd = a->master, .events = POLLIN};
	ssize_t n;

	while (strstr(a->seen, text) == NULL) {
		if (poll(&p, 1, 5000) != 1)
			return false;
		n = read(a->master, a->seen + a->n_seen, sizeof(a->seen) - 1 - a->n_seen);
		if (n <= 0)
			return false;
		a->n_seen += (size_t)n;
		a->seen[a->n_seen] = '\0';
	}
	return true;
}

static bool
echoes(const struct asked *a)
{
	struct termios t;

	assert_int_equal(tcgetattr(a->slave, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

/* The child ends with 0 when it read `wanted`, and 1 when not. */
static void
start(struct asked *a, const char *wanted)
{
	*a = (struct asked){.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
	assert_true(a->master != -1);
	assert_int_equal(grantpt(a->master), 0);
	assert_int_equal(unlockpt(a->master), 0);
	a->slave = open(ptsname(a->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(a->slave != -1);
	assert_true(echoes(a));
	if ((a->child = fork()) == 0) {
		struct secret s;
		FILE *f = fdopen(a->slave, "w");
		enum ak_err err = ask_token(a->slave, f, &s, NULL);

		_exit(err == AK_OK && strcmp(s.text, wanted) == 0 ? 0 : 1);
	}
	assert_true(see(a, "Token: "));
	assert_false(echoes(a));
}

static int
end(struct asked *a)
{
	int status;

	assert_int_equal(waitpid(a->child, &status, 0), a->child);
	assert_true(echoes(a));
	(void)close(a->slave);
	(void)close(a->master);
	return status;
}

static void
what_is_typed_is_taken_and_not_shown(void **state)
{
	struct asked a;
	int status;

	(void)state;
	start(&a, "apikey_secret");
	assert_int_equal(write(a.master, "apikey_secret\n", 14), 14);
	status = end(&a);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_null(strstr(a.seen, "secret"));
}

static void
a_signal_restores_the_echo_and_takes_its_course(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct asked a;
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		start(&a, "");
		assert_int_equal(kill(a.child, signals[i]), 0);
		status = end(&a);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
	}
}

static void
an_empty_line_is_no_token(void **state)
{
	struct asked a;
	int status;

	(void)state;
	start(&a, "");
	assert_int_equal(write(a.master, "\n", 1), 1);
	status = end(&a);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
a_descriptor_that_fails_is_an_outage_and_no_token(void **state)
{
	struct secret s;
	struct diag why = DIAG_INIT;

	(void)state;
	assert_err("", AK_ERR_UNAVAILABLE, ask_token(-1, stderr, &s, &why));
	assert_int_equal(s.len_b, 0);
	assert_non_null(strstr(why.text, "could not be read"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_typed_is_taken_and_not_shown),
	    cmocka_unit_test(a_signal_restores_the_echo_and_takes_its_course),
	    cmocka_unit_test(an_empty_line_is_no_token),
	    cmocka_unit_test(a_descriptor_that_fails_is_an_outage_and_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
