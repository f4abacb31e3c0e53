/* doctor: ids, keys and what deleted keys left, on made-up hosts. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lastused.h"
#include "sessions.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_doctor.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define ETC_MAX_B 4096

static void
etc(struct cli_test *t, const char *name, const char *text)
{
	char path[TMP_CAP * 3];

	(void)snprintf(path, sizeof(path), "%s/%s", t->etc, name);
	file_write(path, text, strlen(text), 0644);
}

/* A host with the key a, uid 70000. */
static void
make(struct cli_test *t, void **state)
{
	cli_test_make(t, state);
	cli_test_create(t, "a", "viewer", NULL);
}

/* ---- ids ---- */

static void
what_is_a_key_s_and_somebody_else_s_is_told(void **state)
{
	static const struct {
		const char *name, *file, *lines, *state, *says;
	} rows[] = {
	    {"its name", "passwd", "a:x:1000:1000::/:/bin/sh\n", "attention",
		"the local user a (uid 1000) has the name of a key (uid 70000)"},
	    {"its uid", "passwd", "bob:x:70000:1000::/:/bin/sh\n", "attention",
		"the local user bob has the uid of the key a, 70000"},
	    {"a uid of the range", "passwd", "bob:x:70123:1000::/:/bin/sh\n", "attention",
		"the local user bob has uid 70123, which uid_range takes for keys"},
	    {"a uid below the range", "passwd", "bob:x:69999:1000::/:/bin/sh\n", "ok", ""},
	    {"a gid of the range", "group", "staff:x:70123:\n", "note",
		"the local group staff has gid 70123, which lies in uid_range"},
	    {"the group of keys", "group", "apikey:x:1500:bob\n", "attention",
		"the group of keys, apikey, is a local group (gid 1500)"},
	    {"subuids", "subuid", "bob:69990:20\n", "attention",
		"subuid gives bob the ids 69990-70009, which meet uid_range"},
	    {"subuids before", "subuid", "bob:69990:10\n", "ok", ""},
	    {"subuids behind", "subuid", "bob:100000:65536\n", "ok", ""},
	    {"subuids past the last", "subuid", "bob:69990:4294967295\n", "attention",
		"subuid gives bob the ids 69990-4294967295, which meet uid_range"},
	    {"more subuids than there are ids", "subuid", "bob:69990:99999999999\n",
		"attention", "subuid gives bob the ids 69990-4294967295, which meet uid_range"},
	    {"subuids up to the last", "subuid", "bob:100000:4294967295\n", "ok", ""},
	    {"subgids", "subgid", "root:1:2\nbob:99999:65536\n", "attention",
		"subgid gives bob the ids 99999-165534"},
	    {"no subuids", "subuid", "bob:x:\n:\nbob\n\n", "ok", ""},
	    {"useradd", "login.defs", "# UID_MAX 1\nUID_MIN\t 1000\nUID_MAX 80000\n", "note",
		"UID_MAX of"},
	    {"useradd, below", "login.defs", "UID_MIN 1000\nUID_MAX 60000\n", "ok", ""},
	    {"newuidmap", "login.defs", "SUB_UID_MIN 60000\nSUB_UID_MAX 600100000\n", "note",
		"SUB_UID_MAX of"},
	    {"adduser", "adduser.conf", "FIRST_UID=1000\nLAST_UID=\"70000\"\n", "note",
		"LAST_UID of"},
	    {"adduser, below", "adduser.conf", "FIRST_UID=1000\n#LAST_UID=99999\n", "ok", ""},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct cli_test t;

		make(&t, state);
		etc(&t, rows[i].file, rows[i].lines);
		if (!doctor_says(&t, "ids", rows[i].state, rows[i].says, NULL))
			fail_msg("%s: %s", rows[i].name, t.out);
		if (doctor_said(&t, "ids", rows[i].state) != 1)
			fail_msg("%s: once: %s", rows[i].name, t.out);
		cli_test_clear(&t);
		(void)tmp_teardown(state);
		(void)tmp_setup(state);
	}
}

