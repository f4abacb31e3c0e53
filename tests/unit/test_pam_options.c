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
	assert_null(o.role);
	assert_false(o.debug || o.try_first_pass || o.use_first_pass || o.ignore_unknown_user);
}

static void
each_word_sets_its_option(void **state)
{
	const char *words[] = {"debug", "try_first_pass", "use_first_pass",
	    "ignore_unknown_user", "prompt=Key: ", "config=/x/y.yaml", "role=a:spaces:b,c"};
	struct options o;

	(void)state;
	assert_err("", AK_OK, options_parse((int)N(words), words, &o));
	assert_true(o.debug && o.try_first_pass && o.use_first_pass && o.ignore_unknown_user);
	assert_string_equal(o.role, "a:spaces:b,c");
	assert_string_equal(o.prompt, "Key: ");
	assert_string_equal(o.config, "/x/y.yaml");
}

static void
abuse_039_what_is_no_option_is_named(void **state)
{
	static const char *const rows[] = {"nullok", "", "debug=1", "Debug", "prompt",
	    "prompt=", "config=", "config=x.yaml", "config", "use_first_pass ", "ignore", "%n",
	    "role", "role=", "role=A", "role=a:", "role=a:spaces:", "role=a:here:b",
	    "role=a:hosts:b,,c", "role=a b"};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[] = {"debug", rows[i], "try_first_pass"};
		struct options o;

		assert_err(rows[i], AK_ERR_INVALID, options_parse(3, words, &o));
		assert_ptr_equal(o.bad, rows[i]);
		assert_true(o.debug);
	}
}

static void
a_value_is_given_once(void **state)
{
	static const char *const rows[] = {"prompt=a", "config=/a", "role=a"};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[] = {"debug", "debug", rows[i], rows[i]};
		struct options o;

		assert_err(rows[i], AK_OK, options_parse(3, words, &o));
		assert_err(rows[i], AK_ERR_INVALID, options_parse(4, words, &o));
		assert_ptr_equal(o.bad, words[3]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_words_there_are_the_defaults),
	    cmocka_unit_test(each_word_sets_its_option),
	    cmocka_unit_test(abuse_039_what_is_no_option_is_named),
	    cmocka_unit_test(a_value_is_given_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
