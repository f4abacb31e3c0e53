/* One line in the log: no value can forge a field, push one out, or show a token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "token.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *
line_of(struct audit *a, const char *value)
{
	audit_start(a, "e");
	audit_add(a, "v", value);
	return a->line;
}

static void
values_are_quoted_when_they_are_not_plain(void **state)
{
	static const struct {
		const char *value, *line;
	} rows[] = {
	    {NULL, "event=e"},
	    {"", "event=e"},
	    {"ci-deploy", "event=e v=ci-deploy"},
	    {"2001:db8::1", "event=e v=2001:db8::1"},
	    {"/dev/pts/3", "event=e v=/dev/pts/3"},
	    {"a_b.c+d@e,f*%", "event=e v=a_b.c+d@e,f*%"},
	    {"two words", "event=e v=\"two words\""},
	    {"a=b", "event=e v=\"a=b\""},
	    {"x decision=allow", "event=e v=\"x decision=allow\""},
	    {"x\" decision=\"allow", "event=e v=\"x\\\" decision=\\\"allow\""},
	    {"\\", "event=e v=\"\\\\\""},
	    {"\\\" decision=allow", "event=e v=\"\\\\\\\" decision=allow\""},
	    {"a\nevent=e decision=allow", "event=e v=\"a\\x0aevent=e decision=allow\""},
	    {"\r\t\033[2K\177", "event=e v=\"\\x0d\\x09\\x1b[2K\\x7f\""},
	    {"\303\266", "event=e v=\"\\xc3\\xb6\""},
	    {"%n%s", "event=e v=%n%s"},
	    {"'", "event=e v=\"'\""},
	};
	struct audit a;

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_string_equal(line_of(&a, rows[i].value), rows[i].line);
}

static void
a_long_value_is_cut_with_dots(void **state)
{
	struct audit a;
	char value[AUDIT_VALUE_MAX_B * 2 + 1];
	const char *line;

	(void)state;
	for (size_t len = 0; len < sizeof(value); len++) {
		for (size_t i = 0; i < len; i++)
			value[i] = ".x"[i % 2];
		value[len] = '\0';
		line = line_of(&a, value);
		if (len <= AUDIT_VALUE_MAX_B)
			assert_int_equal(strlen(line), len == 0 ? 7 : 10 + len);
		else
			assert_string_equal(line + strlen(line) - 4, "...\"");
		assert_true(strlen(line) <= 10 + AUDIT_VALUE_MAX_B + 6);
	}
}

static void
no_value_pushes_another_out(void **state)
{
	struct audit a;
	char value[4096];

	(void)state;
	memset(value, '\n', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	audit_start(&a, "authenticate");
	for (unsigned i = 0; i < 11; i++)
		audit_add(&a, "long-name", value);
	audit_add(&a, "why", "the end");
	assert_false(a.text.cut);
	assert_string_equal(a.line + strlen(a.line) - 14, " why=\"the end\"");
}

/* The secret and its check, in every piece that would be of use. */
static void
shows_nothing_of(const char *line, const struct token *t)
{
	char piece[9] = "";

	for (const char *s = t->text.text + 18; strlen(s) >= 8; s++) {
		memcpy(piece, s, 8);
		if (strstr(line, piece) != NULL)
			fail_msg("`%s' shows `%s'", line, piece);
	}
}

static void
a_token_is_redacted_wherever_it_stands(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {{"", ""}, {" ", ""}, {"x", ""}, {"", " "}, {"a=", ""}, {"\"", "\""},
	    {"apikey_", ""}, {"", "\n"}, {"x\n", ""}, {"user ", " and more"}, {"\303\266", ""},
	    {"apikey_apikey", "apikey_"}};
	struct audit a;
	struct token t;
	char value[SECRET_CAP * 2], typed[SECRET_CAP * 2];

	(void)state;
	assert_err("", AK_OK, token_new(NULL, &t));
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(
		    value, sizeof(value), "%s%s%s", rows[i].before, t.text.text, rows[i].after);
		shows_nothing_of(line_of(&a, value), &t);
		assert_row(value, strstr(a.line, "(redacted)\"") != NULL);
	}
	/* As a keyboard, a copy or a shell may have it. */
	(void)snprintf(typed, sizeof(typed), "APIKEY_%s", t.text.text + 7);
	shows_nothing_of(line_of(&a, typed), &t);
	(void)snprintf(typed, sizeof(typed), "Apikey_%s", t.text.text + 7);
	shows_nothing_of(line_of(&a, typed), &t);
	typed[TOKEN_LEN - 20] = '\0'; /* and cut short */
	shows_nothing_of(line_of(&a, typed), &t);
	for (size_t cut = 1; cut <= 18; cut++)
		shows_nothing_of(line_of(&a, t.text.text + cut), &t);
	for (size_t len = TOKEN_LEN; len > 18; len--) {
		memcpy(typed, t.text.text, len);
		typed[len] = '\0';
		shows_nothing_of(line_of(&a, typed), &t);
	}
	token_clear(&t);
}

static void
a_token_behind_a_long_value_is_not_reached(void **state)
{
	struct audit a;
	struct token t;
	char value[600];

	(void)state;
	assert_err("", AK_OK, token_new(NULL, &t));
	for (size_t before = 200; before < 300; before++) {
		memset(value, '.', before);
		memcpy(value + before, t.text.text, TOKEN_LEN + 1);
		shows_nothing_of(line_of(&a, value), &t);
	}
	token_clear(&t);
}

/* A line as whoever reads the log would: name=word or name="…" with escapes. */
static unsigned
fields_of(const char *line)
{
	unsigned n = 0;

	for (const char *s = line;; s++) {
		s += strcspn(s, "= \"");
		assert_int_equal(*s, '=');
		n++;
		if (*++s == '"') {
			for (s++; *s != '"'; s++) {
				assert_true(
				    (unsigned char)*s >= 0x20 && (unsigned char)*s < 0x7f);
				s += *s == '\\';
			}
			s++;
		} else {
			s += strcspn(s, " =\"");
		}
		if (*s == '\0')
			return n;
		assert_int_equal(*s, ' ');
	}
}

static void
whatever_the_values_are_the_line_has_the_fields_that_were_added(void **state)
{
	struct rnd r = rnd_start("audit");
	struct audit a;
	char value[400];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned wanted = 2;

		audit_start(&a, "e");
		audit_add(&a, "decision", "deny");
		for (unsigned i = 0; i < 8; i++) {
			size_t len = rnd_below(&r, sizeof(value));

			if (rnd_below(&r, 2) == 0)
				rnd_bytes(&r, value, len);
			else
				rnd_text(&r, "\\\" =allowdecision\n_", value, len);
			value[len] = '\0';
			wanted += value[0] != '\0';
			audit_add(&a, "v", value);
		}
		assert_int_equal(fields_of(a.line), wanted);
		assert_memory_equal(a.line, "event=e decision=deny", 21);
	}
}

static void
numbers_are_plain(void **state)
{
	struct audit a;

	(void)state;
	audit_start(&a, "e");
	audit_add_number(&a, "n", UINT64_MAX);
	assert_string_equal(a.line, "event=e n=18446744073709551615");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_quoted_when_they_are_not_plain),
	    cmocka_unit_test(a_long_value_is_cut_with_dots),
	    cmocka_unit_test(no_value_pushes_another_out),
	    cmocka_unit_test(a_token_is_redacted_wherever_it_stands),
	    cmocka_unit_test(a_token_behind_a_long_value_is_not_reached),
	    cmocka_unit_test(whatever_the_values_are_the_line_has_the_fields_that_were_added),
	    cmocka_unit_test(numbers_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
