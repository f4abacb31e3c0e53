/* export: all that a host knows of its keys, and nothing else; what import makes of it is the same again. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What export writes, for free(). */
static char *
export_text(struct cli_test *t)
{
	char *text;

	assert_run(t, CLI_DONE, "", "export");
	assert_non_null(text = strdup(t->out));
	return text;
}

/* The same host with none of its keys. */
static void
import_anew(struct cli_test *t, const char *text)
{
	host_wipe(&t->host);
	t->input = text;
	assert_run(t, CLI_DONE, "", "import", "-");
	t->input = NULL;
}

static void
a_new_host_exports_a_whole_file_without_keys(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "export");
	assert_string_equal(t.out,
	    "{\"format\": \"apikey-export\", \"version\": 1, \"uid_high\": 0, "
	    "\"gid_high\": 0}\n{\"end\": true}\n");
	cli_test_clear(&t);
}

static void
a_line_says_all_of_a_key_and_no_line_says_a_token(void **state)
{
	static const char *const parts[] = {"{\"name\": \"a\", \"id\": \"",
	    "\"uid\": 70000, \"state\": \"disabled\", \"description\": \"what for\", "
	    "\"owner\": \"who\", \"roles\": [\"viewer\", \"editor:spaces:staging\"], "
	    "\"groups\": [\"Release Managers\"], \"from\": [\"10.0.0.0/8\"], "
	    "\"not_before\": \"2027-01-01T00:00:00Z\", \"expires_at\": "
	    "\"2027-02-14T08:00:00Z\", \"created_at\": \"2027-01-15T08:00:00Z\", "
	    "\"created_by\": \"alice\", \"secrets\": [{\"number\": 2, \"verifier\": "
	    "\"apikey-verifier-1:",
	    ("\"not_after\": \"2027-01-16T08:00:00Z\"}], \"home\": \"/srv/a\", \"shell\": "
	     "\"/bin/cat\"}\n"),
	    "{\"role_group\": \"apikey-editors\", \"gid\": 69001}\n",
	    "{\"spent_uid\": 70001, \"name\": \"b\", \"id\": \"",
	    "\"deleted_at\": \"2027-01-15T08:00:00Z\"}\n", "\n{\"end\": true}\n"};
	struct cli_test t;
	char tok[80];

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "create", "--name", "a", "--role", "viewer", "--role",
	    "editor:spaces:staging", "--group", "Release Managers", "--from", "10.0.0.0/8",
	    "--not-before", "2027-01-01T00:00:00Z", "--duration", "30d", "--description",
	    "what for", "--owner", "who", "--shell", "/bin/cat", "--home", "/srv/a", "-q");
	(void)snprintf(tok, sizeof(tok), "%.*s", (int)TOKEN_LEN, t.out);
	assert_run(&t, CLI_DONE, NULL, "rotate", "a", "--overlap", "1d");
	assert_run(&t, CLI_DONE, NULL, "disable", "a");
	cli_test_create(&t, "b", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "delete", "b");
	assert_run(&t, CLI_DONE, NULL, "export");
	for (size_t i = 0; i < N(parts); i++)
		if (strstr(t.out, parts[i]) == NULL)
			fail_msg("%s\nlacks %s", t.out, parts[i]);
	assert_null(strstr(t.out, tok + 18));
	assert_null(strstr(t.out, TOKEN_PREFIX));
	cli_test_clear(&t);
}

static void
keys_stand_in_the_order_of_their_uids(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "late", "--uid", "70009");
	assert_run(&t, CLI_DONE, "", "create", "--name", "early", "--uid", "70003");
	assert_run(&t, CLI_DONE, NULL, "export");
	assert_true(strstr(t.out, "\"early\"") < strstr(t.out, "\"late\""));
	assert_null(strstr(t.out, "spent"));
	cli_test_clear(&t);
}

static void
what_was_exported_is_imported_the_same(void **state)
{
	struct cli_test t;
	char *before, *after, tok[80], gone[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "editor", tok);
	cli_test_create(&t, "b", "viewer", gone);
	assert_run(&t, CLI_DONE, NULL, "delete", "b");
	before = export_text(&t);
	import_anew(&t, before);
	after = export_text(&t);
	assert_string_equal(after, before);
	/* The token from before opens what it opened; no id is given twice. */
	t.input = tok;
	assert_run(&t, CLI_DONE, NULL, "check");
	t.input = gone;
	assert_run(&t, CLI_REFUSED, NULL, "check");
	t.input = NULL;
	assert_run(&t, CLI_DONE, "", "create", "--name", "c");
	assert_member(&t, "uid", "70002");
	assert_run(
	    &t, CLI_REFUSED, "was a deleted key's", "create", "--name", "d", "--uid", "70001");
	free(before);
	free(after);
	cli_test_clear(&t);
}

static void
keys_of_the_directory_are_left_out_and_counted(void **state)
{
	struct cli_test t;
	struct key_record k[2];

	cli_test_make(&t, state);
	host_settings(&t.host, CLI_DIRECTORY_SETTINGS);
	cli_test_create(&t, "own", "viewer", NULL);
	k[0] = directory_key("theirs", DIRECTORY_UID);
	k[1] = directory_key("others", DIRECTORY_UID + 1);
	(void)directory_write_keys(&t.host.paths, k, 2, HOST_NOW);
	assert_run(&t, CLI_DONE, NULL, "publish");
	assert_run(&t, CLI_DONE, "2 keys live in the directory, and are left out", "export");
	assert_non_null(strstr(t.out, "\"own\""));
	assert_null(strstr(t.out, "\"theirs\""));
	cli_test_clear(&t);
}

