/* Too many at once, by what LDAP says: a pass holds them back until an administrator has looked. */
#include <stdio.h>

#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_world.h"

static struct enforce_result
guarded_pass(unsigned n_before)
{
	return world_pass((struct enforce_how){.guarded = true, .n_before = n_before});
}

/* Sessions of keys that live in LDAP: gone are those from the first of the range on, so many; the others are there. */
static void
log_in_from_directory(unsigned gone, unsigned there)
{
	struct key_record kept = directory_key("kept", DIRECTORY_UID + 500);

	host_settings(&world.host, "version: 1\n"
				   "directory:\n"
				   "  uris: [ldaps://ldap.example.com]\n"
				   "  keys: {base: 'ou=keys,dc=example,dc=com'}\n");
	(void)directory_write_keys(&world.host.paths, &kept, 1, HOST_NOW);
	assert_int_equal(host_publish(&world.host, HOST_NOW), AK_OK);
	for (unsigned i = 0; i < gone + there; i++) {
		char name[16];
		struct key_record k = kept;

		(void)snprintf(name, sizeof(name), "gone%u", i);
		if (i < gone)
			k = directory_key(name, DIRECTORY_UID + i);
		struct session s = world_log_in(&k, DEPLOY, (pid_t)(1000 + 10 * i));

		s.secret = 0;
		s.by_root = i >= gone;
		world_record(&s);
	}
}

static void
a_mass_ending_waits_for_an_administrator(void **state)
{
	struct enforce_result out;

	(void)state;
	log_in_from_directory(11, 10);
	out = guarded_pass(0);
	assert_int_equal(out.live, 21);
	assert_int_equal(out.held_back, 11);
	assert_string_equal(world.log, "");
	/* The clock's pass, or a command's, ends none of them. */
	assert_int_equal(world_pass_all().held_back, 11);
	assert_string_equal(world.log, "");
	out = world_pass((struct enforce_how){.accept = true});
	assert_int_equal(out.held_back, 0);
	assert_int_equal(out.ended, 11);
	assert_int_equal(world_count_records(), 10);
}

static const struct row {
	const char *name;
	unsigned gone, there, before, keys_before;
	bool held;
} rows[] = {
    {"more than ten, and more than half", 11, 10, 0, 0, true},
    {"ten", 10, 0, 0, 0, false},
    {"half of them", 11, 11, 0, 0, false},
    {"one, after ten of a moment ago", 1, 9, 10, 2, true},
    {"one, after ten of one other key", 1, 9, 10, 1, false},
    {"one, after nine of a moment ago", 1, 0, 9, 9, false},
    {"one, after ten that were less than half", 1, 40, 10, 10, false},
};

static void
so_many_are_held_back_and_no_fewer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct enforce_result out;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		log_in_from_directory(row->gone, row->there);
		out = world_pass((struct enforce_how){.guarded = true,
		    .n_before = row->before,
		    .n_keys_before = row->keys_before});
		assert_row(row->name, out.held_back == (row->held ? row->gone : 0));
		assert_row(row->name, out.ended == (row->held ? 0 : row->gone));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
what_local_keys_say_is_never_held_back(void **state)
{
	struct enforce_result out;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		(void)world_log_in(&world.ci, DEPLOY, (pid_t)(1000 + 10 * i));
	world_disable(&world.ci);
	out = guarded_pass(0);
	assert_int_equal(out.ended, 12);
	assert_int_equal(out.held_back, 0);
}

static void
who_gets_the_right_back_is_held_back_no_longer(void **state)
{
	struct key_record back[12];
	char name[16];

	(void)state;
	log_in_from_directory(12, 0);
	assert_int_equal(guarded_pass(0).held_back, 12);
	for (unsigned i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "gone%u", i);
		back[i] = directory_key(name, DIRECTORY_UID + i);
		if (i > 0)
			key_bind(&back[i], "viewer");
	}
	(void)directory_write_keys(&world.host.paths, back, 12, HOST_NOW);
	assert_int_equal(host_publish(&world.host, HOST_NOW), AK_OK);
	assert_int_equal(guarded_pass(0).held_back, 0);
	assert_string_equal(world.log, "");
}

static void
by_hand_even_many_are_ended_while_ldap_moves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++)
		(void)world_log_in(&world.ci, DEPLOY, (pid_t)(1000 + 10 * i));
	assert_int_equal(
	    world_pass((struct enforce_how){.end_all = true, .guarded = true}).ended, 12);
}

static void
of_one_key_all_sessions_end_however_many_it_opened(void **state)
{
	struct key_record one = directory_key("gone0", DIRECTORY_UID);
	struct enforce_result out;

	(void)state;
	log_in_from_directory(1, 0);
	for (unsigned i = 0; i < 20; i++) {
		struct session s = world_log_in(&one, DEPLOY, (pid_t)(2000 + 10 * i));

		s.secret = 0;
		world_record(&s);
	}
	out = guarded_pass(0);
	assert_int_equal(out.held_back, 0);
	assert_int_equal(out.ended, 21);
	assert_int_equal(out.ended_keys, 1);
}

static void
a_held_back_keys_uid_is_not_emptied(void **state)
{
	uint32_t uids[11];

	(void)state;
	log_in_from_directory(11, 0);
	for (unsigned i = 0; i < 11; i++) {
		uids[i] = DIRECTORY_UID + i;
		world_add((pid_t)(5000 + i), 1, uids[i], PROC_NO_AUDIT);
	}
	assert_int_equal(guarded_pass(0).held_back, 11);
	(void)world_pass((struct enforce_how){.uids = uids, .n_uids = 11});
	assert_string_equal(world.log, "");
	(void)world_pass((struct enforce_how){.uids = uids, .n_uids = 11, .accept = true});
	assert_true(world_did("EMPTY 1879048192"));
	assert_false(world_lives(5010));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(a_mass_ending_waits_for_an_administrator),
	    cmocka_unit_test(so_many_are_held_back_and_no_fewer),
	    WORLD_CASE(what_local_keys_say_is_never_held_back),
	    WORLD_CASE(who_gets_the_right_back_is_held_back_no_longer),
	    WORLD_CASE(by_hand_even_many_are_ended_while_ldap_moves),
	    WORLD_CASE(of_one_key_all_sessions_end_however_many_it_opened),
	    WORLD_CASE(a_held_back_keys_uid_is_not_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
