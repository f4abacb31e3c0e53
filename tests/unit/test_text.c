/* Strings of a fixed room, packed lists, names and globs. */
#include <string.h>

#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "testlib_tmp.h"
#include "testlib_turkish.h"
#include "text.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
a_copy_is_whole_or_empty(void **state)
{
	char dst[4] = "old", none = 'x';

	(void)state;
	assert_err("exact", AK_OK, text_copy(dst, sizeof(dst), "abc"));
	assert_string_equal(dst, "abc");
	assert_err("one too long", AK_ERR_RANGE, text_copy(dst, sizeof(dst), "abcd"));
	assert_string_equal(dst, "");
	assert_err("empty", AK_OK, text_copy(dst, 1, ""));
	assert_err("no room", AK_ERR_RANGE, text_copy(&none, 0, ""));
	assert_int_equal(none, 'x');
}

static void
a_builder_says_when_something_was_cut_and_stays_cut(void **state)
{
	char buf[8], none = 'x';
	struct text t = text_over(buf, sizeof(buf));

	(void)state;
	assert_string_equal(buf, "");
	text_add(&t, "%s", "abc");
	text_add(&t, "%d", 1234);
	assert_false(t.cut);
	assert_string_equal(buf, "abc1234");
	assert_int_equal(t.len, 7);
	text_add(&t, "%s", "");
	assert_false(t.cut);
	text_add(&t, "5");
	assert_true(t.cut);
	assert_string_equal(buf, "abc1234");
	t = text_over(buf, sizeof(buf));
	text_add(&t, "12345678");
	assert_true(t.cut);
	assert_string_equal(buf, "1234567");
	assert_int_equal(t.len, 7);
	t = text_over(&none, 0);
	text_add(&t, "x");
	text_put(&t, "x");
	assert_true(t.cut);
	assert_int_equal(none, 'x');
}

static void
a_string_is_put_as_it_is_and_cut_as_when_it_is_printed(void **state)
{
	static const char *const strings[] = {
	    "", "a", "1234567", "12345678", "%s%n", "123456789"};

	(void)state;
	for (size_t i = 0; i < N(strings); i++) {
		char printed[9], put[9];
		struct text a = text_over(printed, sizeof(printed));
		struct text b = text_over(put, sizeof(put));

		for (unsigned n = 0; n < 3; n++) {
			text_add(&a, "%s", strings[i]);
			text_put(&b, strings[i]);
			assert_row(strings[i], strcmp(printed, put) == 0);
			assert_row(strings[i], a.len == b.len && a.cut == b.cut);
		}
	}
}

static void
a_list_is_valid_when_no_entry_is_empty_and_the_last_ends(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len_b, count;
		bool valid;
	} rows[] = {
	    {"empty", NULL, 0, 0, true},
	    {"empty with bytes", "x", 0, 0, true},
	    {"length without bytes", NULL, 1, 0, false},
	    {"one", "a", 2, 1, true},
	    {"two", "ab\0c", 5, 2, true},
	    {"unterminated", "ab", 2, 0, false},
	    {"second unterminated", "a\0b", 3, 0, false},
	    {"a lone NUL", "", 1, 0, false},
	    {"empty first", "\0a", 3, 0, false},
	    {"empty second", "a\0\0b", 5, 0, false},
	    {"empty last", "a\0", 3, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct strv v = {.bytes = rows[i].bytes, .len_b = rows[i].len_b};

		assert_row(rows[i].name, strv_valid(v) == rows[i].valid);
		if (rows[i].valid)
			assert_row(rows[i].name, strv_count(v) == rows[i].count);
	}
}

