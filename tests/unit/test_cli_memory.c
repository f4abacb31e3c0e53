/* Every allocation of every verb fails in its turn: all of it is done or it is said that it isn't, and the files are old or new. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonmem.h"
#include "keyring.h"
#include "procs.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const OTHER_POLICY =
    "version: 1\n"
    "spaces: {production: {}}\n"
    "roles:\n"
    "  viewer: {services: [sshd, cron]}\n"
    "  editor: {unix_groups: [apikey-others]}\n"
    "tests:\n"
    "- {name: t, given: {login: x}, expect: {decision: allow}}\n";

/* Thousands of commands need not wait for the disk. */
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* What runs: one process of a key that is deleted by then, whatever else runs on this machine. */
#define DELETED_UID 70004

enum ak_err __wrap_procs_look(struct procs *out);

enum ak_err
__wrap_procs_look(struct procs *out)
{
	*out = PROCS_INIT;
	if ((out->v = calloc(1, sizeof(*out->v))) == NULL)
		return AK_ERR_NOMEM;
	out->n = 1;
	out->v[0] = (struct procs_one){.id = {.pid = 4711, .start = 1},
	    .parent = 1,
	    .audit = PROC_NO_AUDIT,
	    .real = DELETED_UID,
	    .effective = DELETED_UID,
	    .saved = DELETED_UID};
	return AK_OK;
}

/* ---- a host, put back as it was ------------------------------------------------------------------- */

struct kept_file {
	char path[PATH_CAP + 8], *bytes;
	size_t len_b;
};

struct kept {
	struct kept_file v[7];
	size_t n;
};

static void
keep(struct kept *k, const char *path, const char *ending)
{
	struct kept_file *f = &k->v[k->n++];

	(void)snprintf(f->path, sizeof(f->path), "%s%s", path, ending);
	f->bytes = file_read(f->path, &f->len_b);
}

/* A file that is as it was stays the file that it is: the policy's image is made of that one. */
static void
put_back(const struct kept *k)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct kept_file *f = &k->v[i];
		size_t len_b;
		char *now = file_read(f->path, &len_b);

		if (f->bytes == NULL)
			(void)unlink(f->path);
		else if (now == NULL || len_b != f->len_b || memcmp(now, f->bytes, len_b) != 0)
			file_write(f->path, f->bytes, f->len_b, 0644);
		free(now);
	}
}

static struct kept
keep_all(const struct cli_test *t)
{
	const struct paths *p = &t->host.paths;
	struct kept k = {.n = 0};

	keep(&k, p->policy, "");
	keep(&k, p->policy, ".prev");
	keep(&k, p->local, "");
	keep(&k, p->users, "");
	keep(&k, p->image, "");
	keep(&k, p->applied, "");
	keep(&k, p->lockdown, "");
	return k;
}

static void
kept_clear(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].bytes);
}

/* Keys a (viewer), b (editor, disabled) and c (expired), and a policy before this one. */
static void
make_host(struct cli_test *t, void **state)
{
	static char export[TMP_CAP * 2], draft[TMP_CAP * 2];

	cli_test_make(t, state);
	(void)snprintf(draft, sizeof(draft), "%s", tmp_path(t->tmp, "draft"));
	(void)snprintf(export, sizeof(export), "%s", tmp_path(t->tmp, "export"));
	file_write(draft, OTHER_POLICY, strlen(OTHER_POLICY), 0644);
	cli_test_create(t, "a", "viewer", NULL);
	cli_test_create(t, "d", "viewer", NULL);
	assert_run(t, CLI_DONE, NULL, "set", "d", "--description", "an import's");
	assert_run(t, CLI_DONE, NULL, "export");
	file_write(export, t->out, strlen(t->out), 0600);
	host_wipe(&t->host);
	cli_test_create(t, "a", "viewer", NULL);
	cli_test_create(t, "b", "editor", NULL);
	assert_run(t, CLI_DONE, NULL, "disable", "b");
	cli_test_create(t, "c", "viewer", NULL);
	assert_run(t, CLI_DONE, NULL, "set", "c", "--duration", "1");
	t->now += 10;
	assert_run(t, CLI_DONE, NULL, "policy", "apply", draft);
	assert_run(t, CLI_DONE, NULL, "policy", "rollback");
	assert_run(t, CLI_DONE, NULL, "publish");
}

/* What the command says of the keys, and what else an administrator goes by; for free(). */
static char *
look(struct cli_test *t)
{
	const struct paths *p = &t->host.paths;
	size_t i, len_b;
	json_t *keys, *key;
	char list[8192], *policy = file_read(p->policy, &len_b), *seen;

	assert_run(t, CLI_DONE, NULL, "list", "-o", "json");
	keys = cli_test_json(t);
	json_array_foreach(keys, i, key)(void) json_object_del(key, "id");
	i = json_dumpb(keys, list, sizeof(list), JSON_SORT_KEYS);
	assert_true(i < sizeof(list));
	assert_true(asprintf(&seen, "%.*s\n%s\n%s", (int)i, list, policy,
			file_is_there(p->lockdown) ? "lockdown" : "") != -1);
	json_decref(keys);
	free(policy);
	return seen;
}

