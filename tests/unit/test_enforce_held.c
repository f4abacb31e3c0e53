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

static void
so_many_are_held_back_and_no_fewer(void **state)
{
	static const struct {
		const char *name;
		unsigned gone, there, before, keys_before;
		bool held, unguarded;
	} rows[] = {
	    {"more than ten, and more than half", 11, 10, 0, 0, true, false},
	    {"by a change that LDAP has no part in", 11, 10, 0, 0, false, true},
	    {"ten", 10, 0, 0, 0, false, false},
	    {"half of them", 11, 11, 0, 0, false, false},
	    {"one, after ten of a moment ago", 1, 9, 10, 2, true, false},
	    {"one, after ten of one other key", 1, 9, 10, 1, false, false},
	    {"one, after nine of a moment ago", 1, 0, 9, 9, false, false},
	    {"one, after ten that were less than half", 1, 40, 10, 10, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct enforce_result out;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		log_in_from_directory(rows[i].gone, rows[i].there);
		out = world_pass((struct enforce_how){.guarded = !rows[i].unguarded,
		    .n_before = rows[i].before,
		    .n_keys_before = rows[i].keys_before});
		assert_row(rows[i].name, out.held_back == (rows[i].held ? rows[i].gone : 0));
		assert_row(rows[i].name, out.ended == (rows[i].held ? 0 : rows[i].gone));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* Twelve of them, which may log in, and have. */
static void
log_in_locally(const char *binding)
{
	for (unsigned i = 0; i < 12; i++) {
		struct token tok = TOKEN_INIT;
		struct key_record k;
		char name[16];

		(void)snprintf(name, sizeof(name), "local%u", i);
		k = key_with_token(name, 70100 + i, &tok);
		token_clear(&tok);
		if (binding != NULL)
			key_bind(&k, binding);
		assert_int_equal(host_put(&world.host, &k), AK_OK);
		(void)world_log_in(&k, k.uid, (pid_t)(1000 + 10 * i));
	}
}

static void
disable_all(void)
{
	struct token tok = TOKEN_INIT;

	for (unsigned i = 0; i < 12; i++) {
		char name[16];
		struct key_record k;

		(void)snprintf(name, sizeof(name), "local%u", i);
		k = key_with_token(name, 70100 + i, &tok);
		token_clear(&tok);
		world_disable(&k);
	}
}

static void
a_local_key_is_held_back_only_where_ldap_may_have_taken_its_role(void **state)
{
	static const char window[] =
	    "version: 1\nroles: {viewer: {services: [sshd]}}\n"
	    "grant: [{role: viewer, login: '*', time: {hours: '07:00-08:00'}}]\n";
	static const struct {
		const char *name, *binding, *policy;
		bool disabled;
		unsigned held, at_once, gently;
	} rows[] = {
	    {"they keep their right", "viewer", NULL, false, 0, 0, 0},
	    {"without a role", NULL, NULL, false, 12, 0, 0},
	    {"disabled", "viewer", NULL, true, 0, 12, 0},
	    {"the hours of their role are over", NULL, window, false, 0, 0, 12},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct enforce_result out;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		log_in_locally(rows[i].binding);
		if (rows[i].disabled)
			disable_all();
		if (rows[i].policy != NULL)
			host_policy(&world.host, rows[i].policy);
		assert_int_equal(host_publish(&world.host, HOST_NOW), AK_OK);
		world_settle();
		out = guarded_pass(0);
		assert_false(out.distrusted);
		assert_row(rows[i].name, out.held_back == rows[i].held);
		assert_row(rows[i].name, out.ended == rows[i].at_once + rows[i].gently);
		assert_row(rows[i].name, out.gently == rows[i].gently);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* They have expired in LDAP, and were told; that LDAP moves now does not let them stay. */
static void
who_was_told_to_end_is_not_held_back(void **state)
{
	struct key_record keys[12];
	struct enforce_result out;

	(void)state;
	log_in_from_directory(0, 0);
	for (unsigned i = 0; i < 12; i++) {
		struct session s;
		char name[16];

		(void)snprintf(name, sizeof(name), "gone%u", i);
		keys[i] = directory_key(name, DIRECTORY_UID + i);
		keys[i].expires_at = HOST_NOW - 10;
		s = world_log_in(&keys[i], DEPLOY, (pid_t)(1000 + 10 * i));
		s.secret = 0;
		world_record(&s);
		for (pid_t pid = 0; pid < 3; pid++)
			world_find(s.leader.pid + pid)->deaf = true;
	}
	(void)directory_write_keys(&world.host.paths, keys, 12, HOST_NOW);
	assert_int_equal(host_publish(&world.host, HOST_NOW), AK_OK);
	/* Who was not is. */
	assert_int_equal(guarded_pass(0).held_back, 12);
	out = world_pass((struct enforce_how){.accept = true});
	assert_int_equal(out.gently, 12);
	out = guarded_pass(0);
	assert_int_equal(out.held_back, 0);
	assert_int_equal(world_session(1000).state, SESSION_ENDING);
}

/* Each of them is looked at, to the last place of a full table. */
static void
of_many_the_right_ones_are_held_back(void **state)
{
	(void)state;
	log_in_from_directory(40, 24);
	assert_int_equal(guarded_pass(0).held_back, 40);
}

static void
what_is_held_back_stays_so_while_others_are_judged(void **state)
{
	struct session s;

	(void)state;
	log_in_from_directory(11, 0);
	s = world_session(1000);
	s.namespace ++;
	s.held_back = true;
	world_record(&s);
	assert_int_equal(guarded_pass(10).held_back, 10);
	assert_true(world_session(1010).held_back);
	assert_int_equal(world_pass_of(CI).held_back, 0);
	assert_true(world_session(1010).held_back);
	/* Of another namespace, whose own pass judges it. */
	assert_true(world_session(1000).held_back);
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
	log_in_from_directory(12, 0);
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

/* One key, after one of a moment ago; and two. */
static void
a_key_counts_once_whoever_comes_before_it(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		struct enforce_result out;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		log_in_from_directory(1, 0);
		for (unsigned i = 0; i < 20; i++) {
			struct key_record one = directory_key("gone0", DIRECTORY_UID);
			struct session s;

			if (i % n == 1)
				one = directory_key("gone1", DIRECTORY_UID + 1);
			s = world_log_in(&one, DEPLOY, (pid_t)(2000 + 10 * i));
			s.secret = 0;
			world_record(&s);
		}
		out = world_pass((struct enforce_how){.guarded = true, .n_keys_before = 2 - n});
		assert_int_equal(out.held_back, 0);
		assert_int_equal(out.ended_keys, n);
		assert_int_equal(tmp_teardown(&own), 0);
	}
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
	    cmocka_unit_test(a_local_key_is_held_back_only_where_ldap_may_have_taken_its_role),
	    WORLD_CASE(who_was_told_to_end_is_not_held_back),
	    WORLD_CASE(of_many_the_right_ones_are_held_back),
	    WORLD_CASE(what_is_held_back_stays_so_while_others_are_judged),
	    WORLD_CASE(who_gets_the_right_back_is_held_back_no_longer),
	    WORLD_CASE(by_hand_even_many_are_ended_while_ldap_moves),
	    WORLD_CASE(of_one_key_all_sessions_end_however_many_it_opened),
	    cmocka_unit_test(a_key_counts_once_whoever_comes_before_it),
	    WORLD_CASE(a_held_back_keys_uid_is_not_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
