/* Which uids a pass empties, beyond the sessions that it ends, and which it never does. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_world.h"

static void
nobody_is_emptied_whom_passwd_knows(void **state)
{

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	world_passwd(70001);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_did("EMPTY"));
	assert_false(world_lives(102));
	assert_true(world_lives(150));
}

static void
of_a_key_with_two_sessions_one_may_go_alone(void **state)
{
	struct session old = world_log_in(&world.ci, CI, 100);

	(void)state;
	(void)world_log_in(&world.ci, CI, 200);
	world_add(150, 1, CI, PROC_NO_AUDIT); /* begun by itself: by whom? */
	world_add(250, 1, CI, 200); /* with nohup, by the one that stays */
	old.secret = 7;
	world_record(&old);
	(void)world_pass_all();
	assert_string_equal(world.ended, "100 secret-ended 4; ");
	assert_false(world_did("EMPTY"));
	assert_false(world_did("MANAGER"));
	assert_false(world_lives(100) || world_lives(102) || world_lives(150));
	assert_true(world_lives(200) && world_lives(202) && world_lives(250));
}

static void
a_deleted_keys_uid_is_emptied_though_no_session_is_known(void **state)
{
	(void)state;
	world_add(150, 1, CI, PROC_NO_AUDIT);
	assert_int_equal(host_remove(&world.host, CI), AK_OK);
	(void)world_pass_all();
	assert_true(world_lives(150));
	(void)world_pass_of(CI);
	assert_string_equal(world.log, "EMPTY 70001; MANAGER 70001; ");
	/* Nobody is asked to end what is not there. */
	(void)world_pass_of(CI);
	assert_string_equal(world.log, "MANAGER 70001; ");
}

static void
where_it_cannot_be_done_at_once_each_is_killed(void **state)
{
	struct someone *saved;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	saved = world_add(150, 1, 5, PROC_NO_AUDIT);
	saved->saved_is = CI;
	/* The id that ends others is somebody's. */
	world_passwd(99999);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_did("EMPTY"));
	assert_false(world_lives(102) || world_lives(150));
}

static void
a_uid_outside_the_keys_range_is_never_emptied(void **state)
{
	static const uint32_t uids[] = {0, 5, 1005, 99998};

	(void)state;
	host_settings(&world.host, "version: 1\nuid_range: 70000-70100\n");
	assert_int_equal(host_publish(&world.host, HOST_NOW), AK_OK);
	for (size_t i = 0; i < 4; i++)
		world_add((pid_t)(150 + i), 1, uids[i], PROC_NO_AUDIT);
	(void)world_pass((struct enforce_how){.uids = uids, .n_uids = 4});
	assert_string_equal(world.log, "");
}

static void
of_a_revoked_key_a_shared_accounts_session_empties_no_uid_of_another(void **state)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);

	(void)state;
	s.secret = 7; /* replaced */
	world_record(&s);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	(void)world_pass_all();
	assert_string_equal(world.ended, "100 secret-ended 3; ");
	assert_true(world_lives(150));
}

static void
what_cannot_be_looked_up_is_not_gone(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	assert_int_equal(truncate(world.host.paths.local, 10), 0);
	(void)world_pass_of(CI);
	assert_string_equal(world.log, "");
	assert_int_equal(world_count_records(), 1);
}

static void
a_session_that_is_gone_keeps_nothing_alive(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	(void)world_log_in(&world.ci, CI, 200);
	for (pid_t pid = 200; pid < 203; pid++)
		world_find(pid)->gone = true; /* its record is not removed yet */
	world_add(150, 1, CI, PROC_NO_AUDIT);
	s.secret = 7;
	world_record(&s);
	(void)world_pass_all();
	assert_true(world_did("EMPTY 70001"));
	assert_false(world_lives(150));
}

static void
only_a_stolen_token_takes_what_no_session_carries_from_one_that_stays(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);

	(void)state;
	(void)world_log_in(&world.ci, CI, 200);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	(void)world_pass((struct enforce_how){.uids = (const uint32_t[]){0}, .end_id = s.id});
	(void)snprintf(s.key_id, sizeof(s.key_id), "Zanother00"); /* a key of before, say */
	s = world_log_in(&world.ci, CI, 300);
	(void)snprintf(s.key_id, sizeof(s.key_id), "Zanother00");
	world_record(&s);
	(void)world_pass_all();
	assert_non_null(strstr(world.ended, "300 deleted 3; "));
	assert_true(world_lives(150) && world_lives(202));
	assert_false(world_lives(302));
}

static void
a_containers_user_of_the_same_number_lives(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	world_add(160, 1, CI, PROC_NO_AUDIT)->contained = true;
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_did("EMPTY"));
	assert_false(world_lives(102) || world_lives(150));
	assert_true(world_lives(160));
}

static void
nor_is_a_number_taken_that_anybody_runs_under(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	world_add(160, 1, 99999, PROC_NO_AUDIT)->contained = true;
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_did("EMPTY"));
	assert_false(world_lives(150));
	assert_true(world_lives(160));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(nobody_is_emptied_whom_passwd_knows),
	    WORLD_CASE(of_a_key_with_two_sessions_one_may_go_alone),
	    WORLD_CASE(a_deleted_keys_uid_is_emptied_though_no_session_is_known),
	    WORLD_CASE(where_it_cannot_be_done_at_once_each_is_killed),
	    WORLD_CASE(a_uid_outside_the_keys_range_is_never_emptied),
	    WORLD_CASE(of_a_revoked_key_a_shared_accounts_session_empties_no_uid_of_another),
	    WORLD_CASE(what_cannot_be_looked_up_is_not_gone),
	    WORLD_CASE(a_session_that_is_gone_keeps_nothing_alive),
	    WORLD_CASE(only_a_stolen_token_takes_what_no_session_carries_from_one_that_stays),
	    WORLD_CASE(a_containers_user_of_the_same_number_lives),
	    WORLD_CASE(nor_is_a_number_taken_that_anybody_runs_under),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
