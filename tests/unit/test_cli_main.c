/* The command's frame: verbs, options, help, exit codes, who may run it; and who ran it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "host.h"
#include "out.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "who.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const verb_names[][2] = {{"create", NULL}, {"ensure", NULL}, {"list", NULL},
    {"show", NULL}, {"set", NULL}, {"rotate", NULL}, {"disable", NULL}, {"enable", NULL},
    {"delete", NULL}, {"role", "add"}, {"role", "remove"}, {"role", "list"}, {"check", NULL},
    {"explain", NULL}, {"publish", NULL}, {"token", "new"}};

static void
every_verb_has_help_on_stdout(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(verb_names); i++) {
		const char *first = verb_names[i][0], *second = verb_names[i][1];
		char usage[64];

		if (second == NULL)
			assert_run(&t, CLI_DONE, NULL, first, "--help");
		else
			assert_run(&t, CLI_DONE, NULL, first, second, "-h");
		(void)snprintf(usage, sizeof(usage), "usage: apikey %s%s%s", first,
		    second == NULL ? "" : " ", second == NULL ? "" : second);
		assert_row(first, strncmp(t.out, usage, strlen(usage)) == 0);
		assert_row(first, strstr(t.out, "--output json|table") != NULL);
	}
	cli_test_clear(&t);
}

static void
wrong_usage_is_exit_2_and_a_sentence(void **state)
{
	static const struct {
		const char *words[4];
		const char *says;
	} rows[] = {
	    {{NULL}, "usage: apikey VERB"},
	    {{"fly"}, "there is no verb `fly': see `apikey help`"},
	    {{"--fly"}, "there is no verb `--fly'"},
	    {{"role"}, "usage: apikey role add NAME|ID BINDING"},
	    {{"role", "fly"}, "there is no verb `role fly': see `apikey help role`"},
	    {{"creat"}, "there is no verb `creat': did you mean `create'?"},
	    {{"CREATE"}, "there is no verb `CREATE': see `apikey help`"},
	    {{"lsit"}, "did you mean `list'?"},
	    {{"polcy", "apply"}, "there is no verb `polcy': did you mean `policy'?"},
	    {{"role", "ad"}, "there is no verb `role ad': did you mean `role add'?"},
	    {{"help", "creat"}, "there is no verb `creat': did you mean `create'?"},
	    {{"help", "rol", "add"}, "there is no verb `rol': did you mean `role'?"},
	    {{"help", "policy", "aply"}, "did you mean `policy apply'?"},
	    {{"help", "create", "add"},
		"there is no verb `create add': see `apikey help create`"},
	    {{"help", "create", "a", "b"}, "help takes no further `b'"},
	    {{"help", "apikey_ABCDEFGHIJ_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"},
		"there is no verb `"},
	    {{"token"}, "usage: apikey token new"},
	    {{"list", "a"}, "list takes no further `a'"},
	    {{"list", "-x"}, "unknown option -x"},
	    {{"list", "-q"}, "unknown option -q"},
	    {{"list", "--expired=yes"}, "--expired takes no value"},
	    {{"list", "--expiring"}, "--expiring needs a value"},
	    {{"list", "-o"}, "--output needs a value: json|table"},
	    {{"list", "-o", "xml"}, "--output is json or table, not `xml'"},
	    {{"show"}, "show needs NAME|ID"},
	    {{"show"}, "see `apikey help show`"},
	    {{"role", "add"}, "see `apikey help role add`"},
	    {{"show", "a", "b"}, "show takes no further `b'"},
	    {{"show", "--", "-a", "b"}, "show takes no further `b'"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[6] = {"apikey"};

		for (size_t w = 0; w < 4 && rows[i].words[w] != NULL; w++)
			words[1 + w] = rows[i].words[w];
		cli_test_assert(
		    &t, CLI_USAGE, rows[i].says, cli_test_run(&t, words), __FILE__, __LINE__);
		assert_string_equal(t.out, "");
	}
	cli_test_clear(&t);
}

static void
version_and_family_help_are_answers(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "--version");
	assert_int_equal(strncmp(t.out, "apikey ", 7), 0);
	assert_run(&t, CLI_DONE, NULL, "help");
	assert_run(&t, CLI_DONE, NULL, "role", "--help");
	assert_non_null(strstr(t.out, "apikey role list NAME|ID [--options]\n"));
	/* Flags that come again, and options among operands. */
	assert_run(&t, CLI_DONE, NULL, "list", "--expired", "--expired", "--expired",
	    "--expired", "-o", "json");
	assert_run(&t, CLI_REFUSED, "there is no key", "show", "-o", "json", "a");
	assert_run(&t, CLI_REFUSED, "there is no key `--help'", "show", "--", "--help");
	cli_test_clear(&t);
}

