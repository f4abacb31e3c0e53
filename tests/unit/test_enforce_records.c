/* What a pass writes into the records of sessions, and when it removes them. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_world.h"

static void
a_record_that_nothing_carries_is_removed(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	world_are_gone();
	world_add(150, 1, CI, 100)->deaf = true; /* with nohup */
	s.state = SESSION_CLOSED;
	world_record(&s);
	(void)world_pass_all();
	assert_int_equal(world_count_records(), 1);
	world_find(150)->gone = true;
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_int_equal(world_count_records(), 0);
	assert_string_equal(world.ended, "");
}

static void
what_runs_as_the_key_keeps_its_closed_session_known(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	world_are_gone();
	world_add(150, 1, CI, PROC_NO_AUDIT); /* su, then nohup: no mark is its own */
	s.state = SESSION_CLOSED;
	s.audit = PROC_NO_AUDIT;
	s.secret = 7;
	world_record(&s);
	(void)world_pass_of(NIGHTLY);
	assert_int_equal(world_count_records(), 1);
	(void)world_pass_all();
	assert_string_equal(world.ended, "100 secret-ended 1; ");
	assert_false(world_lives(150));
	(void)world_pass_all();
	assert_int_equal(world_count_records(), 0);
}

static void
so_it_is_of_every_key(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100),
		       other = world_log_in(&world.nightly, NIGHTLY, 200);

	(void)state;
	world_are_gone();
	world_add(150, 1, CI, PROC_NO_AUDIT);
	world_add(250, 1, NIGHTLY, PROC_NO_AUDIT);
	s.state = other.state = SESSION_CLOSED;
	s.audit = other.audit = PROC_NO_AUDIT;
	world_record(&s);
	world_record(&other);
	(void)world_pass_all();
	assert_int_equal(world_count_records(), 2);
	assert_true(world_lives(150) && world_lives(250));
}

static void
a_record_is_not_written_again_for_nothing(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);
	struct stat before, after;
	char path[PATH_CAP + 64];

	(void)state;
	world_add(110, 102, 0, 100);
	world_expire(HOST_NOW - 10);
	(void)world_pass_all();
	(void)world_pass_all();
	(void)snprintf(path, sizeof(path), "%s/sessions/%s", world.host.paths.run, s.id);
	assert_int_equal(stat(path, &before), 0);
	(void)world_pass_all();
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static struct proc_id
who_lives(void)
{
	struct proc own;

	assert_int_equal(proc_read(getpid(), &own), AK_OK);
	return own.id;
}

static void
one_record_of_many_has_the_processes_looked_at(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct session s[2];
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		s[0] = world_log_in(&world.ci, CI, 100);
		s[1] = world_log_in(&world.nightly, NIGHTLY, 200);
		s[0].leader = s[1].leader = who_lives();
		s[i].state = SESSION_CLOSED;
		world_record(&s[0]);
		world_record(&s[1]);
		world_are_gone();
		(void)world_pass_all();
		assert_true(world.looks > 0);
		assert_int_equal(world_count_records(), 1);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* Its leader lived when the record was read, and what it left was forked behind the list that was read. */
static void
a_session_that_ends_during_the_look_keeps_its_record(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100),
		       closed = world_log_in(&world.nightly, NIGHTLY, 200);
	struct proc own;

	(void)state;
	assert_int_equal(proc_read(getpid(), &own), AK_OK);
	s.leader = own.id;
	world_record(&s);
	closed.state = SESSION_CLOSED;
	world_record(&closed);
	world_are_gone();
	(void)world_pass_all();
	assert_int_equal(world_count_records(), 1);
	assert_string_equal(world_session(100).id, s.id);
}