static void
assert_published(const char *row, const struct cli_test *t)
{
	struct keyring k;

	assert_err(row, AK_OK, keyring_open(&t->host.paths, &k));
	assert_row(row, keyring_is_published(&k) && k.users.policy != 0);
	keyring_close(&k);
}

static void
begin(struct cli_test *t, const struct kept *kept)
{
	put_back(kept);
	t->n_calls = 0;
	t->log[0] = '\0';
}

/* ---- verbs ---------------------------------------------------------------------------------------- */

#define WORDS 12

/* @NAME is a file of the test. */
static void
run_words(struct cli_test *t, const char *const *words, int *code)
{
	const char *argv[WORDS + 2] = {"apikey"};
	size_t n = 1;

	for (; words[n - 1] != NULL; n++) {
		const char *w = words[n - 1];

		argv[n] = w[0] == '@' ? tmp_path(t->tmp, w + 1) : w;
	}
	*code = cli_test_run(t, argv);
}

static bool
says_something(const struct cli_test *t)
{
	return strncmp(t->err, "apikey: ", 8) == 0 && strlen(t->err) > 16;
}

struct changing {
	const char *name, *words[WORDS];
};

static void
fail_each(struct cli_test *t, const struct kept *kept, const struct changing *row)
{
	char *old, *new, *now;
	size_t said_b;
	int code;
	unsigned n;

	old = look(t);
	run_words(t, row->words, &code);
	assert_row(row->name, code == CLI_DONE);
	said_b = strlen(t->out);
	new = look(t);
	for (n = 1;; n++) {
		begin(t, kept);
		t->fail_nth = n;
		run_words(t, row->words, &code);
		t->fail_nth = 0;
		if (!t->alloc_failed)
			break;
		if (code != CLI_DONE && (code != CLI_FAILED || !says_something(t)))
			fail_msg("%s, allocation %u: exit %d: %s", row->name, n, code, t->err);
		/* Ids and tokens have one length. */
		if (code == CLI_DONE && strlen(t->out) != said_b)
			fail_msg("%s, allocation %u: said %s", row->name, n, t->out);
		now = look(t);
		if (strcmp(now, new) != 0 && (strcmp(now, old) != 0 || code == CLI_DONE))
			fail_msg("%s, allocation %u: exit %d, and now\n%s\nold\n%s\nnew\n%s",
			    row->name, n, code, now, old, new);
		free(now);
		if (code != CLI_DONE)
			assert_run(t, CLI_DONE, NULL, "publish");
		assert_published(row->name, t);
	}
	print_message("%s: %u allocations\n", row->name, n - 1);
	assert_row(row->name, code == CLI_DONE && n > 1);
	begin(t, kept);
	free(old);
	free(new);
}

static void
abuse_128_each_allocation_of_a_change_fails_in_its_turn(void **state)
{
	static const struct changing rows[] = {
	    {"import", {"import", "@export", "--prune", "--new-uid"}},
	    {"create", {"create", "--name", "n", "--role", "viewer", "-o", "json"}},
	    {"ensure there", {"ensure", "a", "--role", "editor", "-q"}},
	    {"set", {"set", "a", "--role", "editor", "--group", "g", "--owner", "o"}},
	    {"rotate", {"rotate", "a", "--overlap", "1h", "-q"}},
	    {"disable", {"disable", "a", "c"}},
	    {"delete", {"delete", "a", "b"}},
	    {"purge", {"purge", "--expired"}},
	    {"role add", {"role", "add", "a", "editor:spaces:production"}},
	    {"policy apply", {"policy", "apply", "@draft", "-o", "json"}},
	    {"policy rollback", {"policy", "rollback"}},
	    {"publish", {"publish", "-o", "json"}},
	    {"lockdown on", {"lockdown", "on", "-o", "json"}},
	};
	struct cli_test t;
	struct kept kept;

	make_host(&t, state);
	kept = keep_all(&t);
	for (size_t i = 0; i < N(rows); i++)
		fail_each(&t, &kept, &rows[i]);
	kept_clear(&kept);
	cli_test_clear(&t);
}

/* The answer names what it lacks. */
static bool
answers_for_itself(const struct cli_test *t, int code)
{
	return code == CLI_FAILED && strstr(t->out, "memory") != NULL;
}

/* Two tokens have nothing in common but their length. */
static bool
is_same_answer(const char *const *words, const char *now, const char *said)
{
	return strcmp(words[0], "token") == 0 ? strlen(now) == strlen(said)
					      : strcmp(now, said) == 0;
}

