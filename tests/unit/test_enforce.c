/* Whom a pass ends, over a made-up host, and whom it leaves alone. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_world.h"

static void
who_keeps_the_right_is_left_alone(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	out = world_pass_all();
	assert_string_equal(world.log, "");
	assert_int_equal(out.live, 1);
	assert_int_equal(out.ended, 0);
	assert_int_equal(world_count_records(), 1);
}

static void
a_disabled_key_is_ended_and_its_uid_emptied(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	(void)world_log_in(&world.nightly, NIGHTLY, 200);
	world_add(150, 1, CI, PROC_NO_AUDIT); /* what no session carries */
	world_disable(&world.ci);
	assert_int_equal(world_pass_all().ended, 1);
	assert_string_equal(world.ended, "100 disabled 4; ");
	assert_true(world_did_before("TELL 100", "HUP 100"));
	assert_true(world_did_before("HUP 100", "EMPTY 70001"));
	assert_true(world_did("MANAGER 70001"));
	assert_false(
	    world_lives(100) || world_lives(101) || world_lives(102) || world_lives(150));
	assert_true(world_lives(200) && world_lives(201) && world_lives(202));
	assert_false(world_did(" 20"));
	assert_int_equal(world_count_records(), 1);
}

/* In one step, or one process after the other. */
static void
of_two_keys_that_end_at_once_each_is_emptied(void **state)
{
	static const uint32_t others[] = {CI, NIGHTLY};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		(void)world_log_in(&world.ci, CI, 100);
		(void)world_log_in(&world.nightly, NIGHTLY, 200);
		(void)world_log_in(&world.nightly, NIGHTLY, 300);
		(void)world_log_in(&world.ci, CI, 400);
		for (unsigned k = 0; k < 2; k++) {
			world_add((pid_t)(150 + 100 * k), 1, others[k], PROC_NO_AUDIT);
			world_add((pid_t)(160 + 100 * k), 1, others[k], PROC_NO_AUDIT)->contained =
			    i == 1;
		}
		world_disable(&world.ci);
		world_disable(&world.nightly);
		assert_int_equal(world_pass_all().ended, 4);
		assert_false(world_lives(102) || world_lives(202) || world_lives(302) ||
			     world_lives(402) || world_lives(150) || world_lives(250));
		assert_int_equal(world_did("EMPTY 70001"), i == 0);
		assert_int_equal(world_did("EMPTY 70002"), i == 0);
		assert_true(world_did("MANAGER 70001") && world_did("MANAGER 70002"));
		assert_null(strstr(strstr(world.log, "MANAGER 70001") + 1, "MANAGER 70001"));
		assert_null(strstr(strstr(world.log, "MANAGER 70002") + 1, "MANAGER 70002"));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
what_it_became_root_for_goes_with_it(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(110, 102, 0, 100); /* sudo */
	world_add(111, 1, 0, 100); /* a daemon of it */
	world_add(112, 1, 0, 7); /* root's own */
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_string_equal(world.ended, "100 disabled 5; ");
	assert_false(world_lives(110) || world_lives(111));
	assert_true(world_lives(112));
}

static void
of_a_shared_account_only_the_keys_own_goes(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.nightly, DEPLOY, 200);
	world_add(300, 1, DEPLOY, 300); /* by a public key: no session of ours */
	world_add(150, 1, DEPLOY, 100); /* with nohup */
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_did("EMPTY 1005"));
	assert_false(world_did("MANAGER 1005"));
	assert_false(world_lives(100) || world_lives(102) || world_lives(150));
	assert_true(world_lives(200) && world_lives(202) && world_lives(300));
}

static void
a_login_inside_another_is_its_own(void **state)
{
	struct session inner;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	inner = world_log_in(&world.nightly, NIGHTLY, 200);
	world_find(200)->parent = 102; /* su, or an sshd that was started there */
	inner.audit = PROC_NO_AUDIT;
	world_record(&inner);
	world_find(200)->audit = world_find(201)->audit = world_find(202)->audit = 100;
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_lives(100) || world_lives(102));
	assert_true(world_lives(200) && world_lives(201) && world_lives(202));
}

