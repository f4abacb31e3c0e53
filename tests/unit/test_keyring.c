/* Finding keys: what is damaged, old or from the future is told apart from what is not there. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index_make.h"
#include "keyring.h"
#include "nss_fixture.h"
#include "safefile.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
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
			/* The version's lowest byte: a version that may come. */
			assert_err("", at == 8 ? AK_ERR_NEWER : AK_ERR_CORRUPT, err);
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
time_is_undefined_when_a_file_is_from_the_future(void **state)
{
	static const struct {
		const char *row;
		int64_t ahead_s; /* the file, of the clock */
		bool undefined;
	} rows[] = {
	    {"the second of the file", 0, false},
	    {"as far back as clocks differ", 60, false},
	    {"a second more", 61, true},
	    {"101 a year back", 365 * 86400, true},
	    {"103 a boot in 1970", HOST_NOW, true},
	    {"a second later", -1, false},
	    {"102 a year forth", -365 * 86400, false},
	};
	struct host h;
	struct keyring ring;

	host_make(&h, *state);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	for (size_t i = 0; i < N(rows); i++) {
		assert_err("", AK_OK, keyring_open(&h.paths, &ring));
		assert_row(rows[i].row, keyring_time_undefined(&ring,
					    HOST_NOW - rows[i].ahead_s) == rows[i].undefined);
		keyring_close(&ring);
	}
}

