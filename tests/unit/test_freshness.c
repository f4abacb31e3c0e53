/* When the directory was last heard. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "freshness.h"
#include "hash.h"
#include "num.h"
#include "pack.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* So many reads fail, in this way. */
static unsigned failures;
static int failure;

ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);

ssize_t
__wrap_pread(int fd, void *buf, size_t n, off_t at)
{
	if (failures == 0)
		return __real_pread(fd, buf, n, at);
	failures--;
	errno = failure;
	return -1;
}

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

/* Right sums over numbers that nobody writes, or over another file's beginning. */
static void
no_sum_makes_a_wrong_file_right(void **state)
{
	static const struct {
		const char *row;
		struct freshness f;
		enum ak_err err;
	} numbers[] = {
	    {"never heard", {0, 0, 0}, AK_OK},
	    {"before 1970", {-1, 900, 900}, AK_ERR_CORRUPT},
	    {"a negative age", {1000, -1, 900}, AK_ERR_CORRUPT},
	    {"a negative age of keys", {1000, 900, -1}, AK_ERR_CORRUPT},
	};
	static const struct freshness never, sound = {1000, 900, 900};
	const char *path = tmp_path(*state, "freshness");
	struct freshness g;
	size_t len_b;
	char *bytes;

	for (size_t i = 0; i < N(numbers); i++) {
		assert_err("", AK_OK, freshness_write(path, &numbers[i].f, NULL));
		assert_err(numbers[i].row, numbers[i].err, freshness_read(path, getuid(), &g));
		assert_row(numbers[i].row, memcmp(&g, &never, sizeof(g)) == 0);
	}
	/* The magic's first byte, the version's. */
	for (size_t at = 0; at <= 8; at += 8) {
		uint32_t crc;

		assert_err("", AK_OK, freshness_write(path, &sound, NULL));
		bytes = file_read(path, &len_b);
		bytes[at]++;
		crc = hash_crc32(hash_crc32(0, bytes, 12), bytes + 16, len_b - 16);
		le32_store((unsigned char *)bytes + 12, crc);
		file_write(path, bytes, len_b, 0644);
		assert_err("another file", AK_ERR_CORRUPT, freshness_read(path, getuid(), &g));
		assert_memory_equal(&g, &never, sizeof(g));
		free(bytes);
	}
}

static void
a_read_that_fails_was_never_heard_and_one_that_a_signal_ends_is_repeated(void **state)
{
	static const struct freshness sound = {1000, 900, 900};
	const char *path = tmp_path(*state, "freshness");
	struct freshness g;

	assert_err("", AK_OK, freshness_write(path, &sound, NULL));
	failures = 3;
	failure = EINTR;
	assert_err("a signal", AK_OK, freshness_read(path, getuid(), &g));
	assert_int_equal(failures, 0);
	failures = 3;
	failure = EIO;
	assert_err("a bad disk", AK_ERR_UNAVAILABLE, freshness_read(path, getuid(), &g));
	assert_int_equal(failures, 2);
	assert_true(freshness_is_stale(&g, 1000));
	failures = 0;
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
		no_sum_makes_a_wrong_file_right, tmp_setup, tmp_teardown),
	    cmocka_unit_test_setup_teardown(
		a_read_that_fails_was_never_heard_and_one_that_a_signal_ends_is_repeated,
		tmp_setup, tmp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
