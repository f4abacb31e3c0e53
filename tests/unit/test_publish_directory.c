/* What NSS serves where there is a directory: its keys as users, and what rests on LDAP marked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_keys.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char with_directory[] = "version: 1\nhome: /srv/%n\nshell: /bin/dash\n"
				     "directory:\n  uris: [ldaps://ldap.example.com]\n"
				     "  may_grant: ['*']\n";
static const char policy[] =
    "version: 1\nroles:\n"
    "  calm: {services: [sshd], unix_groups: [calm]}\n"
    "  editor: {services: [sshd], unix_groups: [editors]}\n"
    "  ops: {services: [sshd], unix_groups: [ops]}\n"
    "groups: {team: [{role: ops}]}\n"
    "grant:\n- {role: calm, in: root, not: {group: crew}, login: '*'}\n";

/* As they are given: keys_group, then the roles' by name. */
#define ALL "69000"
#define CALM "69001"
#define EDITORS "69002"
#define OPS "69003"
#define X "1879048192"
#define Y "1879048193"

static struct key_record
bound(struct key_record k, const char *binding)
{
	key_bind(&k, binding);
	return k;
}

/* Local a (editor); of the directory x (editor) and y; a, x and y are known there, in no group. */
static void
make(struct host *h, struct tmp *tmp)
{
	const struct key_record a = bound(key_make("a", 70000), "editor");
	const struct key_record keys[] = {bound(directory_key("x", DIRECTORY_UID), "editor"),
	    directory_key("y", DIRECTORY_UID + 1)};
	static const struct directory_member rows[] = {
	    {.name = "a"}, {.name = "x"}, {.name = "y"}};

	host_make(h, tmp);
	host_wipe(h);
	host_settings(h, with_directory);
	host_policy(h, policy);
	(void)directory_write_keys(&h->paths, keys, N(keys), HOST_NOW);
	(void)directory_write_members(&h->paths, rows, N(rows), HOST_NOW);
	assert_err("a", AK_OK, host_put(h, &a));
}

static void
has_line(const struct host *h, const char *line)
{
	char *dump = host_dump(h);
	bool has = dump_has(dump, line);

	free(dump);
	assert_row(line, has);
}

static void
has_no_text(const struct host *h, const char *text)
{
	char *dump = host_dump(h);
	bool has = strstr(dump, text) != NULL;

	free(dump);
	assert_row(text, !has);
}

static void
publish_again(struct host *h, bool whole)
{
	assert_err("publish", AK_OK, host_publish(h, HOST_NOW));
	assert_int_equal(h->res.whole, whole);
}

static void
a_key_of_the_directory_is_a_user_by_the_hosts_templates(void **state)
{
	struct host h;
	struct key_record k = directory_key("x", DIRECTORY_UID);

	make(&h, *state);
	has_line(&h, "user a 70000 gids " ALL " " EDITORS " marked " CALM);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
	has_line(&h, "user y " Y " gids " ALL " marked " CALM);
	has_line(&h, "  of x: API key /srv/x /bin/dash, number " X);
	has_line(&h, "group editors " EDITORS " members a x");
	has_line(&h, "group calm " CALM " members marked a x y");
	assert_int_equal(h.res.users, 3);
	/* What LDAP says of home and shell is not asked. */
	k.home = "/root";
	k.shell = "/evil";
	k.description = "nightly backups";
	(void)directory_write_keys(&h.paths, &k, 1, HOST_NOW);
	publish_again(&h, true);
	has_line(&h, "  of x: nightly backups /srv/x /bin/dash, number " X);
	k.description = "a:b";
	(void)directory_write_keys(&h.paths, &k, 1, HOST_NOW);
	publish_again(&h, true);
	has_line(&h, "  of x: API key /srv/x /bin/dash, number " X);
}

