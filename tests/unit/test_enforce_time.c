/* How a pass ends whom it ends: in which order, by which signals, how long it waits; and what time ends. */
#include <stdio.h>
#include <string.h>

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
so_is_each_of_two(void **state)
{
	static const uint32_t accounts[] = {CI, DEPLOY};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct session s = world_log_in(&world.ci, accounts[i], (pid_t)(100 * (i + 1)));

		(void)snprintf(s.service, sizeof(s.service), "systemd-user");
		s.secret = 0;
		world_record(&s);
	}
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	assert_true(world_did("MANAGER 70001") && world_did("MANAGER 1005"));
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

/* --- in which order, and how long ----------------------------------------------------------- */

/* A session without a terminal, on a shared account, of a key that is disabled: what is measured is its end alone. */
static void
be_revoked(void)
{
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_find(102)->tty = 0;
	world_disable(&world.ci);
}

static void
leaders_are_told_first_and_have_a_quarter_of_a_second(void **state)
{
	(void)state;
	be_revoked();
	world_find(100)->deaf = true;
	(void)world_pass_all();
	assert_true(world_find(100)->hup_ms == world.began_ms);
	assert_true(world_find(101)->kill_ms == world.began_ms);
	assert_true(world_find(100)->kill_ms == world.began_ms + 250);
	assert_true(world_did_before("HUP 100", "KILL 101"));
}

static void
a_process_that_was_given_its_leaders_pid_is_none(void **state)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);

	(void)state;
	s.leader.start--;
	world_record(&s);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_did("HUP 100"));
	assert_true(world_did("KILL 100"));
}

static void
four_looks_that_see_nobody_are_enough(void **state)
{
	(void)state;
	be_revoked();
	(void)world_pass_all();
	assert_int_equal(world.looks, 1 + 4);
	assert_true(world.took_ms < 50);
}

/* It forks and ends all the time, so that few looks meet it. */
static void
what_only_a_later_look_sees_is_ended_too(void **state)
{
	(void)state;
	be_revoked();
	world_add(110, 101, DEPLOY, 100)->hides = 5;
	(void)world_pass_all();
	assert_false(world_lives(110));
	assert_int_equal(world.looks, 5 + 4);
}

static void
what_cannot_be_killed_is_waited_for_half_a_second(void **state)
{
	(void)state;
	be_revoked();
	world_find(102)->stuck = true;
	assert_int_equal(world_pass_all().left, 1);
	assert_true(world.took_ms == 250 + 500);
}

static void
what_is_left_is_counted_in_all_sessions(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.nightly, DEPLOY, 200);
	world_find(102)->stuck = world_find(202)->stuck = true;
	world_disable(&world.ci);
	world_disable(&world.nightly);
	assert_int_equal(world_pass_all().left, 2);
}

static void
nobody_is_waited_for_longer_than_five_seconds(void **state)
{
	(void)state;
	be_revoked();
	for (pid_t i = 0; i < 20; i++)
		world_add(110 + i, 101, DEPLOY, 100)->slow_ms = 400 * (i + 1);
	assert_int_equal(world_pass_all().left, 8);
	assert_true(world.took_ms == 5000);
}

