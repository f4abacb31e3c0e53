#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_alloc.h"
#include "testlib_random.h"
#include "yamltree.h"

#define TEXT(s) (s), sizeof(s) - 1

static struct yaml_doc *
parse(const char *bytes, size_t len_b)
{
	struct diag why = DIAG_INIT;
	struct yaml_doc *doc = NULL;
	enum ak_err err = yamltree_parse(bytes, len_b, "f.yaml", &doc, &why);

	assert_err(why.text, AK_OK, err);
	assert_non_null(doc);
	return doc;
}

struct refusal {
	const char *name, *bytes;
	size_t len_b;
	unsigned line, col;
	const char *says; /* a part of the sentence */
};

static void
check_refusals(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct refusal *row = &rows[i];
		struct diag why = DIAG_INIT;
		struct yaml_doc *doc = NULL;
		enum ak_err err = yamltree_parse(row->bytes, row->len_b, "f.yaml", &doc, &why);
		char text[1024];

		assert_err(row->name, AK_ERR_INVALID, err);
		assert_null(doc);
		(void)snprintf(text, sizeof(text), "%s: %s", row->name,
		    diag_print(&why, (char[900]){0}, 900));
		assert_row(text, strcmp(why.file, "f.yaml") == 0);
		assert_row(text, why.line == row->line && why.col == row->col);
		assert_row(text, strstr(why.text, row->says) != NULL);
	}
}

#define CHECK_REFUSALS(rows) check_refusals((rows), sizeof(rows) / sizeof((rows)[0]))

static void
a_tree_has_kinds_texts_and_places(void **state)
{
	struct yaml_doc *doc = parse(TEXT("a: 1\nlist:\n- x\n- {k: 'v'}\n"));
	const struct yaml_node *root = yamltree_root_borrow(doc), *list, *item;

	(void)state;
	assert_int_equal(root->kind, YAML_MAPPING);
	assert_string_equal(root->first->text, "a");
	assert_string_equal(root->first->next->text, "1");
	assert_int_equal(root->first->next->line, 1);
	assert_int_equal(root->first->next->col, 4);
	list = root->first->next->next->next;
	assert_int_equal(list->kind, YAML_SEQUENCE);
	assert_null(list->text);
	assert_string_equal(list->first->text, "x");
	assert_true(list->first->plain);
	item = list->first->next;
	assert_int_equal(item->kind, YAML_MAPPING);
	assert_int_equal(item->line, 4);
	assert_int_equal(item->col, 3);
	assert_string_equal(item->first->next->text, "v");
	assert_false(item->first->next->plain);
	assert_null(item->next);
	assert_null(list->next);
	yamltree_free(&doc);
	assert_null(doc);
	yamltree_free(&doc);
}

static void
abuse_051_an_empty_file_has_no_root(void **state)
{
	static const struct {
		const char *bytes;
		size_t len_b;
	} rows[] = {{TEXT("")}, {TEXT("\n\n")}, {TEXT("# only words\n")}, {TEXT("---\n")},
	    {TEXT("---\n...\n")}, {TEXT("  \n")}, {TEXT("\r\n")}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct yaml_doc *doc = parse(rows[i].bytes, rows[i].len_b);

		assert_row(rows[i].bytes, yamltree_root_borrow(doc) == NULL);
		yamltree_free(&doc);
	}
}

static void
abuse_049_yes_and_0777_and_10_00_are_texts(void **state)
{
	static const char *const words[] = {"yes", "on", "no", "0777", "10:00", "~", "null",
	    "1e3", "0x10", "true", ".inf", "2025-01-01", "<<", "="};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char bytes[64];
		int len = snprintf(bytes, sizeof(bytes), "k: %s\n", words[i]);
		struct yaml_doc *doc = parse(bytes, (size_t)len);

		assert_string_equal(yamltree_root_borrow(doc)->first->next->text, words[i]);
		yamltree_free(&doc);
	}
}

