/* doctor: our own files, on made-up hosts: each that is broken is told, with what mends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor_index.h"
#include "hash.h"
#include "pack.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_doctor.h"
#include "text.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A host with one key, published once more, so that the image is trusted. */
static void
make(struct cli_test *t, void **state)
{
	cli_test_make(t, state);
	assert_int_equal(mkdir(t->host.paths.run, 0755), 0);
	cli_test_create(t, "a", "viewer", NULL);
}

static const char *
below(const char *folder, const char *name)
{
	static char path[PATH_CAP * 2];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* ---- what is broken ---- */

static void
lock_is_readable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.lock, 0644), 0);
}

static void
keys_are_readable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.local, 0640), 0);
}

static void
keys_are_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.local, 0620), 0);
}

static void
last_keys_are_readable(struct cli_test *t)
{
	cli_test_create(t, "b", NULL, NULL);
	assert_int_equal(chmod(below(t->host.paths.state, "local.idx.prev"), 0604), 0);
}

static void
users_are_not_readable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.users, 0600), 0);
}

static void
users_are_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.users, 0646), 0);
}

static void
policy_is_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.policy, 0664), 0);
}

static void
settings_are_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.config, 0646), 0);
}

static void
state_is_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.state, 0777), 0);
}

static void
state_is_closed(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.state, 0700), 0);
}

static void
samples_are_open(struct cli_test *t)
{
	assert_int_equal(mkdir(below(t->host.paths.state, "samples"), 0700), 0);
	assert_int_equal(chmod(below(t->host.paths.state, "samples"), 0750), 0);
}

static void
run_is_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->host.paths.run, 0777), 0);
}

static void
sessions_are_open(struct cli_test *t)
{
	assert_int_equal(mkdir(below(t->host.paths.run, "sessions"), 0700), 0);
	assert_int_equal(chmod(below(t->host.paths.run, "sessions"), 0755), 0);
}

static void
log_is_writable(struct cli_test *t)
{
	file_write(t->host.paths.audit, "", 0, 0660);
}

static void
parent_is_writable(struct cli_test *t)
{
	assert_int_equal(chmod(t->tmp->dir, 0777), 0);
}

static void
users_are_missing(struct cli_test *t)
{
	assert_int_equal(unlink(t->host.paths.users), 0);
}

static void
users_are_damaged(struct cli_test *t)
{
	directory_damage(t->host.paths.users);
}

static void
both_are_missing(struct cli_test *t)
{
	assert_int_equal(unlink(t->host.paths.users), 0);
	assert_int_equal(unlink(t->host.paths.local), 0);
}

static void
all_is_missing(struct cli_test *t)
{
	assert_int_equal(rename(t->host.paths.state, tmp_path(t->tmp, "away")), 0);
}

static void
policy_was_edited(struct cli_test *t)
{
	host_policy(&t->host, "version: 1\nroles:\n  viewer: {services: [sshd, cron]}\n");
}

static const struct broken {
	const char *name;
	void (*breaks)(struct cli_test *t);
	const char *says, *advice; /* what stands in both */
} broken[] = {
    {"the lock can be read", lock_is_readable, "others than root can read it", "chmod 0600"},
    {"keys can be read", keys_are_readable, "local.idx has mode 0640", "chmod 0600"},
    {"keys can be written", keys_are_writable, "local.idx has mode 0620", "chmod 0600"},
    {"keys before the last change", last_keys_are_readable, "local.idx.prev", "chmod 0600"},
    {"users can't be read", users_are_not_readable, "must be able to read", "chmod 0644"},
    {"users can be written", users_are_writable, "others than root can write to", "chmod 0644"},
    {"the policy can be written", policy_is_writable, "policy.yaml has mode", "chmod 0644"},
    {"the settings can be written", settings_are_writable, "apikey.yaml has mode", "chmod 0644"},
    {"the folder can be written", state_is_writable, "state has mode 0777", "chmod 0755"},
    {"the folder is closed", state_is_closed, "state has mode 0700", "chmod 0755"},
    {"samples are open", samples_are_open, "samples has mode 0750", "chmod 0700"},
    {"/run/apikey can be written", run_is_writable, "run has mode 0777", "chmod 0755"},
    {"records of sessions", sessions_are_open, "sessions has mode 0755", "chmod 0700"},
    {"the log can be written", log_is_writable, "audit.log has mode 0660", "chmod 0640"},
    {"a folder above", parent_is_writable, ", above our files, has mode 0777", "chmod go-w"},
    {"users.idx is missing", users_are_missing, "users.idx: it is missing", "apikey publish"},
    {"users.idx is damaged", users_are_damaged, "users.idx: damaged", "apikey publish"},
    {"both are missing", both_are_missing, "as on a host without keys", "apikey publish"},
    {"all is missing", all_is_missing, "state is missing", "apikey publish"},
    {"an edit", policy_was_edited, "groups are not published", "apikey publish"},
};