static void
groups_by_ldap_are_marked_and_a_keys_own_are_not(void **state)
{
	struct key_record own = key_make("own", 70001), both = key_make("both", 70002);
	static const struct directory_member rows[] = {
	    {.name = "a", .groups = DIRECTORY_LIST("team")},
	    {.name = "x", .groups = DIRECTORY_LIST("crew\0team")},
	    {.name = "y", .groups = DIRECTORY_LIST("crew")}, {.name = "own"},
	    {.name = "both", .groups = DIRECTORY_LIST("team")}};
	struct host h;

	make(&h, *state);
	own.groups = both.groups = DIRECTORY_LIST("team");
	assert_err("", AK_OK, host_put(&h, &own));
	assert_err("", AK_OK, host_put(&h, &both));
	(void)directory_write_members(&h.paths, rows, N(rows), HOST_NOW);
	publish_again(&h, true);
	has_line(&h, "user a 70000 gids " ALL " " EDITORS " marked " CALM " " OPS);
	has_line(&h, "user own 70001 gids " ALL " " OPS " marked " CALM);
	has_line(&h, "user both 70002 gids " ALL " " OPS " marked " CALM);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " OPS);
	has_line(&h, "user y " Y " gids " ALL);
	has_line(&h, "group ops " OPS " members own both marked a x");
}

static void
a_key_of_which_ldap_says_nothing_gets_what_holds_without_it(void **state)
{
	static const struct directory_member rows[] = {{.name = "x"}};
	struct host h;
	char *whole;
	size_t len_b;

	make(&h, *state);
	(void)directory_write_members(&h.paths, rows, N(rows), HOST_NOW);
	publish_again(&h, true);
	has_line(&h, "user a 70000 gids " ALL " " EDITORS);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
	whole = file_read(h.paths.directory_groups, &len_b);
	directory_damage(h.paths.directory_groups);
	host_groups(&h, "root:x:0:\n"); /* so that all is asked again */
	publish_again(&h, true);
	has_line(&h, "user x " X " gids " ALL " " EDITORS);
	/* The same file, that can be read again, is read again. */
	file_write(h.paths.directory_groups, whole, len_b, 0600);
	free(whole);
	publish_again(&h, true);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
	assert_int_equal(unlink(h.paths.directory_groups), 0);
	publish_again(&h, true);
	has_line(&h, "user x " X " gids " ALL " " EDITORS);
}

static void
without_a_directory_in_the_settings_its_files_count_for_nothing(void **state)
{
	struct host h;

	make(&h, *state);
	host_settings(&h, "version: 1\n");
	publish_again(&h, true);
	has_no_text(&h, "user x");
	has_no_text(&h, "marked");
	has_line(&h, "user a 70000 gids " ALL " " CALM " " EDITORS);
	(void)directory_write_members(&h.paths, NULL, 0, HOST_NOW);
	publish_again(&h, false);
	host_groups(&h, "root:x:0:\n");
	publish_again(&h, true);
	has_line(&h, "user a 70000 gids " ALL " " CALM " " EDITORS);
	host_settings(&h, with_directory);
	publish_again(&h, true);
	has_line(&h, "user y " Y " gids " ALL);
}

static void
abuse_156_a_key_of_the_directory_gets_no_group_of_a_role_that_may_grant_leaves_out(void **state)
{
	static const struct directory_member rows[] = {
	    {.name = "a", .groups = DIRECTORY_LIST("team")},
	    {.name = "x", .groups = DIRECTORY_LIST("team")}};
	struct host h;

	make(&h, *state);
	host_settings(&h, "version: 1\ndirectory:\n  uris: [ldaps://ldap.example.com]\n"
			  "  may_grant: [calm]\n");
	(void)directory_write_members(&h.paths, rows, N(rows), HOST_NOW);
	publish_again(&h, true);
	has_line(&h, "user a 70000 gids " ALL " " EDITORS " marked " CALM);
	has_line(&h, "user x " X " gids " ALL " marked " CALM);
}

