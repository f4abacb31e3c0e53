/* The names and ids that a host has by itself. */
#include <string.h>
#include <unistd.h>

#include "taken.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

static void
write_text(const char *path, const char *text)
{
	file_write(path, text, strlen(text), 0644);
}

static void
users_and_groups_of_etc_are_found_by_name_and_by_id(void **state)
{
	struct taken t = TAKEN_INIT;
	struct host h;

	host_make(&h, *state);
	write_text(h.paths.passwd, "root:x:0:0:root:/root:/bin/sh\n"
				   "bob:x:1001:1001::/home/bob:/bin/sh\n"
				   "+::::::\n"
				   "\n"
				   "half:x\n"
				   "odd:x:1e3:1:::\n"
				   "last:x:4294967294:1:::");
	assert_err("", AK_OK, taken_read_accounts(&t, &h.paths, NULL));
	assert_true(taken_has_name(&t, "bob"));
	assert_true(taken_has_name(&t, "staff")); /* a group */
	assert_true(taken_has_name(&t, "last"));
	assert_false(taken_has_name(&t, "bo"));
	assert_false(taken_has_name(&t, "half"));
	assert_false(taken_has_name(&t, ""));
	assert_true(taken_has_id(&t, 0));
	assert_true(taken_has_id(&t, 1001));
	assert_true(taken_has_id(&t, 1005)); /* a group's */
	assert_true(taken_has_id(&t, 4294967294U));
	assert_false(taken_has_id(&t, 1000));
	taken_clear(&t);
}

static void
the_version_grows_when_they_differ_and_only_then(void **state)
{
	struct taken t = TAKEN_INIT;
	struct host h;
	uint64_t was;

	host_make(&h, *state);
	write_text(h.paths.passwd, "root:x:0:0:::\nbob:x:1001:1001:::\n");
	assert_err("", AK_OK, taken_read_accounts(&t, &h.paths, NULL));
	was = t.version;
	write_text(h.paths.passwd, "bob:x:1001:1001:Bob::\nroot:x:0:0:::\n");
	assert_err("", AK_OK, taken_read_accounts(&t, &h.paths, NULL));
	assert_true(t.version == was);
	write_text(h.paths.passwd, "bob:x:1002:1001:Bob::\nroot:x:0:0:::\n");
	assert_err("", AK_OK, taken_read_accounts(&t, &h.paths, NULL));
	assert_true(t.version > was);
	was = t.version;
	write_text(h.paths.passwd, "eve:x:1002:1001:Bob::\nroot:x:0:0:::\n");
	assert_err("", AK_OK, taken_read_accounts(&t, &h.paths, NULL));
	assert_true(t.version > was);
	taken_clear(&t);
}

static void
what_cannot_be_read_keeps_what_was_known(void **state)
{
	struct taken t = TAKEN_INIT;
	struct diag why = DIAG_INIT;
	struct host h;

	host_make(&h, *state);
	assert_err("at first", AK_ERR_UNAVAILABLE, taken_read_accounts(&t, &h.paths, &why));
	assert_string_equal(why.file, h.paths.passwd);
	write_text(h.paths.passwd, "bob:x:1001:1001:::\n");
	assert_err("", AK_OK, taken_read_accounts(&t, &h.paths, NULL));
	assert_int_equal(unlink(h.paths.group), 0);
	assert_err("later", AK_ERR_UNAVAILABLE, taken_read_accounts(&t, &h.paths, NULL));
	assert_true(taken_has_name(&t, "bob"));
	assert_true(taken_has_name(&t, "staff"));
	taken_clear(&t);
}

static void
the_hosts_own_keys_are_listed_in_one_order(void **state)
{
	struct taken t = TAKEN_INIT;
	struct host h;
	struct key_record k = key_make("zed", 70000);
	bool changed;

	host_make(&h, *state);
	assert_err("none", AK_OK, taken_read_keys(&t, &h.paths, &changed, NULL));
	assert_false(changed);
	assert_err("put", AK_OK, host_put(&h, &k));
	k = key_make("ann", 70001);
	assert_err("put", AK_OK, host_put(&h, &k));
	assert_err("two", AK_OK, taken_read_keys(&t, &h.paths, &changed, NULL));
	assert_true(changed);
	assert_int_equal(t.key_names.len_b, sizeof("zed\0ann"));
	assert_memory_equal(t.key_names.bytes, "zed\0ann", sizeof("zed\0ann"));
	assert_memory_equal(t.key_ids.bytes, "K000070000\0K000070001", 22);
	assert_int_equal(((const uint32_t *)(const void *)t.key_uids.bytes)[1], 70001);

	k.state = KEY_DISABLED;
	assert_err("put", AK_OK, host_put(&h, &k));
	assert_err("same names", AK_OK, taken_read_keys(&t, &h.paths, &changed, NULL));
	assert_false(changed);

	write_text(h.paths.local, "damaged");
	assert_err(
	    "damaged later", AK_ERR_CORRUPT, taken_read_keys(&t, &h.paths, &changed, NULL));
	assert_false(changed);
	assert_int_equal(t.key_names.len_b, sizeof("zed\0ann"));
	taken_clear(&t);
	assert_err(
	    "damaged at first", AK_ERR_CORRUPT, taken_read_keys(&t, &h.paths, &changed, NULL));
	taken_clear(&t);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(users_and_groups_of_etc_are_found_by_name_and_by_id),
	    T(the_version_grows_when_they_differ_and_only_then),
	    T(what_cannot_be_read_keeps_what_was_known),
	    T(the_hosts_own_keys_are_listed_in_one_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
