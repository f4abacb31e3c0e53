/* A line of the audit log is read back as it was written, and what is none is told apart. */
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "logfmt.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static char text[AUDIT_LINE_CAP];

/* The fields of a line as `name|value` one behind the other, or `no`. */
static const char *
read_line(const char *line)
{
	static char shown[AUDIT_LINE_CAP * 2];
	struct text t = text_over(shown, sizeof(shown));
	struct logfmt l;

	assert_err(line, AK_OK, text_copy(text, sizeof(text), line));
	if (logfmt_parse(text, strlen(text), &l) != AK_OK) {
		assert_int_equal(l.n, 0);
		return "no";
	}
	for (unsigned i = 0; i < l.n; i++)
		text_add(&t, "%s%s|%s", i == 0 ? "" : " ", l.fields[i].name, l.fields[i].value);
	return shown;
}

static void
lines_are_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *line, *fields;
	} rows[] = {
	    {"event=e", "event|e"},
	    {"time=2026-11-22T10:00:00.123Z event=key-created uid=70000",
		"time|2026-11-22T10:00:00.123Z event|key-created uid|70000"},
	    {"a=._-:/,@+*% b=2001:db8::1", "a|._-:/,@+*% b|2001:db8::1"},
	    {"v=\"two words\" w=x", "v|two words w|x"},
	    {"v=\"a=b\"", "v|a=b"},
	    {"v=\"plain\"", "v|plain"},
	    {"v=\"x\\\" decision=\\\"allow\"", "v|x\" decision=\"allow"},
	    {"v=\"\\\\\"", "v|\\"},
	    {"v=\"a\\x0ab\"", "v|a\nb"},
	    {"v=\"\\x1b[2K\\x7f\\xc3\\xb6\"", "v|\033[2K\177\303\266"},
	    {"roles_before=\"a b\" x-y=1", "roles_before|a b x-y|1"},
	    {"", "no"},
	    {" ", "no"},
	    {"event", "no"},
	    {"event=", "no"},
	    {"=e", "no"},
	    {"event=e ", "no"},
	    {" event=e", "no"},
	    {"event=e  v=x", "no"},
	    {"event=e v", "no"},
	    {"event=e v=", "no"},
	    {"Event=e", "no"},
	    {"event=e\tv=x", "no"},
	    {"v=a\"b\"", "no"},
	    {"v=\"a\"b", "no"},
	    {"v=\"a\"w=b", "no"},
	    {"v=\"\"", "no"},
	    {"v=\"", "no"},
	    {"v=\"a", "no"},
	    {"v=\"a\\\"", "no"},
	    {"v=\"a\\", "no"},
	    {"v=\"\\n\"", "no"},
	    {"v=\"\\x\"", "no"},
	    {"v=\"\\x0\"", "no"},
	    {"v=\"\\x0g\"", "no"},
	    {"v=\"\\x0A\"", "no"},
	    {"v=\"\\x00\"", "no"},
	    {"v=\"\\x41\"", "no"},
	    {"v=\"\\x20\"", "no"},
	    {"v=\"\033\"", "no"},
	    {"v=\"\303\266\"", "no"},
	    {"v=\303\266", "no"},
	    {"v=\\x0a", "no"},
	    {"v=a=b", "no"},
	    {"v=(redacted)", "no"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (strcmp(read_line(rows[i].line), rows[i].fields) != 0)
			fail_msg("`%s': %s", rows[i].line, read_line(rows[i].line));
}

static void
a_zero_byte_is_no_end(void **state)
{
	struct logfmt l;
	char line[] = "event=e\0v=x";

	(void)state;
	assert_err("", AK_ERR_INVALID, logfmt_parse(line, sizeof(line) - 1, &l));
	assert_int_equal(l.n, 0);
}

static void
no_line_has_too_many_fields(void **state)
{
	struct text t = text_over(text, sizeof(text));
	struct logfmt l;

	(void)state;
	for (unsigned i = 0; i < LOGFMT_FIELDS_MAX; i++)
		text_add(&t, "%sf=v", i == 0 ? "" : " ");
	assert_err("", AK_OK, logfmt_parse(text, t.len, &l));
	assert_int_equal(l.n, LOGFMT_FIELDS_MAX);
	t = text_over(text, sizeof(text));
	for (unsigned i = 0; i <= LOGFMT_FIELDS_MAX; i++)
		text_add(&t, "%sf=v", i == 0 ? "" : " ");
	assert_err("", AK_ERR_INVALID, logfmt_parse(text, t.len, &l));
}

static void
the_last_field_of_a_name_is_found(void **state)
{
	struct logfmt l;
	char line[] = "why=one ways=x why=two";

	(void)state;
	assert_err("", AK_OK, logfmt_parse(line, sizeof(line) - 1, &l));
	assert_string_equal(logfmt_find(&l, "why"), "two");
	assert_string_equal(logfmt_find(&l, "ways"), "x");
	assert_null(logfmt_find(&l, "wh"));
}

#define FIELDS 8U

/* Values of every kind of byte, too short to be cut and with nothing that is redacted. */
static void
what_was_written_comes_back(void **state)
{
	struct rnd r = rnd_start("logfmt");
	char values[FIELDS][33], name[8];
	struct logfmt l;
	struct audit a;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		unsigned n = 1;

		audit_start(&a, "e");
		for (unsigned i = 0; i < FIELDS; i++) {
			size_t len = rnd_below(&r, sizeof(values[0]));

			if (rnd_below(&r, 2) == 0)
				rnd_bytes(&r, values[i], len);
			else
				rnd_text(&r, "\\\" =x0aevent\n\177", values[i], len);
			values[i][len] = '\0';
			(void)snprintf(name, sizeof(name), "v%u", i);
			audit_add(&a, name, values[i]);
			n += values[i][0] != '\0';
		}
		audit_add_number(&a, "end", round);
		assert_err(a.line, AK_OK, logfmt_parse(a.line, a.text.len, &l));
		assert_int_equal(l.n, n + 1);
		for (unsigned i = 0; i < FIELDS; i++) {
			(void)snprintf(name, sizeof(name), "v%u", i);
			if (values[i][0] == '\0')
				assert_null(logfmt_find(&l, name));
			else
				assert_string_equal(logfmt_find(&l, name), values[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_read_whole_or_not_at_all),
	    cmocka_unit_test(a_zero_byte_is_no_end),
	    cmocka_unit_test(no_line_has_too_many_fields),
	    cmocka_unit_test(the_last_field_of_a_name_is_found),
	    cmocka_unit_test(what_was_written_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
