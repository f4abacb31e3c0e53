/* tool: what a program gets, what comes of its output, and that none is waited for without an end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "tool.h"

/* Long enough for any machine; and for what hangs. */
#define LONG_MS 60000
#define SHORT_MS 200

/* sh -c TEXT; its output in out. */
static int
sh(const char *text, int64_t wait_ms, char *out, size_t cap)
{
	char path[] = "/bin/sh", c[] = "-c", line[512];
	char *argv[] = {path, c, line, NULL};

	assert_true(strlen(text) < sizeof(line));
	(void)strncpy(line, text, sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	return tool_run(argv, tool_now_ms() + wait_ms, out, cap);
}

static void
its_output_and_status_come_back(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(sh("echo said; echo not >&2; exit 7", LONG_MS, out, sizeof(out)), 7);
	assert_string_equal(out, "said\n");
	assert_int_equal(sh("exit 0", LONG_MS, NULL, 0), 0);
	assert_int_equal(sh("echo nowhere", LONG_MS, NULL, 0), 0);
}

static void
what_has_no_room_is_cut_and_it_ends_all_the_same(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(sh("dd if=/dev/zero bs=1000 count=300 2>/dev/null | tr '\\0' a",
			     LONG_MS, out, sizeof(out)),
	    0);
	assert_string_equal(out, "aaaaaaa");
}

/* A descriptor that is not closed on exec, a variable, the folder, an ignored signal. */
static void
it_has_nothing_of_ours(void **state)
{
	char out[128];
	int fd = dup(STDOUT_FILENO);

	(void)state;
	assert_true(fd > 2);
	assert_int_equal(setenv("APIKEY_TEST", "seen", 1), 0);
	assert_int_equal(sh("[ -e /proc/self/fd/3 ] && echo fd; pwd; echo \"$APIKEY_TEST\"; "
			    "read -r x || echo empty",
			     LONG_MS, out, sizeof(out)),
	    0);
	assert_string_equal(out, "/\n\nempty\n");
	(void)close(fd);
	(void)unsetenv("APIKEY_TEST");
}

static void
what_hangs_is_killed(void **state)
{
	char out[64];
	int64_t began = tool_now_ms();

	(void)state;
	assert_int_equal(sh("echo begun; read -r x </dev/zero; exec tail -f /dev/null",
			     SHORT_MS, out, sizeof(out)),
	    -1);
	assert_int_equal(sh("exec tail -f /dev/null", SHORT_MS, NULL, 0), -1);
	assert_true(tool_now_ms() - began < LONG_MS / 2);
}

/* It has ended, and what it left in the background holds its output. */
static void
a_child_that_holds_the_output_is_not_waited_for(void **state)
{
	char out[64];
	int64_t began = tool_now_ms();

	(void)state;
	assert_int_equal(
	    sh("echo said; timeout 60 tail -f /dev/null & exit 3", SHORT_MS, out, sizeof(out)),
	    3);
	assert_string_equal(out, "said\n");
	assert_true(tool_now_ms() - began < LONG_MS / 2);
}

static void
what_is_not_there_is_no_answer(void **state)
{
	char none[] = "/nonexistent/tool", out[8] = "before";
	char *argv[] = {none, NULL};

	(void)state;
	assert_int_equal(tool_run(argv, tool_now_ms() + LONG_MS, out, sizeof(out)), -1);
	assert_string_equal(out, "");
	assert_int_equal(tool_run(argv, tool_now_ms() - 1, NULL, 0), -1);
	assert_int_equal(sh("kill -9 $$", LONG_MS, NULL, 0), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(its_output_and_status_come_back),
	    cmocka_unit_test(what_has_no_room_is_cut_and_it_ends_all_the_same),
	    cmocka_unit_test(it_has_nothing_of_ours),
	    cmocka_unit_test(what_hangs_is_killed),
	    cmocka_unit_test(a_child_that_holds_the_output_is_not_waited_for),
	    cmocka_unit_test(what_is_not_there_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
