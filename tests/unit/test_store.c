/* Changes to the keys of a host: all or nothing, one writer, no id given twice. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pack.h"
#include "store.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "testlib_steps.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct id_range range = {70000, 70009};

/* Stage nothing but this key, commit, close. */
static enum ak_err
put(struct host *h, const struct key_record *k)
{
	struct store *s = host_open(h);
	enum ak_err err = store_put(s, k);

	if (err == AK_OK)
		err = store_commit(s, HOST_NOW, NULL, &h->why);
	store_close(&s);
	return err;
}

static uint32_t
next_uid(struct host *h, enum ak_err *err)
{
	struct store *s = host_open(h);
	uint32_t uid = 0;

	*err = store_next_uid(s, range, &uid, NULL);
	store_close(&s);
	return uid;
}

/* By counting up, as `create` does. */
static uint32_t
create(struct host *h, const char *name)
{
	struct store *s = host_open(h);
	struct key_record k;
	uint32_t uid = 0;

	assert_err(name, AK_OK, store_next_uid(s, range, &uid, NULL));
	k = key_make(name, uid);
	assert_err(name, AK_OK, store_put(s, &k));
	assert_err(name, AK_OK, host_publish_open(h, s, HOST_NOW));
	store_close(&s);
	return uid;
}

static enum ak_err
find(struct host *h, const char *name, uint32_t *uid)
{
	struct store *s = host_open(h);
	struct key k;
	enum ak_err err = store_find_name(s, name, &k);

	*uid = 0;
	if (err == AK_OK) {
		*uid = k.rec.uid;
		assert_string_equal(k.rec.name, name);
		key_clear(&k);
	}
	store_close(&s);
	return err;
}

static enum ak_err
reopen_err(struct host *h)
{
	struct store *s = NULL;
	enum ak_err err;

	h->why = DIAG_INIT;
	err = store_open(&h->paths, &h->opt, &s, &h->why);
	if (err == AK_OK)
		assert_non_null(s);
	else
		assert_null(s);
	store_close(&s);
	return err;
}

static void
a_new_host_has_an_empty_store(void **state)
{
	struct host h;
	uint32_t uid;

	host_make(&h, *state);
	assert_err("", AK_ERR_NOT_FOUND, find(&h, "nobody", &uid));
	assert_false(file_is_there(h.paths.local));
}

