/* The words of a PAM line. */
#include <string.h>

#include "options.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
without_words_there_are_the_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_err("", AK_OK, options_parse(0, NULL, &o));
	assert_string_equal(o.prompt, "Password: ");
	assert_null(o.config);
	assert_null(o.bad);
	assert_false(o.debug || o.try_first_pass || o.use_first_pass);
}

static void
each_word_sets_its_option(void **state)
{
	const char *words[] = {
	    "debug", "try_first_pass", "use_first_pass", "prompt=Key: ", "config=/x/y.yaml"};
	struct options o;

	(void)state;
	assert_err("", AK_OK, options_parse((int)N(words), words, &o));
	assert_true(o.debug && o.try_first_pass && o.use_first_pass);
	assert_string_equal(o.prompt, "Key: ");
	assert_string_equal(o.config, "/x/y.yaml");
}

static void
abuse_039_what_is_no_option_is_named(void **state)
{
	static const char *const rows[] = {"nullok", "", "debug=1", "Debug", "prompt",
	    "prompt=", "config=", "config=x.yaml", "config", "use_first_pass ", "ignore", "%n"};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[] = {"debug", rows[i], "try_first_pass"};
		struct options o;

		assert_err(rows[i], AK_ERR_INVALID, options_parse(3, words, &o));
		assert_ptr_equal(o.bad, rows[i]);
		assert_true(o.debug);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_words_there_are_the_defaults),
	    cmocka_unit_test(each_word_sets_its_option),
	    cmocka_unit_test(abuse_039_what_is_no_option_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