static void
an_administrators_su_keeps_its_root(void **state)
{
	struct session su = world_log_in(&world.ci, CI, 100);

	(void)state;
	(void)snprintf(su.service, sizeof(su.service), "su");
	su.by_root = true;
	su.secret = 0;
	su.audit = PROC_NO_AUDIT;
	world_record(&su);
	world_add(90, 1, 0, 90); /* the administrator's shell */
	world_find(100)->parent = 90;
	world_disable(&world.ci);
	(void)world_pass_of(CI);
	assert_true(world_lives(90) && world_lives(100));
	assert_false(world_lives(101) || world_lives(102)); /* they have the key's uid */
	assert_string_equal(world.ended, "");
}

static void
a_pass_over_some_keys_judges_no_other(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	(void)world_log_in(&world.nightly, NIGHTLY, 200);
	world_disable(&world.ci);
	world_disable(&world.nightly);
	(void)world_pass_of(CI);
	assert_string_equal(world.ended, "100 disabled 3; ");
	assert_true(world_lives(200) && world_lives(202));
	assert_int_equal(world_count_records(), 1);
}

static void
the_command_that_ends_its_own_session_comes_to_its_end(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	if (getpid() != 1)
		world_add(1, 0, 0, PROC_NO_AUDIT);
	world_add(getpid(), 102, 0, 100);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_lives(getpid()));
	assert_false(world_lives(100) || world_lives(101) || world_lives(102));
	assert_int_equal(world_count_records(), 1);
	assert_int_equal(world_session(100).spared.pid, getpid());
	/* Nor does another's pass, apikeyd's for one, end it. */
	(void)world_pass_all();
	assert_true(world_lives(getpid()));
	assert_string_equal(world.ended, "");
	world_find(getpid())->gone = true;
	(void)world_pass_all();
	assert_int_equal(world_count_records(), 0);
}

static void
a_command_that_ends_its_own_session_is_spared_by_others_too(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	world_add(105, 102, 0, 100); /* apikey */
	world_add(106, 102, 0, 100)->pid = 107;
	s.state = SESSION_ENDING;
	s.spared = (struct proc_id){105, 1050};
	world_record(&s);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_lives(105));
	assert_false(world_lives(107) || world_lives(102));
	/* Its pid, given anew, is another process. */
	s.spared.start++;
	world_record(&s);
	(void)world_pass_all();
	assert_false(world_lives(105));
}

static void
one_session_is_ended_by_its_id_and_nothing_beside_it(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	(void)world_log_in(&world.ci, CI, 200);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	(void)world_pass((struct enforce_how){.uids = (const uint32_t[]){0}, .end_id = s.id});
	assert_string_equal(world.ended, "100 by-hand 3; ");
	assert_false(world_lives(100) || world_lives(102));
	assert_true(world_lives(200) && world_lives(202) && world_lives(150));
}

static void
all_of_a_key_are_ended_by_hand(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	(void)world_log_in(&world.ci, DEPLOY, 200);
	(void)world_log_in(&world.nightly, NIGHTLY, 300);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	(void)world_pass((struct enforce_how){.uids = (const uint32_t[]){0}, .end_uid = CI});
	assert_non_null(strstr(world.ended, "100 by-hand 4; "));
	assert_non_null(strstr(world.ended, "200 by-hand 3; "));
	assert_false(world_lives(102) || world_lives(202) || world_lives(150));
	assert_true(world_lives(302));
}

static void
sessions_of_another_pid_namespace_are_not_ours(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	s.namespace ++;
	world_record(&s);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_lives(100) && world_lives(102));
	assert_string_equal(world.ended, "");
	assert_int_equal(world_count_records(), 1);
}

static void
roots_su_takes_nothing_away_of_the_session_that_it_is_called_in(void **state)
{
	struct session su;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	su = world_log_in(&world.nightly, NIGHTLY, 200); /* sudo su - nightly */
	world_find(200)->parent = 102;
	for (pid_t pid = 200; pid < 203; pid++)
		world_find(pid)->audit = 100;
	su.by_root = true;
	su.secret = 0;
	su.audit = PROC_NO_AUDIT;
	world_record(&su);
	assert_int_equal(world_pass_all().ended, 0);
	assert_int_equal(world_count_records(), 2);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_string_equal(world.ended, "100 disabled 6; ");
	assert_false(world_lives(200) || world_lives(201) || world_lives(202));
}

