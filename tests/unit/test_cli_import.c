/* import: a file is taken whole or not at all, and what it would take away or give twice is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "importfile.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define FIRST                                                                                  \
	"{\"format\": \"apikey-export\", \"version\": 1, \"uid_high\": 70004, \"gid_high\": "  \
	"69003}\n"
#define SECRET(id, number)                                                                     \
	"{\"number\": " number ", \"verifier\": \"apikey-verifier-1:" id ":" HEX16 ":" HEX16   \
	"" HEX16 "\", \"created_at\": \"2026-01-01T00:00:00Z\", \"not_after\": null}"
#define KEY(name, id, uid)                                                                     \
	"{\"name\": \"" name "\", \"id\": \"" id "\", \"uid\": " uid                           \
	", \"state\": \"active\", \"description\": \"what\", \"owner\": \"who\", "             \
	"\"roles\": [\"viewer\"], \"groups\": [\"team\"], \"from\": [\"10.0.0.0/8\"], "        \
	"\"not_before\": null, \"expires_at\": \"2028-01-01T00:00:00Z\", \"created_at\": "     \
	"\"2026-01-01T00:00:00Z\", \"created_by\": \"bob\", \"secrets\": [" SECRET(            \
	    id, "1") "], \"home\": \"/home/" name "\", \"shell\": \"/bin/sh\"}\n"
#define SPENT                                                                                  \
	"{\"spent_uid\": 70002, \"name\": \"gone\", \"id\": \"G000000000\", \"deleted_at\": "  \
	"\"2026-01-01T00:00:00Z\"}\n"
#define GROUP "{\"role_group\": \"apikey-editors\", \"gid\": 69002}\n"
#define LAST "{\"end\": true}\n"

#define A KEY("a", "A000000000", "70000")
#define B KEY("b", "B000000000", "70001")
/* Two keys, lines 2 and 3; a spent uid, line 4; a group, line 5. */
static const char good[] = FIRST A B SPENT GROUP LAST;

/* good with the first `from` in it replaced, for free(). */
static char *
edited(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	size_t cap = sizeof(good) + strlen(to);
	char *text = malloc(cap);

	if (at == NULL)
		fail_msg("there is no %s", from);
	assert_non_null(text);
	(void)snprintf(text, cap, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	return text;
}

#define import(t, wanted, says, text, ...)                                                     \
	do {                                                                                   \
		(t)->input = (text);                                                           \
		assert_run((t), (wanted), (says), "import", "-", "-o", "json", ##__VA_ARGS__); \
		(t)->input = NULL;                                                             \
	} while (0)

/* What the import answered: created, changed, deleted, unchanged. */
static void
assert_counts_at(struct cli_test *t, const char *wanted, int line)
{
	char have[128];
	size_t len = 0;
	static const char *const names[] = {
	    "created_keys", "changed_keys", "deleted_keys", "unchanged_keys"};

	for (size_t i = 0; i < N(names); i++)
		len += (size_t)snprintf(have + len, sizeof(have) - len, "%s%s",
		    i > 0 ? " " : "", cli_test_member(t, names[i]));
	if (strcmp(have, wanted) != 0) {
		print_error("counts %s, wanted %s\n", have, wanted);
		_fail(__FILE__, line);
	}
}
#define assert_counts(t, wanted) assert_counts_at((t), (wanted), __LINE__)

static void
a_file_makes_the_keys_that_it_has(void **state)
{
	struct cli_test t;
	char *dump;

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, good);
	assert_counts(&t, "2 0 0 0");
	assert_member(&t, "dry_run", "false");
	assert_member(&t, "changed", "true");
	assert_member(&t, "keys.0",
	    "{\"name\":\"a\",\"id\":\"A000000000\",\"uid\":70000,\"change\":\"created\"}");
	assert_int_equal(t.flushes, 1);
	assert_non_null(strstr(t.log, "event=key-created key=a id=A000000000 uid=70000"));
	assert_non_null(strstr(t.log, "event=keys-imported "));
	assert_non_null(strstr(t.log, "created=2 changed=0 deleted=0 unchanged=0"));
	assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
	assert_member(&t, "created_by", "\"bob\"");
	assert_member(&t, "secrets.0.created_at", "\"2026-01-01T00:00:00Z\"");
	dump = host_dump(&t.host);
	assert_true(dump_has(dump, "group apikey-editors 69002 members"));
	free(dump);
	/* What was spent there is not given here; a number alone uses no range up. */
	assert_run(&t, CLI_DONE, "", "create", "--name", "new");
	assert_member(&t, "uid", "70003");
	cli_test_clear(&t);
}

static void
a_second_import_changes_nothing(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, good);
	generation = cli_test_generation(&t);
	import(&t, CLI_DONE, NULL, good);
	assert_counts(&t, "0 0 0 2");
	assert_member(&t, "keys", "[]");
	assert_member(&t, "changed", "false");
	assert_int_equal(cli_test_generation(&t), generation);
	import(&t, CLI_DONE, NULL, good, "--prune");
	assert_counts(&t, "0 0 0 2");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_int_equal(t.flushes, 1);
	assert_null(strstr(strstr(t.log, "event=keys-imported") + 1, "event=keys-imported"));
	cli_test_clear(&t);
}

#define HIGH(uid, gid)                                                                         \
	"{\"format\": \"apikey-export\", \"version\": 1, \"uid_high\": " uid                   \
	", \"gid_high\": " gid "}\n"

