/* What a person is told went wrong. */
#include <string.h>

#include "diag.h"
#include "testlib_cmocka.h"

static void
the_first_thing_said_stays(void **state)
{
	struct diag d = DIAG_INIT;
	char buf[64];

	(void)state;
	assert_err(
	    "", AK_ERR_INVALID, diag_say(&d, AK_ERR_INVALID, "a.yaml", 3, 7, "no %s", "room"));
	assert_err("", AK_ERR_CORRUPT, diag_say(&d, AK_ERR_CORRUPT, "b.yaml", 1, 1, "later"));
	assert_err("", AK_ERR_NOMEM, diag_because(&d, AK_ERR_NOMEM, "later still"));
	assert_string_equal(diag_print(&d, buf, sizeof(buf)), "a.yaml:3:7: no room");
}

static void
nobody_need_ask(void **state)
{
	(void)state;
	assert_err("", AK_ERR_DENIED, diag_say(NULL, AK_ERR_DENIED, "a", 1, 1, "x"));
	assert_err("", AK_ERR_DENIED, diag_because(NULL, AK_ERR_DENIED, "x"));
}

static void
a_place_is_printed_as_far_as_it_is_known(void **state)
{
	static const struct {
		const char *file;
		unsigned line, col;
		const char *printed;
	} rows[] = {
	    {NULL, 0, 0, "why"},
	    {"", 4, 5, "why"},
	    {"f", 0, 0, "f: why"},
	    {"f", 4, 0, "f:4: why"},
	    {"f", 4, 5, "f:4:5: why"},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag d = DIAG_INIT;

		(void)diag_say(
		    &d, AK_ERR_INVALID, rows[i].file, rows[i].line, rows[i].col, "why");
		assert_string_equal(diag_print(&d, buf, sizeof(buf)), rows[i].printed);
	}
}

static void
control_bytes_of_text_and_file_become_question_marks(void **state)
{
	struct diag d = DIAG_INIT;
	char buf[64];

	(void)state;
	(void)diag_say(&d, AK_ERR_INVALID, "a\nb\x1b", 1, 2, "x\ny\x7fz\r\t\x01 ü");
	assert_string_equal(diag_print(&d, buf, sizeof(buf)), "a?b?:1:2: x?y?z??? ü");
}

static void
what_is_too_long_is_cut_and_terminated(void **state)
{
	struct diag d = DIAG_INIT;
	char big[2000], buf[8];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)diag_say(&d, AK_ERR_INVALID, big, 1, 2, "%s", big);
	assert_int_equal(strlen(d.file), sizeof(d.file) - 1);
	assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
	assert_string_equal(diag_print(&d, buf, sizeof(buf)), "xxxxxxx");
}

static void
every_error_has_words_of_its_own(void **state)
{
	(void)state;
	for (int a = AK_OK; a <= AK_ERR_NOMEM; a++) {
		const char *words = ak_strerror((enum ak_err)a);

		assert_string_not_equal(words, "");
		assert_string_not_equal(words, ak_strerror((enum ak_err)(AK_ERR_NOMEM + 1)));
		for (int b = AK_OK; b < a; b++)
			assert_string_not_equal(words, ak_strerror((enum ak_err)b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_thing_said_stays),
	    cmocka_unit_test(nobody_need_ask),
	    cmocka_unit_test(a_place_is_printed_as_far_as_it_is_known),
	    cmocka_unit_test(control_bytes_of_text_and_file_become_question_marks),
	    cmocka_unit_test(what_is_too_long_is_cut_and_terminated),
	    cmocka_unit_test(every_error_has_words_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