static void
many_of_a_kind_are_counted(void **state)
{
	char lines[ETC_MAX_B];
	struct text passwd = text_over(lines, sizeof(lines));
	struct cli_test t;

	make(&t, state);
	for (unsigned i = 0; i < 30; i++)
		text_add(&passwd, "u%u:x:%u:1::/:/bin/sh\n", i, 70010 + i);
	assert_false(passwd.cut);
	etc(&t, "passwd", lines);
	assert_true(doctor_says(&t, "ids", "note", "so it is with 25 more", NULL));
	assert_int_equal(doctor_said(&t, "ids", "attention"), 5);
	cli_test_clear(&t);
}

static void
a_range_that_is_nearly_used_up_is_told(void **state)
{
	struct cli_test t;
	char name[16];

	cli_test_make(&t, state);
	host_settings(&t.host, "version: 1\ncreate_home: false\nshell: /bin/sh\n"
			       "uid_range: 70000-70020\n");
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "k%u", i);
		assert_int_equal(
		    doctor_says(&t, "ids", "note", "1 uids of 20 are left", NULL), i == 19);
		cli_test_create(&t, name, "viewer", NULL);
	}
	assert_true(doctor_says(&t, "ids", "attention", "no uid is left", NULL));
	cli_test_clear(&t);
}

/* ---- keys ---- */

static void
keys_that_should_be_known_of_are_counted(void **state)
{
	static const int64_t day = 86400;
	struct cli_test t;
	struct lastused use = {.at = HOST_NOW - 91 * day};
	struct key_record k[] = {key_make("old", 70000), key_make("soon", 70001),
	    key_make("later", 70002), key_make("ended", 70003), key_make("used", 70004)};

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(k); i++) {
		k[i].created_at = HOST_NOW - 100 * day;
		k[i].expires_at = HOST_NOW + 100 * day;
		key_bind(&k[i], "viewer");
	}
	k[0].expires_at = NUM_NEVER;
	k[1].expires_at = HOST_NOW + 14 * day;
	k[2].expires_at = HOST_NOW + 14 * day + 1;
	k[3].expires_at = HOST_NOW;
	k[3].bindings = STRV_EMPTY;
	k[4].bindings = STRV_EMPTY;
	for (size_t i = 0; i < N(k); i++)
		assert_err("", AK_OK, host_put(&t.host, &k[i]));
	use.at = HOST_NOW - 89 * day;
	lastused_note(&t.host.paths, &k[4], &use);
	use.at = HOST_NOW - 91 * day;
	lastused_note(&t.host.paths, &k[2], &use);
	assert_true(doctor_says(&t, "keys", "note", "1 keys never expire", NULL));
	assert_true(doctor_says(&t, "keys", "note", "1 keys expire within 14 days", NULL));
	assert_true(doctor_says(&t, "keys", "note", "4 keys were not used on this host", NULL));
	assert_true(doctor_says(&t, "keys", "note", "1 keys have neither a role", NULL));
	cli_test_clear(&t);
}

/* ---- leftovers ---- */

/* What lies there is the uid's. */
static void
leave(const char *path, uint32_t uid)
{
	file_write(path, "x", 1, 0600);
	assert_int_equal(chown(path, uid, uid), 0);
}