static void
the_highest_ids_count_as_far_as_the_file_names_them(void **state)
{
	static const struct {
		const char *text, *next;
	} rows[] = {
	    {HIGH("99998", "69999") LAST, "70000"},
	    {HIGH("99998", "69999") SPENT LAST, "70003"},
	    {HIGH("70001", "69001") SPENT LAST, "70003"},
	    {HIGH("99998", "69999") A LAST, "70001"},
	    /* Of another range: what was spent there was never ours. */
	    {HIGH("99998",
		 "69999") "{\"spent_uid\": 60000, \"name\": \"gone\", \"id\": \"G000000000\", "
			  "\"deleted_at\": \"2026-01-01T00:00:00Z\"}\n" LAST,
		"70000"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		host_wipe(&t.host);
		import(&t, CLI_DONE, NULL, rows[i].text);
		assert_run(&t, CLI_DONE, "", "create", "--name", "new");
		assert_member(&t, "uid", rows[i].next);
		assert_run(&t, CLI_DONE, NULL, "export");
		assert_null(strstr(t.out, "60000"));
	}
	cli_test_clear(&t);
}

static void
each_thing_that_is_wrong_with_a_line_is_told_with_its_place(void **state)
{
	static const struct {
		const char *from, *to;
		unsigned line;
		const char *says;
	} rows[] = {
	    {"apikey-export", "other", 1, "is not the first line of what `apikey export`"},
	    {"\"format\"", "\"x\"", 1, "is not the first line of what `apikey export`"},
	    {"\"version\": 1", "\"version\": 2", 1, "is of version 2, and this apikey reads"},
	    {"\"version\": 1", "\"version\": 0", 1, "`version' is no number from 1"},
	    {"\"version\": 1", "\"version\": \"1\"", 1, "`version' is no number"},
	    {"\"uid_high\": 70004", "\"uid_high\": -1", 1, "`uid_high' is no number"},
	    {"\"gid_high\": 69003", "\"gid_high\": 1, \"x\": 1", 1, "`x' is nothing that"},
	    {"\"gid_high\": 69003", "\"x\": 1", 1, "has no `gid_high'"},
	    {FIRST, "", 1, "is not the first line"},
	    {A, "\n", 2, "is no JSON"},
	    {A, "[]\n", 2, "is no JSON object"},
	    {A, "{} {}\n", 2, "is no JSON: "},
	    {A, "{}\n", 2, "has no `name'"},
	    {"{\"name\": \"a\"", "{\"name\": \"a\", \"name\": \"a\"", 2,
		"is no JSON: duplicate"},
	    {"{\"name\": \"a\"", "{\"name\": \"a\", \"token\": \"x\"", 2, "`token' is nothing"},
	    {"\"name\": \"a\"", "\"name\": null", 2, "`name' is no text"},
	    {"\"name\": \"a\"", "\"name\": \"A\"", 2, "`A' is no name of a key"},
	    {"\"name\": \"a\"", "\"name\": \"\"", 2, "`' is no name of a key"},
	    {"\"name\": \"a\"", "\"name\": \"a\\u0000b\"", 2, "is no JSON: "},
	    {"\"name\": \"a\"", "\"name\": \"root\"", 2, "has a user root already"},
	    {"\"name\": \"a\"", "\"name\": \"apikey\"", 2, "is the group of all keys"},
	    {"\"name\": \"a\"", "\"name\": \"apikey-editors\"", 2, "is a Unix group of role"},
	    {"\"name\": \"a\"", "\"name\": \"b\"", 3, "the name b stands in line 2 too"},
	    {"\"id\": \"A", "\"id\": \"a", 2, "is no id of a key"},
	    {"\"id\": \"A", "\"id\": \"AB", 2, "is no id of a key"},
	    {"\"id\": \"A000000000\"", "\"id\": 1", 2, "`id' is no text"},
	    {"\"id\": \"A", "\"id\": \"C", 2, "the verifier is the key A000000000's"},
	    {KEY("a", "A000000000", "70000"), KEY("a", "B000000000", "70000"), 3,
		"the id B000000000 stands in line 2 too"},
	    {"\"uid\": 70000", "\"uid\": 70001", 3, "the uid or gid 70001 stands in line 2"},
	    {"\"uid\": 70000", "\"uid\": 70002", 4, "the uid or gid 70002 stands in line 2"},
	    {"\"uid\": 70000", "\"uid\": 69002", 5, "the uid or gid 69002 stands in line 2"},
	    {"\"uid\": 70000", "\"uid\": 0", 2, "`uid' is 0, which no key"},
	    {"\"uid\": 70000", "\"uid\": 65534", 2, "`uid' is 65534, which no key"},
	    {"\"uid\": 70000", "\"uid\": 4294967296", 2, "`uid' is no number"},
	    {"\"uid\": 70000", "\"uid\": -70000", 2, "`uid' is no number"},
	    {"\"uid\": 70000", "\"uid\": 70000.0", 2, "`uid' is no number"},
	    {"\"uid\": 70000", "\"uid\": \"70000\"", 2, "`uid' is no number"},
	    {"\"uid\": 70000", "\"uid\": 69500", 2, "uid 69500 is outside uid_range"},
	    {"\"uid\": 70000", "\"uid\": 70099", 2, "uid 70099 is another user's or group's"},
	    {"\"active\"", "\"expired\"", 2, "`state' is active or disabled, not `expired'"},
	    {"\"what\"", "\"a:b\"", 2, "description holds a colon"},
	    {"\"what\"", "\"a\\nb\"", 2, "description holds a colon, a control character"},
	    {"\"what\"", "\"\xff\"", 2, "is no JSON: "},
	    {"\"who\"", "\"a:b\"", 2, "owner holds a colon"},
	    {"\"bob\"", "\"a\\tb\"", 2, "created_by holds a colon, a control character"},
	    {"[\"viewer\"]", "[\"Viewer\"]", 2, "no name of a role"},
	    {"[\"viewer\"]", "[\"viewer\", \"viewer\"]", 2, "`roles' has `viewer' twice"},
	    {"[\"viewer\"]", "[1]", 2, "`roles' holds what is no text"},
	    {"[\"viewer\"]", "\"viewer\"", 2, "`roles' is no list"},
	    {"[\"team\"]", "[\"\"]", 2, "a group's name can't be empty"},
	    {"[\"10.0.0.0/8\"]", "[\"10.0.0.1/8\"]", 2, "`10.0.0.1/8' is no network"},
	    {"\"not_before\": null", "\"not_before\": 5", 2, "`not_before' is no moment"},
	    {"\"not_before\": null", "\"not_before\": \"2028-01-01T00:00:00Z\"", 2,
		"a would expire before it is valid"},
	    {"2028-01-01T00:00:00Z", "soon", 2, "`expires_at' is no moment"},
	    {"\"created_at\": \"2026-01-01T00:00:00Z\", \"created_by\"",
		"\"created_at\": null, \"created_by\"", 2, "`created_at' is no moment"},
	    {"\"number\": 1", "\"number\": 0", 2, "`number' is no number from 1"},
	    {"\"number\": 1", "\"number\": 1, \"token\": \"x\"", 2, "`token' is nothing"},
	    {"apikey-verifier-1", "apikey-verifier-2", 2, "`verifier' is none"},
	    {"[" SECRET("A000000000", "1") "]", "[1]", 2, "`secrets' holds what is no object"},
	    {"[" SECRET("A000000000", "1") "]",
		"[" SECRET("A000000000", "1") ", " SECRET("A000000000", "2") "]", 2,
		"the newest secret, of the highest number, comes first"},
	    {"[" SECRET("A000000000", "1") "]",
		"[" SECRET("A000000000", "3") ", " SECRET("A000000000", "2") ", " SECRET(
		    "A000000000", "1") "]",
		2, "`secrets' has more than 2 entries"},
	    {"[" SECRET("A000000000", "1") "]",
		"[" SECRET("A000000000", "2") ", " SECRET("A000000000", "1") "]", 2,
		"both secrets are the same"},
	    {"\"/home/a\"", "\"home\"", 2, "home `home' is not absolute"},
	    {"\"/home/a\"", "\"/a:b\"", 2, "home holds a colon"},
	    {"\"/bin/sh\"", "\"sh\"", 2, "shell `sh' is not absolute"},
	    {"\"/bin/sh\"", "\"/no/such\"", 2, "the shell /no/such cannot be used"},
	    {"\"spent_uid\": 70002", "\"spent_uid\": 1", 4, "`spent_uid' is 1, which no key"},
	    {"G000000000", "g000000000", 4, "is no id of a key"},
	    {"\"gone\"", "\"Gone\"", 4, "is no name of a key"},
	    {"\"name\": \"gone\"", "\"name\": \"gone\", \"uid\": 1", 4, "`uid' is nothing"},
	    {"\"deleted_at\": \"2026-01-01T00:00:00Z\"", "\"deleted_at\": null", 4,
		"`deleted_at' is no moment"},
	    {"\"apikey-editors\"", "\"A B\"", 5, "`A B' is no name of a Unix group"},
	    {"\"gid\": 69002", "\"gid\": 70000", 5, "the uid or gid 70000 stands in line 2"},
	    {"\"gid\": 69002", "\"gid\": 68999", 5, "gid 68999 of group apikey-editors is out"},
	    {"\"gid\": 69002", "\"gid\": 69002, \"x\": 1", 5, "`x' is nothing"},
	    {GROUP, GROUP "{\"role_group\": \"apikey-editors\", \"gid\": 69003}\n", 6,
		"the group apikey-editors stands in line 5 too"},
	    {LAST, "", 5, "the file ends without its last line"},
	    {LAST, "{\"end\": 1}\n", 6, "`end' is not true"},
	    {LAST, "{\"end\": true, \"x\": 1}\n", 6, "`x' is nothing"},
	    {LAST, LAST A, 7, "stands behind the last line"},
	    {LAST, "{\"en", 6, "is no JSON"},
	};
	struct cli_test t;
	char wanted[256];

	cli_test_make(&t, state);
	t.user = "root";
	t.taken = 70099;
	for (size_t i = 0; i < N(rows); i++) {
		char *text = edited(rows[i].from, rows[i].to);

		(void)snprintf(
		    wanted, sizeof(wanted), "apikey: (standard input):%u: ", rows[i].line);
		import(&t, CLI_REFUSED, rows[i].says, text);
		if (strncmp(t.err, wanted, strlen(wanted)) != 0)
			fail_msg("row %zu: %s", i, t.err);
		assert_non_null(strstr(t.err, "refused: nothing was changed\n"));
		assert_string_equal(t.out, "");
		assert_int_equal(cli_test_generation(&t), 0);
		free(text);
	}
	assert_string_equal(t.log, "");
	import(&t, CLI_DONE, NULL, good);
	cli_test_clear(&t);
}

static void
all_that_is_wrong_is_told_at_once(void **state)
{
	struct cli_test t;
	char *text = edited("\"uid\": 70000", "\"uid\": 69500");

	cli_test_make(&t, state);
	memcpy(strstr(text, "70001"), "69501", 5);
	import(&t, CLI_REFUSED, ":2: uid 69500 is outside", text);
	assert_non_null(strstr(t.err, ":3: uid 69501 is outside"));
	assert_non_null(strstr(t.err, "2 lines of (standard input) are refused"));
	free(text);
	cli_test_clear(&t);
}

/* A file of that many lines of this text, after the first. */
static char *
many_lines(const char *line, size_t n)
{
	size_t len = strlen(line), first = strlen(FIRST);
	char *text = malloc(first + n * len + 1);

	assert_non_null(text);
	memcpy(text, FIRST, first);
	for (size_t i = 0; i < n; i++)
		memcpy(text + first + i * len, line, len);
	text[first + n * len] = '\0';
	return text;
}

static void
no_more_is_told_than_a_person_reads(void **state)
{
	struct cli_test t;
	char *text = many_lines("x\n", 1000);
	size_t lines = 0;

	cli_test_make(&t, state);
	import(&t, CLI_REFUSED, "1000 lines of (standard input) are refused", text);
	for (const char *c = t.err; *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 21);
	free(text);
	cli_test_clear(&t);
}

static void
a_line_has_a_longest_length(void **state)
{
	struct cli_test t;
	char *line = malloc(IMPORTFILE_LINE_MAX_B + 3), *text;

	assert_non_null(line);
	memset(line, ' ', IMPORTFILE_LINE_MAX_B + 1);
	memcpy(line + IMPORTFILE_LINE_MAX_B + 1, "\n", 2);
	text = many_lines(line, 1);
	cli_test_make(&t, state);
	import(&t, CLI_REFUSED, ":2: is longer than 1048576 bytes", text);
	free(line);
	free(text);
	cli_test_clear(&t);
}

/* More than is held at once: lines lie across the parts in which it is read. */
static void
a_file_is_read_on_to_its_last_line(void **state)
{
	enum { LINES = 12000 };
	size_t cap = LINES * 160 + sizeof(good), len;
	char *text = malloc(cap);
	struct cli_test t;

	assert_non_null(text);
	cli_test_make(&t, state);
	len = (size_t)snprintf(text, cap, "%s", FIRST A B);
	for (unsigned i = 0; i < LINES; i++)
		len += (size_t)snprintf(text + len, cap - len,
		    "{\"spent_uid\": %u, \"name\": \"gone-%.*s\", \"id\": \"G000000000\", "
		    "\"deleted_at\": \"2026-01-01T00:00:00Z\"}\n",
		    70100 + i, (int)(1 + i % 20), "abcdefghijklmnopqrstuvwxyz");
	assert_in_range(len, IMPORTFILE_LINE_MAX_B + 2, cap - 100);
	(void)snprintf(text + len, cap - len, "{}\n" LAST);
	import(&t, CLI_REFUSED, ":12004: has no `name'", text);
	(void)snprintf(text + len, cap - len, "{\"end\": true}");
	import(&t, CLI_DONE, NULL, text);
	assert_counts(&t, "2 0 0 0");
	assert_run(&t, CLI_DONE, NULL, "export");
	assert_non_null(strstr(t.out, "\"spent_uid\": 82099"));
	free(text);
	cli_test_clear(&t);
}

static void
a_file_that_is_not_there_is_not_found(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_REFUSED, "cannot be read", "import", tmp_path(t.tmp, "no-such"));
	assert_run(&t, CLI_USAGE, "import needs FILE", "import");
	file_write(tmp_path(t.tmp, "keys"), good, strlen(good), 0600);
	assert_run(&t, CLI_DONE, NULL, "import", tmp_path(t.tmp, "keys"));
	assert_non_null(strstr(t.out, "created 2, changed 0, deleted 0, unchanged 0\n"));
	assert_run(&t, CLI_REFUSED, ":1: the file is empty", "import", "-");
	cli_test_clear(&t);
}

