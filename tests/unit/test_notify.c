/* What the service manager is told, and when. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* A manager's socket; abstract: the name's first byte is not shown. */
static int
manager(const char *name, bool abstract)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len_b;

	assert_true(fd >= 0);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", name);
	if (abstract)
		at.sun_path[0] = '\0';
	len_b = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) +
			    (abstract ? 0 : 1));
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, len_b), 0);
	return fd;
}

static void
is_told(int fd, const char *wanted)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	assert_true(n >= 0);
	assert_string_equal(got, wanted);
}

static void
a_manager_is_told_by_path_and_by_abstract_name(void **state)
{
	char abstract[TMP_CAP * 2];
	struct notify n;

	(void)snprintf(abstract, sizeof(abstract), "@apikeyd-test-%ld", (long)getpid());
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? tmp_path(*state, "notify") : abstract;
		int fd = manager(name, i == 1);

		assert_err(name, AK_OK, notify_open(&n, name));
		notify_say(&n, "READY=1\nSTATUS=%s", "well");
		is_told(fd, "READY=1\nSTATUS=well");
		notify_close(&n);
		(void)close(fd);
	}
}

static void
without_a_manager_nothing_is_said(void **state)
{
	struct notify n;

	(void)state;
	assert_err("", AK_OK, notify_open(&n, NULL));
	assert_int_equal(n.fd, -1);
	notify_say(&n, "READY=1");
	notify_close(&n);
}

static void
an_address_that_is_none_is_refused(void **state)
{
	static char longest[200];
	const char *const rows[] = {"", "@", "/", "relative/path", "vsock:2:1234", longest};
	struct notify n;

	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	for (size_t i = 0; i < N(rows); i++) {
		assert_err(rows[i], AK_ERR_INVALID, notify_open(&n, rows[i]));
		assert_int_equal(n.fd, -1);
	}
	assert_err(
	    "nobody listens", AK_ERR_UNAVAILABLE, notify_open(&n, tmp_path(*state, "nobody")));
	assert_int_equal(n.fd, -1);
}

static void
a_manager_that_does_not_read_stops_nothing(void **state)
{
	const char *name = tmp_path(*state, "notify");
	int fd = manager(name, false);
	struct notify n;

	assert_err("", AK_OK, notify_open(&n, name));
	for (int i = 0; i < 10000; i++)
		notify_say(&n, "WATCHDOG=1");
	is_told(fd, "WATCHDOG=1");
	notify_close(&n);
	(void)close(fd);
}

static void
the_watchdog_is_fed_twice_in_its_time(void **state)
{
	static const struct {
		const char *usec, *pid;
		int64_t ms;
	} rows[] = {
	    {"30000000", NULL, 15000},
	    {"30000000", "77", 15000},
	    {"30000000", "78", 0},
	    {"30000000", "", 0},
	    {"1", NULL, 1},
	    {NULL, NULL, 0},
	    {NULL, "77", 0},
	    {"", NULL, 0},
	    {"0", NULL, 0},
	    {"30s", NULL, 0},
	    {"-1", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_row(rows[i].usec == NULL ? "none" : rows[i].usec,
		    notify_watchdog_ms(rows[i].usec, rows[i].pid, 77) == rows[i].ms);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_manager_is_told_by_path_and_by_abstract_name),
	    T(without_a_manager_nothing_is_said),
	    T(an_address_that_is_none_is_refused),
	    T(a_manager_that_does_not_read_stops_nothing),
	    T(the_watchdog_is_fed_twice_in_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
