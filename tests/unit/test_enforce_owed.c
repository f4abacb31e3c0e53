/* What a command that was killed behind its change owed: the next pass, whatever it is asked for, does it. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_world.h"

static const uint32_t nobody, ci[] = {CI}, both[] = {NIGHTLY, CI, NIGHTLY};

static void
owe(const uint32_t *uids, size_t n)
{
	assert_err("", AK_OK, enforce_owe(&world.host.paths, uids, n));
}

static bool
is_owed(void)
{
	return enforce_is_owed(&world.host.paths);
}

static struct enforce_result
pass_of_nobody(void)
{
	return world_pass((struct enforce_how){.uids = &nobody});
}

static void
the_next_pass_judges_the_keys_that_are_owed_and_no_others(void **state)
{
	(void)state;
	world_settle();
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.nightly, NIGHTLY, 200);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	owe(ci, 1);
	world_disable(&world.ci);
	world_disable(&world.nightly);
	assert_true(is_owed());
	(void)pass_of_nobody();
	assert_string_equal(world.ended, "100 disabled 3; ");
	/* What no session carries goes too, as after the change itself. */
	assert_false(world_lives(102) || world_lives(150));
	assert_true(world_lives(202));
	assert_false(is_owed());
}

static void
what_two_commands_owed_is_done_together(void **state)
{
	(void)state;
	world_settle();
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.nightly, DEPLOY, 200);
	owe(both, 1);
	owe(&both[1], 2);
	world_disable(&world.ci);
	world_disable(&world.nightly);
	assert_int_equal(world_pass_of(NIGHTLY).ended, 2);
	assert_false(is_owed());
}

static void
everybody_can_be_owed(void **state)
{
	(void)state;
	world_settle();
	(void)world_log_in(&world.ci, DEPLOY, 100);
	owe(NULL, 0);
	owe(both, 1);
	world_disable(&world.ci);
	assert_int_equal(pass_of_nobody().ended, 1);
	assert_false(is_owed());
	/* A change of no key owes nothing. */
	owe(both, 0);
	assert_false(is_owed());
}

static void
what_cannot_be_read_is_owed_to_everybody(void **state)
{
	char path[PATH_CAP + 8];

	(void)state;
	world_settle();
	(void)snprintf(path, sizeof(path), "%s/owed", world.host.paths.run);
	world_disable(&world.nightly);
	for (int i = 0; i < 3; i++) {
		(void)world_log_in(&world.nightly, NIGHTLY, 200 + 10 * i);
		owe(ci, 1);
		if (i == 0)
			assert_int_equal(truncate(path, 3), 0);
		else
			assert_int_equal(chmod(path, 0666), 0);
		/* More that is owed makes it no less. */
		if (i == 2)
			owe(ci, 1);
		assert_int_equal(pass_of_nobody().ended, 1);
		assert_false(is_owed());
	}
}

static void
it_is_owed_until_nobody_who_was_told_to_end_is_left(void **state)
{
	(void)state;
	world_settle();
	(void)world_log_in(&world.ci, CI, 100);
	world_find(102)->deaf = true;
	world_expire(HOST_NOW - 1);
	owe(ci, 1);
	assert_true(pass_of_nobody().again_in_ms >= 0);
	assert_true(is_owed());
	world_are_gone();
	(void)pass_of_nobody();
	assert_int_equal(pass_of_nobody().again_in_ms, -1);
	assert_false(is_owed());
}

static void
while_somebody_is_at_work_it_is_his(void **state)
{
	struct lock lock;
	int status;
	pid_t pid;

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	owe(ci, 1);
	assert_err("", AK_OK, enforce_lock(&world.host.paths, true, &lock, NULL));
	assert_true((pid = fork()) != -1);
	if (pid == 0)
		_exit(is_owed());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	lock_release(&lock);
	assert_true(is_owed());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(the_next_pass_judges_the_keys_that_are_owed_and_no_others),
	    WORLD_CASE(what_two_commands_owed_is_done_together),
	    WORLD_CASE(everybody_can_be_owed),
	    WORLD_CASE(what_cannot_be_read_is_owed_to_everybody),
	    WORLD_CASE(it_is_owed_until_nobody_who_was_told_to_end_is_left),
	    WORLD_CASE(while_somebody_is_at_work_it_is_his),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