static void
a_key_that_exists_is_set_to_what_the_file_says(void **state)
{
	static const struct {
		const char *from, *to, *path, *wanted;
	} rows[] = {
	    {"\"active\"", "\"disabled\"", "state", "\"disabled\""},
	    {"\"what\"", "\"else\"", "description", "\"else\""},
	    {"\"who\"", "\"\"", "owner", "\"\""},
	    {"[\"viewer\"]", "[]", "roles", "[]"},
	    {"[\"team\"]", "[\"x\", \"y\"]", "groups", "[\"x\",\"y\"]"},
	    {"[\"10.0.0.0/8\"]", "[]", "from", "[]"},
	    {"\"not_before\": null", "\"not_before\": \"2027-01-01T00:00:00Z\"", "not_before",
		"\"2027-01-01T00:00:00Z\""},
	    {"\"2028-01-01T00:00:00Z\"", "null", "expires_at", "null"},
	    {"\"bob\"", "\"eve\"", "created_by", "\"eve\""},
	    {"\"/home/a\"", "\"/srv/a\"", "home", "\"/srv/a\""},
	    {"\"/bin/sh\"", "\"/bin/cat\"", "shell", "\"/bin/cat\""},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, good);
	for (size_t i = 0; i < N(rows); i++) {
		char *text = edited(rows[i].from, rows[i].to);

		import(&t, CLI_DONE, NULL, text);
		assert_counts(&t, "0 1 0 1");
		assert_member(&t, "keys.0.change", "\"changed\"");
		assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
		assert_member(&t, rows[i].path, rows[i].wanted);
		import(&t, CLI_DONE, NULL, good);
		assert_counts(&t, "0 1 0 1");
		free(text);
	}
	assert_non_null(strstr(t.log, "event=key-changed key=a "));
	cli_test_clear(&t);
}