/* Behind a first round that told the leader alone, no time seems to be left. */
static void
on_a_machine_that_stood_still_a_leader_is_killed_all_the_same(void **state)
{
	static const struct {
		int64_t stall_ms, slow_ms;
		bool stuck;
	} rows[] = {
	    {200, 0, false},
	    {800, 0, false},
	    {800, 400, false},
	    {6000, 0, false},
	    {6000, 400, false},
	    {800, 0, true},
	    {6000, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct enforce_result out;
		void *own = NULL;
		char row[32];

		(void)snprintf(row, sizeof(row), "row %zu", i);
		assert_int_equal(world_setup(&own), 0);
		be_revoked();
		world_find(100)->deaf = true;
		world_find(100)->stuck = rows[i].stuck;
		world_find(100)->slow_ms = rows[i].slow_ms;
		world.stalls_ms = rows[i].stall_ms;
		out = world_pass_all();
		assert_row(row, world_did("KILL 100"));
		assert_row(row, out.left == (rows[i].stuck ? 1 : 0));
		assert_row(row, world_count_records() == out.left);
		/* Who does not go has the time that he always has. */
		assert_row(row, !rows[i].stuck || world.took_ms == rows[i].stall_ms + 5 + 500);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
who_was_told_that_time_is_over_has_a_moment_to_go(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_find(102)->tty = 0;
	world_find(102)->slow_ms = 200;
	world_expire(HOST_NOW - 10);
	world_settle();
	assert_int_equal(world_pass_all().again_in_ms, -1);
	assert_true(world.took_ms >= 200 && world.took_ms <= 250);
	assert_string_equal(world.ended, "100 expired gently 3; ");
	assert_false(world_did("KILL"));
	assert_int_equal(world_count_records(), 0);
}

static void
the_pass_waits_no_longer_for_who_does_not_go_and_not_again(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_find(102)->tty = 0;
	world_find(102)->deaf = true;
	world_expire(HOST_NOW - 10);
	assert_int_equal(world_pass_all().gently, 1);
	assert_true(world.took_ms == 250);
	assert_int_equal(world_pass_all().gently, 0);
	assert_true(world.took_ms < 50);
	assert_true(world_lives(102));
}

static void
when_the_grace_is_over_who_is_there_is_killed_at_once(void **state)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);

	(void)state;
	for (pid_t pid = 100; pid < 103; pid++)
		world_find(pid)->deaf = true;
	world_expire(HOST_NOW - 10);
	s.state = SESSION_ENDING;
	s.kill_at_ms = world.now_ms + 1;
	world_record(&s);
	(void)world_pass_all();
	assert_string_equal(world.log, "");
	s.kill_at_ms = world.now_ms;
	world_record(&s);
	(void)world_pass_all();
	for (pid_t pid = 100; pid < 103; pid++)
		assert_true(world_find(pid)->kill_ms == world.began_ms);
}

static void
the_next_to_be_killed_says_when_a_pass_is_due(void **state)
{
	static const int64_t in_ms[][2] = {{3000, 4000}, {4000, 3000}, {3000, -50}};

	(void)state;
	world_settle();
	for (pid_t i = 0; i < 2; i++)
		(void)world_log_in(&world.ci, CI, 100 + i * 100);
	for (size_t i = 0; i < world.n; i++)
		world.v[i].deaf = world.v[i].stuck = true;
	world_expire(HOST_NOW - 10);
	world_settle();
	for (size_t row = 0; row < 3; row++) {
		struct enforce_result out;

		for (pid_t i = 0; i < 2; i++) {
			struct session s = world_session(100 + i * 100);

			s.state = SESSION_ENDING;
			s.kill_at_ms = world.now_ms + 1000 + in_ms[row][i];
			world_record(&s);
		}
		world.now_ms += 1000;
		out = world_pass_all();
		assert_false(out.distrusted);
		if (in_ms[row][1] > 0)
			assert_int_equal(out.again_in_ms, 3000 - world.took_ms);
	}
	/* Killed in vain: nothing is due for that. */
	assert_int_equal(world_session(200).state, SESSION_CLOSED);
	assert_true(world_pass_of(NIGHTLY).again_in_ms == -1);
	world_disable(&world.ci);
	world_settle();
	assert_true(world_pass_all().again_in_ms == -1);
	assert_int_equal(world_session(200).state, SESSION_ENDING);
	assert_true(world_pass_all().again_in_ms == -1);
}

/* --- terminals ------------------------------------------------------------------------------ */

static void
a_line_has_time_to_be_shown_before_anybody_is_signalled(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world.told_ms == world.began_ms);
	assert_true(world_find(100)->hup_ms == world.told_ms + 20);
	assert_true(world_find(101)->kill_ms == world.told_ms + 20);
}