static void
a_daemon_that_opened_it_and_serves_others_lives(void **state)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);

	(void)state;
	world_add(50, 100, DEPLOY, PROC_NO_AUDIT); /* a child of before, with a child of now */
	world_add(120, 50, DEPLOY, PROC_NO_AUDIT);
	s.audit = PROC_NO_AUDIT;
	s.opened = 1005;
	world_record(&s);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_lives(100) && world_lives(50) && world_lives(120));
	assert_false(world_lives(101) || world_lives(102));
}

static void
a_daemon_is_told_by_its_youngest_child_too(void **state)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);

	(void)state;
	world_find(101)->gone = world_find(102)->gone = true;
	world_add(150, 100, 0, PROC_NO_AUDIT);
	s.audit = PROC_NO_AUDIT;
	s.opened = 1505;
	world_record(&s);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_true(world_lives(100) && world_lives(150));
}

static void
a_session_that_was_refused_is_ended_without_a_word(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	s.state = SESSION_REFUSED;
	world_record(&s);
	(void)world_pass_all();
	assert_false(world_lives(100) || world_lives(101) || world_lives(102));
	assert_false(world_did("EMPTY"));
	assert_string_equal(world.ended, "");
}

/* A daemon has opened both, one after the other. */
static void
who_leads_a_session_that_goes_on_lives(void **state)
{
	static const struct {
		const char *name;
		enum session_state other;
		bool lives;
	} rows[] = {{"open", SESSION_OPEN, true}, {"closed", SESSION_CLOSED, false}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct key_record *goes, *stays;
		struct session s, other;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		goes = i < 2 ? &world.ci : &world.nightly;
		stays = i < 2 ? &world.nightly : &world.ci;
		other = world_log_in(stays, DEPLOY, i < 2 ? 200 : 50);
		s = world_log_in(goes, DEPLOY, 100);
		for (pid_t pid = other.leader.pid; pid < other.leader.pid + 3; pid++)
			world_find(pid)->gone = true;
		other.leader = s.leader;
		other.since = s.since - 1;
		other.state = rows[i % 2].other;
		world_record(&other);
		world_disable(goes);
		(void)world_pass_all();
		assert_row(rows[i % 2].name, world_lives(100) == rows[i % 2].lives);
		assert_row(rows[i % 2].name, !world_lives(101) && !world_lives(102));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
what_is_older_than_a_session_keeps_no_leader_but_its_own_daemon(void **state)
{
	static const uint64_t opened[] = {
	    1000, 1010}; /* as its leader began, or its first child */

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct session s;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		s = world_log_in(&world.ci, DEPLOY, 100);
		s.opened = opened[i];
		world_record(&s);
		world_add(50, 1, DEPLOY, PROC_NO_AUDIT);
		world_disable(&world.ci);
		(void)world_pass_all();
		assert_true(world_did_before("HUP 100", "KILL 101"));
		assert_true(world_lives(50));
		assert_false(world_lives(100) || world_lives(101) || world_lives(102));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* Of a container's host, say, where a session's mark is inherited from outside. */
static void
the_first_process_is_never_ended(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_add(1, 0, DEPLOY, 100);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_lives(102));
	assert_false(world_did("KILL 1;"));
	assert_false(world_did("HUP 1;"));
}

/* A full table, to its last row. */
static void
of_many_sessions_each_is_judged(void **state)
{
	char name[64];

	(void)state;
	for (pid_t i = 0; i < 64; i++)
		(void)world_log_in(
		    i % 2 == 0 ? &world.ci : &world.nightly, DEPLOY, 1000 + 3 * i);
	world_disable(&world.ci);
	assert_int_equal(world_pass_all().ended, 32);
	for (pid_t i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), "session %d", i);
		assert_row(name, world_lives(1002 + 3 * i) == (i % 2 == 1));
	}
	assert_int_equal(world_count_records(), 32);
}

