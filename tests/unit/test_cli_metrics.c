/* status --prometheus: what each metric says, what is left out, and that the text is what Prometheus reads. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lastused.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_daemon.h"
#include "testlib_directory.h"

#define DAY_S 86400
#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* ---- the format ---- */

/* How long a name of a metric or label is at the start of text. */
static size_t
name_len(const char *text)
{
	size_t n = 0;

	while (isalpha((unsigned char)text[n]) || text[n] == '_' ||
	       (n > 0 && isdigit((unsigned char)text[n])))
		n++;
	return n;
}

/* Behind {label="value",…}, or NULL. No value here needs an escape, so that none may have one. */
static const char *
skip_labels(const char *at)
{
	size_t n;

	if (*at != '{')
		return at;
	do {
		at++;
		if ((n = name_len(at)) == 0 || strncmp(at + n, "=\"", 2) != 0)
			return NULL;
		at += n + 2;
		at += strcspn(at, "\"\\\n");
		if (*at++ != '"')
			return NULL;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

/* A sample of the metric `name`: its labels, one blank, a whole number. */
static bool
is_sample(const char *line, const char *name)
{
	const char *at = line + strlen(name);
	char *end;

	if (strncmp(line, name, strlen(name)) != 0 || (at = skip_labels(at)) == NULL ||
	    *at++ != ' ')
		return false;
	(void)strtoll(at, &end, 10);
	return end > at && *end == '\0' && !isspace((unsigned char)*at);
}

/* What is wrong with the text; NULL: nothing. Cuts it into lines. */
static const char *
wrong_with(char *text)
{
	static char seen[8192];
	char name[128] = "", line_name[130], type[160], *line, *rest = text;
	bool typed = true, sampled = true;

	seen[0] = '\0';
	if (text[0] == '\0' || text[strlen(text) - 1] != '\n')
		return "the last line has no end";
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			size_t n = name_len(line + 7);

			if (!sampled || n == 0 || line[7 + n] != ' ' ||
			    strchr(line, '\\') != NULL)
				return line;
			(void)snprintf(name, sizeof(name), "%.*s", (int)n, line + 7);
			(void)snprintf(line_name, sizeof(line_name), "\n%s ", name);
			if (strstr(seen, line_name) != NULL)
				return line;
			(void)strncat(seen, line_name, sizeof(seen) - strlen(seen) - 1);
			typed = sampled = false;
			continue;
		}
		(void)snprintf(type, sizeof(type), "# TYPE %s gauge", name);
		if (strcmp(line, type) == 0 && !typed) {
			typed = true;
			continue;
		}
		if (!typed || name[0] == '\0' || !is_sample(line, name))
			return line;
		sampled = true;
	}
	return sampled ? NULL : "the last metric has no sample";
}

static void
the_text_is_what_prometheus_reads(void **state)
{
	/* The check itself is checked. */
	static const char *const bad[] = {"",
	    "# HELP a b\n# TYPE a gauge\na 1", /* no end of the line */
	    "# HELP a b\n# TYPE a gauge\n", "a 1\n", "# HELP a b\na 1\n",
	    "# HELP a b\n# TYPE b gauge\nb 1\n", "# HELP a b\n# TYPE a gauge\na x\n",
	    "# HELP a b\n# TYPE a gauge\na  1\n", "# HELP a b\n# TYPE a gauge\na 1.\n",
	    "# HELP a b\n# TYPE a gauge\na{b=c} 1\n", "# HELP a b\n# TYPE a gauge\na{b=\"c} 1\n",
	    "# HELP a b\n# TYPE a gauge\na{} 1\n", "# HELP a b\n# TYPE a counter\na 1\n",
	    "# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\na 2\n",
	    "# HELP a b\n# TYPE a gauge\n\na 1\n", "# HELP 1a b\n# TYPE 1a gauge\n1a 1\n"};
	char good[] = "# HELP a b\n# TYPE a gauge\na{b=\"c\",d=\"\"} 1\na{b=\"d\"} -2\n";
	char text[256];
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(bad); i++) {
		(void)snprintf(text, sizeof(text), "%s", bad[i]);
		assert_row(bad[i], wrong_with(text) != NULL);
	}
	assert_null(wrong_with(good));
	assert_run(&t, CLI_DONE, NULL, "status", "--prometheus");
	assert_null(wrong_with(t.out));
	cli_test_clear(&t);
}

/* ---- what it says ---- */

