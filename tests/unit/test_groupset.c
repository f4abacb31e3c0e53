/* The groups of a publication. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groupset.h"
#include "record.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"

static void
join_marked(struct groupset *g, uint32_t gid, const char *name, uint32_t n_marked)
{
	unsigned char gids[8];
	const struct user_record user = {
	    .name = name, .gids = gids, .n_gids = 2, .n_marked = n_marked};

	le32_store(gids, 4711); /* none of the set */
	le32_store(gids + 4, gid);
	groupset_join(g, &user);
}

static void
join(struct groupset *g, uint32_t gid, const char *name)
{
	join_marked(g, gid, name, 0);
}

static size_t
members(const struct groupset *g, const char *name)
{
	return strv_count(pack_borrow_strv(&groupset_find(g, name)->members));
}

static void
a_name_is_there_once_and_a_second_name_of_a_gid_is_an_alias(void **state)
{
	struct groupset g = GROUPSET_INIT;

	(void)state;
	assert_err("", AK_OK, groupset_add(&g, "one", 1001, true));
	assert_err("", AK_OK, groupset_add(&g, "one", 1002, true));
	assert_int_equal(g.n, 1);
	assert_int_equal(groupset_find(&g, "one")->gid, 1001);
	assert_err("", AK_OK, groupset_add(&g, "two", 1001, true));
	assert_int_equal(groupset_find(&g, "two")->gid, 1001);
	assert_true(groupset_find(&g, "two")->alias);
	assert_false(groupset_find(&g, "one")->alias);
	assert_null(groupset_find(&g, "three"));
	join(&g, 1001, "a");
	assert_int_equal(members(&g, "one"), 1);
	assert_int_equal(members(&g, "two"), 0);
	groupset_clear(&g);
	assert_int_equal(g.n, 0);
}

/* So many that their slots are made anew again and again; gids in step are what a hash may stumble over. */
static void
each_of_many_groups_is_found_by_name_and_by_gid(void **state)
{
	static const uint32_t steps[] = {1, 65536, UINT32_C(0x9e3779b1)};
	enum { MANY = 5000 };

	(void)state;
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		struct groupset g = GROUPSET_INIT;
		char name[KEY_NAME_MAX + 1];

		for (uint32_t i = 0; i < MANY; i++) {
			(void)snprintf(name, sizeof(name), "team-%u", i);
			assert_null(groupset_find(&g, name));
			assert_err(
			    name, AK_OK, groupset_add(&g, name, 10000 + i * steps[s], true));
		}
		for (uint32_t i = 0; i < MANY; i++) {
			(void)snprintf(name, sizeof(name), "team-%u", i);
			join(&g, 10000 + i * steps[s], name);
			assert_true(strv_has(
			    pack_borrow_strv(&groupset_find(&g, name)->members), name));
			assert_int_equal(members(&g, name), 1);
			assert_false(groupset_find(&g, name)->alias);
		}
		assert_int_equal(g.n, MANY);
		groupset_clear(&g);
	}
}

static void
members_are_listed_where_they_are_wanted_and_can_be_let_go(void **state)
{
	struct groupset g = GROUPSET_INIT;

	(void)state;
	assert_err("", AK_OK, groupset_add(&g, "all", 1000, false));
	assert_err("", AK_OK, groupset_add(&g, "some", 1001, true));
	join(&g, 1000, "a");
	join(&g, 1001, "a");
	join(&g, 1001, "b");
	assert_int_equal(members(&g, "all"), 0);
	assert_int_equal(members(&g, "some"), 2);
	groupset_empty(&g);
	assert_int_equal(members(&g, "some"), 0);
	assert_int_equal(g.n, 2);
	groupset_clear(&g);
}

static void
members_by_the_directory_are_listed_apart(void **state)
{
	struct groupset g = GROUPSET_INIT;
	const struct group_entry *e;

	(void)state;
	assert_err("", AK_OK, groupset_add(&g, "all", 1000, false));
	assert_err("", AK_OK, groupset_add(&g, "some", 1001, true));
	join(&g, 1001, "a");
	join_marked(&g, 1001, "b", 1);
	join_marked(&g, 1001, "c", 2);
	join_marked(&g, 1000, "d", 1);
	e = groupset_find(&g, "some");
	assert_int_equal(members(&g, "some"), 1);
	assert_int_equal(strv_count(pack_borrow_strv(&e->marked)), 2);
	assert_true(strv_has(pack_borrow_strv(&e->marked), "b"));
	assert_int_equal(groupset_find(&g, "all")->marked.len_b, 0);
	groupset_empty(&g);
	assert_int_equal(e->marked.len_b, 0);
	groupset_clear(&g);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
	struct groupset g = GROUPSET_INIT;

	(void)state;
	assert_err("", AK_ERR_RANGE,
	    groupset_add(&g, "abcdefghijklmnopqrstuvwxyz0123456", 1000, true));
	assert_int_equal(g.n, 0);
	groupset_clear(&g);
}

static void
abuse_128_a_member_that_found_no_memory_fails_the_writing(void **state)
{
	struct groupset g = GROUPSET_INIT;
	struct index_make *make = index_make_new(0);

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		alloc_fail_nth(n);
		assert_err("", AK_ERR_NOMEM, groupset_add(&g, "some", 1001, true));
		assert_true(alloc_stop());
		assert_null(groupset_find(&g, "some"));
	}
	assert_err("", AK_OK, groupset_add(&g, "some", 1001, true));
	for (uint32_t marked = 0; marked < 2; marked++) {
		groupset_empty(&g);
		alloc_fail_nth(1);
		join_marked(&g, 1001, "a", marked);
		assert_true(alloc_stop());
		assert_err("", AK_ERR_NOMEM, groupset_write(&g, make));
	}
	groupset_clear(&g);
	index_make_free(make);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_there_once_and_a_second_name_of_a_gid_is_an_alias),
	    cmocka_unit_test(each_of_many_groups_is_found_by_name_and_by_gid),
	    cmocka_unit_test(members_are_listed_where_they_are_wanted_and_can_be_let_go),
	    cmocka_unit_test(members_by_the_directory_are_listed_apart),
	    cmocka_unit_test(a_name_that_is_too_long_is_refused),
	    cmocka_unit_test(abuse_128_a_member_that_found_no_memory_fails_the_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
