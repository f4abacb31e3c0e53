/* What doctor --accept-rollback begins with: no uid that was ever given is given again, and what is refused is kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct id_range range = {70000, 70019};
static const struct id_range gids = {69000, 69009};

/* A key of the next uid; of two, the second uid is for a key that is never made. */
static uint32_t
give(struct host *h, const char *name, bool two)
{
	struct store *s = host_open(h);
	struct key_record k;
	uint32_t uid = 0, unused = 0;

	assert_err(name, AK_OK, store_next_uid(s, range, &uid, NULL));
	if (two)
		assert_err(name, AK_OK, store_next_uid(s, range, &unused, NULL));
	k = key_make(name, uid);
	assert_err(name, AK_OK, store_put(s, &k));
	assert_err(name, AK_OK, host_publish_open(h, s, HOST_NOW));
	store_close(&s);
	return uid;
}

static uint32_t
gid_of(struct store *s, const char *group)
{
	uint32_t gid = 0;

	assert_err(group, AK_OK, store_role_gid(s, group, gids, &gid, NULL));
	return gid;
}

/* Groups of roles, and keys 70000 to 70002, of which 70001 is deleted. */
static void
make(struct host *h, struct tmp *tmp)
{
	struct store *s;

	host_make(h, tmp);
	host_wipe(h);
	s = host_open(h);
	assert_int_equal(gid_of(s, "one"), 69000);
	assert_int_equal(gid_of(s, "two"), 69001);
	assert_err("", AK_OK, host_publish_open(h, s, HOST_NOW));
	store_close(&s);
	assert_int_equal(give(h, "a", false), 70000);
	assert_int_equal(give(h, "b", false), 70001);
	assert_int_equal(give(h, "c", false), 70002);
	assert_err("b", AK_OK, host_remove(h, 70001));
}

static void
damage(const char *path)
{
	file_write(path, "x", 1, 0600);
}

static void
is_spent(const struct store *s, uint32_t uid)
{
	struct diag why = DIAG_INIT;

	if (store_check_uid(s, range, uid, &why) != AK_ERR_EXISTS)
		fail_msg("uid %u can be given again", uid);
	assert_non_null(strstr(why.text, "was a deleted key's"));
}

static void
without_users_idx_the_copy_before_tells_what_was_given(void **state)
{
	struct host h;
	struct store *s;
	uint32_t uid, gid;

	make(&h, *state);
	assert_int_equal(give(&h, "d", true), 70003);
	assert_int_equal(give(&h, "e", false), 70005); /* which it does not know */
	s = host_open(&h);
	gid = gid_of(s, "other");
	assert_true(gid > 69001);
	store_close(&s);
	assert_int_equal(unlink(h.paths.users), 0);
	damage(h.paths.local);
	h.opt.accept_rollback = true;
	s = host_open(&h);
	for (uid = 70000; uid <= 70003; uid++)
		is_spent(s, uid);
	assert_err("counted", AK_OK, store_next_uid(s, range, &uid, NULL));
	assert_int_equal(uid, 70005);
	assert_int_equal(gid_of(s, "other"), gid);
	store_close(&s);
}

/* A key of the directory whose uid is spent has its sessions ended. */
static void
users_idx_tells_the_uids_of_this_host_and_not_the_directorys(void **state)
{
	const struct key_record x = directory_key("x", DIRECTORY_UID);
	const uint32_t *changed;
	struct host h;
	struct store *s;
	size_t n;

	make(&h, *state);
	host_settings(&h, "version: 1\ndirectory: {uris: [ldaps://ldap.example.com]}\n");
	(void)directory_write_keys(&h.paths, &x, 1, HOST_NOW);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	assert_int_equal(h.res.users, 3);
	damage(h.paths.local);
	h.opt.accept_rollback = true;
	s = host_open(&h);
	is_spent(s, 70000);
	is_spent(s, 70002);
	changed = store_borrow_changed(s, &n);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(changed[i], DIRECTORY_UID);
	store_close(&s);
}

/* What can still be read of them is taken; the highest uid stands in their heads. */
static void
damaged_records_are_not_in_the_way(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		char prev[PATH_CAP + 8];
		struct host h;
		struct store *s;
		void *own = NULL;
		uint32_t uid;

		(void)state;
		assert_int_equal(tmp_setup(&own), 0);
		make(&h, own);
		(void)snprintf(prev, sizeof(prev), "%s.prev", h.paths.local);
		directory_damage(i == 0 ? h.paths.users : prev);
		if (i == 1)
			assert_int_equal(unlink(h.paths.users), 0);
		damage(h.paths.local);
		h.opt.accept_rollback = true;
		s = host_open(&h);
		assert_err("counted", AK_OK, store_next_uid(s, range, &uid, NULL));
		assert_int_equal(uid, 70003);
		store_close(&s);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
without_memory_nothing_is_begun(void **state)
{
	struct host h;

	make(&h, *state);
	damage(h.paths.local);
	h.opt.accept_rollback = true;
	for (unsigned i = 0; i < 2; i++) {
		unsigned n = 1;

		if (i == 1)
			assert_int_equal(unlink(h.paths.users), 0);
		for (;; n++) {
			struct store *s = NULL;
			enum ak_err err;

			alloc_fail_nth(n);
			err = store_open(&h.paths, &h.opt, &s, NULL);
			if (!alloc_stop()) {
				is_spent(s, 70000);
				is_spent(s, 70002);
				store_close(&s);
				break;
			}
			assert_err("", AK_ERR_NOMEM, err);
		}
		assert_true(n > 3);
	}
}

/* local.idx and the last number behind its name, or 1 without. */
static char *
refused(const struct host *h, unsigned n, char path[PATH_CAP + 16])
{
	if (n == 1)
		(void)snprintf(path, PATH_CAP + 16, "%s.refused", h->paths.local);
	else
		(void)snprintf(path, PATH_CAP + 16, "%s.refused.%u", h->paths.local, n);
	return path;
}

static void
a_local_idx_that_can_be_read_is_not_set_aside(void **state)
{
	char path[PATH_CAP + 16];
	struct host h;

	make(&h, *state);
	h.opt.accept_rollback = true;
	assert_int_equal(give(&h, "d", false), 70003);
	assert_false(file_is_there(refused(&h, 1, path)));
}

static void
a_hundred_losses_are_kept_and_then_none_is_taken(void **state)
{
	const struct key_record k = key_make("e", 70010);
	char path[PATH_CAP + 16];
	struct host h;

	make(&h, *state);
	h.opt.accept_rollback = true;
	for (unsigned n = 1; n < 100; n++)
		file_write(refused(&h, n, path), "old", 3, 0600);
	damage(h.paths.local);
	assert_int_equal(give(&h, "d", false), 70003);
	assert_true(file_holds(refused(&h, 100, path), "x"));
	assert_true(file_holds(refused(&h, 99, path), "old"));
	damage(h.paths.local);
	assert_err("full", AK_ERR_UNAVAILABLE, host_put(&h, &k));
	assert_non_null(strstr(h.why.text, "to keep what is refused"));
	assert_true(file_holds(h.paths.local, "x"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(without_users_idx_the_copy_before_tells_what_was_given),
	    T(users_idx_tells_the_uids_of_this_host_and_not_the_directorys),
	    T(damaged_records_are_not_in_the_way),
	    T(without_memory_nothing_is_begun),
	    T(a_local_idx_that_can_be_read_is_not_set_aside),
	    T(a_hundred_losses_are_kept_and_then_none_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
