/* Each allocation of each way to write the keys fails in its turn: the files are old or new, and the next try brings them up to date. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "publish.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Thousands of writes need not wait for the disk. */
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- changes, each staged on an open store ---- */

static enum ak_err
add_key(struct store *s)
{
	struct key_record k = key_make("c", 70002);

	key_bind(&k, "editor");
	return store_put(s, &k);
}

static enum ak_err
remove_key(struct store *s)
{
	struct key k;
	enum ak_err err = store_find_name(s, "b", &k);

	if (err != AK_OK)
		return err;
	err = store_remove(s, &k.rec, HOST_NOW);
	key_clear(&k);
	return err;
}

static enum ak_err
number_key(struct store *s)
{
	struct key_record k = key_make("c", 0);
	enum ak_err err = store_next_uid(s, (struct id_range){70000, 70009}, &k.uid, NULL);

	return err == AK_OK ? store_put(s, &k) : err;
}

static enum ak_err
change_nothing(struct store *s)
{
	(void)s;
	return AK_OK;
}

/* ---- hosts ---- */

static const char DIRECTORY_SETTINGS[] = "version: 1\n"
					 "directory:\n"
					 "  uris: [ldaps://ldap.example.com]\n"
					 "  may_grant: [editor]\n";

/* More than a record's own room holds. */
#define LONG_WORD "a-word-that-takes-a-lot-of-room-in-the-record-of-a-key-and-no-more-"
#define LONG_TEXT                                                                              \
	LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD        \
	    LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD LONG_WORD

static void
have_directory(struct host *h)
{
	static const struct directory_member members[] = {
	    {.name = "a",
		.groups = DIRECTORY_LIST("team\0" LONG_TEXT),
		.bindings = DIRECTORY_LIST("editor")},
	    {.name = "robot", .groups = DIRECTORY_LIST("team")}};
	struct key_record robot = directory_key("robot", DIRECTORY_UID);

	host_settings(h, DIRECTORY_SETTINGS);
	key_bind(&robot, "editor");
	(void)directory_write_keys(&h->paths, &robot, 1, HOST_NOW);
	(void)directory_write_members(&h->paths, members, N(members), HOST_NOW);
	directory_write_contact(&h->paths, HOST_NOW);
}

static void
lose_users(struct host *h)
{
	assert_int_equal(unlink(h->paths.users), 0);
}

static void
damage_users(struct host *h)
{
	directory_damage(h->paths.users);
}

static void
have_other_policy(struct host *h)
{
	host_policy(h, "version: 1\n"
		       "roles:\n"
		       "  viewer: {services: [sshd]}\n"
		       "  editor: {services: [sshd], unix_groups: [apikey-others, staff]}\n");
}

static void
have_no_policy(struct host *h)
{
	host_policy(h, "version: ");
}

/* An old copy of the keys, put back. */
static void
roll_back(struct host *h)
{
	size_t len_b;
	char *old = file_read(h->paths.local, &len_b);

	assert_err("", AK_OK, host_remove(h, 70001));
	file_write(h->paths.local, old, len_b, 0600);
	free(old);
	h->opt.accept_rollback = true;
}

struct row {
	const char *name;
	void (*before)(struct host *h); /* moved since the last publish; NULL: nothing */
	enum ak_err (*stage)(struct store *s);
	bool with_directory;
};

static const struct row rows[] = {
    {"a key more", NULL, add_key, false},
    {"a key less", NULL, remove_key, false},
    {"by counting up", NULL, number_key, false},
    {"the same with a directory", NULL, number_key, true},
    {"a key less with a directory", NULL, remove_key, true},
    {"a directory comes", have_directory, change_nothing, false},
    {"a directory comes, and a key", have_directory, add_key, false},
    {"users.idx is lost", lose_users, change_nothing, true},
    {"users.idx is damaged", damage_users, add_key, true},
    {"another policy", have_other_policy, change_nothing, true},
    {"another policy, and a key", have_other_policy, add_key, false},
    {"a broken policy", have_no_policy, remove_key, true},
    {"an old copy is accepted", roll_back, change_nothing, false},
    {"an old copy is accepted, with a directory", roll_back, add_key, true},
};

/* ---- what is there ---- */

static enum ak_err
list_key(void *ctx, const struct key_record *k)
{
	struct text *t = ctx;

	text_add(t, "%s %u\n", k->name, (unsigned)k->uid);
	return AK_OK;
}

struct state {
	char keys[512];
	char *users; /* its bytes; NULL: there is no such file */
	size_t users_len_b;
};

/* What a writer leaves beside the files is looked for first: the next one removes it. */
static struct state
look(struct host *h)
{
	static const char *const beside[] = {".local.idx.new", ".users.idx.new"};
	struct state now = {.users = NULL};
	struct text t = text_over(now.keys, sizeof(now.keys));
	char path[PATH_CAP + 16];
	struct store *s;

	for (size_t i = 0; i < N(beside); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", h->paths.state, beside[i]);
		assert_false(file_is_there(path));
	}
	now.users = file_read(h->paths.users, &now.users_len_b);
	s = host_open(h);
	assert_err("", AK_OK, store_each(s, list_key, &t));
	store_close(&s);
	return now;
}