static void
a_file_that_is_damaged_is_never_exported_as_if_it_were_whole(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	for (int i = 0; i < 20; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "k%d", i);
		cli_test_create(&t, name, "viewer", NULL);
	}
	directory_damage(t.host.paths.local);
	assert_run(&t, CLI_FAILED, "local.idx: ", "export");
	assert_null(strstr(t.out, "{\"end\""));
	cli_test_clear(&t);
}

static void
a_failed_write_is_told(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", NULL);
	assert_non_null(t.out_to = fopen("/dev/full", "we"));
	assert_run(&t, CLI_FAILED, "could not be written", "export");
	(void)fclose(t.out_to);
	t.out_to = NULL;
	cli_test_clear(&t);
}

/* A list of up to 3 of these, in pack. */
static struct strv
some_of(struct rnd *r, struct pack *pack, const char *const *words, size_t n)
{
	*pack = PACK_INIT;
	for (size_t i = 0; i < n; i++)
		if (rnd_below(r, 2) == 0)
			pack_entry(pack, words[i]);
	return pack_borrow_strv(pack);
}

static const char *
one_of(struct rnd *r, const char *const *words, size_t n)
{
	return words[rnd_below(r, n)];
}

static int64_t
some_time(struct rnd *r)
{
	return (int64_t)rnd_below(r, UINT64_C(200) * 365 * 86400);
}

static void
add_random_key(struct store *s, struct rnd *r, uint32_t i)
{
	static const char *const bindings[] = {
	    "viewer", "editor:spaces:a,b", "admin:hosts:h1", "undeclared"};
	static const char *const groups[] = {
	    "Alle \xc3\x84rzte", "a \"quoted\" \\ group", "CN=x,DC=y", " "};
	static const char *const from[] = {"10.0.0.0/8", "2001:db8::/32", "192.0.2.7"};
	static const char *const texts[] = {
	    "", "plain", "\xe2\x82\xac and \xf0\x9f\x94\x91", "a\"b\\c/d", "  "};
	static const char *const paths[] = {"/home/x", "/srv/\xc3\xa9t\xc3\xa9", "/bin/sh"};
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	struct key_record k = key_make("x", 70000 + i);
	struct pack p[3];
	size_t len;

	(void)rnd_text(r, alphabet, k.name + 1, rnd_below(r, KEY_NAME_MAX));
	/* The number is in the name, so that no two are the same. */
	len = strlen(k.name) > KEY_NAME_MAX - 6 ? KEY_NAME_MAX - 6 : strlen(k.name);
	(void)snprintf(k.name + len, 7, "-%05u", i);
	k.state = rnd_below(r, 2) == 0 ? KEY_ACTIVE : KEY_DISABLED;
	k.bindings = some_of(r, &p[0], bindings, N(bindings));
	k.groups = some_of(r, &p[1], groups, N(groups));
	k.from = some_of(r, &p[2], from, N(from));
	k.description = one_of(r, texts, N(texts));
	k.owner = one_of(r, texts, N(texts));
	k.created_by = one_of(r, texts, N(texts));
	k.home = one_of(r, paths, N(paths));
	k.created_at = some_time(r);
	k.not_before = rnd_below(r, 2) == 0 ? 0 : some_time(r);
	k.expires_at = rnd_below(r, 2) == 0 ? NUM_NEVER : k.not_before + 1 + some_time(r);
	k.n_secrets = (unsigned)rnd_below(r, KEY_SECRETS_MAX + 1);
	for (unsigned n = 0; n < k.n_secrets; n++) {
		k.secrets[n].number = k.n_secrets - n;
		k.secrets[n].created_at = some_time(r);
		k.secrets[n].not_after = rnd_below(r, 2) == 0 ? NUM_NEVER : some_time(r);
		rnd_bytes(r, k.secrets[n].salt, sizeof(k.secrets[n].salt));
		rnd_bytes(r, k.secrets[n].digest, sizeof(k.secrets[n].digest));
	}
	assert_err("store_put", AK_OK, store_put(s, &k));
	if (rnd_below(r, 5) == 0)
		assert_err("store_remove", AK_OK, store_remove(s, &k, some_time(r)));
	for (size_t n = 0; n < N(p); n++)
		pack_clear(&p[n]);
}

static void
any_keys_come_back_as_they_were(void **state)
{
	struct rnd r = rnd_start("test_cli_export");
	struct cli_test t;

	cli_test_make(&t, state);
	for (int turn = 0; turn < 4; turn++) {
		struct store *s;
		char *before, *after, *dump, *again;

		host_wipe(&t.host);
		s = host_open(&t.host);
		for (uint32_t i = 0; i < 60; i++)
			add_random_key(s, &r, i);
		assert_err("", AK_OK, host_publish_open(&t.host, s, HOST_NOW));
		store_close(&s);
		before = export_text(&t);
		dump = host_dump(&t.host);
		import_anew(&t, before);
		after = export_text(&t);
		again = host_dump(&t.host);
		assert_string_equal(after, before);
		assert_string_equal(again, dump);
		free(before);
		free(after);
		free(dump);
		free(again);
	}
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_new_host_exports_a_whole_file_without_keys),
	    T(a_line_says_all_of_a_key_and_no_line_says_a_token),
	    T(keys_stand_in_the_order_of_their_uids),
	    T(what_was_exported_is_imported_the_same),
	    T(keys_of_the_directory_are_left_out_and_counted),
	    T(a_file_that_is_damaged_is_never_exported_as_if_it_were_whole),
	    T(a_failed_write_is_told),
	    T(any_keys_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