static void
abuse_155_a_local_key_takes_the_name_and_gives_it_back(void **state)
{
	struct host h;
	struct key_record k = key_make("x", 70001);

	make(&h, *state);
	assert_err("", AK_OK, host_put(&h, &k));
	assert_false(h.res.whole);
	has_no_text(&h, "user x " X);
	has_line(&h, "group editors " EDITORS " members a");
	has_line(&h, "user x 70001 gids " ALL " marked " CALM);
	(void)strcpy(k.name, "z");
	assert_err("renamed", AK_OK, host_put(&h, &k));
	assert_false(h.res.whole);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
	(void)strcpy(k.name, "y");
	assert_err("", AK_OK, host_put(&h, &k));
	has_no_text(&h, "user y " Y);
	assert_err("removed", AK_OK, host_remove(&h, 70001));
	assert_false(h.res.whole);
	has_line(&h, "user y " Y " gids " ALL " marked " CALM);
}

static void
abuse_098_what_exists_on_the_host_takes_the_name_and_the_id(void **state)
{
	static const struct {
		const char *what, *passwd, *group;
	} rows[] = {
	    {"a user", "x:x:1000:1000::/:/bin/sh\n", "root:x:0:\n"},
	    {"a group", "", "x:x:1000:\n"},
	    {"a user's id", "bob:x:" X ":1000::/:/bin/sh\n", "root:x:0:\n"},
	    {"a group's id", "", "bob:x:" X ":\n"},
	};
	struct host h;

	make(&h, *state);
	for (size_t i = 0; i < N(rows); i++) {
		file_write(h.paths.passwd, "", 0, 0644);
		host_groups(&h, "");
		publish_again(&h, true);
		has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
		file_write(h.paths.passwd, rows[i].passwd, strlen(rows[i].passwd), 0644);
		host_groups(&h, rows[i].group);
		publish_again(&h, true);
		has_no_text(&h, "user x ");
		has_line(&h, "user y " Y " gids " ALL " marked " CALM);
	}
	/* A user alone: nothing else is made anew for that. */
	file_write(h.paths.passwd, "", 0, 0644);
	host_groups(&h, "");
	publish_again(&h, true);
	file_write(h.paths.passwd, rows[0].passwd, strlen(rows[0].passwd), 0644);
	publish_again(&h, false);
	has_no_text(&h, "user x ");
	has_line(&h, "group editors " EDITORS " members a");
}

static void
a_key_named_like_a_roles_group_is_no_user(void **state)
{
	const struct key_record keys[] = {directory_key("ops", DIRECTORY_UID),
	    directory_key("apikey", DIRECTORY_UID + 1),
	    directory_key("opsy", DIRECTORY_UID + 2)};
	struct host h;

	make(&h, *state);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	publish_again(&h, true);
	has_no_text(&h, "user ops ");
	has_no_text(&h, "user apikey ");
	has_line(&h, "user opsy 1879048194 gids " ALL);
}

static void
a_key_outside_the_directorys_range_is_no_user(void **state)
{
	const struct key_record keys[] = {
	    directory_key("low", 70005), directory_key("high", 2000000000)};
	struct host h;

	make(&h, *state);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	publish_again(&h, true);
	has_no_text(&h, "user low ");
	has_no_text(&h, "user high ");
}

/* The directory's files, at one moment. */
struct step {
	struct source_id keys, groups;
};

static struct source_id
id_of_file(const struct host *h, const char *path)
{
	struct index ix;
	struct source_id id;

	if (index_open(path, h->paths.owner, &ix) != AK_OK)
		return (struct source_id){.generation = 0};
	id = (struct source_id){ix.head.generation, ix.head.id};
	index_close(&ix);
	return id;
}

static struct step
now_there(const struct host *h)
{
	return (struct step){
	    id_of_file(h, h->paths.directory_keys), id_of_file(h, h->paths.directory_groups)};
}