static void
what_is_broken_is_told_and_the_advice_mends_it(void **state)
{
	char advice[ADVICE_CAP];

	for (size_t i = 0; i < N(broken); i++) {
		const struct broken *b = &broken[i];
		struct cli_test t;

		make(&t, state);
		assert_row(b->name, !doctor_says(&t, "files", "attention", "", NULL));
		b->breaks(&t);
		if (!doctor_says(&t, "files", "attention", b->says, advice))
			fail_msg("%s: %s", b->name, t.out);
		if (strstr(advice, b->advice) == NULL)
			fail_msg("%s: %s", b->name, advice);
		doctor_follow(&t, advice);
		/* Another mode of the policy is another policy. */
		for (int n = 0; n < 2 && doctor_says(&t, "files", "attention", "", advice); n++)
			doctor_follow(&t, advice);
		if (doctor_says(&t, "files", "attention", "", NULL))
			fail_msg("%s: still %s", b->name, t.out);
		cli_test_clear(&t);
		(void)tmp_teardown(state);
		(void)tmp_setup(state);
	}
}

/* As Ubuntu has /var/log, for syslog. */
static void
a_group_above_the_log_is_noted_and_no_command_takes_its_right(void **state)
{
	char advice[ADVICE_CAP], log[TMP_CAP * 2];
	struct cli_test t;

	make(&t, state);
	(void)snprintf(log, sizeof(log), "%s", tmp_path(t.tmp, "log"));
	assert_int_equal(mkdir(log, 0755), 0);
	assert_int_equal(mkdir(below(log, "apikey"), 02750), 0);
	assert_err(log, AK_OK,
	    text_copy(
		t.cli.paths.audit, sizeof(t.cli.paths.audit), below(log, "apikey/audit.log")));
	assert_int_equal(chmod(log, 0775), 0);
	assert_true(doctor_says(&t, "files", "note", "above our log, has mode 0775", advice));
	assert_null(strstr(advice, "chmod"));
	assert_false(doctor_says(&t, "files", "attention", "", NULL));
	assert_int_equal(chmod(log, 0777), 0);
	assert_true(doctor_says(&t, "files", "attention", "has mode 0777", advice));
	doctor_follow(&t, advice);
	assert_true(doctor_says(&t, "files", "ok", "", NULL));
	cli_test_clear(&t);
}

/* ---- what somebody has to decide ---- */

static void
keys_are_damaged(struct cli_test *t)
{
	directory_damage(t->host.paths.local);
}

static void
keys_are_cut(struct cli_test *t)
{
	assert_int_equal(truncate(t->host.paths.local, 300), 0);
}

static void
keys_are_missing(struct cli_test *t)
{
	assert_int_equal(unlink(t->host.paths.local), 0);
}

static void
keys_are_a_link(struct cli_test *t)
{
	assert_int_equal(rename(t->host.paths.local, tmp_path(t->tmp, "away")), 0);
	assert_int_equal(symlink(tmp_path(t->tmp, "away"), t->host.paths.local), 0);
}

static void
keys_are_old(struct cli_test *t)
{
	size_t len_b;
	char *bytes = file_read(t->host.paths.local, &len_b);

	cli_test_create(t, "b", NULL, NULL);
	file_write(t->host.paths.local, bytes, len_b, 0600);
	free(bytes);
}

static void
policy_is_broken(struct cli_test *t)
{
	host_policy(&t->host, "version: 1\nroles: 5\n");
}

static void
settings_are_broken(struct cli_test *t)
{
	host_settings(&t->host, "version: 1\nshel: /bin/sh\n");
}

static const struct broken undecided[] = {
    {"keys are damaged", keys_are_damaged, "the keys of this host: damaged", "doctor --accept"},
    {"keys are cut", keys_are_cut, "the keys of this host: damaged", "doctor --accept"},
    {"keys are missing", keys_are_missing, "it is missing", "doctor --accept-rollback"},
    {"keys are a link", keys_are_a_link, "local.idx is no regular file", "in its place"},
    {"keys are old", keys_are_old, "is an older copy", "doctor --accept-rollback"},
    {"the policy is broken", policy_is_broken, "policy.yaml:2:", "apikey policy rollback"},
    {"the settings are broken", settings_are_broken, "apikey.yaml:2:", "mend that line"},
};

static void
what_somebody_has_to_decide_is_a_sentence(void **state)
{
	char advice[ADVICE_CAP];

	for (size_t i = 0; i < N(undecided); i++) {
		const struct broken *b = &undecided[i];
		struct cli_test t;

		make(&t, state);
		b->breaks(&t);
		if (!doctor_says(&t, "files", "attention", b->says, advice))
			fail_msg("%s: %s", b->name, t.out);
		if (strstr(advice, b->advice) == NULL || strchr(advice, ' ') == NULL)
			fail_msg("%s: %s", b->name, advice);
		cli_test_clear(&t);
		(void)tmp_teardown(state);
		(void)tmp_setup(state);
	}
}