static void
abuse_043_a_duplicate_key_is_refused_with_both_places(void **state)
{
	static const struct refusal rows[] = {
	    {"twice", TEXT("a: 1\nb: 2\na: 3\n"), 3, 1, "`a' is given twice (first at line 1)"},
	    {"nested", TEXT("r:\n  viewer: {}\n  x: {}\n  viewer: {}\n"), 4, 3,
		"`viewer' is given twice (first at line 2)"},
	    {"flow", TEXT("{a: 1, a: 2}"), 1, 8, "`a' is given twice"},
	    {"quoted", TEXT("a: 1\n'a': 2\n\"\\x61\": 3\n"), 2, 1, "`a' is given twice"},
	    {"three", TEXT("c: 1\nc: 1\nc: 1\n"), 2, 1, "first at line 1"},
	    {"the first repetition of several", TEXT("z: 1\na: 1\nz: 2\na: 2\n"), 3, 1, "`z'"},
	    {"empty keys", TEXT("'': 1\n'': 2\n"), 2, 1, "`' is given twice"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_041_an_alias_bomb_does_not_start(void **state)
{
	static const struct refusal rows[] = {
	    {"bomb", TEXT("a: &a [x,x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"), 1, 4, "anchors"},
	    {"alias alone", TEXT("a: *b\n"), 1, 4, "aliases (*name)"},
	    {"a lone star", TEXT("services: [*]\n"), 1, 12, "quote a text that begins with *"},
	    {"anchor on a mapping", TEXT("a: &x\n  b: 1\n"), 1, 4, "anchors"},
	    {"anchor on nothing", TEXT("a: &x\n"), 1, 4, "anchors"},
	    {"anchor on a key", TEXT("&x a: 1\n"), 1, 1, "anchors"},
	    {"a merge", TEXT("a: {b: 1}\nc:\n  <<: *a\n"), 3, 7, "aliases"},
	    {"to itself", TEXT("a: &a [*a]\n"), 1, 4, "anchors"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

/* n times open, then n times close. */
static char *
nested(unsigned n, char open, char close)
{
	char *s = malloc(2 * (size_t)n + 1);

	assert_non_null(s);
	memset(s, open, n);
	memset(s + n, close, n);
	s[2 * n] = '\0';
	return s;
}

static void
abuse_042_depth_64_is_read_and_more_is_refused(void **state)
{
	static const unsigned deep[] = {65, 66, 1000, 10000, 1000000};
	char *s = nested(64, '[', ']');
	struct yaml_doc *doc = parse(s, strlen(s));

	(void)state;
	yamltree_free(&doc);
	free(s);
	for (size_t i = 0; i < sizeof(deep) / sizeof(deep[0]); i++) {
		struct diag why = DIAG_INIT;

		s = nested(deep[i], '[', ']');
		assert_err(
		    "flow", AK_ERR_INVALID, yamltree_parse(s, strlen(s), "f", &doc, &why));
		assert_int_equal(why.col, 65);
		assert_non_null(strstr(why.text, "64 levels"));
		free(s);
	}
}

static void
abuse_042_deep_blocks_and_dashes_are_refused(void **state)
{
	static const char *const units[] = {"- ", "? ", "[{", "{[", "{a: "};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t unit = strlen(units[i]), n = 10000;
		char *s = malloc(unit * n + 1);
		struct yaml_doc *doc = NULL;

		assert_non_null(s);
		for (size_t k = 0; k < n; k++)
			memcpy(s + k * unit, units[i], unit);
		assert_err(
		    units[i], AK_ERR_INVALID, yamltree_parse(s, unit * n, "f", &doc, NULL));
		assert_null(doc);
		free(s);
	}
}

static void
abuse_045_046_tabs_boms_utf16_and_nul_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"tab", TEXT("a:\n\tb: 1\n"), 2, 1, "a tab: use spaces"},
	    {"BOM",
		TEXT("\xef\xbb\xbf"
		     "a: 1\n"),
		1, 1, "byte order mark"},
	    {"BOM within",
		TEXT("a: 1\nb: \xef\xbb\xbf"
		     "1\n"),
		2, 4, "byte order mark"},
	    {"UTF-16 LE",
		TEXT("\xff\xfe"
		     "a\0:\0 \0"
		     "1\0"),
		1, 1, "UTF-16"},
	    {"UTF-16 BE",
		TEXT("\xfe\xff"
		     "\0a\0:\0 \0"
		     "1"),
		1, 1, "UTF-16"},
	    {"UTF-16 without a mark",
		TEXT("a\0:\0 \0"
		     "1\0"),
		1, 2, "NUL"},
	    {"NUL", TEXT("a: 1\nb: \0 2\n"), 2, 4, "NUL"},
	    {"NUL hides the rest", TEXT("a: 1\n\0b: 2\n"), 2, 1, "NUL"},
	    {"NUL at the end", TEXT("a: 1\n\0"), 2, 1, "NUL"},
	    {"escaped NUL", TEXT("a: \"x\\0y\"\n"), 1, 4, "escaped NUL"},
	    {"escaped NUL in a key", TEXT("\"a\\x00\": 1\n"), 1, 1, "escaped NUL"},
	    {"invalid UTF-8", TEXT("a: 1\nb: \xc3\x28\n"), 2, 5, "UTF-8"},
	    {"overlong UTF-8", TEXT("a: \xc0\xaf\n"), 1, 4, "UTF-8"},
	    {"a surrogate", TEXT("a: \xed\xa0\x80\n"), 1, 4, "Unicode"},
	    {"cut UTF-8", TEXT("a: \xc3"), 1, 4, "UTF-8"},
	    {"control byte", TEXT("a: \x1b[2J\n"), 1, 4, "control characters"},
	    {"columns count characters", TEXT("\xc3\xa4: \x01\n"), 1, 4, "control characters"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
what_breaks_lines_for_yaml_alone_is_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"NEL",
		TEXT("# words\xc2\x85"
		     "allow: []\n"),
		1, 8, "U+0085"},
	    {"LS",
		TEXT("# words\xe2\x80\xa8"
		     "allow: []\n"),
		1, 8, "U+2028"},
	    {"PS",
		TEXT("# words\xe2\x80\xa9"
		     "allow: []\n"),
		1, 8, "U+2029"},
	    {"a lone CR", TEXT("# words\rallow: []\n"), 1, 8, "carriage return"},
	    {"a lone CR at the end", TEXT("a: 1\r"), 1, 5, "carriage return"},
	};
	struct yaml_doc *doc = parse(TEXT("a: 1\r\nb: 2\r\n"));

	(void)state;
	yamltree_free(&doc);
	CHECK_REFUSALS(rows);
}

static void
abuse_047_048_tags_directives_and_second_documents_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"tag", TEXT("a: !!int 1\n"), 1, 4, "tags"},
	    {"local tag", TEXT("a: !x 1\n"), 1, 4, "tags"},
	    {"bare tag", TEXT("a: ! 1\n"), 1, 4, "tags"},
	    {"verbatim tag", TEXT("a: !<tag:yaml.org,2002:str> 1\n"), 1, 4, "tags"},
	    {"python", TEXT("!!python/object/apply:os.system ['id']\n"), 1, 1, "tags"},
	    {"tag on a list", TEXT("a: !!seq [1]\n"), 1, 4, "tags"},
	    {"tag on a mapping", TEXT("a: !!map {b: 1}\n"), 1, 4, "tags"},
	    {"tag on a key", TEXT("!!str a: 1\n"), 1, 1, "tags"},
	    {"%TAG", TEXT("%TAG ! tag:x,2000:\n---\na: 1\n"), 1, 1, "%TAG"},
	    {"%YAML", TEXT("%YAML 1.1\n---\na: 1\n"), 1, 1, "%YAML"},
	    {"second", TEXT("a: 1\n---\nb: 2\n"), 2, 1, "second document"},
	    {"second, ended", TEXT("a: 1\n...\n---\nb: 2\n"), 3, 1, "second document"},
	    {"second, both empty", TEXT("---\n---\n"), 2, 1, "second document"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
keys_that_are_no_words_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"list", TEXT("? [a]\n: 1\n"), 1, 3, "a key must be a word"},
	    {"mapping", TEXT("{a: 1}: 2\n"), 1, 1, "a key must be a word"},
	    {"flow list", TEXT("{[a]: 1}\n"), 1, 2, "a key must be a word"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
broken_syntax_is_refused_at_its_place(void **state)
{
	static const struct refusal rows[] = {
	    {"open list", TEXT("a: [1, 2\n"), 2, 1, "line 1"},
	    {"open quote", TEXT("a: 'x\n"), 2, 1, "line 1"},
	    {"two values", TEXT("a: b: c\n"), 1, 5, "mapping values are not allowed"},
	    {"indentation", TEXT("a:\n  b: 1\n c: 2\n"), 3, 2, ""},
	    {"at sign", TEXT("a: @x\n"), 1, 4, "quote it"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_050_10_mib_are_refused_unread_and_8_mib_are_read(void **state)
{
	size_t len_b = 10U << 20;
	char *bytes = malloc(len_b);
	struct diag why = DIAG_INIT;
	struct yaml_doc *doc = NULL;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', len_b);
	assert_err("10 MiB", AK_ERR_INVALID, yamltree_parse(bytes, len_b, "f", &doc, &why));
	assert_non_null(strstr(why.text, "8 MiB"));
	assert_err(
	    "one more", AK_ERR_INVALID, yamltree_parse(bytes, YAML_MAX_B + 1, "f", &doc, NULL));
	doc = parse(bytes, YAML_MAX_B);
	assert_int_equal(strlen(yamltree_root_borrow(doc)->text), YAML_MAX_B);
	yamltree_free(&doc);
	free(bytes);
}

/* A list of n-1 items is n nodes. */
static enum ak_err
parse_items(unsigned n_items, struct diag *why)
{
	size_t len_b = 2 * (size_t)n_items + 1;
	char *bytes = malloc(len_b);
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	assert_non_null(bytes);
	bytes[0] = '[';
	for (size_t i = 0; i < n_items; i++)
		memcpy(bytes + 1 + 2 * i, "x,", 2);
	bytes[len_b - 1] = ']';
	err = yamltree_parse(bytes, len_b, "f", &doc, why);
	yamltree_free(&doc);
	free(bytes);
	return err;
}

static void
a_million_values_are_read_and_one_more_is_refused(void **state)
{
	struct diag why = DIAG_INIT;

	(void)state;
	assert_err("at the limit", AK_OK, parse_items(YAML_MAX_NODES - 1, &why));
	assert_err("above", AK_ERR_INVALID, parse_items(YAML_MAX_NODES, &why));
	assert_non_null(strstr(why.text, "1,000,000"));
}

/* Quadratic work would take hours; the test program's own time limit would tell. */
static void
many_keys_are_compared_in_less_than_their_square(void **state)
{
	const unsigned n = 300000;
	char *bytes = malloc(16 * (size_t)n), *at = bytes;
	struct yaml_doc *doc;

	(void)state;
	assert_non_null(bytes);
	for (unsigned i = 0; i < n; i++)
		at += sprintf(at, "k%u: 1\n", i);
	doc = parse(bytes, (size_t)(at - bytes));
	yamltree_free(&doc);
	free(bytes);
}

static void
twins_are_found_in_a_list(void **state)
{
	struct yaml_doc *doc = parse(TEXT("[b, a, [x], b, a]"));
	const struct yaml_node *first, *second;

	(void)state;
	assert_err("", AK_OK, yamltree_find_twins(yamltree_root_borrow(doc), &first, &second));
	assert_string_equal(second->text, "b");
	assert_int_equal(first->col, 2);
	assert_int_equal(second->col, 13);
	yamltree_free(&doc);
	doc = parse(TEXT("{a: x, b: x}"));
	assert_err("", AK_OK, yamltree_find_twins(yamltree_root_borrow(doc), &first, &second));
	assert_null(second);
	yamltree_free(&doc);
}

static void
any_bytes_are_read_or_refused_with_a_sentence(void **state)
{
	static const char alphabet[] = "ab:-?[]{},&*!|>'\"%@` \n\t#\\0x\xc3\xa4";
	struct rnd r = rnd_start("any_bytes_are_read_or_refused_with_a_sentence");

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char bytes[65];
		size_t len_b = rnd_below(&r, 64);
		struct diag why = DIAG_INIT;
		struct yaml_doc *doc = NULL;
		enum ak_err err;

		for (size_t i = 0; i < len_b; i++)
			bytes[i] = alphabet[rnd_below(&r, sizeof(alphabet) - 1)];
		bytes[len_b] = '\0';
		err = yamltree_parse(bytes, len_b, "f", &doc, &why);
		assert_row(bytes, err == AK_OK || err == AK_ERR_INVALID);
		assert_row(bytes, (err == AK_OK) == (why.text[0] == '\0'));
		assert_row(bytes, (err == AK_OK) == (doc != NULL));
		yamltree_free(&doc);
	}
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	static const char text[] = "a: {b: [c, d], e: f}\ng: h\n";

	(void)state;
	for (unsigned n = 1;; n++) {
		struct yaml_doc *doc = NULL;
		struct diag why = DIAG_INIT;
		enum ak_err err;

		alloc_fail_nth(n);
		err = yamltree_parse(TEXT(text), "f", &doc, &why);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			yamltree_free(&doc);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_string_equal(why.text, "out of memory");
		assert_null(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_tree_has_kinds_texts_and_places),
	    cmocka_unit_test(abuse_041_an_alias_bomb_does_not_start),
	    cmocka_unit_test(abuse_042_depth_64_is_read_and_more_is_refused),
	    cmocka_unit_test(abuse_042_deep_blocks_and_dashes_are_refused),
	    cmocka_unit_test(abuse_043_a_duplicate_key_is_refused_with_both_places),
	    cmocka_unit_test(abuse_045_046_tabs_boms_utf16_and_nul_are_refused),
	    cmocka_unit_test(what_breaks_lines_for_yaml_alone_is_refused),
	    cmocka_unit_test(abuse_047_048_tags_directives_and_second_documents_are_refused),
	    cmocka_unit_test(abuse_049_yes_and_0777_and_10_00_are_texts),
	    cmocka_unit_test(abuse_050_10_mib_are_refused_unread_and_8_mib_are_read),
	    cmocka_unit_test(abuse_051_an_empty_file_has_no_root),
	    cmocka_unit_test(keys_that_are_no_words_are_refused),
	    cmocka_unit_test(broken_syntax_is_refused_at_its_place),
	    cmocka_unit_test(a_million_values_are_read_and_one_more_is_refused),
	    cmocka_unit_test(many_keys_are_compared_in_less_than_their_square),
	    cmocka_unit_test(twins_are_found_in_a_list),
	    cmocka_unit_test(any_bytes_are_read_or_refused_with_a_sentence),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