static void
what_was_put_is_there_after_commit_and_reopen(void **state)
{
	struct host h;
	struct key_record k = key_make("ci-deploy", 70003);
	struct store *s;
	struct key found;
	struct stat st;

	host_make(&h, *state);
	k.description = "deploys";
	k.bindings = (struct strv){.bytes = "viewer\0editor", .len_b = 14};
	k.expires_at = HOST_NOW + 5;
	assert_err("", AK_OK, put(&h, &k));
	assert_int_equal(stat(h.paths.local, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	s = host_open(&h);
	assert_err("by name", AK_OK, store_find_name(s, "ci-deploy", &found));
	assert_string_equal(found.rec.description, "deploys");
	assert_int_equal(strv_count(found.rec.bindings), 2);
	assert_true(found.rec.expires_at == HOST_NOW + 5);
	key_clear(&found);
	assert_err("by id", AK_OK, store_find_id(s, k.id, &found));
	key_clear(&found);
	assert_err("by uid", AK_OK, store_find_uid(s, 70003, &found));
	key_clear(&found);
	assert_err("other id", AK_ERR_NOT_FOUND, store_find_id(s, "Z000000000", &found));
	store_close(&s);
}

static void
what_is_staged_is_found_before_it_is_committed_and_lost_with_the_store(void **state)
{
	struct host h;
	struct key_record k = key_make("a", 70000), renamed = key_make("b", 70000);
	struct store *s;
	struct key found;
	uint32_t uid;

	host_make(&h, *state);
	assert_err("", AK_OK, put(&h, &k));
	s = host_open(&h);
	assert_err("", AK_OK, store_put(s, &renamed));
	assert_err("staged", AK_OK, store_find_name(s, "b", &found));
	key_clear(&found);
	assert_err("old name", AK_ERR_NOT_FOUND, store_find_name(s, "a", &found));
	assert_err("", AK_OK, store_remove(s, &renamed, HOST_NOW));
	assert_err("removed", AK_ERR_NOT_FOUND, store_find_name(s, "b", &found));
	assert_err("removed", AK_ERR_NOT_FOUND, store_find_uid(s, 70000, &found));
	store_close(&s);
	assert_err("", AK_OK, find(&h, "a", &uid));
}

static void
nothing_staged_writes_nothing(void **state)
{
	struct host h;
	struct key_record k = key_make("a", 70000);
	struct stat before, after;
	struct store *s;

	host_make(&h, *state);
	assert_err("", AK_OK, put(&h, &k));
	assert_int_equal(stat(h.paths.local, &before), 0);
	s = host_open(&h);
	assert_err("", AK_OK, store_commit(s, HOST_NOW, NULL, NULL));
	store_close(&s);
	assert_int_equal(stat(h.paths.local, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void
a_name_or_id_of_another_key_is_refused_and_changes_nothing(void **state)
{
	struct host h;
	struct key_record a = key_make("a", 70000), same_name = key_make("a", 70001),
			  same_id = key_make("b", 70002);
	struct host_files kept, now;

	host_make(&h, *state);
	memcpy(same_id.id, a.id, sizeof(a.id));
	assert_err("", AK_OK, put(&h, &a));
	host_keep(&h, &kept);
	assert_err("name", AK_ERR_EXISTS, put(&h, &same_name));
	assert_non_null(strstr(h.why.text, "another key's"));
	assert_err("id", AK_ERR_EXISTS, put(&h, &same_id));
	host_keep(&h, &now);
	assert_int_equal(kept.local_len_b, now.local_len_b);
	assert_memory_equal(kept.local, now.local, now.local_len_b);
	host_files_clear(&kept);
	host_files_clear(&now);
}

static void
what_could_not_be_read_back_is_never_stored(void **state)
{
	struct host h;
	struct key_record rows[] = {key_make("Bad Name", 70000), key_make("", 70000),
	    key_make("a", 70000), key_make("a", 65534), key_make("a", 0), key_make("a", 70000)};
	struct store *s;

	host_make(&h, *state);
	rows[2].id[5] = '\0';
	rows[5].state = 0;
	s = host_open(&h);
	for (size_t i = 0; i < N(rows); i++)
		assert_err(rows[i].name, AK_ERR_INVALID, store_put(s, &rows[i]));
	assert_err("", AK_OK, store_commit(s, HOST_NOW, NULL, NULL));
	store_close(&s);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
}

static void
abuse_135_the_uid_of_a_deleted_key_is_never_given_again(void **state)
{
	struct host h;
	struct store *s;
	struct diag why = DIAG_INIT;
	struct key_record again = key_make("again", 70001);

	host_make(&h, *state);
	assert_int_equal(create(&h, "a"), 70000);
	assert_int_equal(create(&h, "b"), 70001);
	assert_err("", AK_OK, host_remove(&h, 70001));
	assert_int_equal(create(&h, "c"), 70002);
	assert_err("", AK_OK, host_remove(&h, 70000));
	assert_err("", AK_OK, host_remove(&h, 70002));
	assert_int_equal(create(&h, "a"), 70003);
	s = host_open(&h);
	assert_err("asked for", AK_ERR_EXISTS, store_check_uid(s, range, 70001, &why));
	assert_non_null(strstr(why.text, "never given again"));
	assert_err("put all the same", AK_ERR_EXISTS, store_put(s, &again));
	store_close(&s);
}

static void
a_uid_given_by_name_is_skipped_by_counting_and_spent_like_any_other(void **state)
{
	struct host h;
	struct key_record k = key_make("mine", 70001);
	struct diag why = DIAG_INIT, last = DIAG_INIT;
	struct store *s;

	host_make(&h, *state);
	assert_err("", AK_OK, host_put(&h, &k));
	assert_int_equal(create(&h, "a"), 70000);
	assert_int_equal(create(&h, "b"), 70002);
	s = host_open(&h);
	assert_err("a key's", AK_ERR_EXISTS, store_check_uid(s, range, 70001, &why));
	assert_non_null(strstr(why.text, "another key's"));
	assert_err("free", AK_OK, store_check_uid(s, range, 70008, NULL));
	assert_err(
	    "the last ends processes", AK_ERR_INVALID, store_check_uid(s, range, 70009, &last));
	assert_non_null(strstr(last.text, "uid 70009 is the last of uid_range"));
	assert_err("outside", AK_ERR_INVALID, store_check_uid(s, range, 70010, NULL));
	store_close(&s);
	assert_err("", AK_OK, host_remove(&h, 70001));
	s = host_open(&h);
	assert_err("spent", AK_ERR_EXISTS, store_check_uid(s, range, 70001, NULL));
	store_close(&s);
}

static enum ak_err
check_id(void *ctx, uint32_t id)
{
	uint32_t taken = *(uint32_t *)ctx;

	if (taken == 0)
		return AK_ERR_UNAVAILABLE;
	return id == taken ? AK_ERR_EXISTS : AK_OK;
}

static void
ids_of_others_and_reserved_ids_are_passed_over(void **state)
{
	struct host h;
	uint32_t taken = 70000;
	struct diag why = DIAG_INIT;
	struct store *s;
	uint32_t uid;

	host_make(&h, *state);
	h.opt.hooks = (struct store_hooks){.check_id = check_id, .ctx = &taken};
	assert_int_equal(create(&h, "a"), 70001);
	s = host_open(&h);
	taken = 70005;
	assert_err("", AK_ERR_EXISTS, store_check_uid(s, range, 70005, &why));
	assert_non_null(strstr(why.text, "another user's"));
	assert_err("", AK_ERR_INVALID,
	    store_check_uid(s, (struct id_range){65530, 65540}, 65534, NULL));
	assert_err("", AK_OK, store_next_uid(s, (struct id_range){100000, 100001}, &uid, NULL));
	assert_int_equal(uid, 100000);
	store_close(&s);
	host_wipe(&h);
	s = host_open(&h);
	assert_err("", AK_OK, store_next_uid(s, (struct id_range){65534, 65537}, &uid, NULL));
	assert_int_equal(uid, 65536);
	store_close(&s);
}

/* 0: nothing can be told of any id. */
static void
while_the_name_service_fails_no_id_is_given(void **state)
{
	static const struct id_range gids = {69000, 69001};
	struct host h;
	uint32_t taken = 0, id = 0;
	struct diag why = DIAG_INIT;
	struct store *s;

	host_make(&h, *state);
	h.opt.hooks = (struct store_hooks){.check_id = check_id, .ctx = &taken};
	s = host_open(&h);
	assert_err("next", AK_ERR_UNAVAILABLE, store_next_uid(s, range, &id, &why));
	assert_non_null(strstr(why.text, "can't be told whether id 70000"));
	assert_err("wanted", AK_ERR_UNAVAILABLE, store_check_uid(s, range, 70003, NULL));
	assert_err("group", AK_ERR_UNAVAILABLE, store_role_gid(s, "one", gids, &id, NULL));
	assert_int_equal(id, 0);
	assert_false(store_is_staged(s));
	/* And none was skipped. */
	taken = 1;
	assert_err("next", AK_OK, store_next_uid(s, range, &id, NULL));
	assert_int_equal(id, 70000);
	assert_err("group", AK_OK, store_role_gid(s, "one", gids, &id, NULL));
	assert_int_equal(id, 69000);
	store_close(&s);
}

static void
the_end_of_the_range_but_one_is_an_error(void **state)
{
	struct host h;
	char name[8];
	enum ak_err err;

	host_make(&h, *state);
	for (uint32_t i = range.min; i < range.max; i++) {
		(void)snprintf(name, sizeof(name), "k%u", i - range.min);
		assert_int_equal(create(&h, name), i);
	}
	(void)next_uid(&h, &err);
	assert_err("", AK_ERR_FULL, err);
	assert_err("", AK_OK, host_remove(&h, 70004));
	(void)next_uid(&h, &err);
	assert_err("after a delete", AK_ERR_FULL, err);
}

static void
abuse_157_an_old_local_idx_is_refused_until_it_is_accepted(void **state)
{
	struct host h;
	struct host_files old, now;
	struct key_record mine = key_make("mine", 70008);
	struct store *s;
	struct key k;
	uint32_t uid = 0;

	host_make(&h, *state);
	assert_int_equal(create(&h, "a"), 70000);
	host_keep(&h, &old);
	assert_int_equal(create(&h, "b"), 70001);
	assert_int_equal(create(&h, "c"), 70002);
	assert_err("served no more", AK_OK, host_remove(&h, 70002));
	assert_err("", AK_OK, host_put(&h, &mine));
	host_keep(&h, &now);
	free(now.local);
	now.local = old.local;
	now.local_len_b = old.local_len_b;
	host_put_back(&h, &now);
	assert_err("", AK_ERR_ROLLBACK, reopen_err(&h));
	assert_non_null(strstr(h.why.text, "older copy"));
	h.opt.accept_rollback = true;
	s = host_open(&h);
	assert_err("what is there is found", AK_OK, store_find_name(s, "a", &k));
	key_clear(&k);
	assert_err("not what is not", AK_ERR_NOT_FOUND, store_find_name(s, "b", &k));
	assert_err("counting goes on", AK_OK, store_next_uid(s, range, &uid, NULL));
	assert_int_equal(uid, 70003);
	assert_err("", AK_OK, host_publish_open(&h, s, HOST_NOW));
	assert_true(h.res.whole);
	store_close(&s);
	h.opt.accept_rollback = false;
	assert_err("afterwards all is well", AK_OK, reopen_err(&h));
	s = host_open(&h);
	assert_err("a uid that users.idx served is spent", AK_ERR_EXISTS,
	    store_check_uid(s, range, 70008, NULL));
	assert_err("", AK_ERR_EXISTS, store_check_uid(s, range, 70001, NULL));
	assert_err("", AK_OK, store_check_uid(s, range, 70007, NULL));
	store_close(&s);
	host_files_clear(&now);
	free(old.users);
	free(old.image);
}

/* What is beside local.idx, under a longer name; bytes NULL: nothing. */
static void
assert_kept(const struct host *h, const char *suffix, const char *bytes, size_t len_b)
{
	char path[PATH_CAP + 16];
	size_t got_b = 0;
	char *got;

	(void)snprintf(path, sizeof(path), "%s%s", h->paths.local, suffix);
	got = file_read(path, &got_b);
	assert_row(path, (got == NULL) == (bytes == NULL));
	assert_row(path, bytes == NULL || (got_b == len_b && memcmp(got, bytes, len_b) == 0));
	free(got);
}

static void
abuse_061_a_missing_or_damaged_local_idx_is_not_begun_anew(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len_b;
		enum ak_err err;
	} rows[] = {
	    {"missing", NULL, 0, AK_ERR_UNAVAILABLE},
	    {"empty", "", 0, AK_ERR_CORRUPT},
	    {"no index", "hello", 5, AK_ERR_CORRUPT},
	};
	struct host h;
	uint32_t uid;

	host_make(&h, *state);
	for (size_t i = 0; i < N(rows); i++) {
		host_wipe(&h);
		assert_int_equal(create(&h, "a"), 70000);
		assert_int_equal(unlink(h.paths.local), 0);
		if (rows[i].bytes != NULL)
			file_write(h.paths.local, rows[i].bytes, rows[i].len_b, 0600);
		h.opt.accept_rollback = false;
		assert_err(rows[i].name, rows[i].err, reopen_err(&h));
		assert_row(rows[i].name, strstr(h.why.text, "--accept-rollback") != NULL);
		h.opt.accept_rollback = true;
		assert_err(rows[i].name, AK_ERR_NOT_FOUND, find(&h, "a", &uid));
		assert_int_equal(create(&h, "b"), 70001);
		h.opt.accept_rollback = false;
		assert_err(rows[i].name, AK_OK, reopen_err(&h));
		assert_kept(&h, ".refused", rows[i].bytes, rows[i].len_b);
		assert_int_equal(create(&h, "c"), 70002);
		assert_kept(&h, ".refused", rows[i].bytes, rows[i].len_b);
		file_write(h.paths.local, "again", 5, 0600);
		h.opt.accept_rollback = true;
		assert_int_equal(create(&h, "d"), 70003);
		h.opt.accept_rollback = false;
		assert_kept(&h, ".refused", rows[i].bytes == NULL ? "again" : rows[i].bytes,
		    rows[i].bytes == NULL ? 5 : rows[i].len_b);
		assert_kept(&h, ".refused.2", rows[i].bytes == NULL ? NULL : "again", 5);
	}
}

static void
abuse_061_what_is_not_lost_is_not_given_up(void **state)
{
	static const char *const rows[] = {"others can write to it", "a link", "a folder"};
	struct host h;

	host_make(&h, *state);
	for (size_t i = 0; i < N(rows); i++) {
		char away[PATH_CAP + 8];

		host_wipe(&h);
		(void)snprintf(away, sizeof(away), "%s.away", h.paths.local);
		assert_int_equal(create(&h, "a"), 70000);
		if (i == 0)
			assert_int_equal(chmod(h.paths.local, 0664), 0);
		else
			assert_int_equal(rename(h.paths.local, away), 0);
		if (i == 1)
			assert_int_equal(symlink(away, h.paths.local), 0);
		if (i == 2)
			assert_int_equal(mkdir(h.paths.local, 0700), 0);
		for (unsigned users = 0; users < 2; users++) {
			if (users == 1)
				assert_int_equal(unlink(h.paths.users), 0);
			for (unsigned accept = 0; accept < 2; accept++) {
				h.opt.accept_rollback = accept == 1;
				assert_err(rows[i], AK_ERR_UNSAFE, reopen_err(&h));
				assert_row(rows[i], strstr(h.why.text, "rollback") == NULL);
				assert_row(rows[i],
				    i > 0 || strstr(h.why.text, "chmod 0600 ") != NULL);
			}
		}
		h.opt.accept_rollback = false;
		if (i == 1)
			assert_int_equal(unlink(h.paths.local), 0);
		if (i == 2)
			assert_int_equal(rmdir(h.paths.local), 0);
		assert_int_equal(
		    i == 0 ? chmod(h.paths.local, 0600) : rename(away, h.paths.local), 0);
		assert_int_equal(create(&h, "b"), 70001);
	}
}

/* As what a newer apikey left when it was taken off again, and a backup put back. */
static void
abuse_157_beside_a_newer_users_idx_any_local_idx_may_be_old(void **state)
{
	struct host h;
	struct host_files old;
	struct store *s;
	struct key k;

	host_make(&h, *state);
	assert_int_equal(create(&h, "a"), 70000);
	host_keep(&h, &old);
	assert_int_equal(create(&h, "b"), 70001);
	assert_int_equal(create(&h, "c"), 70002);
	file_write(h.paths.local, old.local, old.local_len_b, 0600);
	host_make_newer(h.paths.users);
	assert_err("", AK_ERR_ROLLBACK, reopen_err(&h));
	assert_non_null(strstr(h.why.text, "can't be told whether local.idx is the newest"));
	assert_non_null(strstr(h.why.text, "--accept-rollback"));
	h.opt.accept_rollback = true;
	s = host_open(&h);
	assert_err("what is there is found", AK_OK, store_find_name(s, "a", &k));
	key_clear(&k);
	assert_err("", AK_OK, host_publish_open(&h, s, HOST_NOW));
	store_close(&s);
	h.opt.accept_rollback = false;
	s = host_open(&h);
	assert_err(
	    "local.idx.prev knew it", AK_ERR_EXISTS, store_check_uid(s, range, 70001, NULL));
	store_close(&s);
	assert_int_equal(create(&h, "d"), 70002);
	host_files_clear(&old);
}

static void
both_files_damaged_are_an_error_and_users_idx_alone_is_remade(void **state)
{
	struct host h;
	uint32_t uid;

	host_make(&h, *state);
	assert_int_equal(create(&h, "a"), 70000);
	file_write(h.paths.users, "x", 1, 0644);
	assert_err("", AK_OK, find(&h, "a", &uid));
	assert_int_equal(create(&h, "b"), 70001);
	assert_int_equal(unlink(h.paths.users), 0);
	assert_int_equal(create(&h, "c"), 70002);
	file_write(h.paths.users, "x", 1, 0644);
	file_write(h.paths.local, "x", 1, 0600);
	assert_err("", AK_ERR_CORRUPT, reopen_err(&h));
	assert_int_equal(unlink(h.paths.local), 0);
	assert_err("", AK_ERR_UNAVAILABLE, reopen_err(&h));
	h.opt.accept_rollback = true;
	assert_err("", AK_OK, reopen_err(&h));
}

static void
what_a_newer_version_wrote_stays(void **state)
{
	static const struct {
		const char *name;
		bool local, users, no_local;
		enum ak_err err, accepting;
	} rows[] = {
	    {"local.idx", true, false, false, AK_ERR_NEWER, AK_ERR_NEWER},
	    {"both", true, true, false, AK_ERR_NEWER, AK_ERR_NEWER},
	    {"what was made from one that is gone", false, true, true, AK_ERR_NEWER,
		AK_ERR_NEWER},
	    {"what was made from one that is there", false, true, false, AK_ERR_ROLLBACK, AK_OK},
	};
	struct host h;

	host_make(&h, *state);
	for (size_t i = 0; i < N(rows); i++) {
		size_t before_b, after_b;
		char *before, *after;

		host_wipe(&h);
		h.opt.accept_rollback = false;
		assert_int_equal(create(&h, "a"), 70000);
		if (rows[i].local)
			host_make_newer(h.paths.local);
		if (rows[i].users)
			host_make_newer(h.paths.users);
		if (rows[i].no_local)
			assert_int_equal(unlink(h.paths.local), 0);
		before = file_read(h.paths.local, &before_b);
		assert_err(rows[i].name, rows[i].err, reopen_err(&h));
		if (rows[i].err != AK_OK)
			assert_row(rows[i].name,
			    strstr(h.why.text, "newer apikey (format 2, this one reads 1)") !=
				NULL);
		h.opt.accept_rollback = true;
		assert_err(rows[i].name, rows[i].accepting, reopen_err(&h));
		after = file_read(h.paths.local, &after_b);
		assert_row(rows[i].name, (before == NULL) == (after == NULL));
		assert_row(rows[i].name,
		    before == NULL ||
			(before_b == after_b && memcmp(before, after, after_b) == 0));
		free(before);
		free(after);
	}
}

static void
an_unsafe_state_folder_or_file_is_refused(void **state)
{
	struct host h;

	host_make(&h, *state);
	(void)create(&h, "a");
	assert_int_equal(chmod(h.paths.local, 0620), 0);
	assert_err("local.idx", AK_ERR_UNSAFE, reopen_err(&h));
	assert_int_equal(chmod(h.paths.local, 0600), 0);
	assert_int_equal(chmod(h.paths.state, 0777), 0);
	assert_err("the folder", AK_ERR_UNSAFE, reopen_err(&h));
	assert_int_equal(chmod(h.paths.state, 0755), 0);
	assert_err("both are safe", AK_OK, reopen_err(&h));
	h.paths.owner++;
	assert_err("another's folder", AK_ERR_UNSAFE, reopen_err(&h));
}

static void
abuse_114_the_state_folder_is_made_0755_whatever_the_umask(void **state)
{
	struct host h;
	struct stat st;
	mode_t was;

	host_make(&h, *state);
	assert_int_equal(rmdir(h.paths.state), 0);
	was = umask(0);
	(void)create(&h, "a");
	(void)umask(was);
	assert_int_equal(stat(h.paths.state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(h.paths.local, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(h.paths.lock, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	host_wipe(&h);
	assert_int_equal(rmdir(h.paths.state), 0);
	was = umask(077);
	(void)create(&h, "a");
	(void)umask(was);
	assert_int_equal(stat(h.paths.state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(h.paths.users, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static int64_t
stamp_of(const char *path)
{
	struct index ix;
	int64_t at;

	assert_err(path, AK_OK, index_open(path, geteuid(), &ix));
	at = ix.head.built_at;
	index_close(&ix);
	return at;
}

static void
abuse_101_171_no_commit_lowers_a_stamp_but_a_trusted_clock_does(void **state)
{
	struct host h;
	struct key_record a = key_make("a", 70000), b = key_make("b", 70001);

	host_make(&h, *state);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW + 1000));
	assert_err("", AK_OK, host_put(&h, &a));
	assert_true(stamp_of(h.paths.local) == HOST_NOW + 1000);
	assert_true(stamp_of(h.paths.users) == HOST_NOW + 1000);
	assert_int_equal(unlink(h.paths.users), 0);
	assert_err("by local.idx alone", AK_OK, host_put(&h, &b));
	assert_true(stamp_of(h.paths.local) == HOST_NOW + 1000);
	h.opt.trust_clock = true;
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	assert_true(stamp_of(h.paths.local) == HOST_NOW);
	assert_true(stamp_of(h.paths.users) == HOST_NOW);
	h.opt.trust_clock = false;
	assert_err("forward again", AK_OK, host_publish(&h, HOST_NOW + 5));
	assert_true(stamp_of(h.paths.users) == HOST_NOW + 5);
}

static bool
is_left_beside(const struct host *h)
{
	char path[2][PATH_CAP + 16];

	(void)snprintf(path[0], sizeof(path[0]), "%s/.local.idx.new", h->paths.state);
	(void)snprintf(path[1], sizeof(path[1]), "%s/.users.idx.new", h->paths.state);
	return file_is_there(path[0]) || file_is_there(path[1]);
}

static void
abuse_073_a_full_disk_leaves_the_old_file_and_a_sentence(void **state)
{
	struct host h;
	struct host_files before, after;
	struct rlimit was, small;
	struct key_record k = key_make("b", 70001);

	host_make(&h, *state);
	(void)create(&h, "a");
	host_keep(&h, &before);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (rlim_t cap = 0; cap < before.local_len_b; cap += 97) {
		enum ak_err err;

		small = (struct rlimit){.rlim_cur = cap, .rlim_max = was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		err = host_put(&h, &k);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_err("", AK_ERR_UNAVAILABLE, err);
		assert_non_null(strstr(h.why.text, "the old file stands"));
		host_keep(&h, &after);
		assert_int_equal(before.local_len_b, after.local_len_b);
		assert_memory_equal(before.local, after.local, after.local_len_b);
		assert_memory_equal(before.users, after.users, after.users_len_b);
		assert_false(is_left_beside(&h));
		host_files_clear(&after);
	}
	(void)signal(SIGXFSZ, SIG_DFL);
	host_files_clear(&before);
	assert_err("room again", AK_OK, host_put(&h, &k));
}

/* By then the users are made that would have belonged to it. */
static void
keys_that_do_not_get_their_name_are_not_published(void **state)
{
	struct host h;
	struct host_files before, after;
	struct key_record k = key_make("b", 70001);
	char prev[PATH_CAP + 8];

	host_make(&h, *state);
	(void)create(&h, "a");
	(void)snprintf(prev, sizeof(prev), "%s.prev", h.paths.local);
	(void)unlink(prev);
	assert_int_equal(mkdir(prev, 0700), 0);
	host_keep(&h, &before);
	assert_err("", AK_ERR_UNAVAILABLE, host_put(&h, &k));
	host_keep(&h, &after);
	assert_int_equal(before.local_len_b, after.local_len_b);
	assert_memory_equal(before.local, after.local, after.local_len_b);
	assert_int_equal(before.users_len_b, after.users_len_b);
	assert_memory_equal(before.users, after.users, after.users_len_b);
	assert_false(is_left_beside(&h));
	assert_int_equal(rmdir(prev), 0);
	assert_err("", AK_OK, host_put(&h, &k));
	host_files_clear(&before);
	host_files_clear(&after);
}

/* A writer, to be killed. */
struct writer {
	struct host *h;
	struct key_record put;
	uint32_t remove;
	char damaged[PATH_CAP + 16]; /* the name of a file that is, meanwhile */
};

static int
write_all(void *arg)
{
	struct writer *w = arg;
	struct live live;
	struct store *s = NULL;
	struct key k;
	enum ak_err err = store_open(&w->h->paths, &w->h->opt, &s, NULL);

	if (err == AK_OK)
		err = store_put(s, &w->put);
	if (err == AK_OK && (err = store_find_uid(s, w->remove, &k)) == AK_OK) {
		err = store_remove(s, &k.rec, HOST_NOW);
		key_clear(&k);
	}
	live_load(&w->h->paths, &live);
	if (err == AK_OK)
		err = publish(s, &live, HOST_NOW, NULL, NULL);
	live_clear(&live);
	store_close(&s);
	return (int)err;
}

static int
publish_alone(void *arg)
{
	const struct writer *w = arg;

	return (int)host_publish(w->h, HOST_NOW);
}

/* Both files are whole, and the keys are those of before or of after. */
static void
is_old_or_new(struct host *h, const char *old, const char *new)
{
	struct keyring ring;
	struct key k;
	char *dump = host_dump(h);
	bool is_new;

	assert_true(strcmp(dump, old) == 0 || strcmp(dump, new) == 0);
	free(dump);
	assert_err("keyring", AK_OK, keyring_open(&h->paths, &ring));
	assert_err("local.idx", AK_OK, ring.local_err);
	is_new = keyring_find_name(&ring, "c", &k) == AK_OK;
	if (is_new)
		key_clear(&k);
	assert_err("what is gone", is_new ? AK_ERR_NOT_FOUND : AK_OK,
	    keyring_find_name(&ring, "b", &k));
	if (!is_new)
		key_clear(&k);
	keyring_close(&ring);
	assert_err("the next publish", AK_OK, host_publish(h, HOST_NOW));
	dump = host_dump(h);
	assert_string_equal(dump, is_new ? new : old);
	free(dump);
	assert_err("", AK_OK, keyring_open(&h->paths, &ring));
	assert_true(keyring_is_published(&ring));
	keyring_close(&ring);
}

static void
abuse_074_a_writer_killed_at_any_system_call_leaves_old_or_new(void **state)
{
	struct host h;
	struct writer w = {.h = &h, .put = key_make("c", 70002), .remove = 70001};
	struct host_files before;
	char *old, *new;
	int code = -1;

	host_make(&h, *state);
	(void)create(&h, "a");
	(void)create(&h, "b");
	key_bind(&w.put, "editor"); /* a gid is given too */
	host_keep(&h, &before);
	old = host_dump(&h);
	assert_int_equal(child_run(write_all, &w), AK_OK);
	new = host_dump(&h);
	for (unsigned n = 1;; n++) {
		host_put_back(&h, &before);
		if (!steps_run(write_all, NULL, &w, n, &code))
			break;
		is_old_or_new(&h, old, new);
	}
	assert_int_equal(code, AK_OK);
	free(old);
	free(new);
	host_files_clear(&before);
}

/* The first record's first key. */
static void
damage_first(void *arg)
{
	const struct writer *w = arg;
	unsigned char head[64], byte;
	int fd = open(w->damaged, O_RDWR | O_CLOEXEC);
	off_t at;

	assert_true(fd != -1);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	at = (off_t)le64_load(head + 56) + INDEX_RECORD_HEADER_B + 2;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x80;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	assert_int_equal(close(fd), 0);
}

/* After each system call of a writer one of the old files, which has a second name, is damaged. */
static void
abuse_064_a_file_damaged_at_any_moment_of_a_change_loses_nothing(void **state)
{
	static const struct {
		int (*body)(void *);
		bool users; /* users.idx is damaged, not local.idx */
	} rows[] = {{write_all, false}, {write_all, true}, {publish_alone, true}};
	struct host h;
	struct writer w = {.h = &h, .put = key_make("c", 70002), .remove = 70001};
	struct host_files before;
	char *old, *new, *dump;
	int code = -1;

	host_make(&h, *state);
	(void)create(&h, "a");
	(void)create(&h, "b");
	host_keep(&h, &before);
	old = host_dump(&h);
	assert_int_equal(child_run(write_all, &w), AK_OK);
	new = host_dump(&h);
	(void)snprintf(w.damaged, sizeof(w.damaged), "%s/old", h.paths.state);
	for (size_t row = 0; row < N(rows); row++)
		for (unsigned n = 1;; n++) {
			bool users = rows[row].users;

			(void)unlink(w.damaged);
			host_put_back(&h, &before);
			assert_int_equal(
			    link(users ? h.paths.users : h.paths.local, w.damaged), 0);
			if (!steps_run(rows[row].body, damage_first, &w, n, &code))
				break;
			/* What is derived is made anew; nothing comes of keys that are not what they were. */
			assert_true(code == AK_OK || (!users && code == AK_ERR_CORRUPT));
			assert_false(is_left_beside(&h));
			dump = host_dump(&h);
			assert_string_equal(
			    dump, code == AK_OK && rows[row].body == write_all ? new : old);
			free(dump);
		}
	assert_int_equal(code, AK_OK);
	free(old);
	free(new);
	host_files_clear(&before);
}

/* What hide_local took away; a file of that name that came since is the newer. */
static void
bring_back_local(const struct writer *w)
{
	if (renameat2(AT_FDCWD, w->damaged, AT_FDCWD, w->h->paths.local, RENAME_NOREPLACE) == -1)
		(void)unlink(w->damaged);
}

static void
hide_local(void *arg)
{
	const struct writer *w = arg;

	assert_int_equal(rename(w->h->paths.local, w->damaged), 0);
}

/* Two commits of one store; before the second all is well again. */
static int
commit_twice(void *arg)
{
	const struct writer *w = arg;
	struct key_record d = key_make("d", 70003);
	struct store *s = NULL;
	enum ak_err err = store_open(&w->h->paths, &w->h->opt, &s, NULL);

	if (err == AK_OK)
		err = store_put(s, &w->put);
	if (err == AK_OK)
		(void)!store_commit(s, HOST_NOW, NULL, NULL);
	bring_back_local(w);
	if (err == AK_OK)
		err = store_put(s, &d);
	if (err == AK_OK)
		err = store_commit(s, HOST_NOW, NULL, NULL);
	store_close(&s);
	return (int)err;
}

static void
a_store_whose_commit_failed_knows_its_keys_at_the_next(void **state)
{
	struct host h;
	struct writer w = {.h = &h, .put = key_make("c", 70002)};
	struct host_files before;
	uint32_t uid;
	int code = -1;

	host_make(&h, *state);
	(void)create(&h, "a");
	(void)create(&h, "b");
	host_keep(&h, &before);
	(void)snprintf(w.damaged, sizeof(w.damaged), "%s/hidden", h.paths.state);
	for (unsigned n = 1;; n++) {
		host_put_back(&h, &before);
		if (!steps_run(commit_twice, hide_local, &w, n, &code))
			break;
		bring_back_local(&w);
		if (code != AK_OK)
			continue;
		assert_err("a", AK_OK, find(&h, "a", &uid));
		assert_err("b", AK_OK, find(&h, "b", &uid));
		assert_err("d", AK_OK, find(&h, "d", &uid));
	}
	assert_int_equal(code, AK_OK);
	host_files_clear(&before);
}

static void
abuse_074_a_new_host_killed_at_any_system_call_begins_again(void **state)
{
	struct host h;
	struct writer w = {.h = &h, .put = key_make("c", 70002), .remove = 70002};
	int code = -1;

	host_make(&h, *state);
	for (unsigned n = 1;; n++) {
		host_wipe(&h);
		if (!steps_run(write_all, NULL, &w, n, &code))
			break;
		assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	}
	assert_int_equal(code, AK_OK);
}

static void
abuse_128_no_memory_at_any_point_leaves_old_or_new(void **state)
{
	struct host h;
	struct writer w = {.h = &h, .put = key_make("c", 70002), .remove = 70001};
	struct host_files before;
	struct live live;
	char *old, *new;
	bool failed = true;

	host_make(&h, *state);
	(void)create(&h, "a");
	(void)create(&h, "b");
	key_bind(&w.put, "editor");
	host_keep(&h, &before);
	old = host_dump(&h);
	assert_int_equal(write_all(&w), AK_OK);
	new = host_dump(&h);
	live_load(&h.paths, &live);
	for (unsigned n = 1; failed; n++) {
		struct diag why = DIAG_INIT;
		struct store *s = NULL;
		struct key k;
		enum ak_err err;

		host_put_back(&h, &before);
		alloc_fail_nth(n);
		err = store_open(&h.paths, &h.opt, &s, &why);
		if (err == AK_OK)
			err = store_put(s, &w.put);
		if (err == AK_OK && (err = store_find_uid(s, w.remove, &k)) == AK_OK) {
			err = store_remove(s, &k.rec, HOST_NOW);
			key_clear(&k);
		}
		if (err == AK_OK)
			err = publish(s, &live, HOST_NOW, NULL, &why);
		store_close(&s);
		failed = alloc_stop();
		assert_true(err == AK_ERR_NOMEM || err == AK_OK);
		assert_false(is_left_beside(&h));
		is_old_or_new(&h, old, new);
	}
	live_clear(&live);
	free(old);
	free(new);
	host_files_clear(&before);
}

static int
create_one(void *arg)
{
	struct writer *w = arg;
	struct store *s = NULL;
	struct live live;
	uint32_t uid = 0;
	enum ak_err err = store_open(&w->h->paths, &w->h->opt, &s, NULL);

	if (err == AK_OK)
		err = store_next_uid(s, range, &uid, NULL);
	w->put.uid = uid;
	if (err == AK_OK)
		err = store_put(s, &w->put);
	live_load(&w->h->paths, &live);
	if (err == AK_OK)
		err = publish(s, &live, HOST_NOW, NULL, NULL);
	live_clear(&live);
	store_close(&s);
	return (int)err;
}

static void
abuse_075_writers_at_once_come_one_after_the_other(void **state)
{
	struct host h;
	pid_t pids[8];
	int status;
	char line[64];
	char *dump;

	host_make(&h, *state);
	for (unsigned i = 0; i < N(pids); i++) {
		struct writer w = {.h = &h, .put = key_make("k", 70000 + i)};

		(void)snprintf(w.put.name, sizeof(w.put.name), "k%u", i);
		if ((pids[i] = fork()) == 0)
			_exit(create_one(&w));
		assert_true(pids[i] != -1);
	}
	for (unsigned i = 0; i < N(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	dump = host_dump(&h);
	for (unsigned i = 0; i < N(pids); i++) {
		(void)snprintf(line, sizeof(line), " 7000%u gids", i);
		assert_non_null(strstr(dump, line));
		(void)snprintf(line, sizeof(line), "user k%u ", i);
		assert_non_null(strstr(dump, line));
	}
	free(dump);
}

static void
a_role_group_keeps_its_gid_for_ever(void **state)
{
	static const struct id_range gids = {69000, 69001};
	struct host h;
	struct store *s;
	uint32_t gid = 0, taken = 69000;

	host_make(&h, *state);
	s = host_open(&h);
	assert_err("", AK_OK, store_role_gid(s, "one", gids, &gid, NULL));
	assert_int_equal(gid, 69000);
	assert_err("staged already", AK_OK, store_role_gid(s, "one", gids, &gid, NULL));
	assert_int_equal(gid, 69000);
	assert_err("", AK_OK, store_commit(s, HOST_NOW, NULL, NULL));
	store_close(&s);
	h.opt.hooks = (struct store_hooks){.check_id = check_id, .ctx = &taken};
	s = host_open(&h);
	assert_err(
	    "", AK_OK, store_role_gid(s, "one", (struct id_range){68000, 68999}, &gid, NULL));
	assert_int_equal(gid, 69000);
	assert_err("", AK_OK, store_role_gid(s, "two", gids, &gid, NULL));
	assert_int_equal(gid, 69001);
	assert_err("", AK_ERR_FULL, store_role_gid(s, "three", gids, &gid, NULL));
	store_close(&s);
}

/* Ranges can move, and a directory's may come to lie where this host once gave ids. */
static void
abuse_135_an_id_that_was_given_once_is_nobody_elses(void **state)
{
	static const struct {
		const char *row;
		uint32_t id;
		bool given;
	} rows[] = {
	    {"a role group's", 69000, true},
	    {"a key's", 70001, true},
	    {"a deleted key's", 70002, true},
	    {"between them", 69500, false},
	    {"below all", 60600, false},
	    {"above all", 1879048192, false},
	};
	struct host h;
	struct key_record k = key_make("a", 70001), gone = key_make("b", 70002);
	struct store *s;
	uint32_t id;
	bool given;

	host_make(&h, *state);
	s = host_open(&h);
	for (int i = 0; i < 3; i++)
		assert_err(
		    "", AK_OK, store_next_uid(s, (struct id_range){70000, 70009}, &id, NULL));
	assert_err(
	    "", AK_OK, store_role_gid(s, "one", (struct id_range){69000, 69001}, &id, NULL));
	assert_err("", AK_OK, store_put(s, &k));
	assert_err("", AK_OK, store_put(s, &gone));
	assert_err("", AK_OK, store_commit(s, HOST_NOW, NULL, NULL));
	assert_err("", AK_OK, store_remove(s, &gone, HOST_NOW));
	assert_err("", AK_OK, store_commit(s, HOST_NOW, NULL, NULL));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err(rows[i].row, AK_OK, store_id_given(s, rows[i].id, &given));
		assert_row(rows[i].row, given == rows[i].given);
	}
	store_close(&s);
}

static enum ak_err
count(void *ctx, const struct key_record *k)
{
	uint32_t *last = ctx;

	assert_true(k->uid > *last);
	*last = k->uid;
	return k->uid == 70003 ? AK_ERR_FULL : AK_OK;
}

static void
each_key_comes_in_uid_order_until_the_taker_ends_it(void **state)
{
	struct host h;
	struct key_record rows[] = {key_make("c", 70002), key_make("a", 70004),
	    key_make("b", 70001), key_make("d", 70003)};
	struct store *s;
	uint32_t last = 0;

	host_make(&h, *state);
	for (size_t i = 0; i < N(rows); i++)
		assert_err("", AK_OK, put(&h, &rows[i]));
	s = host_open(&h);
	assert_err("", AK_ERR_FULL, store_each(s, count, &last));
	assert_int_equal(last, 70003);
	store_close(&s);
}

static void
the_previous_file_is_kept(void **state)
{
	struct host h;
	struct key_record a = key_make("a", 70000), b = key_make("b", 70001);
	struct host_files before;
	char prev[PATH_CAP + 8];
	char *bytes;
	size_t len_b;

	host_make(&h, *state);
	assert_err("", AK_OK, put(&h, &a));
	host_keep(&h, &before);
	assert_err("", AK_OK, put(&h, &b));
	(void)snprintf(prev, sizeof(prev), "%s.prev", h.paths.local);
	bytes = file_read(prev, &len_b);
	assert_non_null(bytes);
	assert_int_equal(len_b, before.local_len_b);
	assert_memory_equal(bytes, before.local, len_b);
	free(bytes);
	host_files_clear(&before);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_new_host_has_an_empty_store),
	    T(what_was_put_is_there_after_commit_and_reopen),
	    T(what_is_staged_is_found_before_it_is_committed_and_lost_with_the_store),
	    T(nothing_staged_writes_nothing),
	    T(a_name_or_id_of_another_key_is_refused_and_changes_nothing),
	    T(what_could_not_be_read_back_is_never_stored),
	    T(abuse_135_the_uid_of_a_deleted_key_is_never_given_again),
	    T(a_uid_given_by_name_is_skipped_by_counting_and_spent_like_any_other),
	    T(ids_of_others_and_reserved_ids_are_passed_over),
	    T(while_the_name_service_fails_no_id_is_given),
	    T(the_end_of_the_range_but_one_is_an_error),
	    T(abuse_157_an_old_local_idx_is_refused_until_it_is_accepted),
	    T(abuse_061_a_missing_or_damaged_local_idx_is_not_begun_anew),
	    T(abuse_061_what_is_not_lost_is_not_given_up),
	    T(abuse_157_beside_a_newer_users_idx_any_local_idx_may_be_old),
	    T(both_files_damaged_are_an_error_and_users_idx_alone_is_remade),
	    T(what_a_newer_version_wrote_stays),
	    T(an_unsafe_state_folder_or_file_is_refused),
	    T(abuse_114_the_state_folder_is_made_0755_whatever_the_umask),
	    T(abuse_101_171_no_commit_lowers_a_stamp_but_a_trusted_clock_does),
	    T(abuse_073_a_full_disk_leaves_the_old_file_and_a_sentence),
	    T(abuse_074_a_writer_killed_at_any_system_call_leaves_old_or_new),
	    T(keys_that_do_not_get_their_name_are_not_published),
	    T(abuse_064_a_file_damaged_at_any_moment_of_a_change_loses_nothing),
	    T(a_store_whose_commit_failed_knows_its_keys_at_the_next),
	    T(abuse_074_a_new_host_killed_at_any_system_call_begins_again),
	    T(abuse_128_no_memory_at_any_point_leaves_old_or_new),
	    T(abuse_075_writers_at_once_come_one_after_the_other),
	    T(a_role_group_keeps_its_gid_for_ever),
	    T(abuse_135_an_id_that_was_given_once_is_nobody_elses),
	    T(each_key_comes_in_uid_order_until_the_taker_ends_it),
	    T(the_previous_file_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