static void
a_list_has_its_entries_whole(void **state)
{
	struct strv v = {.bytes = "ab\0c\0abc", .len_b = 9};

	(void)state;
	assert_true(strv_has(v, "ab"));
	assert_true(strv_has(v, "c"));
	assert_true(strv_has(v, "abc"));
	assert_false(strv_has(v, "a"));
	assert_false(strv_has(v, "b"));
	assert_false(strv_has(v, ""));
	assert_false(strv_has(STRV_EMPTY, "a"));
	assert_string_equal(strv_next(v, NULL), "ab");
	assert_string_equal(strv_next(v, v.bytes), "c");
	assert_null(strv_next(v, v.bytes + 5));
	assert_null(strv_next(STRV_EMPTY, NULL));
}

static void
a_star_matches_any_run_and_nothing_else_is_special(void **state)
{
	static const struct {
		const char *glob, *s;
		bool matches;
	} rows[] = {
	    {"", "", true},
	    {"", "a", false},
	    {"*", "", true},
	    {"*", "abc", true},
	    {"**", "", true},
	    {"a", "a", true},
	    {"a", "A", false},
	    {"a", "ab", false},
	    {"ab", "a", false},
	    {"a*", "a", true},
	    {"a*", "ba", false},
	    {"*a", "ba", true},
	    {"*a", "ab", false},
	    {"a*b*c", "abbbcbc", true},
	    {"a*b*c", "abbbcb", false},
	    {"*ab", "aab", true},
	    {"*aab", "aaab", true},
	    {"a*a", "a", false},
	    {"?", "a", false},
	    {"[a]", "a", false},
	    {"[a]", "[a]", true},
	    {"\\*", "*", false},
	    {"\\*", "\\x", true},
	    {"*", "*", true},
	    {"db-*-prod", "db-01-prod", true},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_row(rows[i].glob, text_glob(rows[i].glob, rows[i].s) == rows[i].matches);
}

static bool
glob_by_definition(const char *glob, const char *s)
{
	if (*glob == '*')
		return glob_by_definition(glob + 1, s) ||
		       (*s != '\0' && glob_by_definition(glob, s + 1));
	if (*glob != *s)
		return false;
	return *glob == '\0' || glob_by_definition(glob + 1, s + 1);
}

static void
a_glob_matches_what_its_definition_says(void **state)
{
	struct rnd r = rnd_start("glob");
	char glob[16], s[16];

	(void)state;
	for (int i = 0; i < 50000; i++) {
		(void)rnd_text(&r, "ab*", glob, rnd_below(&r, 8));
		(void)rnd_text(&r, "ab", s, rnd_below(&r, 12));
		assert_row(glob, text_glob(glob, s) == glob_by_definition(glob, s));
	}
}

static void
many_stars_do_not_blow_up(void **state)
{
	char glob[201], s[5001];

	(void)state;
	for (size_t i = 0; i < 200; i += 2) {
		glob[i] = '*';
		glob[i + 1] = 'a';
	}
	glob[199] = 'b';
	glob[200] = '\0';
	memset(s, 'a', 5000);
	s[5000] = '\0';
	assert_false(text_glob(glob, s));
}

static void
what_is_a_name(void **state)
{
	static const struct {
		const char *s;
		bool key, policy;
	} rows[] = {
	    {"", false, false},
	    {"a", true, true},
	    {"_", true, false},
	    {"_a", true, false},
	    {"ci-deploy_2", true, true},
	    {"-a", false, false},
	    {"+a", false, false},
	    {".a", false, false},
	    {"a.b", false, false},
	    {"a:b", false, false},
	    {"a\n", false, false},
	    {"a/../b", false, false},
	    {"a b", false, false},
	    {"*)(uid=*", false, false},
	    {"A", false, false},
	    {"aB", false, false},
	    {"0", false, true},
	    {"0a", false, true},
	    {"user@realm", false, false},
	    {"\xd0\xb0", false, false},
	    {"a\xd0\xb0", false, false},
	    {"a$", false, false},
	    {"a-", true, true},
	    {"abcdefghijklmnopqrstuvwxyz01234", true, true},
	    {"abcdefghijklmnopqrstuvwxyz012345", false, true},
	    {"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz", false, true},
	    {"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz0", false, false},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_row(rows[i].s, text_is_key_name(rows[i].s) == rows[i].key);
		assert_row(rows[i].s, text_is_policy_name(rows[i].s) == rows[i].policy);
		assert_row(rows[i].s, text_is_group_name(rows[i].s) == rows[i].key);
	}
}

static void
abuse_117_no_locale_changes_what_a_name_is(void **state)
{
	char name[3] = "a";

	turkish_begin(((struct tmp *)*state)->dir);
	for (int c = 1; c < 256; c++) {
		bool first = (c >= 'a' && c <= 'z') || c == '_';

		name[0] = (char)c;
		name[1] = '\0';
		assert_row("first", text_is_key_name(name) == first);
		name[1] = name[0];
		name[0] = 'a';
		assert_row("second",
		    text_is_key_name(name) == (first || c == '-' || (c >= '0' && c <= '9')));
	}
	turkish_end();
}

static void
a_passwd_field_has_no_colon_and_no_control_byte(void **state)
{
	char s[2] = "", field[28];

	(void)state;
	assert_true(text_is_passwd_field(""));
	assert_true(text_is_passwd_field("Zoë, CI of team ä"));
	for (int c = 1; c < 256; c++) {
		s[0] = (char)c;
		assert_row(
		    "byte", text_is_passwd_field(s) == (c >= 0x20 && c != 0x7f && c != ':'));
	}
	for (size_t len = 1; len < sizeof(field); len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 1; c < 256; c++) {
				memset(field, "a\xff "[c % 3], len);
				field[len] = '\0';
				field[at] = (char)c;
				assert_row(
				    "byte of many", text_is_passwd_field(field) ==
							(c >= 0x20 && c != 0x7f && c != ':'));
			}
}

static void
what_is_utf8_and_what_is_a_line(void **state)
{
	static const struct {
		const char *text;
		bool utf8, line;
	} rows[] = {
	    {"", true, false},
	    {"Prüfung \xe2\x82\xac \xf0\x9f\x94\x91", true, true},
	    {"\xff", false, false},
	    {"a\xc3", false, false}, /* cut */
	    {"\x80", false, false},
	    {"\xc0\xaf", false, false}, /* overlong */
	    {"\xe0\x9f\xbf", false, false},
	    {"\xf0\x8f\xbf\xbf", false, false},
	    {"\xed\xa0\x80", false, false}, /* a surrogate */
	    {"\xf4\x90\x80\x80", false, false}, /* above U+10FFFF */
	    {"\xe2\x82", false, false},
	    {"\xe2\x28\xa1", false, false},
	    {"\xe2\x82\x28", false, false},
	    {"a\nb", true, false},
	    {"a\x7f", true, false},
	    {"a\xc2\x85", true, false}, /* a C1 control */
	    {"a\xc2\xa0", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(text_is_utf8(rows[i].text), rows[i].utf8);
		assert_int_equal(text_is_line(rows[i].text, 255), rows[i].line);
	}
	assert_true(text_is_line("abc", 3));
	assert_false(text_is_line("abcd", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_copy_is_whole_or_empty),
	    cmocka_unit_test(a_builder_says_when_something_was_cut_and_stays_cut),
	    cmocka_unit_test(a_string_is_put_as_it_is_and_cut_as_when_it_is_printed),
	    cmocka_unit_test(a_list_is_valid_when_no_entry_is_empty_and_the_last_ends),
	    cmocka_unit_test(a_list_has_its_entries_whole),
	    cmocka_unit_test(a_star_matches_any_run_and_nothing_else_is_special),
	    cmocka_unit_test(a_glob_matches_what_its_definition_says),
	    cmocka_unit_test(many_stars_do_not_blow_up),
	    cmocka_unit_test(what_is_a_name),
	    cmocka_unit_test_setup_teardown(
		abuse_117_no_locale_changes_what_a_name_is, tmp_setup, tmp_teardown),
	    cmocka_unit_test(what_is_utf8_and_what_is_a_line),
	    cmocka_unit_test(a_passwd_field_has_no_colon_and_no_control_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