/* local.idx is the one that users.idx was made from: the same change of the same truth, and readable. */
static void
a_change_is_published_when_both_files_are_of_it(void **state)
{
	static const struct {
		const char *row;
		enum ak_err err;
		uint64_t generation, id;
		bool published;
	} rows[] = {{"the same", AK_OK, 7, 9, true},
	    {"not readable", AK_ERR_CORRUPT, 7, 9, false},
	    {"another change", AK_OK, 8, 9, false}, {"another truth", AK_OK, 7, 8, false},
	    {"neither", AK_ERR_UNAVAILABLE, 8, 8, false}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct keyring ring = KEYRING_INIT;

		ring.users.local = (struct source_id){7, 9};
		ring.local_err = rows[i].err;
		ring.local_now = (struct source_id){rows[i].generation, rows[i].id};
		assert_row(rows[i].row, keyring_is_published(&ring) == rows[i].published);
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

/* A local key `a', users.idx with a directory's range, and two keys of the directory. */
static void
make_directory(struct host *h, struct tmp *tmp)
{
	struct key_record keys[] = {
	    directory_key("x", DIRECTORY_UID), directory_key("y", DIRECTORY_UID + 1)};
	struct nss_fixture f;

	host_make(h, tmp);
	put(h, "a", 70000);
	nss_fixture_begin(&f, 9, 0);
	nss_fixture_end(&f, h->paths.users);
	(void)directory_write_keys(&h->paths, keys, N(keys), HOST_NOW);
}

enum by { BY_NAME, BY_UID, BY_ID };

struct row {
	enum by by;
	const char *text;
	uint32_t uid;
	enum ak_err err;
	bool directory;
};

static void
check_rows(const struct host *h, const struct row *rows, size_t n)
{
	struct keyring ring;

	assert_err("open", AK_OK, keyring_open(&h->paths, &ring));
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const char *what = r->by == BY_UID ? "by uid" : r->text;
		struct key k;
		enum ak_err err;

		if (r->by == BY_UID)
			err = keyring_find_uid(&ring, r->uid, &k);
		else if (r->by == BY_ID)
			err = keyring_find_id(&ring, r->text, &k);
		else
			err = keyring_find_name(&ring, r->text, &k);
		assert_err(what, r->err, err);
		if (err != AK_OK)
			continue;
		assert_row(what, k.directory == r->directory && k.rec.uid == r->uid);
		key_clear(&k);
	}
	keyring_close(&ring);
}

#define CHECK(h, rows) check_rows((h), (rows), N(rows))

static void
a_key_of_the_directory_is_found_like_a_local_one(void **state)
{
	static const struct row rows[] = {
	    {BY_NAME, "a", 70000, AK_OK, false},
	    {BY_UID, NULL, 70000, AK_OK, false},
	    {BY_ID, "K000070000", 70000, AK_OK, false},
	    {BY_NAME, "x", DIRECTORY_UID, AK_OK, true},
	    {BY_NAME, "y", DIRECTORY_UID + 1, AK_OK, true},
	    {BY_UID, NULL, DIRECTORY_UID, AK_OK, true},
	    {BY_UID, NULL, DIRECTORY_UID + 1, AK_OK, true},
	    {BY_ID, "D879048193", DIRECTORY_UID + 1, AK_OK, true},
	    {BY_NAME, "z", 0, AK_ERR_NOT_FOUND, false},
	    {BY_NAME, "", 0, AK_ERR_NOT_FOUND, false},
	    {BY_ID, "K000000000", 0, AK_ERR_NOT_FOUND, false},
	    {BY_UID, NULL, 0, AK_ERR_NOT_FOUND, false},
	    {BY_UID, NULL, 70001, AK_ERR_NOT_FOUND, false},
	    {BY_UID, NULL, DIRECTORY_UID + 2, AK_ERR_NOT_FOUND, false},
	};
	unsigned fds = count_fds();
	struct host h;

	make_directory(&h, *state);
	CHECK(&h, rows);
	assert_int_equal(count_fds(), fds);
}

static void
a_host_without_a_directory_range_has_no_keys_of_a_directory(void **state)
{
	static const struct row rows[] = {
	    {BY_NAME, "a", 70000, AK_OK, false},
	    {BY_NAME, "x", 0, AK_ERR_NOT_FOUND, false},
	    {BY_UID, NULL, DIRECTORY_UID, AK_ERR_NOT_FOUND, false},
	    {BY_ID, "D879048193", 0, AK_ERR_NOT_FOUND, false},
	};
	struct nss_fixture f;
	struct host h;

	make_directory(&h, *state);
	nss_fixture_begin(&f, 10, 0);
	f.extra.directory_uids = (struct id_range){0, 0};
	nss_fixture_end(&f, h.paths.users);
	CHECK(&h, rows);
}

static void
abuse_098_a_key_of_the_directory_never_has_an_id_outside_its_range(void **state)
{
	struct key_record keys[] = {
	    directory_key("low", 70005), directory_key("high", 2000000000)};
	static const struct row rows[] = {
	    {BY_NAME, "low", 0, AK_ERR_CORRUPT, false},
	    {BY_ID, "D000070005", 0, AK_ERR_CORRUPT, false},
	    {BY_UID, NULL, 70005, AK_ERR_NOT_FOUND, false},
	    {BY_NAME, "high", 0, AK_ERR_CORRUPT, false},
	    {BY_UID, NULL, 2000000000, AK_ERR_NOT_FOUND, false},
	};
	struct host h;

	make_directory(&h, *state);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	CHECK(&h, rows);
}

static void
abuse_155_the_local_key_of_a_name_wins(void **state)
{
	struct key_record keys[] = {directory_key("a", DIRECTORY_UID)};
	static const struct row rows[] = {
	    {BY_NAME, "a", 70000, AK_OK, false},
	    {BY_UID, NULL, DIRECTORY_UID, AK_ERR_NOT_FOUND, false},
	    {BY_ID, "D879048192", 0, AK_ERR_NOT_FOUND, false},
	};
	struct host h;

	make_directory(&h, *state);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	CHECK(&h, rows);
}

static void
a_local_record_on_the_heap_wins_and_leaves_nothing_there(void **state)
{
	static const struct row row = {BY_UID, NULL, DIRECTORY_UID, AK_ERR_NOT_FOUND, false};
	struct key_record keys[] = {directory_key("a", DIRECTORY_UID)};
	struct key_record local = key_make("a", 70000);
	char many[2000];
	struct host h;

	make_directory(&h, *state);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 10 == 9 ? '\0' : 'r';
	local.bindings = (struct strv){.bytes = many, .len_b = sizeof(many)};
	write_crossed(&h, &local, record_key_text(RECORD_NAME, "a"));
	check_rows(&h, &row, 1);
}

static void
the_local_key_of_an_id_wins(void **state)
{
	struct key_record keys[] = {directory_key("x", DIRECTORY_UID)};
	static const struct row rows[] = {{BY_ID, "K000070000", 70000, AK_OK, false}};
	struct host h;

	make_directory(&h, *state);
	memcpy(keys[0].id, "K000070000", sizeof(keys[0].id));
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	CHECK(&h, rows);
}

static void
abuse_064_whatever_is_wrong_with_the_directorys_keys_local_ones_are_found(void **state)
{
	static const enum ak_err errs[] = {
	    AK_ERR_UNAVAILABLE, AK_ERR_UNSAFE, AK_ERR_CORRUPT, AK_ERR_CORRUPT};
	struct host h;

	make_directory(&h, *state);
	for (size_t i = 0; i < N(errs); i++) {
		const struct row rows[] = {
		    {BY_NAME, "a", 70000, AK_OK, false},
		    {BY_UID, NULL, 70000, AK_OK, false},
		    {BY_UID, NULL, 70001, AK_ERR_NOT_FOUND, false},
		    {BY_NAME, "x", 0, errs[i], false},
		    {BY_ID, "D879048192", 0, errs[i], false},
		    {BY_UID, NULL, DIRECTORY_UID, errs[i], false},
		};
		struct key_record keys[] = {directory_key("x", DIRECTORY_UID)};

		if (i == 0)
			assert_int_equal(unlink(h.paths.directory_keys), 0);
		else
			(void)directory_write_keys(&h.paths, keys, 1, HOST_NOW);
		if (i == 1)
			assert_int_equal(chmod(h.paths.directory_keys, 0620), 0);
		else if (i == 2)
			directory_damage(h.paths.directory_keys);
		else if (i == 3)
			file_write(h.paths.directory_keys, "", 0, 0600);
		CHECK(&h, rows);
	}
}

static void
without_local_idx_the_directorys_keys_are_found_and_local_ones_are_unavailable(void **state)
{
	static const struct row rows[] = {
	    {BY_NAME, "x", DIRECTORY_UID, AK_OK, true},
	    {BY_UID, NULL, DIRECTORY_UID, AK_OK, true},
	    {BY_NAME, "a", 0, AK_ERR_UNAVAILABLE, false},
	    {BY_UID, NULL, 70000, AK_ERR_UNAVAILABLE, false},
	    {BY_NAME, "nobody", 0, AK_ERR_UNAVAILABLE, false},
	    {BY_ID, "K000000000", 0, AK_ERR_UNAVAILABLE, false},
	};
	struct host h;

	make_directory(&h, *state);
	assert_int_equal(unlink(h.paths.local), 0);
	CHECK(&h, rows);
}

static void
the_stamp_of_the_directorys_keys_is_no_ones(void **state)
{
	struct host h;
	struct keyring ring;

	make_directory(&h, *state);
	(void)directory_write_keys(&h.paths, NULL, 0, INT64_C(4000000000));
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_true(ring.stamp < INT64_C(4000000000));
	keyring_close(&ring);
}

static void
what_ldap_gives_to_a_key_is_found_by_its_name(void **state)
{
	static const struct directory_member rows[] = {
	    {"a", DIRECTORY_LIST("team\0ops"), DIRECTORY_LIST("viewer")},
	    {"x", STRV_EMPTY, STRV_EMPTY}};
	unsigned fds = count_fds();
	struct membership m;
	struct host h;

	make_directory(&h, *state);
	assert_err("no file", AK_ERR_NOT_FOUND, keyring_membership(&h.paths, "a", &m));
	(void)directory_write_members(&h.paths, rows, N(rows), HOST_NOW);
	assert_err("a", AK_OK, keyring_membership(&h.paths, "a", &m));
	assert_true(strv_count(m.groups) == 2 && strv_has(m.groups, "ops"));
	assert_true(strv_count(m.bindings) == 1 && strv_has(m.bindings, "viewer"));
	membership_clear(&m);
	assert_err("x", AK_OK, keyring_membership(&h.paths, "x", &m));
	assert_true(m.groups.len_b == 0 && m.bindings.len_b == 0);
	membership_clear(&m);
	assert_err("none", AK_ERR_NOT_FOUND, keyring_membership(&h.paths, "y", &m));
	assert_err("empty", AK_ERR_NOT_FOUND, keyring_membership(&h.paths, "", &m));
	assert_int_equal(count_fds(), fds);
}

static void
a_membership_that_cannot_be_read_is_not_one_that_is_not_there(void **state)
{
	static const struct directory_member rows[] = {
	    {"a", DIRECTORY_LIST("team"), STRV_EMPTY}};
	struct key_record k = key_make("a", 70000);
	struct membership m;
	struct host h;

	make_directory(&h, *state);
	(void)directory_write_members(&h.paths, rows, N(rows), HOST_NOW);
	directory_damage(h.paths.directory_groups);
	assert_err("damaged", AK_ERR_CORRUPT, keyring_membership(&h.paths, "a", &m));
	assert_int_equal(chmod(h.paths.directory_groups, 0622), 0);
	assert_err("unsafe", AK_ERR_UNSAFE, keyring_membership(&h.paths, "a", &m));
	(void)directory_write_keys(&h.paths, &k, 1, HOST_NOW);
	assert_int_equal(rename(h.paths.directory_keys, h.paths.directory_groups), 0);
	assert_err("a key", AK_ERR_CORRUPT, keyring_membership(&h.paths, "a", &m));
	assert_err("a path that leads nowhere", AK_OK,
	    text_copy(
		h.paths.directory_groups, sizeof(h.paths.directory_groups), h.paths.users));
	(void)strcat(h.paths.directory_groups, "/x");
	assert_err("below a file", AK_ERR_UNAVAILABLE, keyring_membership(&h.paths, "a", &m));
}

/* ---- the groups of a user ---- */

static enum ak_err
print_group(void *ctx, uint32_t gid, const char *name)
{
	char *all = ctx;
	size_t len = strlen(all);

	(void)snprintf(all + len, 128 - len, "%u:%s ", gid, name);
	return AK_OK;
}

static enum ak_err
user_groups(const struct paths *p, uint32_t uid, int64_t now,
    enum ak_err (*take)(void *ctx, uint32_t gid, const char *name), void *ctx)
{
	struct index users;
	enum ak_err err = index_open(p->users, p->owner, &users);

	if (err != AK_OK)
		return err;
	err = keyring_user_groups(&users, p, uid, now, take, ctx);
	index_close(&users);
	return err;
}

static void
serves(struct host *h, uint32_t uid, int64_t now, const char *wanted)
{
	char all[128] = "";

	assert_err(wanted, AK_OK, user_groups(&h->paths, uid, now, print_group, all));
	assert_string_equal(all, wanted);
}

static void
begin_groups(struct host *h, struct tmp *tmp, struct nss_fixture *f)
{
	static const uint32_t gids[] = {27, 100000, 100001, 100002};

	host_make(h, tmp);
	nss_fixture_begin(f, 1, 8);
	f->built_at = HOST_NOW;
	nss_fixture_marked_user(f, "a", 70000, gids, 4, 2);
	nss_fixture_user(f, "b", 70001, gids + 1, 1);
	nss_fixture_user(f, "c", 70002, NULL, 0);
	nss_fixture_group(f, "sudo", 27, STRV_EMPTY);
	nss_fixture_group(f, "builders", 100000, STRV_EMPTY);
	nss_fixture_group(f, "guards", 100001, STRV_EMPTY);
}

static void
a_users_groups_are_those_that_the_name_service_serves(void **state)
{
	unsigned fds = count_fds();
	struct nss_fixture f;
	struct host h;
	char all[128] = "";

	begin_groups(&h, *state, &f);
	nss_fixture_end(&f, h.paths.users);
	serves(&h, 70001, HOST_NOW, "100000:builders ");
	serves(&h, 70002, HOST_NOW, "");
	serves(&h, 70000, HOST_NOW, "27:sudo 100000:builders ");
	directory_write_contact(&h.paths, HOST_NOW);
	serves(&h, 70000, HOST_NOW, "27:sudo 100000:builders 100001:guards 100002: ");
	serves(&h, 70000, HOST_NOW + 899, "27:sudo 100000:builders 100001:guards 100002: ");
	serves(&h, 70000, HOST_NOW + 901, "27:sudo 100000:builders ");
	serves(&h, 70000, HOST_NOW - 1, "27:sudo 100000:builders "); /* heard in the future */
	serves(&h, 70001, HOST_NOW + 901, "100000:builders ");
	assert_err(
	    "none", AK_ERR_NOT_FOUND, user_groups(&h.paths, 70003, HOST_NOW, print_group, all));
	assert_err("a gid", AK_ERR_NOT_FOUND,
	    user_groups(&h.paths, 100000, HOST_NOW, print_group, all));
	assert_int_equal(count_fds(), fds);
}

static void
a_groups_gid_is_found_by_its_name_alone(void **state)
{
	unsigned fds = count_fds();
	struct nss_fixture f;
	struct host h;
	uint32_t gid = 1;

	begin_groups(&h, *state, &f);
	nss_fixture_end(&f, h.paths.users);
	assert_err("sudo", AK_OK, keyring_find_gid(&h.paths, "sudo", &gid));
	assert_int_equal(gid, 27);
	assert_err("guards", AK_OK, keyring_find_gid(&h.paths, "guards", &gid));
	assert_int_equal(gid, 100001);
	assert_err("a user", AK_ERR_NOT_FOUND, keyring_find_gid(&h.paths, "a", &gid));
	assert_err("none", AK_ERR_NOT_FOUND, keyring_find_gid(&h.paths, "", &gid));
	directory_damage(h.paths.users);
	assert_err("damaged", AK_ERR_CORRUPT, keyring_find_gid(&h.paths, "sudo", &gid));
	assert_int_equal(unlink(h.paths.users), 0);
	assert_err("missing", AK_ERR_UNAVAILABLE, keyring_find_gid(&h.paths, "sudo", &gid));
	assert_int_equal(gid, 100001);
	assert_int_equal(count_fds(), fds);
}

static void
groups_that_rest_on_a_file_from_the_future_are_left_out(void **state)
{
	struct nss_fixture f;
	struct host h;

	begin_groups(&h, *state, &f);
	f.built_at = HOST_NOW + KEYRING_CLOCK_SLACK_S + 1;
	nss_fixture_end(&f, h.paths.users);
	directory_write_contact(&h.paths, HOST_NOW);
	serves(&h, 70000, HOST_NOW, "27:sudo 100000:builders ");
	serves(&h, 70000, HOST_NOW + 1, "27:sudo 100000:builders 100001:guards 100002: ");
}

static enum ak_err
refuse_group(void *ctx, uint32_t gid, const char *name)
{
	(void)gid;
	(void)name;
	++*(unsigned *)ctx;
	return AK_ERR_FULL;
}

static void
a_users_groups_end_where_they_are_refused_and_are_none_where_the_file_is_damaged(void **state)
{
	const struct user_record other = {.uid = 70007,
	    .name = "d",
	    .gecos = "",
	    .home = "/",
	    .shell = "/bin/sh",
	    .gids = (const unsigned char *)""};
	const struct group_record group = {.gid = 100009, .name = "other"};
	static const uint32_t forged[] = {100008};
	unsigned fds = count_fds(), n = 0;
	struct nss_fixture f;
	struct host h;
	char all[128] = "";

	begin_groups(&h, *state, &f);
	nss_fixture_forged_user(&f, "d", 70003, 70003, &other);
	nss_fixture_user(&f, "e", 70004, forged, 1);
	nss_fixture_forged_group(&f, "other", 100008, 100008, &group);
	nss_fixture_end(&f, h.paths.users);
	assert_err(
	    "refused", AK_ERR_FULL, user_groups(&h.paths, 70000, HOST_NOW, refuse_group, &n));
	assert_int_equal(n, 1);
	assert_err("another's", AK_ERR_CORRUPT,
	    user_groups(&h.paths, 70003, HOST_NOW, print_group, all));
	assert_err("another group", AK_ERR_CORRUPT,
	    user_groups(&h.paths, 70004, HOST_NOW, print_group, all));
	directory_damage(h.paths.users);
	assert_err("damaged", AK_ERR_CORRUPT,
	    user_groups(&h.paths, 70000, HOST_NOW, print_group, all));
	assert_int_equal(unlink(h.paths.users), 0);
	assert_err("missing", AK_ERR_UNAVAILABLE,
	    user_groups(&h.paths, 70000, HOST_NOW, print_group, all));
	assert_string_equal(all, "");
	assert_int_equal(count_fds(), fds);
}

static void
a_group_that_says_another_name_is_damage(void **state)
{
	const struct group_record other = {.gid = 27, .name = "sudo"};
	struct nss_fixture f;
	uint32_t gid = 7;
	struct host h;

	host_make(&h, *state);
	nss_fixture_begin(&f, 1, 0);
	nss_fixture_group(&f, "builders", 100000, STRV_EMPTY);
	nss_fixture_forged_group(&f, "viewers", 27, 27, &other);
	nss_fixture_end(&f, h.paths.users);
	assert_err("", AK_OK, keyring_find_gid(&h.paths, "builders", &gid));
	assert_int_equal(gid, 100000);
	assert_err("", AK_ERR_CORRUPT, keyring_find_gid(&h.paths, "viewers", &gid));
	assert_int_equal(gid, 100000);
	assert_err("", AK_ERR_NOT_FOUND, keyring_find_gid(&h.paths, "none", &gid));
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
	    T(time_is_undefined_when_a_file_is_from_the_future),
	    T(a_change_is_published_when_both_files_are_of_it),
	    T(the_newer_stamp_of_both_files_counts),
	    T(a_record_that_says_another_name_uid_or_id_is_damage),
	    T(a_file_of_anothers_or_open_to_others_is_unsafe),
	    T(a_key_of_the_directory_is_found_like_a_local_one),
	    T(a_host_without_a_directory_range_has_no_keys_of_a_directory),
	    T(abuse_098_a_key_of_the_directory_never_has_an_id_outside_its_range),
	    T(abuse_155_the_local_key_of_a_name_wins),
	    T(a_local_record_on_the_heap_wins_and_leaves_nothing_there),
	    T(the_local_key_of_an_id_wins),
	    T(abuse_064_whatever_is_wrong_with_the_directorys_keys_local_ones_are_found),
	    T(without_local_idx_the_directorys_keys_are_found_and_local_ones_are_unavailable),
	    T(the_stamp_of_the_directorys_keys_is_no_ones),
	    T(what_ldap_gives_to_a_key_is_found_by_its_name),
	    T(a_membership_that_cannot_be_read_is_not_one_that_is_not_there),
	    T(a_users_groups_are_those_that_the_name_service_serves),
	    T(groups_that_rest_on_a_file_from_the_future_are_left_out),
	    T(a_groups_gid_is_found_by_its_name_alone),
	    T(a_group_that_says_another_name_is_damage),
	    T(a_users_groups_end_where_they_are_refused_and_are_none_where_the_file_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
