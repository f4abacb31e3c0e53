/* The groups of a publication. */
#include <stdlib.h>
#include <string.h>

#include "groupset.h"
#include "record.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"

static void
join(struct groupset *g, uint32_t gid, const char *user)
{
	unsigned char gids[8];

	le32_store(gids, 4711); /* none of the set */
	le32_store(gids + 4, gid);
	groupset_join(g, gids, 2, user);
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
	alloc_fail_nth(1);
	assert_err("", AK_ERR_NOMEM, groupset_add(&g, "some", 1001, true));
	assert_true(alloc_stop());
	assert_err("", AK_OK, groupset_add(&g, "some", 1001, true));
	alloc_fail_nth(1);
	join(&g, 1001, "a");
	assert_true(alloc_stop());
	assert_err("", AK_ERR_NOMEM, groupset_write(&g, make));
	groupset_clear(&g);
	index_make_free(make);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_there_once_and_a_second_name_of_a_gid_is_an_alias),
	    cmocka_unit_test(members_are_listed_where_they_are_wanted_and_can_be_let_go),
	    cmocka_unit_test(a_name_that_is_too_long_is_refused),
	    cmocka_unit_test(abuse_128_a_member_that_found_no_memory_fails_the_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
