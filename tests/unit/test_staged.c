/* What the next commit will write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "staged.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

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
	assert_null(l.buckets);
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

#define UIDS 3000U

/* What the list should hold of each uid: 0 nothing, 1 a key, 2 its end; and under which name. */
struct plain {
	unsigned char what[UIDS];
	uint32_t name[UIDS];
};

static char *
name_of(uint32_t number, char buf[16])
{
	(void)snprintf(buf, 16, "n%u", number);
	return buf;
}

/* A key under a name and an id of its own: those it had are let go. */
static void
put_renamed(struct staged_list *l, struct plain *p, uint32_t i, uint32_t fresh)
{
	char name[16], id[16];

	(void)snprintf(id, sizeof(id), "I%09u", fresh);
	assert_err("", AK_OK, put(l, a_key(70000 + i, name_of(fresh, name), id), name));
	p->what[i] = 1;
	p->name[i] = fresh;
}

static void
compare(const struct staged_list *l, const struct plain *p)
{
	char name[16];
	size_t n = 0;

	for (uint32_t i = 0; i < UIDS; i++) {
		bool key = p->what[i] == 1, spent = p->what[i] == 2;

		assert_true(holds(l, record_key_number(RECORD_UID, 70000 + i),
		    key ? name_of(p->name[i], name) : NULL));
		assert_true(holds(
		    l, record_key_number(RECORD_SPENT_UID, 70000 + i), spent ? "end" : NULL));
		/* The last name that it had. */
		assert_true(holds(l, record_key_text(RECORD_NAME, name_of(p->name[i], name)),
		    key ? name : NULL));
		assert_int_equal(staged_replaces_uid(l, 70000 + i), key || spent);
		n += key || spent;
	}
	assert_int_equal(l->n, n);
}

static void
many_are_kept_apart_whatever_is_dropped_and_put_again(void **state)
{
	static struct plain p;
	struct staged_list l = {.v = NULL};
	struct rnd r = rnd_start("test_staged");

	(void)state;
	for (uint32_t step = 0; step < 5 * UIDS; step++) {
		uint32_t i = (uint32_t)rnd_below(&r, UIDS);

		if (p.what[i] != 2 && rnd_below(&r, 4) != 0) {
			put_renamed(&l, &p, i, step + 1);
		} else {
			staged_drop_key(&l, 70000 + i);
			assert_err("", AK_OK, put(&l, a_spent(70000 + i), "end"));
			p.what[i] = 2;
		}
	}
	compare(&l, &p);
	for (uint32_t i = 0; i < UIDS; i += 2) {
		staged_drop_key(&l, 70000 + i);
		if (p.what[i] == 1)
			p.what[i] = 0;
	}
	compare(&l, &p);
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
	    cmocka_unit_test(many_are_kept_apart_whatever_is_dropped_and_put_again),
	    cmocka_unit_test(abuse_128_without_memory_the_list_is_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