static void
publish_noted(struct host *h, struct step before, const uint32_t *uids, size_t n, bool whole)
{
	struct store *s = host_open(h);

	assert_err("note", AK_OK, store_note_directory(s, before.keys, before.groups, uids, n));
	assert_err("publish", AK_OK, host_publish_open(h, s, HOST_NOW));
	store_close(&s);
	assert_int_equal(h->res.whole, whole);
}

static void
a_noted_change_evaluates_what_was_noted_alone(void **state)
{
	static const struct directory_member rows[] = {
	    {.name = "a", .groups = DIRECTORY_LIST("team")}, {.name = "y"}};
	const struct key_record keys[] = {directory_key("y", DIRECTORY_UID + 1)};
	static const uint32_t a_and_x[] = {DIRECTORY_UID, 70000}, y[] = {DIRECTORY_UID + 1};
	struct host h;
	struct step before;

	make(&h, *state);
	before = now_there(&h);
	(void)directory_write_members(&h.paths, rows, N(rows), HOST_NOW);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	publish_noted(&h, before, a_and_x, 2, false);
	has_line(&h, "user a 70000 gids " ALL " " EDITORS " marked " CALM " " OPS);
	has_no_text(&h, "user x ");
	has_line(&h, "user y " Y " gids " ALL " marked " CALM);
	publish_again(&h, false);
	/* Not told of: not looked at, though it would be y's end. */
	before = now_there(&h);
	(void)directory_write_keys(&h.paths, NULL, 0, HOST_NOW);
	publish_noted(&h, before, a_and_x, 1, false);
	has_line(&h, "user y " Y " gids " ALL " marked " CALM);
	before = now_there(&h);
	(void)directory_write_keys(&h.paths, NULL, 0, HOST_NOW);
	publish_noted(&h, before, y, 1, false);
	has_no_text(&h, "user y ");
}

static void
files_that_nobody_told_of_are_published_as_a_whole(void **state)
{
	const struct key_record keys[] = {directory_key("y", DIRECTORY_UID + 1)};
	static const uint32_t none[] = {DIRECTORY_UID + 7};
	struct host h;
	struct step first, second;

	make(&h, *state);
	first = now_there(&h);
	(void)directory_write_members(&h.paths, NULL, 0, HOST_NOW);
	publish_again(&h, true);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	publish_again(&h, true);
	publish_again(&h, false);
	/* A note that begins elsewhere than what was published. */
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	publish_noted(&h, first, none, 1, true);
	/* The same of the groups alone, and of the keys alone. */
	second = now_there(&h);
	(void)directory_write_keys(&h.paths, keys, N(keys), HOST_NOW);
	publish_noted(&h, (struct step){second.keys, first.groups}, none, 1, true);
	second = now_there(&h);
	(void)directory_write_members(&h.paths, NULL, 0, HOST_NOW);
	publish_noted(&h, (struct step){first.keys, second.groups}, none, 1, true);
	/* A note to a file that can't be read. */
	second = now_there(&h);
	assert_int_equal(unlink(h.paths.directory_groups), 0);
	publish_noted(&h, second, none, 1, true);
	second = now_there(&h);
	assert_int_equal(second.groups.generation, 0);
	(void)directory_write_members(&h.paths, NULL, 0, HOST_NOW);
	publish_noted(&h, second, none, 1, false);
}