static void
only_the_files_owner_may_do_more_than_make_tokens(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	t.cli.paths.owner = geteuid() + 1;
	assert_run(&t, CLI_REFUSED, "list needs root: try `sudo apikey list`", "list");
	assert_run(&t, CLI_REFUSED, "create needs root", "create", "--name", "a");
	assert_run(&t, CLI_USAGE, "unknown option", "create", "--nam-e", "a");
	assert_run(&t, CLI_DONE, NULL, "token", "new");
	assert_run(&t, CLI_DONE, NULL, "create", "--help");
	cli_test_clear(&t);
}

/* A second process holds the lock until it has read that the command waits for it. */
static void
hold_lock(const struct cli_test *t, int ready, int told)
{
	const struct store_options opt = {.accept_rollback = false};
	struct store *s = NULL;
	char said[256] = "", wanted[64];
	size_t n = 0;
	ssize_t got;

	(void)snprintf(wanted, sizeof(wanted), "waiting for process %ld,", (long)getpid());
	if (store_open(&t->cli.paths, &opt, &s, NULL) != AK_OK || write(ready, "x", 1) != 1)
		_exit(1);
	while (strchr(said, '\n') == NULL && n < sizeof(said) - 1 &&
	       (got = read(told, said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	store_close(&s);
	_exit(strstr(said, wanted) == NULL ? 2 : 0);
}

static void
a_second_change_waits_and_names_the_first(void **state)
{
	char publish[] = "publish", name[] = "apikey", *argv[] = {name, publish, NULL}, byte;
	struct cli_test t;
	int ready[2], told[2], status;
	pid_t pid;

	cli_test_make(&t, state);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(told), 0);
	if ((pid = fork()) == 0)
		hold_lock(&t, ready[1], told[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_non_null(t.cli.err = fdopen(told[1], "w"));
	(void)setvbuf(t.cli.err, NULL, _IONBF, 0); /* as stderr */
	assert_non_null(t.cli.out = fopen("/dev/null", "we"));
	assert_int_equal(cli_run(&t.cli, 2, argv), CLI_DONE);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)fclose(t.cli.err);
	(void)fclose(t.cli.out);
	(void)close(ready[0]);
	(void)close(ready[1]);
	(void)close(told[0]);
}

static void
each_outcome_has_its_exit_code(void **state)
{
	static const struct {
		enum ak_err err;
		enum cli_exit code;
	} rows[] = {{AK_OK, CLI_DONE}, {AK_ERR_NOT_FOUND, CLI_REFUSED},
	    {AK_ERR_DENIED, CLI_REFUSED}, {AK_ERR_EXISTS, CLI_REFUSED},
	    {AK_ERR_INVALID, CLI_USAGE}, {AK_ERR_UNAVAILABLE, CLI_FAILED},
	    {AK_ERR_CORRUPT, CLI_FAILED}, {AK_ERR_UNSAFE, CLI_FAILED},
	    {AK_ERR_ROLLBACK, CLI_FAILED}, {AK_ERR_FULL, CLI_FAILED},
	    {AK_ERR_RANGE, CLI_FAILED}, {AK_ERR_NOMEM, CLI_FAILED}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_int_equal(cli_exit_for(rows[i].err), rows[i].code);
}

/* loginuid's text, SUDO_USER, the real uid; the name. */
static void
who_is_the_login_then_sudos_user_then_the_real_one(void **state)
{
	static const struct {
		const char *loginuid, *sudo;
		const char *wanted;
	} rows[] = {
	    {"0", "alice", "root"},
	    {"0\n", NULL, "root"},
	    {"4294967295", "alice", "alice"},
	    {"4294967295\n", NULL, "#real"},
	    {NULL, "alice", "alice"},
	    {NULL, NULL, "#real"},
	    {NULL, "", "#real"},
	    {NULL, "a\nb", "#real"},
	    {"nonsense", "alice", "alice"},
	    {"1999999998", "alice", "1999999998"},
	};
	struct tmp *tmp = *state;
	char name[64];

	for (size_t i = 0; i < N(rows); i++) {
		const char *file = tmp_path(tmp, "loginuid"), *wanted = rows[i].wanted;

		(void)unlink(file);
		if (rows[i].loginuid != NULL)
			file_write(file, rows[i].loginuid, strlen(rows[i].loginuid), 0644);
		if (strcmp(wanted, "#real") == 0)
			wanted = "1999999997";
		who_name(file, rows[i].sudo, 1999999997, name, sizeof(name));
		assert_string_equal(name, wanted);
	}
}

/* What is on every machine. */
static void
the_installed_host_knows_the_machines_accounts(void **state)
{
	struct cli_host h = host_installed();
	uint32_t id = 7;

	(void)state;
	assert_true(h.now(h.ctx) > 1700000000);
	assert_err("", AK_OK, h.find_user(h.ctx, "root", &id));
	assert_int_equal(id, 0);
	assert_err("", AK_OK, h.find_group(h.ctx, "root", &id));
	assert_err("", AK_ERR_NOT_FOUND, h.find_user(h.ctx, "no-such-user-here", &id));
	assert_err("", AK_ERR_NOT_FOUND, h.find_group(h.ctx, "no-such-group-here", &id));
	assert_err("", AK_ERR_EXISTS, h.check_id(h.ctx, 0));
	assert_err("", AK_OK, h.check_id(h.ctx, 1999999998));
}

static void
json_that_could_not_be_built_is_not_printed(void **state)
{
	struct out_json *j = out_json_new();

	(void)state;
	out_text(j, "x", "y"); /* into nothing */
	assert_err("", AK_ERR_NOMEM, out_json_print(&j, OUT_INDENTED, stderr));
	assert_null(j);
	j = out_json_new();
	for (int i = 0; i < 20; i++)
		out_list(j, NULL);
	assert_err("too deep", AK_ERR_NOMEM, out_json_print(&j, OUT_INDENTED, stderr));
	j = NULL;
	out_object(j, NULL);
	out_text(j, "x", "y");
	out_close(j);
	assert_err("no memory", AK_ERR_NOMEM, out_json_print(&j, OUT_INDENTED, stderr));
}

static void
what_is_not_utf8_is_shown_and_not_lost(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct out_json *j = out_json_new();

	(void)state;
	out_object(j, NULL);
	out_text(j, "x",
	    "a\xff"
	    "b");
	assert_err("", AK_OK, out_json_print(&j, OUT_ONE_LINE, f));
	(void)fclose(f);
	assert_string_equal(text, "{\"x\": \"a?b\"}");
	free(text);
}

static void
json_is_escaped_where_a_terminal_would_act_on_it(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
	    {"\x7f", "\\u007f"},
	    {"\xc2\x80", "\\u0080"},
	    {"a\xc2\x9b\x7f"
	     "b",
		"a\\u009b\\u007fb"},
	    {"\xc2\x9f\xc2\xa0", "\\u009f\xc2\xa0"},
	    {"~\xc2\xbf\xc3\x80", "~\xc2\xbf\xc3\x80"},
	    {"\xe2\x82\x9b\xf0\x9f\x92\x9b", "\xe2\x82\x9b\xf0\x9f\x92\x9b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL, wanted[80];
		size_t len;
		FILE *f = open_memstream(&text, &len);
		struct out_json *j = out_json_new();

		out_list(j, NULL);
		out_text(j, NULL, rows[i].text);
		assert_err("", AK_OK, out_json_print(&j, OUT_ONE_LINE, f));
		(void)fclose(f);
		(void)snprintf(wanted, sizeof(wanted), "[\"%s\"]", rows[i].shown);
		assert_string_equal(text, wanted);
		free(text);
	}
}

static void
tables_align_characters_and_not_bytes(void **state)
{
	static const char *const headings[] = {"A", "B", NULL};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct out_table t = out_table_init(headings, 0);

	(void)state;
	out_cell(&t, "Prüf");
	out_cell(&t, "");
	out_cell(&t, "x\x1b[31m");
	out_cell(&t, "y");
	assert_err("", AK_OK, out_table_print(&t, f));
	(void)fclose(f);
	out_table_clear(&t);
	assert_string_equal(text, "A       B\nPrüf    -\nx?[31m  y\n");
	free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_verb_has_help_on_stdout),
	    T(wrong_usage_is_exit_2_and_a_sentence),
	    T(version_and_family_help_are_answers),
	    T(only_the_files_owner_may_do_more_than_make_tokens),
	    T(a_second_change_waits_and_names_the_first),
	    cmocka_unit_test(each_outcome_has_its_exit_code),
	    T(who_is_the_login_then_sudos_user_then_the_real_one),
	    cmocka_unit_test(the_installed_host_knows_the_machines_accounts),
	    cmocka_unit_test(json_that_could_not_be_built_is_not_printed),
	    cmocka_unit_test(what_is_not_utf8_is_shown_and_not_lost),
	    cmocka_unit_test(json_is_escaped_where_a_terminal_would_act_on_it),
	    cmocka_unit_test(tables_align_characters_and_not_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