static void
the_copy_before_the_last_change_is_offered_when_it_is_whole(void **state)
{
	char advice[ADVICE_CAP];
	const char *cp;
	struct cli_test t;

	make(&t, state);
	cli_test_create(&t, "b", "viewer", NULL);
	directory_damage(t.host.paths.local);
	assert_true(doctor_says(&t, "files", "attention", "the keys of this host", advice));
	assert_non_null(cp = strstr(advice, "'cp -p "));
	*strstr(advice, " && apikey") = '\0';
	doctor_follow(&t, cp + 1);
	(void)run(&t, "doctor", "--accept-rollback");
	assert_false(doctor_says(&t, "files", "attention", "", NULL));
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	directory_damage(t.host.paths.local);
	directory_damage(below(t.host.paths.state, "local.idx.prev"));
	assert_true(doctor_says(&t, "files", "attention", "the keys of this host", advice));
	assert_null(strstr(advice, "cp -p"));
	cli_test_clear(&t);
}

static void
what_is_damaged_is_kept_and_what_is_unsafe_is_not_taken(void **state)
{
	struct cli_test t;

	make(&t, state);
	assert_int_equal(chmod(t.host.paths.local, 0664), 0);
	assert_run(&t, CLI_FAILED, "chmod 0600", "doctor", "--accept-rollback");
	assert_null(strstr(t.err, "rollback"));
	assert_int_equal(chmod(t.host.paths.local, 0600), 0);
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	assert_int_equal(truncate(t.host.paths.local, 100), 0);
	(void)run(&t, "doctor", "--accept-rollback");
	assert_non_null(
	    strstr(t.err, "goes on with 0 keys; the file that was refused is kept as "));
	assert_non_null(strstr(t.err, "/local.idx.refused\n"));
	assert_true(file_is_there(below(t.host.paths.state, "local.idx.refused")));
	cli_test_clear(&t);
}

/* ---- programs ---- */

static void
programs_and_modules_are_looked_at(void **state)
{
	char advice[ADVICE_CAP], module[TMP_CAP * 2];
	const char *installed[] = {module, NULL};
	struct cli_test t;

	make(&t, state);
	(void)snprintf(module, sizeof(module), "%s", tmp_path(t.tmp, "pam it's.so"));
	t.cli.host.installed = installed;
	assert_true(doctor_says(&t, "files", "attention", "it's.so is not there", NULL));
	file_write(module, "x", 1, 0666);
	assert_true(doctor_says(&t, "files", "attention", "has mode 0666", advice));
	doctor_follow(&t, advice);
	assert_false(doctor_says(&t, "files", "attention", "", NULL));
	cli_test_clear(&t);
}

static void
each_byte_of_an_index_is_looked_at(void **state)
{
	struct cli_test t;
	struct index ix;
	size_t len_b;
	char *bytes;

	make(&t, state);
	bytes = file_read(t.host.paths.users, &len_b);
	for (size_t i = 0; i < len_b; i++) {
		enum ak_err err;

		bytes[i] ^= 0x10;
		file_write(t.host.paths.users, bytes, len_b, 0644);
		bytes[i] ^= 0x10;
		err = index_open(t.host.paths.users, t.host.paths.owner, &ix);
		if (err == AK_OK)
			err = doctor_index_walk(&ix);
		index_close(&ix);
		if (err == AK_OK)
			fail_msg("byte %zu of %zu", i, len_b);
	}
	free(bytes);
	cli_test_clear(&t);
}

/* ---- files of a newer version ---- */

static void
a_newer_file_is_told_and_no_change_replaces_it(void **state)
{
	static const char *const sentence = "newer apikey (format 2, this one reads 1)";
	char advice[ADVICE_CAP], *before, *after;
	size_t before_b, after_b;
	struct cli_test t;

	make(&t, state);
	host_make_newer(t.host.paths.local);
	host_make_newer(t.host.paths.users);
	before = file_read(t.host.paths.local, &before_b);
	assert_true(doctor_says(&t, "formats", "attention", sentence, advice));
	assert_non_null(strstr(advice, "upgrade apikey"));
	assert_int_equal(doctor_said(&t, "formats", "attention"), 1);
	assert_int_equal(doctor_said(&t, "files", "attention"), 0);
	assert_run(&t, CLI_FAILED, sentence, "list");
	assert_run(&t, CLI_FAILED, sentence, "publish");
	assert_run(&t, CLI_FAILED, sentence, "create", "--name", "b");
	assert_run(&t, CLI_FAILED, sentence, "delete", "a");
	assert_run(&t, CLI_FAILED, sentence, "export");
	assert_run(&t, CLI_FAILED, sentence, "doctor", "--accept-rollback");
	(void)run(&t, "status");
	assert_non_null(strstr(t.out, sentence));
	after = file_read(t.host.paths.local, &after_b);
	assert_true(before_b == after_b);
	assert_memory_equal(before, after, after_b);
	free(before);
	free(after);
	cli_test_clear(&t);
}