static void
notes_follow_each_other_without_a_gap(void **state)
{
	static const struct {
		bool gap;
	} rows[] = {{false}, {true}};
	static const uint32_t x[] = {DIRECTORY_UID}, y[] = {DIRECTORY_UID + 1};
	struct host h;

	for (size_t i = 0; i < N(rows); i++) {
		struct store *s;
		struct step before;
		const struct key_record keys[] = {directory_key("x", DIRECTORY_UID)};

		if (i == 0)
			make(&h, *state);
		publish_again(&h, i > 0);
		s = host_open(&h);
		before = now_there(&h);
		(void)directory_write_keys(&h.paths, keys, 1, HOST_NOW);
		assert_err("", AK_OK, store_note_directory(s, before.keys, before.groups, x, 1));
		if (rows[i].gap)
			(void)directory_write_keys(&h.paths, keys, 1, HOST_NOW);
		before = now_there(&h);
		(void)directory_write_keys(&h.paths, NULL, 0, HOST_NOW);
		assert_err("", AK_OK, store_note_directory(s, before.keys, before.groups, y, 1));
		assert_err("", AK_OK, host_publish_open(&h, s, HOST_NOW));
		assert_int_equal(h.res.whole, rows[i].gap);
		store_close(&s);
		(void)directory_write_keys(&h.paths, keys, 1, HOST_NOW);
	}
}

/* Would a command that changes nothing publish? It did so each time, while a file of the directory was damaged. */
static bool
is_due(const struct host *h)
{
	const struct store_options opt = {.look_only = true};
	struct store *s;
	struct live live;
	bool due;

	live_load(&h->paths, &live);
	assert_err("", AK_OK, store_open(&h->paths, &opt, &s, NULL));
	due = publish_is_due(s, &live);
	store_close(&s);
	live_clear(&live);
	return due;
}

static void
abuse_064_while_its_keys_cannot_be_read_they_stay_users_without_roles(void **state)
{
	struct host h;
	size_t len_b;
	char *bytes;

	make(&h, *state);
	bytes = file_read(h.paths.directory_keys, &len_b);
	assert_non_null(bytes);
	for (int what = 0; what < 4; what++) {
		if (what == 0)
			assert_int_equal(unlink(h.paths.directory_keys), 0);
		else if (what == 1)
			assert_int_equal(chmod(h.paths.directory_keys, 0666), 0);
		else if (what == 2)
			file_write(h.paths.directory_keys, bytes, 100, 0600);
		else
			directory_damage(h.paths.directory_keys);
		host_groups(&h, "root:x:0:\n");
		publish_again(&h, true);
		has_line(&h, "user a 70000 gids " ALL " " EDITORS " marked " CALM);
		has_line(&h, "user x " X " gids " ALL);
		has_line(&h, "  of x: API key /srv/x /bin/dash, number " X);
		has_line(&h, "user y " Y " gids " ALL);
		has_line(&h, "group editors " EDITORS " members a");
		assert_false(is_due(&h));
		file_write(h.paths.directory_keys, bytes, len_b, 0600);
		assert_false(is_due(&h));
		publish_again(&h, true);
		has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
		publish_again(&h, false);
	}
	free(bytes);
}

static void
a_broken_policy_keeps_groups_and_marks_and_broken_settings_the_homes(void **state)
{
	struct host h;

	make(&h, *state);
	host_policy(&h, "version: 2\n");
	publish_again(&h, true);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
	has_line(&h, "group calm " CALM " members marked a x y");
	host_settings(&h, "version: 1\nhome: nowhere\n");
	publish_again(&h, true);
	has_line(&h, "user x " X " gids " ALL " " EDITORS " marked " CALM);
	has_line(&h, "  of x: API key /srv/x /bin/dash, number " X);
}

static void
a_damaged_users_idx_is_remade_with_the_directorys_keys(void **state)
{
	struct host h;
	struct host_files good;
	struct key_record k = key_make("x", 70002);
	char *wanted;

	make(&h, *state);
	assert_err("", AK_OK, host_put(&h, &k));
	host_keep(&h, &good);
	(void)strcpy(k.name, "z"); /* so x is the directory's again */
	assert_err("", AK_OK, host_put(&h, &k));
	wanted = host_dump(&h);
	for (size_t at = 0; at < good.users_len_b; at += 5) {
		char *got;

		good.users[at] ^= 0x10;
		file_write(h.paths.local, good.local, good.local_len_b, 0600);
		file_write(h.paths.users, good.users, good.users_len_b, 0644);
		good.users[at] ^= 0x10;
		assert_err("", AK_OK, host_put(&h, &k));
		got = host_dump(&h);
		assert_string_equal(got, wanted);
		free(got);
	}
	free(wanted);
	host_files_clear(&good);
}