static void
each_terminal_of_a_session_is_told_once_and_no_other(void **state)
{
	static const char told[] = "TELL 100; TELL 77; HUP 100; ";

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_add(103, 101, DEPLOY, 100)->tty = 77;
	world_add(104, 101, DEPLOY, 100)->tty = 100;
	world_add(105, 101, DEPLOY, 100)->tty = 77;
	world_add(150, 1, DEPLOY, PROC_NO_AUDIT)->tty = 88;
	(void)world_log_in(&world.nightly, DEPLOY, 200);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_memory_equal(world.log, told, sizeof(told) - 1);
	assert_false(world_did("; TELL 0;"));
	assert_false(world_did("TELL 200"));
}

static void
more_terminals_than_are_told_end_all_the_same(void **state)
{
	unsigned told = 0;

	(void)state;
	be_revoked();
	for (pid_t i = 0; i < 260; i++)
		world_add(1000 + i, 101, DEPLOY, 100)->tty = (dev_t)(1000 + i);
	(void)world_pass_all();
	for (const char *at = world.log; (at = strstr(at, "TELL ")) != NULL; at++)
		told++;
	assert_int_equal(told, 256);
	for (pid_t i = 0; i < 260; i++)
		assert_false(world_lives(1000 + i));
}

/* --- user managers -------------------------------------------------------------------------- */

static void
user_managers_that_hang_are_given_two_seconds_in_all(void **state)
{
	uint32_t uids[6];

	(void)state;
	world.managers_hang = true;
	for (uint32_t i = 0; i < 6; i++)
		uids[i] = 71000 + i; /* keys that were deleted */
	(void)world_pass((struct enforce_how){.uids = uids, .n_uids = 1});
	assert_string_equal(world.log, "MANAGER 71000; ");
	assert_true(world.managers_ms == 500);
	(void)world_pass((struct enforce_how){.uids = uids, .n_uids = 6});
	assert_true(world_did("MANAGER 71005"));
	assert_true(world.managers_ms > 1500 && world.managers_ms <= 2000);
}

static void
a_user_manager_is_stopped_by_its_own_word_when_time_ends_it_alone(void **state)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);

	(void)state;
	(void)snprintf(s.service, sizeof(s.service), "systemd-user");
	s.secret = 0;
	world_record(&s);
	world_find(102)->deaf = true;
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	assert_true(world_did("MANAGER 1005"));
	(void)world_pass_all();
	assert_false(world_did("MANAGER"));
	/* Its account is others' too. */
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_did("KILL 102"));
	assert_false(world_did("MANAGER"));
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
	    WORLD_CASE(so_is_each_of_two),
	    WORLD_CASE(nobody_is_told_twice_on_the_terminal),
	    WORLD_CASE(sudo_itself_outlives_the_time_too),
	    WORLD_CASE(leaders_are_told_first_and_have_a_quarter_of_a_second),
	    WORLD_CASE(a_process_that_was_given_its_leaders_pid_is_none),
	    WORLD_CASE(four_looks_that_see_nobody_are_enough),
	    WORLD_CASE(what_only_a_later_look_sees_is_ended_too),
	    WORLD_CASE(what_cannot_be_killed_is_waited_for_half_a_second),
	    WORLD_CASE(what_is_left_is_counted_in_all_sessions),
	    WORLD_CASE(nobody_is_waited_for_longer_than_five_seconds),
	    cmocka_unit_test(on_a_machine_that_stood_still_a_leader_is_killed_all_the_same),
	    WORLD_CASE(who_was_told_that_time_is_over_has_a_moment_to_go),
	    WORLD_CASE(the_pass_waits_no_longer_for_who_does_not_go_and_not_again),
	    WORLD_CASE(when_the_grace_is_over_who_is_there_is_killed_at_once),
	    WORLD_CASE(the_next_to_be_killed_says_when_a_pass_is_due),
	    WORLD_CASE(a_line_has_time_to_be_shown_before_anybody_is_signalled),
	    WORLD_CASE(each_terminal_of_a_session_is_told_once_and_no_other),
	    WORLD_CASE(more_terminals_than_are_told_end_all_the_same),
	    WORLD_CASE(user_managers_that_hang_are_given_two_seconds_in_all),
	    WORLD_CASE(a_user_manager_is_stopped_by_its_own_word_when_time_ends_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