static void
what_is_made_from_others_is_made_anew_from_an_older_version(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	make(&t, state);
	host_make_newer(t.host.paths.users);
	assert_true(doctor_says(&t, "formats", "attention", "users.idx", advice));
	assert_non_null(strstr(advice, "'apikey doctor --accept-rollback'"));
	assert_run(&t, CLI_FAILED, "whether local.idx is the newest", "publish");
	assert_run(&t, CLI_FAILED, "newer apikey", "list");
	(void)run(&t, "doctor", "--accept-rollback");
	assert_non_null(strstr(t.err, "goes on with 1 keys\n"));
	assert_run(&t, CLI_DONE, NULL, "publish");
	host_make_newer(t.host.paths.image);
	assert_true(doctor_says(&t, "formats", "attention", "policy.image", advice));
	doctor_follow(&t, advice);
	assert_true(doctor_says(&t, "formats", "ok", "", NULL));
	assert_run(&t, CLI_DONE, NULL, "show", "a");
	cli_test_clear(&t);
}

static void
the_directory_s_files_are_fetched_anew(void **state)
{
	struct key_record k = directory_key("b", DIRECTORY_UID);
	char advice[ADVICE_CAP];
	struct cli_test t;

	make(&t, state);
	host_settings(&t.host, CLI_DIRECTORY_SETTINGS);
	(void)directory_write_keys(&t.host.paths, &k, 1, HOST_NOW);
	directory_write_contact(&t.host.paths, HOST_NOW);
	assert_run(&t, CLI_DONE, NULL, "publish");
	host_make_newer(t.host.paths.directory_keys);
	assert_true(doctor_says(&t, "formats", "attention", "directory-keys.idx", advice));
	assert_string_equal(advice, "apikey sync");
	assert_int_equal(doctor_said(&t, "files", "attention"), 1); /* not published */
	host_make_newer(t.host.paths.freshness);
	assert_true(doctor_says(&t, "formats", "attention", "freshness", NULL));
	cli_test_clear(&t);
}

/* A record as sessions.c writes it, but for its first byte. */
static void
a_session_s_record_of_a_newer_version_is_told_and_stays(void **state)
{
	static const char name[] = "sessions/0123456789abcdef";
	struct cli_test t;
	char path[PATH_CAP * 2];
	const unsigned char newer[] = {3, 1, 0, 0}, damaged[] = {2, 1, 0, 0};
	unsigned char bytes[8];

	make(&t, state);
	(void)run(&t, "status");
	assert_false(file_is_there(below(t.host.paths.run, "sessions"))); /* it only looked */
	assert_int_equal(mkdir(below(t.host.paths.run, "sessions"), 0700), 0);
	(void)snprintf(path, sizeof(path), "%s", below(t.host.paths.run, name));
	memcpy(bytes, newer, 4);
	le32_store(bytes + 4, hash_crc32(0, bytes, 4));
	file_write(path, bytes, sizeof(bytes), 0600);
	assert_true(doctor_says(&t, "formats", "attention", "1 records of live sessions", NULL));
	assert_non_null(strstr(t.out, "were written by a newer apikey"));
	memcpy(bytes, damaged, 4);
	le32_store(bytes + 4, hash_crc32(0, bytes, 4));
	file_write(path, bytes, sizeof(bytes), 0600);
	assert_true(doctor_says(&t, "formats", "attention", "are damaged", NULL));
	assert_run(&t, CLI_FAILED, NULL, "status");
	assert_true(file_is_there(path));
	cli_test_clear(&t);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_broken_is_told_and_the_advice_mends_it),
	    T(a_group_above_the_log_is_noted_and_no_command_takes_its_right),
	    T(what_somebody_has_to_decide_is_a_sentence),
	    T(the_copy_before_the_last_change_is_offered_when_it_is_whole),
	    T(what_is_damaged_is_kept_and_what_is_unsafe_is_not_taken),
	    T(programs_and_modules_are_looked_at),
	    T(each_byte_of_an_index_is_looked_at),
	    T(a_newer_file_is_told_and_no_change_replaces_it),
	    T(what_is_made_from_others_is_made_anew_from_an_older_version),
	    T(the_directory_s_files_are_fetched_anew),
	    T(a_session_s_record_of_a_newer_version_is_told_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
