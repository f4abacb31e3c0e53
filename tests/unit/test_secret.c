/* Text that must never be seen. */
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "testlib_cmocka.h"

static int
is_zero(const void *bytes, size_t len_b)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len_b; i++)
		if (p[i] != 0)
			return 0;
	return 1;
}

static void
a_secret_is_kept_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *name;
		size_t len_b;
		size_t nul_at; /* SIZE_MAX: none within */
		enum ak_err err;
	} rows[] = {
	    {"empty", 0, SIZE_MAX, AK_OK},
	    {"one", 1, SIZE_MAX, AK_OK},
	    {"all that fits", SECRET_CAP - 1, SIZE_MAX, AK_OK},
	    {"one too many", SECRET_CAP, SIZE_MAX, AK_ERR_RANGE},
	    {"abuse 011: 65,536 bytes", 65536, SIZE_MAX, AK_ERR_RANGE},
	    {"a NUL first", 10, 0, AK_ERR_RANGE},
	    {"a NUL last", 10, 9, AK_ERR_RANGE},
	    {"a NUL behind it", 10, 10, AK_OK},
	};
	static char text[65536 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret s = {.text = "what was there before", .len_b = 21};

		memset(text, 'x', sizeof(text));
		if (rows[i].nul_at != SIZE_MAX)
			text[rows[i].nul_at] = '\0';
		assert_err(rows[i].name, rows[i].err, secret_set(&s, text, rows[i].len_b));
		if (rows[i].err == AK_OK) {
			assert_row(rows[i].name, s.len_b == rows[i].len_b);
			assert_row(rows[i].name, memcmp(s.text, text, s.len_b) == 0);
			assert_row(
			    rows[i].name, is_zero(s.text + s.len_b, sizeof(s.text) - s.len_b));
		} else {
			assert_row(rows[i].name, is_zero(&s, sizeof(s)));
		}
	}
}

static void
abuse_002_no_text_at_all_is_an_empty_secret(void **state)
{
	struct secret s = {.text = "old", .len_b = 3};

	(void)state;
	assert_err("", AK_OK, secret_set(&s, NULL, 0));
	assert_true(is_zero(&s, sizeof(s)));
	secret_free_text(NULL);
}

static void
a_cleared_secret_is_all_zero(void **state)
{
	struct secret s;

	(void)state;
	assert_err("", AK_OK, secret_set(&s, "hunter2", 7));
	secret_clear(&s);
	assert_true(is_zero(&s, sizeof(s)));
	secret_free_text(strdup("hunter2"));
}

static void
equal_looks_at_every_bit(void **state)
{
	unsigned char a[40], b[40];

	(void)state;
	memset(a, 0x5a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(secret_equal(a, b, sizeof(a)));
	assert_true(secret_equal(a, b, 0));
	for (size_t bit = 0; bit < sizeof(b) * 8; bit++) {
		b[bit / 8] ^= (unsigned char)(1U << bit % 8);
		assert_false(secret_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	/* Two differences do not make up for each other. */
	b[0] ^= 1;
	b[39] ^= 1;
	assert_false(secret_equal(a, b, sizeof(a)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_is_kept_whole_or_not_at_all),
	    cmocka_unit_test(abuse_002_no_text_at_all_is_an_empty_secret),
	    cmocka_unit_test(a_cleared_secret_is_all_zero),
	    cmocka_unit_test(equal_looks_at_every_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
