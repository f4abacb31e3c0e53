/* What the next commit will write. */
#include <stdlib.h>
#include <string.h>

#include "staged.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"

static struct pack
value_of(const char *text)
{
	struct pack p = PACK_INIT;

	pack_str(&p, text);
	return p;
}

static struct staged
a_key(uint32_t uid, const char *name, const char *id)
{
	struct staged st = {.order = ORDER_KEYS, .number = uid, .n_keys = 3};

	st.keys[0] = record_key_text(RECORD_ID, id);
	st.keys[1] = record_key_text(RECORD_NAME, name);
	st.keys[2] = record_key_number(RECORD_UID, uid);
	return st;
}

static struct staged
a_spent(uint32_t uid)
{
	struct staged st = {.order = ORDER_REST, .number = uid, .n_keys = 1};

	st.keys[0] = record_key_number(RECORD_SPENT_UID, uid);
	return st;
}

static enum ak_err
put(struct staged_list *l, struct staged st, const char *text)
{
	struct pack p = value_of(text);
	enum ak_err err = staged_put(l, st, &p);

	assert_null(p.bytes);
	return err;
}

static bool
holds(const struct staged_list *l, struct record_key by, const char *text)
{
	const struct staged *st = staged_find(l, by);
	struct unpack u;

	if (st == NULL)
		return text == NULL;
	u = unpack_over(st->value, st->value_len_b);
	return text != NULL && strcmp(unpack_str(&u), text) == 0;
}

static void
a_key_replaces_what_was_staged_for_its_uid(void **state)
{
	struct staged_list l = {.v = NULL};

	(void)state;
	assert_err("", AK_OK, put(&l, a_key(70000, "a", "A000000000"), "first"));
	assert_err("", AK_OK, put(&l, a_key(70001, "b", "B000000000"), "other"));
	assert_err("", AK_OK, put(&l, a_key(70000, "c", "A000000000"), "second"));
	assert_int_equal(l.n, 2);
	assert_true(holds(&l, record_key_text(RECORD_NAME, "c"), "second"));
	assert_true(holds(&l, record_key_text(RECORD_NAME, "a"), NULL));
	assert_true(holds(&l, record_key_number(RECORD_UID, 70001), "other"));
	staged_clear(&l);
	assert_null(l.v);
}

static void
the_end_of_a_key_takes_its_place_and_a_key_of_the_same_number_is_another_thing(void **state)
{
	struct staged_list l = {.v = NULL};

	(void)state;
	assert_err("", AK_OK, put(&l, a_key(70000, "a", "A000000000"), "key"));
	staged_drop_key(&l, 70000);
	staged_drop_key(&l, 70009);
	assert_int_equal(l.n, 0);
	assert_err("", AK_OK, put(&l, a_spent(70000), "spent"));
	assert_err("", AK_OK, put(&l, a_spent(70000), "spent again"));
	assert_int_equal(l.n, 1);
	assert_true(staged_replaces_uid(&l, 70000));
	assert_false(staged_replaces_uid(&l, 70001));
	assert_err("", AK_OK, put(&l, a_key(70001, "b", "B000000000"), "key"));
	assert_true(staged_replaces_uid(&l, 70001));
	assert_int_equal(l.n, 2);
	staged_clear(&l);
}

static void
stored_records_are_replaced_by_uid_or_by_key(void **state)
{
	struct staged_list l = {.v = NULL};
	unsigned char keys[16] = {6, 'G', 'g', 'r', 'o', 'u', 'p'};
	struct index_view key = {.order = ORDER_KEYS, .number = 70000},
			  group = {
			      .order = ORDER_REST, .number = 69000, .keys = keys, .n_keys = 1};
	struct staged st = {.order = ORDER_REST, .number = 69000, .n_keys = 1};

	(void)state;
	assert_false(staged_replaces(&l, &key));
	assert_err("", AK_OK, put(&l, a_spent(70000), "spent"));
	assert_true(staged_replaces(&l, &key));
	assert_false(staged_replaces(&l, &group));
	st.keys[0] = record_key_text(RECORD_ROLE_GROUP, "group");
	assert_err("", AK_OK, put(&l, st, "gid"));
	assert_true(staged_replaces(&l, &group));
	staged_clear(&l);
}

static void
a_value_that_failed_is_not_staged(void **state)
{
	struct staged_list l = {.v = NULL};
	struct pack p = value_of("x");

	(void)state;
	p.err = AK_ERR_RANGE;
	assert_err("", AK_ERR_RANGE, staged_put(&l, a_spent(70000), &p));
	assert_null(p.bytes);
	assert_int_equal(l.n, 0);
	staged_clear(&l);
}

static void
abuse_128_without_memory_the_list_is_as_it_was(void **state)
{
	struct staged_list l = {.v = NULL};

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct pack p = value_of("x");
		enum ak_err err;

		alloc_fail_nth(1);
		err = staged_put(&l, a_spent(70000 + i), &p);
		if (alloc_stop()) {
			assert_err("", AK_ERR_NOMEM, err);
			assert_int_equal(l.n, i);
			assert_null(p.bytes);
			err = put(&l, a_spent(70000 + i), "x");
		}
		assert_err("", AK_OK, err);
	}
	assert_int_equal(l.n, 100);
	staged_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_replaces_what_was_staged_for_its_uid),
	    cmocka_unit_test(
		the_end_of_a_key_takes_its_place_and_a_key_of_the_same_number_is_another_thing),
	    cmocka_unit_test(stored_records_are_replaced_by_uid_or_by_key),
	    cmocka_unit_test(a_value_that_failed_is_not_staged),
	    cmocka_unit_test(abuse_128_without_memory_the_list_is_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
