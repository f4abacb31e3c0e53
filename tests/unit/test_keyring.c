/* Finding keys: what is damaged, old or from the future is told apart from what is not there. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index_make.h"
#include "keyring.h"
#include "safefile.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static unsigned
count_fds(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void
put(struct host *h, const char *name, uint32_t uid)
{
	struct key_record k = key_make(name, uid);

	assert_err(name, AK_OK, host_put(h, &k));
}

static void
a_key_is_found_by_name_uid_and_id_and_nothing_stays_open(void **state)
{
	struct host h;
	struct keyring ring;
	struct key k;
	unsigned fds = count_fds();

	host_make(&h, *state);
	put(&h, "a", 70000);
	put(&h, "b", 70001);
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("", AK_OK, ring.local_err);
	assert_true(keyring_is_published(&ring));
	assert_err("name", AK_OK, keyring_find_name(&ring, "b", &k));
	assert_int_equal(k.rec.uid, 70001);
	key_clear(&k);
	assert_err("uid", AK_OK, keyring_find_uid(&ring, 70000, &k));
	assert_string_equal(k.rec.name, "a");
	key_clear(&k);
	assert_err("id", AK_OK, keyring_find_id(&ring, "K000070001", &k));
	assert_string_equal(k.rec.name, "b");
	key_clear(&k);
	assert_err("none", AK_ERR_NOT_FOUND, keyring_find_name(&ring, "c", &k));
	assert_err("empty", AK_ERR_NOT_FOUND, keyring_find_name(&ring, "", &k));
	assert_err("none", AK_ERR_NOT_FOUND, keyring_find_uid(&ring, 0, &k));
	assert_err("028 other case", AK_ERR_NOT_FOUND, keyring_find_name(&ring, "B", &k));
	assert_err("a spent name", AK_ERR_NOT_FOUND, keyring_find_id(&ring, "a", &k));
	keyring_close(&ring);
	keyring_close(&ring);
	assert_int_equal(count_fds(), fds);
}

static void
abuse_061_without_users_idx_no_uid_is_ours_and_without_local_idx_none_is_denied(void **state)
{
	struct host h;
	struct keyring ring;
	struct key k;
	unsigned fds = count_fds();

	host_make(&h, *state);
	put(&h, "a", 70000);
	assert_int_equal(unlink(h.paths.local), 0);
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_true(users_extra_has_uid(&ring.users, 70000));
	assert_false(users_extra_has_uid(&ring.users, 1000));
	assert_false(keyring_is_published(&ring));
	assert_err("", AK_ERR_UNAVAILABLE, keyring_find_name(&ring, "a", &k));
	assert_err("", AK_ERR_UNAVAILABLE, keyring_find_name(&ring, "nobody", &k));
	keyring_close(&ring);
	assert_int_equal(unlink(h.paths.users), 0);
	assert_err("", AK_ERR_UNAVAILABLE, keyring_open(&h.paths, &ring));
	keyring_close(&ring);
	assert_int_equal(count_fds(), fds);
}

static void
abuse_064_any_flipped_byte_is_damage_and_never_not_found(void **state)
{
	struct host h;
	struct host_files f;
	struct keyring ring;
	struct key k;

	host_make(&h, *state);
	put(&h, "a", 70000);
	host_keep(&h, &f);
	for (size_t at = 0; at < f.local_len_b; at++) {
		enum ak_err err;

		f.local[at] ^= 0x40;
		file_write(h.paths.local, f.local, f.local_len_b, 0600);
		f.local[at] ^= 0x40;
		assert_err("", AK_OK, keyring_open(&h.paths, &ring));
		err = keyring_find_uid(&ring, 70000, &k);
		/* A damaged block of another key, or order, is not on the way. */
		if (err == AK_OK) {
			assert_string_equal(k.rec.name, "a");
			key_clear(&k);
		} else {
			assert_err("", AK_ERR_CORRUPT, err);
		}
		keyring_close(&ring);
	}
	host_files_clear(&f);
}

static void
abuse_157_an_older_local_idx_is_a_rollback(void **state)
{
	struct host h;
	struct host_files old, now;
	struct keyring ring;
	struct key k;

	host_make(&h, *state);
	put(&h, "a", 70000);
	host_keep(&h, &old);
	put(&h, "b", 70001);
	host_keep(&h, &now);
	file_write(h.paths.local, old.local, old.local_len_b, 0600);
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("", AK_ERR_ROLLBACK, ring.local_err);
	assert_err("", AK_ERR_ROLLBACK, keyring_find_name(&ring, "a", &k));
	assert_false(keyring_is_published(&ring));
	keyring_close(&ring);
	/* A newer one than was published is a change under way. */
	file_write(h.paths.local, now.local, now.local_len_b, 0600);
	file_write(h.paths.users, old.users, old.users_len_b, 0644);
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("", AK_OK, ring.local_err);
	assert_false(keyring_is_published(&ring));
	assert_err("", AK_OK, keyring_find_name(&ring, "b", &k));
	key_clear(&k);
	keyring_close(&ring);
	host_files_clear(&old);
	host_files_clear(&now);
}

