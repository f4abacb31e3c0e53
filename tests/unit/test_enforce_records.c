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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(a_record_that_nothing_carries_is_removed),
	    WORLD_CASE(what_runs_as_the_key_keeps_its_closed_session_known),
	    WORLD_CASE(a_record_is_not_written_again_for_nothing),
	    WORLD_CASE(a_session_that_ends_during_the_look_keeps_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
