/* What NSS serves, made from keys, policy, settings and /etc/group: in part or as a whole, always the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring.h"
#include "publish.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A key, put and published. */
static void
put(struct host *h, const char *name, uint32_t uid, const char *binding)
{
	struct key_record k = key_make(name, uid);

	if (binding != NULL)
		key_bind(&k, binding);
	assert_err(name, AK_OK, host_put(h, &k));
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

/* keys_group is the first group that gets a gid of the range; then come the policy's, in the order of the roles' names. */
#define GID_ALL "69000"
#define GID_APP "69001"
#define GID_EDITORS "69002"

static void
every_key_is_in_keys_group_and_in_the_groups_of_its_roles(void **state)
{
	struct host h;

	host_make(&h, *state);
	put(&h, "a", 70000, NULL);
	put(&h, "b", 70001, "editor");
	put(&h, "c", 70002, "app");
	put(&h, "d", 70003, "viewer");
	put(&h, "e", 70004, "no-such-role");
	has_line(&h, "user a 70000 gids " GID_ALL);
	has_line(&h, "user b 70001 gids " GID_ALL " " GID_EDITORS);
	has_line(&h, "user c 70002 gids " GID_ALL " 1005 " GID_APP);
	has_line(&h, "user d 70003 gids " GID_ALL);
	has_line(&h, "user e 70004 gids " GID_ALL);
	has_line(&h, "group apikey " GID_ALL " members");
	has_line(&h, "group apikey-editors " GID_EDITORS " members b");
	has_line(&h, "group app 1005 members c");
	has_line(&h, "group apikey-app " GID_APP " members c");
	assert_int_equal(h.res.users, 5);
	assert_int_equal(h.res.groups, 4);
	assert_false(h.res.whole);
	assert_false(h.res.without_policy);
}

static void
disabled_and_expired_keys_are_served_until_they_are_deleted(void **state)
{
	struct host h;
	struct key_record k = key_make("a", 70000);

	host_make(&h, *state);
	k.state = KEY_DISABLED;
	k.expires_at = HOST_NOW - 1;
	assert_err("", AK_OK, host_put(&h, &k));
	has_line(&h, "user a 70000 gids " GID_ALL);
	assert_err("", AK_OK, host_remove(&h, 70000));
	has_no_text(&h, "user ");
}

static void
a_description_that_is_no_passwd_field_is_not_served(void **state)
{
	static const char *const rows[] = {"a:b", "two\nlines", "\033[31m", ""};
	struct host h;
	struct key_record k = key_make("a", 70000);

	host_make(&h, *state);
	k.description = "deploys the shop";
	assert_err("", AK_OK, host_put(&h, &k));
	has_line(&h, "  of a: deploys the shop /home/key /bin/sh, number 70000");
	for (size_t i = 0; i < N(rows); i++) {
		k.description = rows[i];
		assert_err(rows[i], AK_OK, host_put(&h, &k));
		has_line(&h, "  of a: API key /home/key /bin/sh, number 70000");
	}
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
	host_put_back(h, &kept);
	host_files_clear(&kept);
}

#define UIDS 12

static const char *const bindings[] = {
    NULL, "viewer", "editor", "app", "editor:hosts:elsewhere"};

static struct key_record
random_key(struct rnd *r, uint32_t uid, const struct key_record *was)
{
	struct key_record k = key_make("x", uid);
	const char *binding = bindings[rnd_below(r, N(bindings))];

	if (was->uid != 0 && rnd_below(r, 3) > 0)
		memcpy(k.name, was->name, sizeof(k.name));
	else
		(void)snprintf(
		    k.name, sizeof(k.name), "k%x", (unsigned)(rnd_u64(r) & 0xffffffffU));
	if (binding != NULL)
		key_bind(&k, binding);
	if (rnd_below(r, 2) == 0)
		k.description = "changed";
	if (rnd_below(r, 4) == 0)
		k.state = KEY_DISABLED;
	return k;
}

/* One to three changes in one transaction. */
static void
random_change(struct host *h, struct rnd *r, struct key_record keys[UIDS])
{
	struct store *s = host_open(h);

	for (uint64_t n = 1 + rnd_below(r, 3); n > 0; n--) {
		uint32_t i = (uint32_t)rnd_below(r, UIDS);

		if (keys[i].uid == 1) /* spent */
			continue;
		if (keys[i].uid != 0 && rnd_below(r, 8) == 0) {
			assert_err("remove", AK_OK, store_remove(s, &keys[i], HOST_NOW));
			keys[i].uid = 1;
			continue;
		}
		keys[i] = random_key(r, 70000 + i, &keys[i]);
		assert_err("put", AK_OK, store_put(s, &keys[i]));
	}
	assert_err("publish", AK_OK, host_publish_open(h, s, HOST_NOW));
	store_close(&s);
}

static void
whatever_changes_a_part_gives_the_same_records_as_the_whole(void **state)
{
	struct rnd r = rnd_start("changes");
	struct host h;

	host_make(&h, *state);
	for (unsigned round = 0; round < 8; round++) {
		struct key_record keys[UIDS] = {{.uid = 0}};

		host_wipe(&h);
		assert_err("", AK_OK, host_publish(&h, HOST_NOW));
		for (unsigned step = 0; step < 25; step++) {
			random_change(&h, &r, keys);
			assert_false(h.res.whole);
			is_same_as_whole(&h);
		}
	}
}

static void
an_edited_policy_is_published_as_a_whole(void **state)
{
	struct host h;

	host_make(&h, *state);
	put(&h, "a", 70000, "editor");
	put(&h, "b", 70001, "viewer");
	assert_false(h.res.whole);
	host_policy(&h, "version: 1\nroles:\n  viewer: {services: [sshd], unix_groups: "
			"[apikey-editors]}\n");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	assert_true(h.res.whole);
	has_line(&h, "user a 70000 gids " GID_ALL);
	has_line(&h, "user b 70001 gids " GID_ALL " " GID_EDITORS);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	assert_false(h.res.whole);
}

static void
edited_settings_and_groups_are_published_as_a_whole(void **state)
{
	struct host h;

	host_make(&h, *state);
	put(&h, "a", 70000, "app");
	host_groups(&h, "root:x:0:\napp:x:1006:\n");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	assert_true(h.res.whole);
	has_line(&h, "user a 70000 gids " GID_ALL " 1006 " GID_APP);
	host_settings(&h, "version: 1\nkeys_group: robots\n");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	assert_true(h.res.whole);
	has_line(&h, "user a 70000 gids 69003 1006 " GID_APP);
	has_line(&h, "group robots 69003 members");
	has_no_text(&h, "group apikey 69000");
}

static const char *const broken[] = {NULL, "", "version: 1\nroles: [\n", "version: 2\n"};

static void
abuse_173_with_a_broken_policy_groups_stay_and_a_key_can_be_deleted(void **state)
{
	struct host h;

	for (size_t i = 0; i < N(broken); i++) {
		if (i == 0)
			host_make(&h, *state);
		else
			host_wipe(&h);
		host_policy(&h, HOST_POLICY);
		put(&h, "a", 70000, "editor");
		put(&h, "b", 70001, "editor");
		put(&h, "c", 70002, NULL);
		host_policy(&h, broken[i]);
		assert_err("delete", AK_OK, host_remove(&h, 70001));
		assert_true(h.res.without_policy);
		has_line(&h, "user a 70000 gids " GID_ALL " " GID_EDITORS);
		has_line(&h, "group apikey-editors " GID_EDITORS " members a");
		has_no_text(&h, "user b ");
		put(&h, "new", 70003, "editor");
		has_line(&h, "user new 70003 gids " GID_ALL);
		put(&h, "c", 70002, "editor");
		has_line(&h, "user c 70002 gids " GID_ALL);
		put(&h, "a", 70000, NULL);
		has_line(&h, "user a 70000 gids " GID_ALL " " GID_EDITORS);
		put(&h, "other", 70000, "editor"); /* another name, another user */
		has_line(&h, "user other 70000 gids " GID_ALL);
		host_policy(&h, HOST_POLICY);
		assert_err("mended", AK_OK, host_publish(&h, HOST_NOW));
		assert_true(h.res.whole);
		has_line(&h, "user other 70000 gids " GID_ALL " " GID_EDITORS);
		has_line(&h, "user c 70002 gids " GID_ALL " " GID_EDITORS);
		has_line(&h, "user new 70003 gids " GID_ALL " " GID_EDITORS);
	}
}

static void
a_policy_that_could_not_be_read_for_a_while_is_published_as_a_whole_afterwards(void **state)
{
	struct host h;
	char folder[PATH_CAP];

	host_make(&h, *state);
	put(&h, "a", 70000, NULL);
	(void)snprintf(folder, sizeof(folder), "%s", h.paths.policy);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(chmod(folder, 0777), 0);
	put(&h, "b", 70001, "editor");
	assert_true(h.res.without_policy);
	has_line(&h, "user b 70001 gids " GID_ALL);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_err("the same file, readable again", AK_OK, host_publish(&h, HOST_NOW));
	has_line(&h, "user b 70001 gids " GID_ALL " " GID_EDITORS);
}

static struct users_extra
extra_of(const struct host *h)
{
	struct keyring ring;
	struct users_extra e;

	assert_err("", AK_OK, keyring_open(&h->paths, &ring));
	assert_true(keyring_is_published(&ring));
	e = ring.users;
	keyring_close(&ring);
	return e;
}

static void
broken_settings_keep_the_ranges_that_were(void **state)
{
	struct host h;

	host_make(&h, *state);
	host_settings(&h,
	    "version: 1\nuid_range: 71000-71999\ngid_range: 72000-72009\nenumerate: false\n");
	put(&h, "a", 71000, "editor");
	assert_int_equal(extra_of(&h).uids.min, 71000);
	host_settings(&h, "version: 1\nuid_range: many\n");
	put(&h, "b", 71001, "editor");
	assert_true(h.res.without_policy);
	assert_int_equal(extra_of(&h).uids.min, 71000);
	assert_int_equal(extra_of(&h).uids.max, 71999);
	assert_int_equal(extra_of(&h).gids.min, 72000);
	assert_false(extra_of(&h).enumerate);
	has_line(&h, "user a 71000 gids 72000 72002");
	assert_err("", AK_OK, host_remove(&h, 71000));
	has_no_text(&h, "user a ");
}

static void
a_key_outside_the_range_is_an_error_with_a_sentence(void **state)
{
	struct host h;
	struct key_record k = key_make("a", 70000);

	host_make(&h, *state);
	assert_err("", AK_OK, host_put(&h, &k));
	host_settings(&h, "version: 1\nuid_range: 71000-71999\n");
	assert_err("", AK_ERR_DENIED, host_publish(&h, HOST_NOW));
	assert_non_null(strstr(h.why.text, "widen it"));
	assert_err("but it can be deleted", AK_OK, host_remove(&h, 70000));
	has_no_text(&h, "user a ");
}

static void
a_role_group_means_the_local_group_of_its_name_and_else_keeps_its_gid(void **state)
{
	struct host h;

	host_make(&h, *state);
	put(&h, "a", 70000, "editor");
	has_line(&h, "group apikey-editors " GID_EDITORS " members a");
	host_groups(&h, "apikey-editors:x:2000:\n");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	has_line(&h, "group apikey-editors 2000 members a");
	has_line(&h, "user a 70000 gids " GID_ALL " 2000");
	host_groups(&h, "");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	has_line(&h, "group apikey-editors " GID_EDITORS " members a");
	host_policy(&h, "version: 1\nroles: {x: {services: [sshd], unix_groups: [other]}}\n");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	has_no_text(&h, "apikey-editors");
	host_policy(&h, HOST_POLICY);
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
	has_line(&h, "group apikey-editors " GID_EDITORS " members a");
}

static void
two_local_groups_of_one_gid_are_both_given(void **state)
{
	struct host h;

	host_make(&h, *state);
	host_groups(&h, "one:x:2000:\ntwo:x:2000:\n");
	host_policy(&h, "version: 1\nroles:\n  a: {services: [sshd], unix_groups: [one]}\n"
			"  b: {services: [sshd], unix_groups: [two]}\n");
	put(&h, "k", 70000, "b");
	has_line(&h, "user k 70000 gids " GID_ALL " 2000");
	has_line(&h, "group one 2000 members k");
}

static void
abuse_052_a_group_of_gid_0_is_never_given_and_a_key_can_be_deleted(void **state)
{
	struct host h;
	const char *policy = "version: 1\nroles:\n  r: {services: [sshd], unix_groups: [root], "
			     "root_equivalent: true}\n";

	host_make(&h, *state);
	put(&h, "a", 70000, "r");
	host_policy(&h, policy);
	(void)!host_publish(&h, HOST_NOW);
	has_no_text(&h, " 0");
	(void)!host_remove(&h, 70000);
	{
		struct keyring ring;
		struct key k;

		assert_err("", AK_OK, keyring_open(&h.paths, &ring));
		assert_err("deleted", AK_ERR_NOT_FOUND, keyring_find_uid(&ring, 70000, &k));
		keyring_close(&ring);
	}
}

static void
a_root_equivalent_role_gives_a_system_group(void **state)
{
	struct host h;

	host_make(&h, *state);
	host_policy(&h, "version: 1\nroles:\n  r: {services: [sshd], unix_groups: [sudo], "
			"root_equivalent: true}\n");
	put(&h, "a", 70000, "r");
	has_line(&h, "user a 70000 gids " GID_ALL " 27");
	has_line(&h, "group sudo 27 members a");
}

static void
the_end_of_gid_range_is_an_error_with_a_sentence_and_a_key_can_be_deleted(void **state)
{
	struct host h;
	struct keyring ring;
	struct key k;

	host_make(&h, *state);
	host_settings(&h, "version: 1\ngid_range: 69000-69001\n");
	host_policy(&h, "version: 1\nroles: {viewer: {services: [sshd]}}\n");
	put(&h, "a", 70000, "editor");
	host_policy(&h, HOST_POLICY);
	assert_err("", AK_ERR_FULL, host_publish(&h, HOST_NOW));
	assert_non_null(strstr(h.why.text, "gid_range"));
	(void)!host_remove(&h, 70000);
	assert_err("", AK_OK, keyring_open(&h.paths, &ring));
	assert_err("deleted", AK_ERR_NOT_FOUND, keyring_find_uid(&ring, 70000, &k));
	keyring_close(&ring);
	host_settings(&h, "version: 1\ngid_range: 69000-69009\n");
	assert_err("", AK_OK, host_publish(&h, HOST_NOW));
}

static void
abuse_064_a_damaged_users_idx_is_remade_by_the_next_change(void **state)
{
	struct host h;
	struct host_files good;
	struct key_record k = key_make("c", 70002);
	char *wanted;

	host_make(&h, *state);
	put(&h, "a", 70000, "editor");
	put(&h, "b", 70001, "app");
	host_keep(&h, &good);
	assert_err("", AK_OK, host_put(&h, &k));
	wanted = host_dump(&h);
	for (size_t at = 0; at < good.users_len_b; at += 5) {
		char *got;

		good.users[at] ^= 0x10;
		host_put_back(&h, &good);
		good.users[at] ^= 0x10;
		assert_err("", AK_OK, host_put(&h, &k));
		got = host_dump(&h);
		assert_string_equal(got, wanted);
		free(got);
	}
	free(wanted);
	host_files_clear(&good);
}

static void
abuse_064_a_damaged_users_idx_and_a_broken_policy_still_delete(void **state)
{
	struct host h;
	struct host_files good;

	host_make(&h, *state);
	put(&h, "a", 70000, "editor");
	put(&h, "b", 70001, "editor");
	host_keep(&h, &good);
	host_policy(&h, NULL);
	for (size_t at = 0; at < good.users_len_b; at += 13) {
		good.users[at] ^= 0x10;
		host_put_back(&h, &good);
		good.users[at] ^= 0x10;
		assert_err("", AK_OK, host_remove(&h, 70001));
		has_no_text(&h, "user b ");
	}
	host_files_clear(&good);
}

static void
a_space_that_is_not_declared_gives_no_role_groups(void **state)
{
	struct host h;

	host_make(&h, *state);
	host_settings(&h, "version: 1\nspace: nowhere\n");
	put(&h, "a", 70000, "editor");
	has_line(&h, "user a 70000 gids " GID_ALL);
}

static void
a_change_and_its_policy_are_visible_together(void **state)
{
	struct host h;
	struct live live;
	struct users_extra e;

	host_make(&h, *state);
	put(&h, "a", 70000, "editor");
	live_load(&h.paths, &live);
	e = extra_of(&h);
	assert_true(e.policy == live.policy_id);
	assert_true(e.config == live.settings_id);
	assert_true(e.group == live.group_id);
	assert_true(file_is_there(h.paths.image));
	live_clear(&live);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_key_is_in_keys_group_and_in_the_groups_of_its_roles),
	    T(disabled_and_expired_keys_are_served_until_they_are_deleted),
	    T(a_description_that_is_no_passwd_field_is_not_served),
	    T(whatever_changes_a_part_gives_the_same_records_as_the_whole),
	    T(an_edited_policy_is_published_as_a_whole),
	    T(edited_settings_and_groups_are_published_as_a_whole),
	    T(abuse_173_with_a_broken_policy_groups_stay_and_a_key_can_be_deleted),
	    T(a_policy_that_could_not_be_read_for_a_while_is_published_as_a_whole_afterwards),
	    T(broken_settings_keep_the_ranges_that_were),
	    T(a_key_outside_the_range_is_an_error_with_a_sentence),
	    T(a_role_group_means_the_local_group_of_its_name_and_else_keeps_its_gid),
	    T(two_local_groups_of_one_gid_are_both_given),
	    T(abuse_052_a_group_of_gid_0_is_never_given_and_a_key_can_be_deleted),
	    T(a_root_equivalent_role_gives_a_system_group),
	    T(the_end_of_gid_range_is_an_error_with_a_sentence_and_a_key_can_be_deleted),
	    T(abuse_064_a_damaged_users_idx_is_remade_by_the_next_change),
	    T(abuse_064_a_damaged_users_idx_and_a_broken_policy_still_delete),
	    T(a_space_that_is_not_declared_gives_no_role_groups),
	    T(a_change_and_its_policy_are_visible_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
