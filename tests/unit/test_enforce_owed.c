/* What a command that was killed behind its change owes: it is done by the next pass, whatever that is asked for. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_world.h"

static bool
is_owed_alone(void)
{
	struct lock lock;
	bool owed = enforce_is_owed(&world.host.paths);
	pid_t pid;
	int status;

	/* While somebody is at work on it, it is his. */
	assert_int_equal(enforce_lock(&world.host.paths, true, &lock, NULL), AK_OK);
	assert_true((pid = fork()) != -1);
	if (pid == 0)
		_exit(enforce_is_owed(&world.host.paths));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	lock_release(&lock);
	return owed;
}

/* Killed behind a change: whatever the next pass is asked for. */
static void
what_a_killed_command_owed_is_done_by_the_next_pass(void **state)
{
	static const uint32_t nobody, both[] = {NIGHTLY, CI, NIGHTLY};

	(void)state;
	world_settle();
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.nightly, NIGHTLY, 200);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	assert_int_equal(enforce_owe(&world.host.paths, &both[1], 1), AK_OK);
	world_disable(&world.ci);
	world_disable(&world.nightly);
	assert_true(is_owed_alone());
	(void)world_pass((struct enforce_how){.uids = &nobody});
	assert_string_equal(world.ended, "100 disabled 3; ");
	assert_false(world_lives(102) || world_lives(150));
	assert_true(world_lives(202));
	assert_false(is_owed_alone());
	/* Two of them, one after the other, and then everybody. */
	(void)world_log_in(&world.ci, DEPLOY, 300);
	assert_int_equal(enforce_owe(&world.host.paths, both, 1), AK_OK);
	assert_int_equal(enforce_owe(&world.host.paths, &both[1], 2), AK_OK);
	(void)world_pass((struct enforce_how){.uids = both, .n_uids = 1});
	assert_non_null(strstr(world.ended, "200 disabled 3; "));
	assert_non_null(strstr(world.ended, "300 disabled 3; "));
	assert_false(is_owed_alone());
	(void)world_log_in(&world.ci, DEPLOY, 400);
	assert_int_equal(enforce_owe(&world.host.paths, NULL, 0), AK_OK);
	(void)world_pass((struct enforce_how){.uids = &nobody});
	assert_string_equal(world.ended, "400 disabled 3; ");
	assert_false(is_owed_alone());
}

static void
what_is_owed_and_cannot_be_read_is_owed_to_everybody(void **state)
{
	static const uint32_t nobody, keys[] = {CI};
	char path[PATH_CAP + 8];

	(void)state;
	world_settle();
	(void)snprintf(path, sizeof(path), "%s/owed", world.host.paths.run);
	for (int i = 0; i < 2; i++) {
		(void)world_log_in(&world.nightly, NIGHTLY, 200);
		assert_int_equal(enforce_owe(&world.host.paths, keys, 1), AK_OK);
		if (i == 0)
			assert_int_equal(truncate(path, 3), 0);
		else
			assert_int_equal(chmod(path, 0666), 0);
		world_disable(&world.nightly);
		(void)world_pass((struct enforce_how){.uids = &nobody});
		assert_string_equal(world.ended, "200 disabled 3; ");
		assert_false(enforce_is_owed(&world.host.paths));
		world_are_gone();
	}
}

static void
what_is_owed_stays_so_until_nobody_who_was_told_to_end_is_left(void **state)
{
	static const uint32_t nobody, keys[] = {CI};

	(void)state;
	world_settle();
	(void)world_log_in(&world.ci, CI, 100);
	world_find(102)->deaf = true;
	world_expire(HOST_NOW - 1);
	assert_int_equal(enforce_owe(&world.host.paths, keys, 1), AK_OK);
	assert_true(world_pass((struct enforce_how){.uids = &nobody}).again_in_ms >= 0);
	assert_true(enforce_is_owed(&world.host.paths));
	world_find(102)->gone = true;
	(void)world_pass((struct enforce_how){.uids = &nobody});
	assert_int_equal(world_pass((struct enforce_how){.uids = &nobody}).again_in_ms, -1);
	assert_false(enforce_is_owed(&world.host.paths));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(what_a_killed_command_owed_is_done_by_the_next_pass),
	    WORLD_CASE(what_is_owed_and_cannot_be_read_is_owed_to_everybody),
	    WORLD_CASE(what_is_owed_stays_so_until_nobody_who_was_told_to_end_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