/* What only looks: at its usual end, with the very answer; or it is said that there is none. */
static void
look_each(struct cli_test *t, const char *const *words)
{
	char *said;
	int usual, code;
	unsigned n;

	run_words(t, words, &usual);
	assert_non_null(said = strdup(t->out));
	for (n = 1;; n++) {
		t->fail_nth = n;
		run_words(t, words, &code);
		t->fail_nth = 0;
		if (!t->alloc_failed)
			break;
		/* A login for which there is no memory is refused. */
		if ((code == CLI_FAILED || (code == CLI_REFUSED && strstr(t->err, "memory"))) &&
		    says_something(t))
			continue;
		if (answers_for_itself(t, code))
			continue;
		if (code != usual || !is_same_answer(words, t->out, said))
			fail_msg("%s %s, allocation %u: exit %d, not %d: %s%s", words[0],
			    words[1], n, code, usual, t->err, t->out);
	}
	print_message("%s %s: %u allocations\n", words[0], words[1], n - 1);
	assert_row(words[0], code == usual);
	free(said);
}

static void
abuse_128_each_allocation_of_a_look_fails_in_its_turn(void **state)
{
	static const char *const rows[][WORDS] = {
	    {"list", "-o", "json"},
	    {"list", "--role", "viewer"},
	    {"show", "a", "-o", "json"},
	    {"show", "a"},
	    {"check", "-o", "json"},
	    {"check"},
	    {"explain", "a", "-o", "json"},
	    {"explain", "b"},
	    {"role", "list", "a"},
	    {"group", "list", "a", "-o", "json"},
	    {"export"},
	    {"purge", "--expired", "--dry-run"},
	    {"policy", "test", "@draft", "-o", "json"},
	    {"policy", "check", "@draft", "-o", "json"},
	    {"policy", "check", "@draft"},
	    {"policy", "show", "-o", "json"},
	    {"policy", "show"},
	    {"policy", "samples", "-o", "json"},
	    {"policy", "samples"},
	    {"policy", "simulate", "--login", "a", "--role", "viewer", "--policy", "@draft"},
	    {"policy", "simulate", "--login", "a", "--service", "sshd", "-o", "json"},
	    {"policy", "apply", "@draft", "--dry-run", "-o", "json"},
	    {"policy", "apply", "@draft", "--dry-run"},
	    {"import", "@export", "--prune", "--new-uid", "--dry-run", "-o", "json"},
	    {"import", "@export", "--prune", "--new-uid", "--dry-run"},
	    {"token", "new", "-o", "json"},
	    {"token", "new"},
	    {"sessions", "-o", "json"},
	    {"sessions"},
	    {"status", "-o", "json"},
	    {"status"},
	    {"status", "--prometheus"},
	    {"doctor", "-o", "json"},
	    {"doctor"},
	};
	struct cli_test t;
	char tok[80];

	make_host(&t, state);
	cli_test_create(&t, "checked", "viewer", tok);
	cli_test_create(&t, "gone", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "delete", "gone");
	assert_run(&t, CLI_FAILED, NULL, "doctor");
	assert_non_null(strstr(t.out, "a process (4711) runs as the deleted key gone"));
	t.input = tok;
	for (size_t i = 0; i < N(rows); i++)
		look_each(&t, rows[i]);
	cli_test_clear(&t);
}

/* More than a record's own room holds. */
#define WORD "a-group-of-a-directory-with-a-name-that-takes-its-room-in-the-record"
#define FOUR_WORDS(n) n WORD "\0" n "b" WORD "\0" n "c" WORD "\0" n "d" WORD "\0"

static void
abuse_128_what_ldap_gives_is_never_unknown_for_want_of_memory(void **state)
{
	static const char *const rows[][WORDS] = {
	    {"explain", "a", "-o", "json"},
	    {"explain", "a"},
	    {"policy", "apply", "@draft", "--dry-run", "-o", "json"},
	    {"policy", "apply", "@draft", "--dry-run"},
	};
	static const struct directory_member members[] = {{.name = "a",
	    .groups = DIRECTORY_LIST(
		FOUR_WORDS("1") FOUR_WORDS("2") FOUR_WORDS("3") FOUR_WORDS("4") "team"),
	    .bindings = DIRECTORY_LIST("viewer")}};
	struct cli_test t;

	make_host(&t, state);
	host_settings(&t.host, CLI_DIRECTORY_SETTINGS);
	(void)directory_write_members(&t.host.paths, members, N(members), t.now);
	directory_write_contact(&t.host.paths, t.now);
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "-o", "json");
	assert_non_null(strstr(t.out, "\"known\": true"));
	for (size_t i = 0; i < N(rows); i++)
		look_each(&t, rows[i]);
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(abuse_128_each_allocation_of_a_change_fails_in_its_turn),
	    T(abuse_128_each_allocation_of_a_look_fails_in_its_turn),
	    T(abuse_128_what_ldap_gives_is_never_unknown_for_want_of_memory),
	};

	jsonmem_use();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
