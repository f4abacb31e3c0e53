/* What the command says about itself: the overview, each verb, families, and what a typing error meant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "verb.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A verb's name in its words; words[1] is NULL for one word. */
static void
split(const struct verb *v, char first[32], const char *words[2])
{
	(void)snprintf(first, 32, "%.*s", (int)strcspn(v->name, " "), v->name);
	words[0] = first;
	words[1] = strchr(v->name, ' ') == NULL ? NULL : verb_word(v);
}

static void
help_of_a_verb_is_what_its_own_option_prints(void **state)
{
	struct cli_test t;
	char first[32], *asked;
	const char *w[2];

	cli_test_make(&t, state);
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		split(v, first, w);
		assert_int_equal(run(&t, "help", w[0], w[1]), CLI_DONE);
		asked = t.out;
		t.out = NULL;
		if (w[1] == NULL)
			assert_run(&t, CLI_DONE, NULL, w[0], "--help");
		else
			assert_run(&t, CLI_DONE, NULL, w[0], w[1], "-h");
		assert_string_equal(asked, t.out);
		assert_row(v->name, strncmp(t.out, "usage: apikey ", 14) == 0);
		assert_row(v->name, strstr(t.out, "\nMore: apikey(8)") != NULL);
		free(asked);
	}
	cli_test_clear(&t);
}

/* Columns of a line in UTF-8. */
static size_t
columns(const char *line, size_t len_b)
{
	size_t n = 0;

	for (size_t i = 0; i < len_b; i++)
		n += ((unsigned char)line[i] & 0xC0) != 0x80 ? 1 : 0;
	return n;
}

/* How many lines; none is wider than a terminal, but for what is to be copied as it is. */
static size_t
count_lines(const char *text)
{
	size_t n = 0, len;

	for (const char *line = text; *line != '\0'; line += len + 1, n++) {
		len = strcspn(line, "\n");
		assert_int_equal(line[len], '\n');
		if (columns(line, len) > 80 && strncmp(line, "  apikey ", 9) != 0 &&
		    strncmp(line, "  umask ", 8) != 0)
			fail_msg("too wide: %.*s", (int)len, line);
	}
	return n;
}

static void
the_overview_has_every_verb_on_one_screen(void **state)
{
	struct cli_test t;
	char first[32], line[64];
	const char *w[2];

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "--help");
	assert_true(count_lines(t.out) < 50);
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		split(v, first, w);
		(void)snprintf(line, sizeof(line), "\n  %-9s ", w[0]);
		assert_row(v->name, strstr(t.out, line) != NULL);
		assert_row(v->name, w[1] == NULL || strstr(strstr(t.out, line), w[1]) != NULL);
	}
	for (int s = 0; s < SECTION_COUNT; s++)
		assert_non_null(strstr(t.out, verb_section_title((enum verb_section)s)));
	cli_test_clear(&t);
}

static void
each_way_to_ask_for_it_prints_the_overview(void **state)
{
	struct cli_test t;
	char *overview;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, NULL, "--help");
	overview = t.out;
	t.out = NULL;
	assert_run(&t, CLI_DONE, NULL, "help");
	assert_string_equal(t.out, overview);
	assert_run(&t, CLI_DONE, NULL, "-h");
	assert_string_equal(t.out, overview);
	assert_int_equal(cli_test_run(&t, (const char *const[]){"apikey", NULL}), CLI_USAGE);
	assert_string_equal(t.err, overview);
	free(overview);
	cli_test_clear(&t);
}

static void
a_family_shows_how_each_of_its_verbs_is_used(void **state)
{
	struct cli_test t;
	char usage[64];

	cli_test_make(&t, state);
	for (const struct verb_family *f = verb_families; f->name != NULL; f++) {
		if (verb_find(f->name, NULL) != NULL)
			continue;
		assert_row(f->name, run(&t, "help", f->name) == CLI_DONE);
		for (const struct verb *v = verbs; v->name != NULL; v++) {
			(void)snprintf(usage, sizeof(usage), " apikey %s ", v->name);
			assert_row(
			    v->name, !verb_is_of(v, f->name) || strstr(t.out, usage) != NULL);
		}
		(void)count_lines(t.out);
	}
	assert_run(&t, CLI_DONE, NULL, "help", "sessions");
	assert_non_null(strstr(t.out, "or:  apikey sessions end ID"));
	cli_test_clear(&t);
}

static void
every_family_has_a_sentence_and_every_help_fits_a_terminal(void **state)
{
	struct cli_test t;
	char first[32];
	const char *w[2];

	cli_test_make(&t, state);
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		const struct verb_family *f = verb_families;

		split(v, first, w);
		while (w[1] != NULL && f->name != NULL && strcmp(f->name, first) != 0)
			f++;
		assert_row(v->name, w[1] == NULL || f->name != NULL);
		assert_int_equal(run(&t, "help", w[0], w[1]), CLI_DONE);
		(void)count_lines(t.out);
	}
	cli_test_clear(&t);
}

static void
help_needs_no_root(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	t.cli.paths.owner++;
	assert_run(&t, CLI_DONE, NULL, "help", "create");
	assert_run(&t, CLI_DONE, NULL, "help");
	cli_test_clear(&t);
}

static void
a_typing_error_is_near_to_what_was_meant(void **state)
{
	static const struct {
		const char *family, *word, *meant; /* meant NULL: nothing */
	} rows[] = {
	    {NULL, "creat", "create"},
	    {NULL, "craete", "create"},
	    {NULL, "createe", "create"},
	    {NULL, "crate", "create"},
	    {NULL, "lits", "list"},
	    {NULL, "lis", "list"},
	    {NULL, "shwo", "show"},
	    {NULL, "disabel", "disable"},
	    {NULL, "enalbe", "enable"},
	    {NULL, "statsu", "status"},
	    {NULL, "polcy", "policy check"},
	    {NULL, "roles", "role add"},
	    {NULL, "l", NULL},
	    {NULL, "fly", NULL},
	    {NULL, "", NULL},
	    {NULL, "frobnicate", NULL},
	    {NULL, "createcreatecreatecreatecreatecreate", NULL},
	    {"policy", "aply", "policy apply"},
	    {"policy", "create", NULL},
	    {"role", "remvoe", "role remove"},
	    {"create", "role", NULL},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct verb *v = verb_nearest(rows[i].family, rows[i].word);

		if (rows[i].meant == NULL)
			assert_row(rows[i].word, v == NULL);
		else
			assert_row(
			    rows[i].word, v != NULL && strcmp(v->name, rows[i].meant) == 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(help_of_a_verb_is_what_its_own_option_prints),
	    T(the_overview_has_every_verb_on_one_screen),
	    T(each_way_to_ask_for_it_prints_the_overview),
	    T(a_family_shows_how_each_of_its_verbs_is_used),
	    T(every_family_has_a_sentence_and_every_help_fits_a_terminal),
	    T(help_needs_no_root),
	    cmocka_unit_test(a_typing_error_is_near_to_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