/* The value of a sample, as text; NULL: there is none. */
static const char *
value_of(const struct cli_test *t, const char *sample)
{
	static char value[32];
	char line[128];
	const char *at;

	(void)snprintf(line, sizeof(line), "\n%s ", sample);
	if ((at = strstr(t->out, line)) == NULL)
		return NULL;
	at += strlen(line);
	(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

static void
assert_value(const struct cli_test *t, const char *sample, const char *wanted)
{
	const char *got = value_of(t, sample);

	if (wanted == NULL ? got != NULL : got == NULL || strcmp(got, wanted) != 0)
		fail_msg("%s: %s, not %s:\n%s", sample, got == NULL ? "none" : got,
		    wanted == NULL ? "none" : wanted, t->out);
}

/* Runs it, and holds the text against the format. */
static void
look(struct cli_test *t, int code)
{
	char *copy;

	assert_int_equal(run(t, "status", "--prometheus"), code);
	assert_non_null(copy = strdup(t->out));
	assert_null(wrong_with(copy));
	free(copy);
}

static void
use(const struct cli_test *t, const struct key_record *k, int64_t at)
{
	const struct lastused u = {.at = at, .service = "sshd", .account = "a"};

	lastused_note(&t->host.paths, k, &u);
}

/* Name, state, not_before, expiry and last use after or before now in days; 0: never. */
static const struct made {
	const char *name;
	enum key_state state;
	int pending, expires, used, created;
} made[] = {
    {"aa", KEY_ACTIVE, 0, 0, -1, -200},
    {"ab", KEY_ACTIVE, 0, 14, 0, -200},
    {"ac", KEY_ACTIVE, 0, 15, -90, -200},
    {"ad", KEY_DISABLED, 0, 3, -89, -200},
    {"ae", KEY_ACTIVE, 0, -1, -100, -200},
    {"af", KEY_ACTIVE, 5, 100, 0, -1},
    {"ag", KEY_DISABLED, 0, -3, 0, -90},
};

static int64_t
day(int days, int64_t otherwise)
{
	return days == 0 ? otherwise : HOST_NOW + (int64_t)days * DAY_S;
}

static void
make_keys(struct cli_test *t, void **state)
{
	cli_test_make(t, state);
	for (size_t i = 0; i < N(made); i++) {
		const struct made *m = &made[i];
		struct key_record k = key_make(m->name, 70000 + (uint32_t)i);

		k.state = m->state;
		k.not_before = day(m->pending, 0);
		k.expires_at = day(m->expires, NUM_NEVER);
		k.created_at = day(m->created, HOST_NOW);
		assert_err(m->name, AK_OK, host_put(&t->host, &k));
		if (m->used != 0)
			use(t, &k, day(m->used, 0));
	}
}

static void
keys_are_counted_by_source_and_state(void **state)
{
	struct cli_test t;

	make_keys(&t, state);
	look(&t, CLI_DONE);
	assert_value(&t, "apikey_keys{source=\"local\",state=\"active\"}", "3");
	assert_value(&t, "apikey_keys{source=\"local\",state=\"disabled\"}", "2");
	assert_value(&t, "apikey_keys{source=\"local\",state=\"expired\"}", "1");
	assert_value(&t, "apikey_keys{source=\"local\",state=\"pending\"}", "1");
	assert_value(&t, "apikey_keys{source=\"directory\",state=\"active\"}", NULL);
	/* In three days, though that one is disabled. */
	assert_value(&t, "apikey_keys_next_expiry_timestamp_seconds", "1800259200");
	cli_test_clear(&t);
}

/* How many keys `list` names. */
static void
assert_as_list(struct cli_test *t, const char *sample, const char *option, const char *time)
{
	char n[16];
	json_t *list;

	assert_run(t, CLI_DONE, NULL, "list", option, time, "-o", "json");
	list = cli_test_json(t);
	(void)snprintf(n, sizeof(n), "%zu", json_array_size(list));
	json_decref(list);
	assert_string_not_equal(n, "0");
	look(t, CLI_DONE);
	assert_value(t, sample, n);
}

static void
expiring_and_unused_keys_are_those_that_list_names(void **state)
{
	struct cli_test t;

	make_keys(&t, state);
	assert_as_list(&t, "apikey_keys_expiring", "--expiring", "14d");
	assert_value(&t, "apikey_keys_expiring", "2");
	assert_as_list(&t, "apikey_keys_unused", "--unused", "90d");
	assert_value(&t, "apikey_keys_unused", "4");
	cli_test_clear(&t);
}

static void
a_host_without_keys_says_so_and_names_no_expiry(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	look(&t, CLI_DONE);
	assert_value(&t, "apikey_keys{source=\"local\",state=\"active\"}", "0");
	assert_value(&t, "apikey_keys_next_expiry_timestamp_seconds", NULL);
	assert_value(&t, "apikey_directory_stale", NULL);
	assert_value(&t, "apikey_directory_last_contact_timestamp_seconds", NULL);
	assert_value(&t, "apikey_daemon_up", "0");
	assert_value(&t, "apikey_attention", "0");
	assert_value(&t, "apikey_policy_valid", "1");
	assert_value(&t, "apikey_uids_left", "29999");
	cli_test_clear(&t);
}

static void
the_directory_and_the_daemon_are_told(void **state)
{
	struct key_record b = directory_key("b", DIRECTORY_UID);
	struct control_reply reply = daemon_reply();
	struct cli_test t;
	pid_t pid;

	cli_test_make(&t, state);
	host_settings(&t.host, CLI_DIRECTORY_SETTINGS);
	assert_int_equal(host_publish(&t.host, HOST_NOW), AK_OK);
	look(&t, CLI_FAILED);
	/* Nothing was fetched: how many keys there are nobody knows, and when it was heard. */
	assert_value(&t, "apikey_keys{source=\"directory\",state=\"active\"}", NULL);
	assert_value(&t, "apikey_directory_last_contact_timestamp_seconds", NULL);
	assert_value(&t, "apikey_directory_stale", "1");
	(void)directory_write_keys(&t.host.paths, &b, 1, HOST_NOW);
	directory_write_contact(&t.host.paths, HOST_NOW - 10);
	assert_int_equal(host_publish(&t.host, HOST_NOW), AK_OK);
	pid = daemon_start(&t.host.paths, &reply);
	look(&t, CLI_DONE);
	daemon_end(&t.host.paths, pid, CONTROL_STATUS);
	assert_value(&t, "apikey_keys{source=\"directory\",state=\"active\"}", "1");
	assert_value(&t, "apikey_directory_last_contact_timestamp_seconds", "1799999990");
	assert_value(&t, "apikey_directory_stale", "0");
	assert_value(&t, "apikey_daemon_up", "1");
	assert_value(&t, "apikey_attention", "0");
	t.now = HOST_NOW + 3600;
	look(&t, CLI_FAILED);
	assert_value(&t, "apikey_directory_stale", "1");
	assert_value(&t, "apikey_directory_keys_stale", "0");
	assert_value(&t, "apikey_daemon_up", "0");
	reply.held_back = 9;
	t.now = HOST_NOW;
	pid = daemon_start(&t.host.paths, &reply);
	look(&t, CLI_FAILED);
	daemon_end(&t.host.paths, pid, CONTROL_STATUS);
	assert_value(&t, "apikey_sessions_held_back", "9");
	assert_value(&t, "apikey_attention", "1");
	cli_test_clear(&t);
}

static void
what_cannot_be_known_is_absent(void **state)
{
	static const char *const of_keys[] = {"apikey_keys{source=\"local\",state=\"active\"}",
	    "apikey_keys_expiring", "apikey_keys_unused", "apikey_uids_left",
	    "apikey_gids_left", "apikey_published", "apikey_time_undefined",
	    "apikey_keys_next_expiry_timestamp_seconds"};
	struct cli_test t;

	make_keys(&t, state);
	look(&t, CLI_DONE);
	for (size_t i = 0; i < N(of_keys); i++)
		assert_row(of_keys[i], value_of(&t, of_keys[i]) != NULL);
	assert_int_equal(chmod(t.host.paths.lastused, 0666), 0);
	look(&t, CLI_DONE);
	assert_value(&t, "apikey_keys_unused", NULL);
	assert_value(&t, "apikey_keys_expiring", "2");
	host_settings(&t.host, "version: 1\nuid_range: 5\n");
	look(&t, CLI_FAILED);
	assert_value(&t, "apikey_uids_left", NULL);
	assert_value(&t, "apikey_gids_left", NULL);
	assert_value(&t, "apikey_keys_expiring", "2");
	file_write(t.host.paths.local, "x", 1, 0600);
	look(&t, CLI_FAILED);
	for (size_t i = 0; i < N(of_keys); i++)
		assert_value(&t, of_keys[i], NULL);
	assert_value(&t, "apikey_lockdown", "0");
	cli_test_clear(&t);
}

static void
what_is_wrong_is_told_and_the_exit_code_is_statuss(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_int_equal(symlink("/nowhere", t.host.paths.lockdown), 0);
	assert_int_equal(symlink("/dev/null", t.host.paths.audit), 0);
	host_policy(&t.host, NULL);
	look(&t, CLI_FAILED);
	assert_value(&t, "apikey_lockdown", "1");
	assert_value(&t, "apikey_audit_writable", "0");
	assert_value(&t, "apikey_policy_valid", "0");
	assert_value(&t, "apikey_policy_changed_timestamp_seconds", NULL);
	assert_value(&t, "apikey_attention", "3");
	t.now = HOST_NOW - DAY_S;
	assert_int_equal(unlink(t.host.paths.lockdown), 0);
	look(&t, CLI_FAILED);
	assert_value(&t, "apikey_lockdown", "0");
	assert_run(&t, CLI_USAGE, "leave out --output", "status", "--prometheus", "-o", "json");
	assert_string_equal(t.out, "");
	cli_test_clear(&t);
}

static void
no_key_is_named(void **state)
{
	struct cli_test t;

	make_keys(&t, state);
	look(&t, CLI_DONE);
	for (size_t i = 0; i < N(made); i++) {
		char quoted[16];

		(void)snprintf(quoted, sizeof(quoted), "\"%s\"", made[i].name);
		assert_row(made[i].name, strstr(t.out, quoted) == NULL);
	}
	assert_non_null(strstr(t.out, "apikey_build_info{version=\""));
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_text_is_what_prometheus_reads),
	    T(keys_are_counted_by_source_and_state),
	    T(expiring_and_unused_keys_are_those_that_list_names),
	    T(a_host_without_keys_says_so_and_names_no_expiry),
	    T(the_directory_and_the_daemon_are_told),
	    T(what_cannot_be_known_is_absent),
	    T(what_is_wrong_is_told_and_the_exit_code_is_statuss),
	    T(no_key_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
