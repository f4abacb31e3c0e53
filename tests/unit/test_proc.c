/* Which process is which. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "proc.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_knows_itself_and_its_parent),
	    cmocka_unit_test(whatever_a_process_is_called_its_fields_are_found),
	    cmocka_unit_test(abuse_136_a_pid_that_was_given_again_is_another_process),
	    cmocka_unit_test(there_is_no_process_of_an_impossible_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