#define SECRET_OF(number, hex2)                                                                \
	"{\"number\": " number ", \"verifier\": \"apikey-verifier-1:A000000000:" HEX16         \
	":" HEX16 "000102030405060708090a0b0c0d0e" hex2                                        \
	"\", \"created_at\": \"2026-01-01T00:00:00Z\", \"not_after\": null}"

static void
a_token_keeps_its_number_and_another_gets_one_that_none_had(void **state)
{
	/* What this host has, after the row before: 1 is ...0f. */
	static const struct {
		const char *secrets, *numbers, *counts, *logged;
	} rows[] = {
	    {SECRET_OF("7", "0f"), "1", "0 0 0 1", NULL},
	    {SECRET_OF("1", "aa"), "2", "0 1 0 0", "secrets_before=1 secrets=2"},
	    {SECRET_OF("1", "bb"), "3", "0 1 0 0", "secrets_before=2 secrets=3"},
	    {SECRET_OF("9", "cc"), "9", "0 1 0 0", "secrets_before=3 secrets=9"},
	    {SECRET_OF("2", "dd") ", " SECRET_OF("1", "cc"), "10 9", "0 1 0 0",
		"secrets_before=9 secrets=\"10, 9\""},
	    {SECRET_OF("2", "dd") ", " SECRET_OF("1", "ee"), "11 10", "0 1 0 0",
		"secrets_before=\"10, 9\" secrets=\"11, 10\""},
	    {SECRET_OF("2", "11") ", " SECRET_OF("1", "22"), "13 12", "0 1 0 0", NULL},
	    {SECRET_OF("2", "22") ", " SECRET_OF("1", "11"), "13 12", "0 0 0 1", NULL},
	    {SECRET_OF("4294967295", "33"), "4294967295", "0 1 0 0", NULL},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, FIRST A LAST);
	for (size_t i = 0; i < N(rows); i++) {
		char text[4096], have[64];
		const char *at = strstr(A, SECRET("A000000000", "1"));

		(void)snprintf(text, sizeof(text), FIRST "%.*s%s%s" LAST, (int)(at - A), A,
		    rows[i].secrets, at + strlen(SECRET("A000000000", "1")));
		t.log[0] = '\0';
		import(&t, CLI_DONE, NULL, text);
		assert_counts(&t, rows[i].counts);
		if (rows[i].logged != NULL)
			assert_row(rows[i].logged, strstr(t.log, rows[i].logged) != NULL);
		import(&t, CLI_DONE, NULL, text);
		assert_counts(&t, "0 0 0 1");
		assert_run(&t, CLI_DONE, NULL, "show", "a", "-o", "json");
		(void)snprintf(
		    have, sizeof(have), "%s", cli_test_member(&t, "secrets.0.number"));
		if (strchr(rows[i].numbers, ' ') != NULL)
			(void)snprintf(have + strlen(have), sizeof(have) - strlen(have), " %s",
			    cli_test_member(&t, "secrets.1.number"));
		assert_string_equal(have, rows[i].numbers);
	}
	import(&t, CLI_REFUSED, ":2: no number is left for another token of a", FIRST A LAST);
	cli_test_clear(&t);
}

