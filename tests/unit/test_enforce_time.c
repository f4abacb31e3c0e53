/* How a pass ends whom it ends: in which order, by which signals, how long it waits; and what time ends. */
#include <stdio.h>

#include "testlib_cmocka.h"
#include "testlib_world.h"

static void
a_leader_that_does_not_listen_is_killed(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_find(100)->deaf = true;
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_did_before("HUP 100", "KILL 100"));
	assert_false(world_lives(100));
}

static void
what_the_kernel_holds_is_told_once_and_tried_again(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_find(102)->stuck = true;
	world_disable(&world.ci);
	out = world_pass_all();
	assert_int_equal(out.left, 1);
	assert_string_equal(world.ended, "100 disabled 3; ");
	/* Nor is it waited for again, by this key's passes or another's. */
	world.looks = 0;
	out = world_pass_of(NIGHTLY);
	assert_int_equal(out.left, 1);
	assert_true(world.looks <= 8);
	world_find(102)->stuck = false;
	out = world_pass_all();
	assert_string_equal(world.ended, "");
	assert_true(world_did("KILL 102"));
	assert_int_equal(out.left, 0);
	assert_int_equal(world_count_records(), 0);
}

/* A busy machine: many are killed, and go one after the other. */
static void
whoever_goes_slowly_is_waited_for_while_fewer_are_left(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	for (pid_t i = 0; i < 3; i++)
		world_add(110 + i, 101, DEPLOY, 100)->slow_ms = 300 * (i + 1);
	world_disable(&world.ci);
	assert_int_equal(world_pass_all().left, 0);
	assert_int_equal(world_count_records(), 0);
}

/* How long it has until it is killed. */
static int64_t
grace_ms(void)
{
	return world_session(100).kill_at_ms - world.now_ms;
}

static void
time_ends_gently(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(110, 102, 0, 100); /* sudo, and what it does */
	world_add(150, 1, CI, 100)->deaf = true; /* with nohup */
	world_add(151, 1, CI, PROC_NO_AUDIT);
	world_expire(HOST_NOW - 10);
	out = world_pass_all();
	assert_string_equal(world.ended, "100 expired gently 4; ");
	assert_true(world_lives(110) && world_lives(150) && world_lives(151));
	assert_false(world_lives(100) || world_lives(101) || world_lives(102));
	assert_false(world_did("KILL"));
	assert_false(world_did("EMPTY"));
	assert_int_equal(world_session(100).state, SESSION_ENDING);
	assert_true(grace_ms() > 3000 && grace_ms() <= 5000);
	assert_true(out.again_in_ms > 0 && out.again_in_ms <= 5000);
	(void)world_pass_all();
	assert_string_equal(world.log, "");
	assert_string_equal(world.ended, "");
	assert_int_equal(world_session(100).state, SESSION_ENDING);
}

static void
who_does_not_listen_is_killed_after_the_grace_and_root_goes_on(void **state)
{
	struct session s;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(110, 102, 0, 100);
	world_add(150, 1, CI, 100)->deaf = true;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	s = world_session(100);
	assert_int_equal(s.state, SESSION_ENDING);
	s.kill_at_ms = 1;
	world_record(&s);
	(void)world_pass_all();
	assert_string_equal(world.log, "KILL 150; ");
	assert_true(world_lives(110));
	assert_int_equal(world_session(100).state, SESSION_CLOSED);
	(void)world_pass_all();
	assert_string_equal(world.log, "");
	/* Revoked, it goes too. */
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_lives(110));
	assert_string_equal(world.ended, "100 disabled 1; ");
}

static void
a_right_that_comes_back_in_time_ends_nothing_more(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_find(100)->deaf = world_find(101)->deaf = world_find(102)->deaf = true;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	world_expire(HOST_NOW + 1000);
	assert_int_equal(world_pass_all().next_at, HOST_NOW + 1000);
	assert_string_equal(world.log, "");
	assert_int_not_equal(world_session(100).state, SESSION_ENDING);
	assert_true(world_lives(102));
}

static void
a_revocation_does_not_wait_for_the_grace(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_find(102)->deaf = true;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	assert_true(world_lives(102));
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_lives(102));
	assert_string_equal(world.ended, "100 disabled 1; ");
}

static void
a_user_manager_that_time_ends_is_stopped_by_its_own_word(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	(void)snprintf(s.service, sizeof(s.service), "systemd-user");
	s.secret = 0;
	world_record(&s);
	world_find(100)->uid = CI;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	assert_false(world_did("HUP 101"));
	assert_true(world_did("MANAGER 70001"));
}

static void
nobody_is_told_twice_on_the_terminal(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_find(102)->deaf = true;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	assert_true(world_did("TELL 100"));
	(void)world_pass_all();
	assert_false(world_did("TELL"));
}

static void
sudo_itself_outlives_the_time_too(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(110, 102, CI, 100)->effective_root = true;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	assert_true(world_lives(110));
	assert_false(world_lives(102));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(a_leader_that_does_not_listen_is_killed),
	    WORLD_CASE(what_the_kernel_holds_is_told_once_and_tried_again),
	    WORLD_CASE(whoever_goes_slowly_is_waited_for_while_fewer_are_left),
	    WORLD_CASE(time_ends_gently),
	    WORLD_CASE(who_does_not_listen_is_killed_after_the_grace_and_root_goes_on),
	    WORLD_CASE(a_right_that_comes_back_in_time_ends_nothing_more),
	    WORLD_CASE(a_revocation_does_not_wait_for_the_grace),
	    WORLD_CASE(a_user_manager_that_time_ends_is_stopped_by_its_own_word),
	    WORLD_CASE(nobody_is_told_twice_on_the_terminal),
	    WORLD_CASE(sudo_itself_outlives_the_time_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