static bool
has_users_of(const struct state *a, const struct state *b)
{
	return (a->users == NULL) == (b->users == NULL) && a->users_len_b == b->users_len_b &&
	       (a->users == NULL || memcmp(a->users, b->users, a->users_len_b) == 0);
}

static void
put_file_back(const char *path, const char *bytes, size_t len_b, mode_t mode)
{
	if (bytes == NULL)
		(void)unlink(path);
	else
		file_write(path, bytes, len_b, mode);
}

/* The directory's files stay: nobody here writes them. */
static void
put_back(const struct host *h, const struct host_files *f)
{
	put_file_back(h->paths.local, f->local, f->local_len_b, 0600);
	put_file_back(h->paths.users, f->users, f->users_len_b, 0644);
	put_file_back(h->paths.image, f->image, f->image_len_b, 0600);
}

/* ---- one try ---- */

/* n: 0: nothing fails. */
static enum ak_err
write_it(struct host *h, enum ak_err (*stage)(struct store *s), unsigned n, bool *failed)
{
	struct store *s = NULL;
	struct live live;
	enum ak_err err;

	h->why = DIAG_INIT;
	live_load(&h->paths, &live);
	if (n > 0)
		alloc_fail_nth(n);
	err = store_open(&h->paths, &h->opt, &s, &h->why);
	if (err == AK_OK)
		err = stage(s);
	if (err == AK_OK)
		err = publish(s, &live, HOST_NOW, NULL, &h->why);
	store_close(&s);
	*failed = alloc_stop();
	live_clear(&live);
	return err;
}

/* Keys first, then the users that belong to them: whatever failed, the next try has it all. */
static void
is_old_or_new(struct host *h, const struct row *row, const struct state *old, const char *keys,
    const char *dump, enum ak_err err)
{
	struct state now = look(h);
	bool is_new = strcmp(now.keys, keys) == 0, failed;
	char *seen = NULL;

	assert_row(row->name, is_new || (strcmp(now.keys, old->keys) == 0 && err != AK_OK));
	if (!has_users_of(&now, old)) {
		seen = host_dump(h);
		assert_row(row->name, is_new && strcmp(seen, dump) == 0);
		free(seen);
	} else {
		assert_row(row->name, err != AK_OK);
	}
	free(now.users);
	assert_err(row->name, AK_OK,
	    write_it(h, strcmp(keys, now.keys) == 0 ? change_nothing : row->stage, 0, &failed));
	now = look(h);
	seen = host_dump(h);
	assert_string_equal(now.keys, keys);
	assert_string_equal(seen, dump);
	free(now.users);
	free(seen);
}

static void
fail_each(struct host *h, const struct row *row)
{
	struct host_files before;
	struct state old, new;
	bool failed = true;
	unsigned n;
	char *dump;

	if (row->before != NULL)
		row->before(h);
	host_keep(h, &before);
	old = look(h);
	assert_err(row->name, AK_OK, write_it(h, row->stage, 0, &failed));
	new = look(h);
	dump = host_dump(h);
	for (n = 1, failed = true; failed; n++) {
		enum ak_err err;

		put_back(h, &before);
		err = write_it(h, row->stage, n, &failed);
		/* What only makes it faster may lack memory. */
		if (err != AK_OK && (err != AK_ERR_NOMEM || !failed))
			fail_msg("%s, allocation %u: %s: %s", row->name, n, ak_strerror(err),
			    h->why.text);
		is_old_or_new(h, row, &old, new.keys, dump, err);
	}
	print_message("%s: %u allocations\n", row->name, n - 2);
	assert_row(row->name, n > 2);
	free(dump);
	free(old.users);
	free(new.users);
	host_files_clear(&before);
}

static void
abuse_128_each_allocation_of_a_writer_fails_in_its_turn(void **state)
{
	struct host h;

	host_make(&h, *state);
	for (size_t i = 0; i < N(rows); i++) {
		struct key_record a = key_make("a", 70000), b = key_make("b", 70001);

		host_wipe(&h);
		host_settings(&h, NULL);
		host_policy(&h, HOST_POLICY);
		h.opt = (struct store_options){.accept_rollback = false};
		if (rows[i].with_directory)
			have_directory(&h);
		key_bind(&a, "viewer");
		key_bind(&b, "editor");
		a.description = b.description = LONG_TEXT;
		assert_err("", AK_OK, host_put(&h, &a));
		assert_err("", AK_OK, host_put(&h, &b));
		host_settle(&h);
		assert_err("", AK_OK, host_publish(&h, HOST_NOW));
		fail_each(&h, &rows[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		abuse_128_each_allocation_of_a_writer_fails_in_its_turn, tmp_setup,
		tmp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