static void
a_name_with_another_id_is_another_key_and_is_replaced_only_when_told(void **state)
{
	struct cli_test t;
	char tok[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "x", "viewer", NULL); /* 70000 */
	cli_test_create(&t, "y", "viewer", NULL);
	cli_test_create(&t, "b", "viewer", tok); /* 70002 */
	import(&t, CLI_REFUSED, "the key b has the id", good);
	assert_non_null(strstr(t.err, ":2: uid 70000 is another key's (--new-uid"));
	import(&t, CLI_REFUSED, "the key b has the id", good, "--new-uid");
	/* The uids of those that go are not given to those that come. */
	import(&t, CLI_REFUSED, "uid 70000 was a deleted key's and is never given again", good,
	    "--prune");
	assert_run(&t, CLI_DONE, NULL, "show", "x");
	import(&t, CLI_DONE, NULL, good, "--prune", "--new-uid");
	assert_counts(&t, "2 0 3 0");
	assert_member(&t, "keys.0.uid", "70003");
	assert_member(&t, "keys.1",
	    "{\"name\":\"b\",\"id\":\"B000000000\",\"uid\":70004,\"change\":\"created\"}");
	assert_member(&t, "keys.2.name", "\"x\"");
	assert_member(&t, "keys.2.change", "\"deleted\"");
	t.input = tok;
	assert_run(&t, CLI_REFUSED, NULL, "check");
	t.input = NULL;
	assert_non_null(strstr(t.log, "event=key-deleted key=b "));
	assert_non_null(strstr(t.log, "event=key-created key=b id=B000000000 uid=70004"));
	cli_test_clear(&t);
}