/* users.idx as it is, and as it is when it is made anew from the same sources. */
static void
is_same_as_whole(struct host *h)
{
	char *part = host_dump(h), *whole;
	struct host_files kept;

	host_keep(h, &kept);
	assert_int_equal(unlink(h->paths.users), 0);
	assert_err("whole", AK_OK, host_publish(h, HOST_NOW));
	assert_true(h->res.whole);
	whole = host_dump(h);
	assert_string_equal(part, whole);
	free(part);
	free(whole);
	file_write(h->paths.local, kept.local, kept.local_len_b, 0600);
	file_write(h->paths.users, kept.users, kept.users_len_b, 0644);
	file_write(h->paths.image, kept.image, kept.image_len_b, 0600);
	host_files_clear(&kept);
}

#define UIDS 6
#define NAMES 8

/* Both sides draw their names from the same few, so that they clash. */
static const char *const names[NAMES] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};
static const char *const bindings[] = {"editor", "ops", "no-such"};
static const struct strv lists[] = {{.bytes = NULL}, DIRECTORY_LIST("team"),
    DIRECTORY_LIST("crew"), DIRECTORY_LIST("crew\0team"), DIRECTORY_LIST("other")};

struct world {
	struct key_record local[UIDS], directory[UIDS]; /* uid 0: none, 1: spent */
	struct directory_member members[NAMES];
	size_t n_members;
};

static bool
is_used(const struct key_record *keys, const char *name)
{
	for (size_t i = 0; i < UIDS; i++)
		if (keys[i].uid > 1 && strcmp(keys[i].name, name) == 0)
			return true;
	return false;
}

static void
random_key(struct rnd *r, struct key_record *keys, uint32_t i, struct key_record k)
{
	const char *name = names[rnd_below(r, NAMES)];

	(void)snprintf(k.name, sizeof(k.name), "%s", name);
	if (keys[i].uid > 1 && is_used(keys, name))
		(void)snprintf(k.name, sizeof(k.name), "%s", keys[i].name);
	else if (is_used(keys, name))
		return;
	if (rnd_below(r, 2) == 0)
		key_bind(&k, bindings[rnd_below(r, N(bindings))]);
	k.groups = lists[rnd_below(r, N(lists))];
	keys[i] = k;
}

static void
change_local(struct rnd *r, struct world *w, struct store *s)
{
	uint32_t i = (uint32_t)rnd_below(r, UIDS);
	struct key_record *k = &w->local[i];

	if (k->uid == 1)
		return;
	if (k->uid != 0 && rnd_below(r, 6) == 0) {
		assert_err("remove", AK_OK, store_remove(s, k, HOST_NOW));
		k->uid = 1;
		return;
	}
	random_key(r, w->local, i, key_make("", 70000 + i));
	if (k->uid > 1)
		assert_err("put", AK_OK, store_put(s, k));
}

/* The uids of all keys of that name. */
static size_t
uids_of(const struct world *w, const char *name, uint32_t *uids)
{
	size_t n = 0;

	for (size_t i = 0; i < UIDS; i++) {
		if (w->local[i].uid > 1 && strcmp(w->local[i].name, name) == 0)
			uids[n++] = w->local[i].uid;
		if (w->directory[i].uid > 1 && strcmp(w->directory[i].name, name) == 0)
			uids[n++] = w->directory[i].uid;
	}
	return n;
}