static void
what_was_ended_is_counted_by_session_and_by_key(void **state)
{
	struct session s;
	struct enforce_result out;

	(void)state;
	world_expire(HOST_NOW - 10);
	s = world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.ci, DEPLOY, 200);
	(void)world_log_in(&world.nightly, NIGHTLY, 300);
	/* One by hand, the other by time: one key. */
	out = world_pass((struct enforce_how){.end_id = s.id});
	assert_non_null(strstr(world.ended, "100 by-hand 3; "));
	assert_non_null(strstr(world.ended, "200 expired gently 3; "));
	assert_int_equal(out.live, 3);
	assert_int_equal(out.ended, 2);
	assert_int_equal(out.gently, 1);
	assert_int_equal(out.ended_keys, 1);
	world_disable(&world.nightly);
	(void)world_log_in(&world.ci, DEPLOY, 400);
	out = world_pass_all();
	assert_int_equal(out.ended, 2);
	assert_int_equal(out.ended_keys, 2);
}

/* Nothing is left of it but its record: it is not told. */
static void
log_in_and_out(pid_t pid)
{
	struct session s = world_log_in(&world.ci, DEPLOY, pid);

	s.state = SESSION_CLOSED;
	world_record(&s);
	for (pid_t i = 0; i < 3; i++)
		world_find(pid + i)->gone = true;
}

static void
a_key_whose_other_session_was_told_before_is_counted_again(void **state)
{
	struct enforce_result out;
	struct session told;

	(void)state;
	log_in_and_out(500);
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.ci, DEPLOY, 400);
	world_find(102)->stuck = world_find(402)->stuck = true;
	world_disable(&world.ci);
	out = world_pass_all();
	assert_int_equal(out.ended, 2);
	assert_int_equal(out.ended_keys, 1);
	log_in_and_out(200);
	(void)world_log_in(&world.ci, DEPLOY, 300);
	log_in_and_out(600);
	/* One of those told is an older record, one a newer: whichever is read first. */
	told = world_session(400);
	world_record(&told);
	out = world_pass_all();
	assert_string_equal(world.ended, "300 disabled 3; ");
	assert_int_equal(out.ended_keys, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(who_keeps_the_right_is_left_alone),
	    WORLD_CASE(a_disabled_key_is_ended_and_its_uid_emptied),
	    cmocka_unit_test(of_two_keys_that_end_at_once_each_is_emptied),
	    WORLD_CASE(what_it_became_root_for_goes_with_it),
	    WORLD_CASE(of_a_shared_account_only_the_keys_own_goes),
	    WORLD_CASE(a_login_inside_another_is_its_own),
	    WORLD_CASE(an_administrators_su_keeps_its_root),
	    WORLD_CASE(a_pass_over_some_keys_judges_no_other),
	    WORLD_CASE(the_command_that_ends_its_own_session_comes_to_its_end),
	    WORLD_CASE(a_command_that_ends_its_own_session_is_spared_by_others_too),
	    WORLD_CASE(one_session_is_ended_by_its_id_and_nothing_beside_it),
	    WORLD_CASE(all_of_a_key_are_ended_by_hand),
	    WORLD_CASE(sessions_of_another_pid_namespace_are_not_ours),
	    WORLD_CASE(roots_su_takes_nothing_away_of_the_session_that_it_is_called_in),
	    WORLD_CASE(a_daemon_that_opened_it_and_serves_others_lives),
	    WORLD_CASE(a_daemon_is_told_by_its_youngest_child_too),
	    WORLD_CASE(a_session_that_was_refused_is_ended_without_a_word),
	    cmocka_unit_test(who_leads_a_session_that_goes_on_lives),
	    cmocka_unit_test(what_is_older_than_a_session_keeps_no_leader_but_its_own_daemon),
	    WORLD_CASE(the_first_process_is_never_ended),
	    WORLD_CASE(of_many_sessions_each_is_judged),
	    WORLD_CASE(what_was_ended_is_counted_by_session_and_by_key),
	    WORLD_CASE(a_key_whose_other_session_was_told_before_is_counted_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