static void
an_id_that_another_key_has_is_refused(void **state)
{
	struct cli_test t;
	char *text;

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, good);
	text = edited(A, KEY("other", "A000000000", "70003"));
	import(&t, CLI_REFUSED, ":2: the id A000000000 is the key a's here", text);
	/* With it the key a is gone: its id goes over. */
	import(&t, CLI_DONE, NULL, text, "--prune");
	assert_counts(&t, "1 0 1 1");
	assert_run(&t, CLI_REFUSED, "there is no key `a'", "show", "a");
	free(text);
	cli_test_clear(&t);
}

static void
a_uid_that_is_not_to_be_had_is_refused_or_the_next_one(void **state)
{
	static const struct {
		const char *uid, *says;
	} rows[] = {
	    {"70000", "uid 70000 is another key's (--new-uid gives a another)"},
	    {"70001", "uid 70001 was a deleted key's and is never given again (--new-uid"},
	    {"70099", "uid 70099 is another user's or group's on this host (--new-uid"},
	    {"60000", "uid 60000 is outside uid_range 70000-99999 (--new-uid"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	t.taken = 70099;
	cli_test_create(&t, "x", "viewer", NULL);
	cli_test_create(&t, "y", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "delete", "y");
	for (size_t i = 0; i < N(rows); i++) {
		char text[4096], wanted[16];

		(void)snprintf(text, sizeof(text),
		    FIRST KEY("a", "A00000000%zu", "%s") KEY("b", "B00000000%zu", "%u") LAST, i,
		    rows[i].uid, i, i, 70005 + 2 * (unsigned)i, i);
		import(&t, CLI_REFUSED, rows[i].says, text);
		import(&t, CLI_DONE, NULL, text, "--new-uid");
		assert_counts(&t, "2 0 0 0");
		/* Not the one that stands in a later line. */
		(void)snprintf(wanted, sizeof(wanted), "%u", 70006 + 2 * (unsigned)i);
		assert_member(&t, "keys.0.uid", wanted);
		/* Again: it keeps what it got. */
		import(&t, CLI_DONE, NULL, text, "--new-uid");
		assert_counts(&t, "0 0 0 2");
		import(&t, CLI_REFUSED, "here, which never changes, and not", text);
		assert_run(&t, CLI_DONE, NULL, "delete", "a", "b");
	}
	cli_test_clear(&t);
}

static void
a_key_that_was_deleted_here_does_not_come_back(void **state)
{
	static const char says[] =
	    ":2: the key a with the id A000000000 was deleted here at 2027-01-15T08:00:00Z";
	struct cli_test t;

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, good);
	assert_run(&t, CLI_DONE, NULL, "delete", "a");
	import(&t, CLI_REFUSED, says, good);
	assert_null(strstr(t.err, "--new-uid"));
	import(&t, CLI_REFUSED, says, good, "--new-uid");
	import(&t, CLI_REFUSED, says, good, "--new-uid", "--prune");
	cli_test_clear(&t);
}

static void
a_gid_that_is_not_to_be_had_is_refused_or_the_next_one(void **state)
{
	struct cli_test t;
	char *dump, *text = edited(GROUP, "{\"role_group\": \"new\", \"gid\": 69099}\n" GROUP);

	cli_test_make(&t, state);
	t.taken = 69099;
	import(&t, CLI_REFUSED, ":5: gid 69099 of group new is another's on this host", text);
	import(&t, CLI_DONE, NULL, text, "--new-uid");
	/* A group that has a gid here keeps it. */
	memcpy(strstr(text, "69002"), "69004", 5);
	import(&t, CLI_DONE, NULL, text, "--new-uid");
	dump = host_dump(&t.host);
	assert_true(dump_has(dump, "group apikey-editors 69002 members"));
	free(dump);
	free(text);
	cli_test_clear(&t);
}

static void
what_is_counted_up_later_never_meets_an_id_of_the_file(void **state)
{
	struct cli_test t;
	char *dump;

	cli_test_make(&t, state);
	/* The highest ids say less than the lines below, and lie out of range. */
	import(&t, CLI_DONE, NULL,
	    "{\"format\": \"apikey-export\", \"version\": 1, \"uid_high\": 4000000000, "
	    "\"gid_high\": 1}\n{\"role_group\": \"other\", \"gid\": 69001}\n" A LAST);
	dump = host_dump(&t.host);
	assert_true(dump_has(dump, "group apikey 69002 members"));
	assert_true(dump_has(dump, "group apikey-editors 69003 members"));
	free(dump);
	assert_run(&t, CLI_DONE, "", "create", "--name", "new");
	assert_member(&t, "uid", "70001");
	cli_test_clear(&t);
}

static void
prune_deletes_what_is_not_in_the_file(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_int_equal(mkdir(t.crontabs, 0700), 0);
	file_write(tmp_path(t.tmp, "crontabs/z"), "", 0, 0600);
	assert_run(&t, CLI_DONE, "", "create", "--name", "z", "--uid", "70009");
	import(&t, CLI_DONE, NULL, good);
	assert_counts(&t, "2 0 0 0");
	import(&t, CLI_DONE, "z left a crontab behind: ", good, "--prune");
	assert_counts(&t, "0 0 1 2");
	assert_member(&t, "keys.0.name", "\"z\"");
	assert_run(
	    &t, CLI_REFUSED, "was a deleted key's", "create", "--name", "n", "--uid", "70009");
	cli_test_clear(&t);
}

static void
prune_takes_no_file_that_would_leave_little(void **state)
{
	struct cli_test t;
	char name[16];

	cli_test_make(&t, state);
	import(&t, CLI_DONE, NULL, good);
	import(&t, CLI_REFUSED, "holds no key, and --prune would delete every key", FIRST LAST,
	    "--prune");
	import(&t, CLI_REFUSED, "holds no key", FIRST SPENT GROUP LAST, "--prune", "--dry-run");
	import(&t, CLI_DONE, NULL, FIRST LAST);
	for (int i = 0; i < 11; i++) {
		(void)snprintf(name, sizeof(name), "k%d", i);
		cli_test_create(&t, name, "viewer", NULL);
	}
	import(&t, CLI_REFUSED, "--prune would delete 11 of the 13 keys of this host", good,
	    "--prune");
	assert_run(&t, CLI_DONE, NULL, "show", "k0");
	assert_run(&t, CLI_DONE, NULL, "delete", "k0");
	import(&t, CLI_DONE, NULL, good, "--prune");
	assert_counts(&t, "0 0 10 2");
	cli_test_clear(&t);
}

static void
the_sessions_of_what_changed_or_went_are_judged(void **state)
{
	struct cli_test t;
	char *text = edited("\"what\"", "\"else\"");

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "z", "--uid", "70009");
	import(&t, CLI_DONE, NULL, good);
	assert_int_equal(t.n_calls, 0);
	import(&t, CLI_DONE, NULL, text, "--prune");
	assert_int_equal(t.n_calls, 1);
	assert_int_equal(t.calls[0].n_uids, 2);
	assert_int_equal(t.calls[0].uids[0], 70009);
	assert_int_equal(t.calls[0].uids[1], 70000);
	assert_member(&t, "sessions_ended", "0");
	assert_member(&t, "sessions", "[]");
	import(&t, CLI_DONE, NULL, text, "--prune");
	import(&t, CLI_DONE, NULL, good, "--dry-run");
	assert_int_equal(t.n_calls, 1);
	assert_non_null(
	    strstr(t.log, "event=key-changed key=a id=A000000000 uid=70000 by=alice"));
	assert_non_null(strstr(t.log, "description_before=what description=else"));
	free(text);
	cli_test_clear(&t);
}