static void
write_directory(const struct host *h, const struct world *w)
{
	struct key_record keys[UIDS];
	size_t n = 0;

	for (size_t i = 0; i < UIDS; i++)
		if (w->directory[i].uid > 1)
			keys[n++] = w->directory[i];
	(void)directory_write_members(&h->paths, w->members, w->n_members, HOST_NOW);
	(void)directory_write_keys(&h->paths, keys, n, HOST_NOW);
}

static size_t
change_member(struct rnd *r, struct world *w, uint32_t *uids)
{
	const char *name = names[rnd_below(r, NAMES)];
	size_t i = 0;

	while (i < w->n_members && strcmp(w->members[i].name, name) != 0)
		i++;
	if (i < w->n_members && rnd_below(r, 4) == 0) {
		w->members[i] = w->members[--w->n_members];
	} else {
		w->members[i].name = name;
		w->members[i].groups = lists[rnd_below(r, N(lists))];
		if (i == w->n_members)
			w->n_members++;
	}
	return uids_of(w, name, uids);
}

static void
change_directory(const struct host *h, struct rnd *r, struct world *w, struct store *s)
{
	uint32_t i = (uint32_t)rnd_below(r, UIDS), uids[4 * UIDS];
	struct step before = now_there(h);
	size_t n = 0;

	if (rnd_below(r, 2) == 0) {
		n = change_member(r, w, uids);
	} else if (w->directory[i].uid > 1 && rnd_below(r, 4) == 0) {
		uids[n++] = w->directory[i].uid;
		w->directory[i].uid = 0;
	} else {
		random_key(r, w->directory, i, directory_key("", DIRECTORY_UID + i));
		uids[n++] = DIRECTORY_UID + i;
	}
	write_directory(h, w);
	assert_err("note", AK_OK, store_note_directory(s, before.keys, before.groups, uids, n));
}

static void
whatever_changes_a_part_gives_the_same_records_as_the_whole(void **state)
{
	struct rnd r = rnd_start("changes");
	struct host h;

	make(&h, *state);
	for (unsigned round = 0; round < 6; round++) {
		struct world w = {.n_members = 0};

		host_wipe(&h);
		write_directory(&h, &w);
		assert_err("", AK_OK, host_publish(&h, HOST_NOW));
		for (unsigned step = 0; step < 30; step++) {
			struct store *s = host_open(&h);

			for (uint64_t n = 1 + rnd_below(&r, 3); n > 0; n--) {
				if (rnd_below(&r, 2) == 0)
					change_local(&r, &w, s);
				else
					change_directory(&h, &r, &w, s);
			}
			assert_err("publish", AK_OK, host_publish_open(&h, s, HOST_NOW));
			store_close(&s);
			assert_false(h.res.whole);
			is_same_as_whole(&h);
		}
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_key_of_the_directory_is_a_user_by_the_hosts_templates),
	    T(groups_by_ldap_are_marked_and_a_keys_own_are_not),
	    T(a_key_of_which_ldap_says_nothing_gets_what_holds_without_it),
	    T(without_a_directory_in_the_settings_its_files_count_for_nothing),
	    T(abuse_156_a_key_of_the_directory_gets_no_group_of_a_role_that_may_grant_leaves_out),
	    T(abuse_155_a_local_key_takes_the_name_and_gives_it_back),
	    T(abuse_098_what_exists_on_the_host_takes_the_name_and_the_id),
	    T(a_key_named_like_a_roles_group_is_no_user),
	    T(a_key_outside_the_directorys_range_is_no_user),
	    T(a_noted_change_evaluates_what_was_noted_alone),
	    T(files_that_nobody_told_of_are_published_as_a_whole),
	    T(notes_follow_each_other_without_a_gap),
	    T(abuse_064_while_its_keys_cannot_be_read_they_stay_users_without_roles),
	    T(a_broken_policy_keeps_groups_and_marks_and_broken_settings_the_homes),
	    T(a_damaged_users_idx_is_remade_with_the_directorys_keys),
	    T(whatever_changes_a_part_gives_the_same_records_as_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