static void
abuse_101_102_103_time_is_undefined_when_a_file_is_from_the_future(void **state)
{
	static const struct {
		int64_t ahead_s;
		bool undefined;
	} rows[] = {{0, false}, {60, false}, {61, true}, {365 * 86400, true}, {-1, false},
	    {-365 * 86400, false}, {HOST_NOW, true}};
	struct host h;
	struct keyring ring;

	host_make(&h, *state);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	for (size_t i = 0; i < N(rows); i++) {
		assert_err("", AK_OK, keyring_open(&h.paths, &ring));
		assert_int_equal(keyring_time_undefined(&ring, HOST_NOW - rows[i].ahead_s),
		    rows[i].undefined);
		keyring_close(&ring);
	}
}

static void
the_newer_stamp_of_both_files_counts(void **state)
{
	struct host h;
	struct host_files before;
	struct keyring ring;
	struct store *s;
	struct key_record k = key_make("a", 70000);

	host_make(&h, *state);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	host_keep(&h, &before);
	s = host_open(&h);
	assert_err("", AK_OK, store_put(s, &k));
	assert_err("", AK_OK, host_publish_open(&h, s, HOST_NOW + 100));
	store_close(&s);
	file_write(h.paths.users, before.users, before.users_len_b, 0644);
	assert_err("local.idx", AK_OK, keyring_open(&h.paths, &ring));
	assert_true(ring.stamp == HOST_NOW + 100);
	keyring_close(&ring);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW + 200));
	assert_err("users.idx", AK_OK, keyring_open(&h.paths, &ring));
	assert_true(ring.stamp == HOST_NOW + 200);
	keyring_close(&ring);
	host_files_clear(&before);
}

/* local.idx with one record, under keys of another. */
static void
write_crossed(const struct host *h, const struct key_record *k, struct record_key by)
{
	struct index_make *make = index_make_new(1);
	struct index_make_head head = {.generation = 1000, .built_at = HOST_NOW};
	struct index_key key = {by.bytes, by.len_b};
	struct pack value = PACK_INIT;
	unsigned char *bytes;
	size_t len_b;

	key_record_pack(k, &value);
	assert_err("", AK_OK,
	    index_make_add(make, ORDER_KEYS, k->uid, &key, 1, value.bytes, value.len_b));
	assert_err("", AK_OK, index_make_finish(make, &head, &bytes, &len_b));
	file_write(h->paths.local, bytes, len_b, 0600);
	free(bytes);
	pack_clear(&value);
	index_make_free(make);
}

static void
a_record_that_says_another_name_uid_or_id_is_damage(void **state)
{
	struct host h;
	struct key_record k = key_make("a", 70000);
	struct keyring ring;
	struct key found;

	host_make(&h, *state);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	write_crossed(&h, &k, record_key_text(RECORD_NAME, "b"));
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("name", AK_ERR_CORRUPT, keyring_find_name(&ring, "b", &found));
	keyring_close(&ring);
	write_crossed(&h, &k, record_key_number(RECORD_UID, 70001));
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("uid", AK_ERR_CORRUPT, keyring_find_uid(&ring, 70001, &found));
	keyring_close(&ring);
	write_crossed(&h, &k, record_key_text(RECORD_ID, "K000070001"));
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("id", AK_ERR_CORRUPT, keyring_find_id(&ring, "K000070001", &found));
	keyring_close(&ring);
}

static void
a_file_of_anothers_or_open_to_others_is_unsafe(void **state)
{
	struct host h;
	struct keyring ring;

	host_make(&h, *state);
	put(&h, "a", 70000);
	assert_int_equal(chmod(h.paths.local, 0660), 0);
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("local.idx", AK_ERR_UNSAFE, ring.local_err);
	keyring_close(&ring);
	assert_int_equal(chmod(h.paths.users, 0666), 0);
	assert_err("users.idx", AK_ERR_UNSAFE, keyring_open(&h.paths, &ring));
	assert_int_equal(chmod(h.paths.users, 0644), 0);
	h.paths.owner++;
	assert_err("owner", AK_ERR_UNSAFE, keyring_open(&h.paths, &ring));
	keyring_close(&ring);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_key_is_found_by_name_uid_and_id_and_nothing_stays_open),
	    T(abuse_061_without_users_idx_no_uid_is_ours_and_without_local_idx_none_is_denied),
	    T(abuse_064_any_flipped_byte_is_damage_and_never_not_found),
	    T(abuse_157_an_older_local_idx_is_a_rollback),
	    T(abuse_101_102_103_time_is_undefined_when_a_file_is_from_the_future),
	    T(the_newer_stamp_of_both_files_counts),
	    T(a_record_that_says_another_name_uid_or_id_is_damage),
	    T(a_file_of_anothers_or_open_to_others_is_unsafe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