static void
a_dry_run_tells_all_and_changes_nothing(void **state)
{
	struct cli_test t;
	uint64_t generation;
	char *text = edited("\"what\"", "\"else\"");

	cli_test_make(&t, state);
	cli_test_create(&t, "x", "viewer", NULL);
	assert_run(&t, CLI_DONE, NULL, "set", "x", "--owner", "o");
	import(&t, CLI_DONE, NULL, good, "--new-uid");
	generation = cli_test_generation(&t);
	t.log[0] = '\0';
	t.flushes = 0;
	import(&t, CLI_DONE, NULL, text, "--dry-run", "--prune", "--new-uid");
	assert_member(&t, "dry_run", "true");
	assert_counts(&t, "0 1 1 1");
	t.input = text;
	assert_run(&t, CLI_DONE, NULL, "import", "-", "--dry-run", "--prune", "--new-uid");
	assert_non_null(strstr(t.out, "NAME  ID"));
	assert_non_null(strstr(t.out, "70000  deleted\n"));
	assert_non_null(
	    strstr(t.out, "dry run: created 0, changed 1, deleted 1, unchanged 1\n"));
	t.input = NULL;
	import(&t, CLI_REFUSED, "outside uid_range", FIRST KEY("q", "Q000000000", "60000") LAST,
	    "--dry-run");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_string_equal(t.log, "");
	assert_int_equal(t.flushes, 0);
	free(text);
	cli_test_clear(&t);
}

static void
what_this_host_bounds_is_asked_of_what_is_new(void **state)
{
	struct cli_test t;
	char *text;

	cli_test_make(&t, state);
	host_settings(
	    &t.host, "version: 1\ncreate_home: false\nmax_duration: 30d\nhost: bastion-1\n");
	import(&t, CLI_REFUSED, ":2: a expires later than max_duration of this host", good);
	host_settings(&t.host, CLI_SETTINGS);
	import(&t, CLI_DONE, NULL, good);
	/* What is here already may stay, whatever else changes. */
	host_settings(
	    &t.host, "version: 1\ncreate_home: false\nmax_duration: 30d\nhost: bastion-1\n");
	import(&t, CLI_DONE, NULL, good);
	text = edited("\"what\"", "\"else\"");
	import(&t, CLI_DONE, NULL, text);
	free(text);
	text = edited("2028-01-01T00:00:00Z", "2028-01-02T00:00:00Z");
	import(&t, CLI_REFUSED, ":2: a expires later than max_duration of this host", text);
	free(text);
	text = edited("/bin/sh", "/no/such");
	import(&t, CLI_REFUSED, ":2: the shell /no/such cannot be used", text);
	free(text);
	host_settings(&t.host, "version: 7\n");
	import(&t, CLI_FAILED, "apikey.yaml:1:10: ", good);
	cli_test_clear(&t);
}

static void
bindings_that_the_policy_does_not_declare_are_told_and_taken(void **state)
{
	struct cli_test t;
	char *text = edited("[\"viewer\"]", "[\"viewer\", \"nope\"]");

	cli_test_make(&t, state);
	import(&t, CLI_DONE, "1 keys (a the first) have bindings that give nothing", text);
	assert_counts(&t, "2 0 0 0");
	free(text);
	cli_test_clear(&t);
}