/* It can be told without a look at all processes, which costs a host something. */
static void
processes_are_looked_at_only_when_a_record_asks_for_it(void **state)
{
	static const struct {
		const char *name;
		enum session_state state;
		bool leader_lives, elsewhere, looked;
	} rows[] = {
	    {"open", SESSION_OPEN, true, false, false},
	    {"its leader is gone", SESSION_OPEN, false, false, true},
	    {"closed", SESSION_CLOSED, true, false, true},
	    {"of another namespace", SESSION_OPEN, false, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		s = world_log_in(&world.ci, CI, 100);
		s.state = rows[i].state;
		if (rows[i].leader_lives)
			s.leader = who_lives();
		if (rows[i].elsewhere)
			s.namespace ++;
		world_record(&s);
		(void)world_pass_all();
		assert_row(rows[i].name, (world.looks > 0) == rows[i].looked);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* Nothing carries any of these. */
static void
a_session_that_was_over_before_the_look_is_forgotten(void **state)
{
	static const struct {
		const char *name;
		enum session_state state;
		bool leader_lives, ended;
		unsigned records;
	} rows[] = {
	    {"never closed, and its leader is gone", SESSION_OPEN, false, false, 0},
	    {"closed by a daemon that lives", SESSION_CLOSED, true, false, 0},
	    {"its leader goes during the look", SESSION_OPEN, true, false, 1},
	    {"and it was to end", SESSION_OPEN, true, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = rows[i / 2].name;
		struct session s, closed;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		s = world_log_in(&world.ci, CI, 100);
		s.state = rows[i / 2].state;
		if (rows[i / 2].leader_lives)
			s.leader = who_lives();
		world_record(&s);
		/* This one has the processes looked at. */
		closed = world_log_in(&world.nightly, NIGHTLY, 200);
		closed.state = SESSION_CLOSED;
		world_record(&closed);
		world_are_gone();
		if (rows[i / 2].ended && i % 2 == 0)
			world_disable(&world.ci);
		else if (rows[i / 2].ended)
			world_expire(HOST_NOW - 10);
		(void)world_pass_all();
		assert_row(name, world_count_records() == rows[i / 2].records);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
what_runs_as_a_key_keeps_its_own_accounts_sessions_known_alone(void **state)
{
	static const struct {
		const char *name;
		uint32_t account;
		struct someone one;
		unsigned records;
	} rows[] = {
	    {"as it", CI, {.uid = CI}, 1},
	    {"by its real uid", CI, {.uid = CI, .saved_is = 5}, 1},
	    {"by its saved uid", CI, {.uid = 5, .saved_is = CI}, 1},
	    {"by its effective uid alone", CI, {.uid = 5, .effective_is = CI}, 0},
	    {"as somebody else", CI, {.uid = 5}, 0},
	    {"a zombie", CI, {.uid = CI, .zombie = true}, 0},
	    {"of a session on an account of others", DEPLOY, {.uid = CI}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		s = world_log_in(&world.ci, rows[i].account, 100);
		s.state = SESSION_CLOSED;
		world_record(&s);
		world_are_gone();
		world.v[world.n] = rows[i].one;
		world.v[world.n].pid = 150;
		world.v[world.n].audit = PROC_NO_AUDIT;
		world.v[world.n++].parent = 1;
		(void)world_pass_all();
		assert_row(rows[i].name, world_count_records() == rows[i].records);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
the_command_that_ends_its_own_session_is_named_in_that_record_alone(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	(void)world_log_in(&world.ci, CI, 200);
	world_add(110, 102, 0, 100);
	world_add(getpid(), 102, 0, 100);
	world_find(202)->stuck = true;
	world_disable(&world.ci);
	world_passwd(99999);
	(void)world_pass_all();
	assert_int_equal(world_session(100).spared.pid, getpid());
	assert_true(world_session(100).spared.start == (uint64_t)getpid() * 10);
	assert_int_equal(world_session(200).spared.pid, 0);
}

static void
of_what_time_ended_only_roots_work_is_left_and_nothing_is_due(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);
	struct enforce_result out;

	(void)state;
	world_are_gone();
	world_add(110, 1, 0, 100);
	s.state = SESSION_CLOSED;
	world_record(&s);
	world_expire(HOST_NOW - 10);
	world_settle();
	out = world_pass_all();
	/* It was told to nobody: it ends nothing. */
	assert_string_equal(world.ended, "");
	assert_int_equal(out.gently, 0);
	assert_int_equal(out.again_in_ms, -1);
	assert_int_equal(world_session(100).state, SESSION_CLOSED);
	assert_true(world_lives(110));
}

/* Its processes went when they were told; what else runs as the key was begun by nobody knows whom. */
static void
a_session_that_went_when_it_was_told_is_closed(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(151, 1, CI, PROC_NO_AUDIT);
	world_expire(HOST_NOW - 10);
	world_settle();
	assert_int_equal(world_pass_all().again_in_ms, -1);
	assert_string_equal(world.ended, "100 expired gently 3; ");
	assert_int_equal(world_session(100).state, SESSION_CLOSED);
	assert_int_equal(world_session(100).kill_at_ms, 0);
}

static void
who_gets_the_right_back_is_open_again_or_closed_as_he_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct session s;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		s = world_log_in(&world.ci, CI, 100);
		s.state = SESSION_ENDING;
		s.kill_at_ms = world.now_ms + 3000;
		if (i == 0)
			s.leader = who_lives();
		world_record(&s);
		(void)world_pass_all();
		assert_int_equal(
		    world_session(100).state, i == 0 ? SESSION_OPEN : SESSION_CLOSED);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
the_next_moment_is_the_earliest_of_all_that_go_on(void **state)
{
	struct key_record k = world.nightly;

	(void)state;
	/* Whichever record is read last. */
	(void)world_log_in(&world.nightly, NIGHTLY, 100);
	(void)world_log_in(&world.ci, CI, 200);
	(void)world_log_in(&world.nightly, NIGHTLY, 300);
	world_expire(HOST_NOW + 1000);
	k.expires_at = HOST_NOW + 2000;
	assert_int_equal(host_put(&world.host, &k), AK_OK);
	assert_int_equal(world_pass_all().next_at, HOST_NOW + 1000);
	world_expire(HOST_NOW - 10);
	assert_int_equal(world_pass_all().next_at, HOST_NOW + 2000);
}

/* A policy that is kept no more, and a key that is another than it was. */
static void
a_session_whose_key_changed_is_pinned_no_more(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	s.policy = 77;
	s.key_print = 1;
	world_record(&s);
	(void)world_pass_of(NIGHTLY);
	assert_int_equal(world_session(100).policy, 77);
	(void)world_pass_all();
	assert_int_equal(world_session(100).policy, 0);
}

/* As apikeyd reads it, which follows the records. */
static void
a_session_that_keeps_its_right_keeps_its_record_as_it_was(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);
	struct stat before, after;
	char path[PATH_CAP + 64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/sessions/%s", world.host.paths.run, s.id);
	assert_int_equal(stat(path, &before), 0);
	(void)world_pass_all();
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(a_record_that_nothing_carries_is_removed),
	    WORLD_CASE(what_runs_as_the_key_keeps_its_closed_session_known),
	    WORLD_CASE(so_it_is_of_every_key),
	    WORLD_CASE(a_record_is_not_written_again_for_nothing),
	    WORLD_CASE(a_session_that_ends_during_the_look_keeps_its_record),
	    WORLD_CASE(the_command_that_ends_its_own_session_is_named_in_that_record_alone),
	    WORLD_CASE(of_what_time_ended_only_roots_work_is_left_and_nothing_is_due),
	    WORLD_CASE(a_session_that_went_when_it_was_told_is_closed),
	    WORLD_CASE(the_next_moment_is_the_earliest_of_all_that_go_on),
	    WORLD_CASE(a_session_whose_key_changed_is_pinned_no_more),
	    WORLD_CASE(a_session_that_keeps_its_right_keeps_its_record_as_it_was),
	    cmocka_unit_test(processes_are_looked_at_only_when_a_record_asks_for_it),
	    cmocka_unit_test(one_record_of_many_has_the_processes_looked_at),
	    cmocka_unit_test(a_session_that_was_over_before_the_look_is_forgotten),
	    cmocka_unit_test(what_runs_as_a_key_keeps_its_own_accounts_sessions_known_alone),
	    cmocka_unit_test(who_gets_the_right_back_is_open_again_or_closed_as_he_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