static const char *
in(const char *folder, const char *name)
{
	static char path[TMP_CAP * 4];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
make_folders(struct cli_test *t)
{
	static const char *const var[] = {
	    "", "lib", "lib/systemd", "lib/systemd/linger", "mail"};
	static const char *const running[] = {"", "sudo", "sudo/ts", "user"};

	for (size_t i = 0; i < N(var); i++)
		assert_int_equal(mkdir(in(t->var, var[i]), 0755), 0);
	for (size_t i = 0; i < N(running); i++)
		assert_int_equal(mkdir(in(t->run, running[i]), 0755), 0);
	assert_int_equal(mkdir(t->crontabs, 0755), 0);
	assert_int_equal(mkdir(t->atjobs, 0755), 0);
	assert_int_equal(mkdir(tmp_path(t->tmp, "home"), 0755), 0);
}

static void
what_a_deleted_key_left_is_told_and_can_be_removed(void **state)
{
	struct cli_test t;
	char settings[512], advice[ADVICE_CAP];
	const struct {
		const char *what, *folder, *name;
		uint32_t uid;
	} rows[] = {
	    {"a home", "home", "gone", 70001},
	    {"a home", "home", "by another name", 70001},
	    {"a crontab", "crontabs", "gone", 70001},
	    {"an at job", "atjobs", "a0000101c9b5c0", 70001},
	    {"a mailbox", "var/mail", "gone", 70001},
	    {"lingering", "var/lib/systemd/linger", "gone", 0},
	    {"a runtime folder", "run/user", "70001", 70001},
	    {"sudo's timestamp", "run/sudo/ts", "gone", 0},
	    {"sudo's timestamp", "run/sudo/ts", "70001", 0},
	};

	if (geteuid() != 0)
		skip();
	make(&t, state);
	make_folders(&t);
	(void)snprintf(settings, sizeof(settings),
	    "version: 1\ncreate_home: false\nshell: /bin/sh\nhome: %s/%%n\n",
	    tmp_path(t.tmp, "home"));
	host_settings(&t.host, settings);
	cli_test_create(&t, "gone", "viewer", NULL);
	/* What is a key's is none. */
	for (size_t i = 0; i < N(rows); i++)
		leave(tmp_path(t.tmp, in(rows[i].folder, rows[i].name)), rows[i].uid);
	leave(tmp_path(t.tmp, "home/a"), 70000);
	leave(tmp_path(t.tmp, "var/lib/systemd/linger/a"), 0);
	assert_true(
	    doctor_says(&t, "leftovers", "ok", "nothing is left of deleted keys (0)", NULL));
	assert_run(&t, CLI_DONE, "", "delete", "gone");
	assert_true(doctor_says(&t, "leftovers", "note", "gone", NULL));
	assert_int_equal(doctor_said(&t, "leftovers", "note"), N(rows));
	/* A local user, or another key, has the name, and the id, by now. */
	t.user = "gone";
	t.taken = 70001;
	assert_false(doctor_says(&t, "leftovers", "note", "", NULL));
	t.user = NULL;
	t.taken = 0;
	for (size_t left = N(rows); left > 0; left--) {
		if (!doctor_says(
			&t, "leftovers", "note", "of the deleted key gone (uid 70001)", advice))
			fail_msg("%zu: %s", left, t.out);
		assert_int_equal(doctor_said(&t, "leftovers", "note"), left);
		/* Not named after the key, and not below /home: for somebody to look at. */
		if (strcmp(advice, "look at it, and remove it") == 0)
			assert_int_equal(unlink(tmp_path(t.tmp, "home/by another name")), 0);
		else
			doctor_follow(&t, advice);
	}
	assert_true(
	    doctor_says(&t, "leftovers", "ok", "nothing is left of deleted keys (1)", NULL));
	assert_true(file_is_there(tmp_path(t.tmp, "home/a")));
	cli_test_clear(&t);
}

static void
many_leftovers_are_counted(void **state)
{
	struct cli_test t;
	char name[32];

	if (geteuid() != 0)
		skip();
	make(&t, state);
	make_folders(&t);
	assert_run(&t, CLI_DONE, "", "delete", "a");
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "crontabs/%u", i);
		leave(tmp_path(t.tmp, name), 70000);
	}
	assert_true(doctor_says(&t, "leftovers", "note", "30 more in", NULL));
	assert_int_equal(doctor_said(&t, "leftovers", "note"), 21);
	cli_test_clear(&t);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_a_key_s_and_somebody_else_s_is_told),
	    T(many_of_a_kind_are_counted),
	    T(a_range_that_is_nearly_used_up_is_told),
	    T(keys_that_should_be_known_of_are_counted),
	    T(what_a_deleted_key_left_is_told_and_can_be_removed),
	    T(many_leftovers_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