static void
names_and_ids_of_the_directory_are_refused(void **state)
{
	struct cli_test t;
	struct key_record k;

	cli_test_make(&t, state);
	host_settings(&t.host, CLI_DIRECTORY_SETTINGS);
	k = directory_key("a", DIRECTORY_UID);
	(void)directory_write_keys(&t.host.paths, &k, 1, HOST_NOW);
	assert_run(&t, CLI_DONE, NULL, "publish");
	import(&t, CLI_REFUSED, ":2: a is a key of the directory\n", good);
	k = directory_key("z", DIRECTORY_UID);
	memcpy(k.id, "A000000000", sizeof(k.id));
	(void)directory_write_keys(&t.host.paths, &k, 1, HOST_NOW);
	import(&t, CLI_REFUSED, ":2: z is a key of the directory, and has the id A00", good);
	cli_test_clear(&t);
}

#define HOMELESS(name, id, uid)                                                                \
	"{\"name\": \"" name "\", \"id\": \"" id "\", \"uid\": " uid                           \
	", \"state\": \"active\", \"description\": \"\", \"owner\": \"\", \"roles\": [], "     \
	"\"groups\": [], \"from\": [], \"not_before\": null, \"expires_at\": null, "           \
	"\"created_at\": \"2026-01-01T00:00:00Z\", \"created_by\": \"\", \"secrets\": [], "    \
	"\"shell\": \"/bin/sh\", \"home\": "

static void
a_home_is_made_where_this_host_makes_them_and_nowhere_else(void **state)
{
	struct cli_test t;
	char text[4096], settings[512];
	struct stat st;

	cli_test_make(&t, state);
	if (geteuid() != 0)
		skip();
	(void)snprintf(settings, sizeof(settings),
	    "version: 1\nhost: bastion-1\nhome: %s-%%n\n", tmp_path(t.tmp, "home"));
	host_settings(&t.host, settings);
	(void)snprintf(text, sizeof(text),
	    FIRST HOMELESS("a", "A000000000", "70000") "\"%s\"}\n" LAST,
	    tmp_path(t.tmp, "home-a"));
	import(&t, CLI_DONE, NULL, text, "--dry-run");
	assert_false(file_is_there(tmp_path(t.tmp, "home-a")));
	import(&t, CLI_DONE, "", text);
	assert_int_equal(stat(tmp_path(t.tmp, "home-a"), &st), 0);
	assert_int_equal(st.st_uid, 70000);
	/* Of a key that is there it is made where it is missing, and no more than said when it can't be. */
	assert_int_equal(rmdir(tmp_path(t.tmp, "home-a")), 0);
	import(&t, CLI_DONE, NULL, text);
	assert_int_equal(rmdir(tmp_path(t.tmp, "home-a")), 0);
	file_write(tmp_path(t.tmp, ".home-a.new"), "", 0, 0600);
	import(&t, CLI_DONE, ".home-a.new", text);
	assert_run(&t, CLI_DONE, NULL, "delete", "a");
	(void)snprintf(text, sizeof(text),
	    FIRST HOMELESS("c", "C000000000", "70002") "\"%s\"}\n" LAST,
	    tmp_path(t.tmp, "home-c"));
	file_write(tmp_path(t.tmp, ".home-c.new"), "", 0, 0600);
	import(&t, CLI_FAILED, ".home-c.new", text);
	/* A file names any folder: it would be given away. */
	(void)snprintf(text, sizeof(text),
	    FIRST HOMELESS("b", "B000000000", "70001") "\"%s\"}\n" LAST,
	    tmp_path(t.tmp, "ssh.service.d"));
	import(&t, CLI_DONE, "1 homes (", text);
	assert_non_null(strstr(t.err, "ssh.service.d of b the first) were not made"));
	assert_false(file_is_there(tmp_path(t.tmp, "ssh.service.d")));
	assert_run(&t, CLI_DONE, NULL, "show", "b");
	assert_non_null(strstr(t.out, "ssh.service.d"));
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_file_makes_the_keys_that_it_has),
	    T(a_second_import_changes_nothing),
	    T(the_highest_ids_count_as_far_as_the_file_names_them),
	    T(each_thing_that_is_wrong_with_a_line_is_told_with_its_place),
	    T(all_that_is_wrong_is_told_at_once),
	    T(no_more_is_told_than_a_person_reads),
	    T(a_line_has_a_longest_length),
	    T(a_file_is_read_on_to_its_last_line),
	    T(a_file_that_is_not_there_is_not_found),
	    T(a_key_that_exists_is_set_to_what_the_file_says),
	    T(a_token_keeps_its_number_and_another_gets_one_that_none_had),
	    T(a_name_with_another_id_is_another_key_and_is_replaced_only_when_told),
	    T(an_id_that_another_key_has_is_refused),
	    T(a_uid_that_is_not_to_be_had_is_refused_or_the_next_one),
	    T(a_key_that_was_deleted_here_does_not_come_back),
	    T(a_gid_that_is_not_to_be_had_is_refused_or_the_next_one),
	    T(what_is_counted_up_later_never_meets_an_id_of_the_file),
	    T(prune_takes_no_file_that_would_leave_little),
	    T(prune_deletes_what_is_not_in_the_file),
	    T(the_sessions_of_what_changed_or_went_are_judged),
	    T(a_dry_run_tells_all_and_changes_nothing),
	    T(what_this_host_bounds_is_asked_of_what_is_new),
	    T(bindings_that_the_policy_does_not_declare_are_told_and_taken),
	    T(names_and_ids_of_the_directory_are_refused),
	    T(a_home_is_made_where_this_host_makes_them_and_nowhere_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
