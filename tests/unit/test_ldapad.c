#include "testlib_cmocka.h"

#include <string.h>

#include "ldapad.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define SAID "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data "

static void
a_refused_bind_says_what_is_wrong_with_the_account(void **state)
{
	static const struct {
		const char *said, *words;
	} rows[] = {
	    {SAID "52e, v1db1", "wrong"},
	    {SAID "532, v1db1", "expired"},
	    {SAID "533, v4563", "disabled"},
	    {SAID "773, v1db1", "must be changed"},
	    {SAID "775, v1db1", "locked"},
	    {SAID "775", "locked"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *words = ldapad_refusal(rows[i].said);

		if (words == NULL || strstr(words, rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].said, words);
	}
}

static void
other_words_mean_nothing_more(void **state)
{
	static const char *const rows[] = {"", "no such user", SAID, SAID "0, v1db1",
	    SAID "v1db1", SAID "52", SAID "ffffffffffffffffffff",
	    ("000004DC: LdapErr: DSID-0C0908FB, comment: In order to perform this operation a "
	     "successful bind must be completed, data 532, v3839")};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (ldapad_refusal(rows[i]) != NULL)
			fail_msg("%s: %s", rows[i], ldapad_refusal(rows[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refused_bind_says_what_is_wrong_with_the_account),
	    cmocka_unit_test(other_words_mean_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
