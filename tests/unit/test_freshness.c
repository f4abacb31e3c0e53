/* When the directory was last heard. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "freshness.h"
#include "num.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void
what_was_written_is_read_by_anybody(void **state)
{
	const char *path = tmp_path(*state, "freshness");
	struct freshness f = {.contact_at = 1000, .max_age_s = 900, .keys_max_age_s = 86400}, g;
	struct stat st;

	assert_err("", AK_OK, freshness_write(path, &f, NULL));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_err("", AK_OK, freshness_read(path, getuid(), &g));
	assert_memory_equal(&f, &g, sizeof(f));
}

static void
abuse_072_how_old_is_too_old(void **state)
{
	static const struct {
		const char *row;
		struct freshness f;
		int64_t now;
		bool stale, keys_stale;
	} rows[] = {
	    {"just now", {1000, 10, 20}, 1000, false, false},
	    {"the last second", {1000, 10, 20}, 1010, false, false},
	    {"one more", {1000, 10, 20}, 1011, true, false},
	    {"the keys' last second", {1000, 10, 20}, 1020, true, false},
	    {"too old for all", {1000, 10, 20}, 1021, true, true},
	    {"from the future", {1000, 10, 20}, 999, true, true},
	    {"never heard", {0, 10, 20}, 5, true, true},
	    {"before 1970", {-5, 10, 20}, 5, true, true},
	    {"for ever", {1, NUM_NEVER, NUM_NEVER}, INT64_MAX, false, false},
	    {"for ever, but never heard", {0, NUM_NEVER, NUM_NEVER}, 10, true, true},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_row(
		    rows[i].row, freshness_is_stale(&rows[i].f, rows[i].now) == rows[i].stale);
		assert_row(rows[i].row,
		    freshness_keys_are_stale(&rows[i].f, rows[i].now) == rows[i].keys_stale);
	}
}

static void
what_can_not_be_read_was_never_heard(void **state)
{
	const char *path = tmp_path(*state, "freshness");
	struct freshness f = {.contact_at = 1000, .max_age_s = 900, .keys_max_age_s = 900}, g;
	size_t len_b;
	char *bytes;

	assert_err("missing", AK_ERR_NOT_FOUND, freshness_read(path, getuid(), &g));
	assert_true(freshness_is_stale(&g, 1000));
	assert_err("", AK_OK, freshness_write(path, &f, NULL));
	bytes = file_read(path, &len_b);
	for (size_t bit = 0; bit < len_b * 8; bit++) {
		bytes[bit / 8] ^= (char)(1U << (bit % 8));
		file_write(path, bytes, len_b, 0644);
		assert_err("flipped", AK_ERR_CORRUPT, freshness_read(path, getuid(), &g));
		assert_true(freshness_is_stale(&g, 1000) && freshness_keys_are_stale(&g, 1000));
		bytes[bit / 8] ^= (char)(1U << (bit % 8));
	}
	for (size_t n = 0; n < len_b; n++) {
		file_write(path, bytes, n, 0644);
		assert_err("cut", AK_ERR_CORRUPT, freshness_read(path, getuid(), &g));
	}
	file_write(path, bytes, len_b + 1, 0644);
	assert_err("longer", AK_ERR_CORRUPT, freshness_read(path, getuid(), &g));
	file_write(path, bytes, len_b, 0666);
	assert_err("open to all", AK_ERR_UNSAFE, freshness_read(path, getuid(), &g));
	file_write(path, bytes, len_b, 0644);
	assert_err("another's", AK_ERR_UNSAFE, freshness_read(path, getuid() + 1, &g));
	assert_err("sound", AK_OK, freshness_read(path, getuid(), &g));
	free(bytes);
}

static void
numbers_that_nobody_writes_were_never_heard(void **state)
{
	static const struct freshness rows[] = {
	    {-1, 900, 900}, {1000, -1, 900}, {1000, 900, -1}};
	const char *path = tmp_path(*state, "freshness");

	for (size_t i = 0; i < N(rows); i++) {
		struct freshness g;

		assert_err("", AK_OK, freshness_write(path, &rows[i], NULL));
		assert_err("negative", AK_ERR_CORRUPT, freshness_read(path, getuid(), &g));
		assert_true(freshness_is_stale(&g, 1000) && freshness_keys_are_stale(&g, 1000));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		what_was_written_is_read_by_anybody, tmp_setup, tmp_teardown),
	    cmocka_unit_test(abuse_072_how_old_is_too_old),
	    cmocka_unit_test_setup_teardown(
		what_can_not_be_read_was_never_heard, tmp_setup, tmp_teardown),
	    cmocka_unit_test_setup_teardown(
		numbers_that_nobody_writes_were_never_heard, tmp_setup, tmp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
