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
	assert_int_equal(world.took_ms, 3); /* four looks */
	/* Nobody is asked to end what is not there, nor is it waited for. */
	(void)world_pass_of(CI);
	assert_string_equal(world.log, "MANAGER 70001; ");
	assert_int_equal(world.took_ms, 0);
}

/* Nothing but a look reaches what hops from process to process there. */
static void
looks_at_an_account_that_is_not_emptied_stand_further_apart(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_disable(&world.ci);
	(void)world_pass_all();
	assert_false(world_lives(100) || world_lives(102));
	assert_int_equal(world.took_ms, 20 + 3 * 5); /* its line on the terminal, four looks */
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

/* --- whose uid it is ------------------------------------------------------------------------ */

#define OTHER 71000U

static void
a_process_is_of_a_uid_by_its_real_and_its_saved_one(void **state)
{
	static const struct {
		const char *name;
		struct someone one;
		bool at_once, ends;
	} rows[] = {
	    {"both", {.uid = CI}, true, true},
	    {"the real one", {.uid = CI, .saved_is = 5}, true, true},
	    {"the saved one", {.uid = 5, .saved_is = CI}, true, true},
	    {"the effective one alone", {.uid = 5, .effective_is = CI}, false, false},
	    {"none", {.uid = OTHER}, false, false},
	    {"a container's, both", {.uid = CI, .contained = true}, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		world.v[world.n] = rows[i].one;
		world.v[world.n].pid = 150;
		world.v[world.n++].parent = 1;
		assert_int_equal(host_remove(&world.host, CI), AK_OK);
		(void)world_pass_of(CI);
		assert_row(rows[i].name, world_did("EMPTY") == rows[i].at_once);
		assert_row(rows[i].name, world_lives(150) != rows[i].ends);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* By one kill(2) it would be ended with the others. */
static void
whoever_shares_a_number_keeps_it_from_being_ended_at_once(void **state)
{
	static const struct {
		const char *name;
		struct someone one;
		bool at_once;
	} rows[] = {
	    {"a container's real one", {.uid = CI, .saved_is = 5, .contained = true}, false},
	    {"a container's saved one", {.uid = 5, .saved_is = CI, .contained = true}, false},
	    {"a container's, of another number", {.uid = OTHER, .contained = true}, true},
	    {"the spare id, as the real one", {.uid = 99999, .effective_is = 5, .saved_is = 5},
		false},
	    {"as the effective one", {.uid = 5, .effective_is = 99999}, false},
	    {"as the saved one", {.uid = 5, .saved_is = 99999}, false},
	    {"nobody", {.uid = OTHER}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		world_add(150, 1, CI, PROC_NO_AUDIT);
		world.v[world.n] = rows[i].one;
		world.v[world.n].pid = 160;
		world.v[world.n++].parent = 1;
		assert_int_equal(host_remove(&world.host, CI), AK_OK);
		(void)world_pass_of(CI);
		assert_row(rows[i].name, world_did("EMPTY") == rows[i].at_once);
		assert_row(rows[i].name, !world_lives(150) && world_lives(160));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
a_change_that_leaves_the_key_its_right_empties_nothing(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	(void)world_pass_of(CI);
	assert_string_equal(world.log, "");
	/* Nor does the end of another session of it, on an account that others share. */
	(void)world_pass((struct enforce_how){
	    .uids = (const uint32_t[]){CI}, .n_uids = 1, .end_id = "0000000000000100"});
	assert_false(world_did("EMPTY") || world_did("MANAGER"));
	assert_true(world_lives(150));
}

static void
without_the_name_services_file_no_uid_is_a_keys(void **state)
{
	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	assert_int_equal(unlink(world.host.paths.users), 0);
	(void)world_pass_of(CI);
	assert_string_equal(world.log, "");
	/* By hand the session ends all the same, and nothing beside it. */
	(void)world_pass((struct enforce_how){.end_uid = CI});
	assert_string_equal(world.ended, "100 by-hand 3; ");
	assert_false(world_did("EMPTY") || world_did("MANAGER"));
	assert_true(world_lives(150));
}

/* The host's keys have all other uids than before. */
static void
set_uid_range(const char *setting)
{
	assert_int_equal(host_remove(&world.host, CI), AK_OK);
	assert_int_equal(host_remove(&world.host, NIGHTLY), AK_OK);
	host_wipe(&world.host);
	host_settings(&world.host, setting);
	assert_err(world.host.why.text, AK_OK, host_publish(&world.host, HOST_NOW));
}

static void
the_lowest_uid_that_a_key_may_have_is_emptied_too(void **state)
{
	(void)state;
	set_uid_range("version: 1\nuid_range: 1000-1100\n");
	world.spare = 1100;
	world_add(150, 1, 1000, PROC_NO_AUDIT);
	(void)world_pass_of(1000);
	assert_string_equal(world.log, "EMPTY 1000; MANAGER 1000; ");
}

/* The range is that one uid: it has no other to be ended by. */
static void
a_uid_is_not_ended_by_way_of_itself(void **state)
{
	(void)state;
	set_uid_range("version: 1\nuid_range: 71000-71000\n");
	world_add(150, 1, OTHER, PROC_NO_AUDIT);
	(void)world_pass_of(OTHER);
	assert_string_equal(world.log, "KILL 150; MANAGER 71000; ");
}

/* Nor the first process, where it runs as the key: a container is ended by who began it. */
static void
the_first_process_is_never_killed_for_its_uid(void **state)
{
	(void)state;
	world_add(1, 0, CI, PROC_NO_AUDIT);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	world_passwd(99999); /* each by itself */
	assert_int_equal(host_remove(&world.host, CI), AK_OK);
	(void)world_pass_of(CI);
	assert_false(world_lives(150));
	assert_true(world_lives(1));
}

/* Of root's own su, which goes on: whichever record is read first. */
static void
let_su_go_on(pid_t pid)
{
	struct session su = world_log_in(&world.ci, CI, pid);

	su.by_root = true;
	su.secret = 0;
	su.audit = PROC_NO_AUDIT;
	world_record(&su);
	for (pid_t i = 0; i < 3; i++)
		world_find(pid + i)->gone = true;
}

static void
what_no_session_carries_shows_in_the_line_of_one_that_ends(void **state)
{
	(void)state;
	let_su_go_on(100);
	(void)world_log_in(&world.ci, DEPLOY, 200);
	(void)world_log_in(&world.ci, CI, 300);
	(void)world_log_in(&world.ci, CI, 400);
	(void)world_log_in(&world.ci, DEPLOY, 500);
	let_su_go_on(600);
	world_add(150, 1, CI, PROC_NO_AUDIT);
	world_add(151, 1, CI, PROC_NO_AUDIT);
	world_disable(&world.ci);
	assert_int_equal(world_pass_all().ended, 4);
	assert_non_null(strstr(world.ended, "200 disabled 3; "));
	assert_non_null(strstr(world.ended, "500 disabled 3; "));
	assert_true((strstr(world.ended, "300 disabled 5; ") != NULL) !=
		    (strstr(world.ended, "400 disabled 5; ") != NULL));
	assert_true(world_did("EMPTY 70001"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(nobody_is_emptied_whom_passwd_knows),
	    WORLD_CASE(of_a_key_with_two_sessions_one_may_go_alone),
	    WORLD_CASE(a_deleted_keys_uid_is_emptied_though_no_session_is_known),
	    WORLD_CASE(looks_at_an_account_that_is_not_emptied_stand_further_apart),
	    WORLD_CASE(where_it_cannot_be_done_at_once_each_is_killed),
	    WORLD_CASE(a_uid_outside_the_keys_range_is_never_emptied),
	    WORLD_CASE(of_a_revoked_key_a_shared_accounts_session_empties_no_uid_of_another),
	    WORLD_CASE(what_cannot_be_looked_up_is_not_gone),
	    WORLD_CASE(a_session_that_is_gone_keeps_nothing_alive),
	    WORLD_CASE(only_a_stolen_token_takes_what_no_session_carries_from_one_that_stays),
	    WORLD_CASE(a_containers_user_of_the_same_number_lives),
	    WORLD_CASE(nor_is_a_number_taken_that_anybody_runs_under),
	    WORLD_CASE(a_change_that_leaves_the_key_its_right_empties_nothing),
	    WORLD_CASE(without_the_name_services_file_no_uid_is_a_keys),
	    WORLD_CASE(the_lowest_uid_that_a_key_may_have_is_emptied_too),
	    WORLD_CASE(a_uid_is_not_ended_by_way_of_itself),
	    WORLD_CASE(the_first_process_is_never_killed_for_its_uid),
	    WORLD_CASE(what_no_session_carries_shows_in_the_line_of_one_that_ends),
	    cmocka_unit_test(a_process_is_of_a_uid_by_its_real_and_its_saved_one),
	    cmocka_unit_test(whoever_shares_a_number_keeps_it_from_being_ended_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
