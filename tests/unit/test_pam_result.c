/* The one table from findings to PAM's codes: every finding has its row, and none that is a denial lets anybody in. */
#include <security/pam_modules.h>
#include <stdio.h>
#include <syslog.h>

#include "result.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const enum phase phases[] = {
    PHASE_AUTH, PHASE_SETCRED, PHASE_ACCOUNT, PHASE_OPEN, PHASE_CLOSE, PHASE_PASSWORD};

static void
every_reason_has_its_code(void **state)
{
	static const struct {
		enum reason reason;
		int auth, account;
	} rows[] = {
	    {REASON_PERMITTED, PAM_SUCCESS, PAM_SUCCESS},
	    {REASON_LOCKDOWN, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_SECRET_ENDED, PAM_AUTH_ERR, PAM_PERM_DENIED},
	    {REASON_NO_TOKEN, PAM_AUTH_ERR, PAM_PERM_DENIED},
	    {REASON_DISABLED, PAM_AUTH_ERR, PAM_PERM_DENIED},
	    {REASON_NOT_YET, PAM_AUTH_ERR, PAM_PERM_DENIED},
	    {REASON_EXPIRED, PAM_AUTH_ERR, PAM_ACCT_EXPIRED},
	    {REASON_TIME_UNDEFINED, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_DIRECTORY, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_FROM, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_NO_POLICY, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_SPACE, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_RULE, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_NOT_ADMITTED, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_ROLE, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {REASON_FAILED, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	    {REASON_AUDIT, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	    /* Why sessions end; no login's. */
	    {REASON_DELETED, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	    {REASON_GROUP, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	    {REASON_BY_HAND, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	    {0, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	    {(enum reason)4711, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
	};

	(void)state;
	assert_int_equal(N(rows) - 2, REASON_BY_HAND); /* a new reason needs a row */
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(result_of_reason(PHASE_AUTH, rows[i].reason), rows[i].auth);
		assert_int_equal(
		    result_of_reason(PHASE_ACCOUNT, rows[i].reason), rows[i].account);
	}
}

static void
every_error_has_its_code(void **state)
{
	static const struct {
		enum ak_err err;
		int code;
	} rows[] = {
	    {AK_OK, PAM_SYSTEM_ERR}, /* no error is no reason to let anybody in */
	    {AK_ERR_NOT_FOUND, PAM_AUTH_ERR},
	    {AK_ERR_DENIED, PAM_AUTH_ERR},
	    {AK_ERR_UNAVAILABLE, PAM_AUTHINFO_UNAVAIL},
	    {AK_ERR_CORRUPT, PAM_AUTHINFO_UNAVAIL},
	    {AK_ERR_NEWER, PAM_AUTHINFO_UNAVAIL},
	    {AK_ERR_UNSAFE, PAM_AUTHINFO_UNAVAIL},
	    {AK_ERR_ROLLBACK, PAM_AUTHINFO_UNAVAIL},
	    {AK_ERR_INVALID, PAM_AUTH_ERR},
	    {AK_ERR_EXISTS, PAM_SYSTEM_ERR},
	    {AK_ERR_FULL, PAM_SYSTEM_ERR},
	    {AK_ERR_RANGE, PAM_SYSTEM_ERR},
	    {AK_ERR_NOMEM, PAM_SYSTEM_ERR},
	    {(enum ak_err)4711, PAM_SYSTEM_ERR},
	};

	(void)state;
	assert_int_equal(N(rows) - 2, AK_ERR_NOMEM);
	for (size_t i = 0; i < N(rows); i++)
		assert_int_equal(result_of_err(rows[i].err), rows[i].code);
}

static void
no_denial_is_success_ignore_or_user_unknown(void **state)
{
	(void)state;
	for (size_t p = 0; p < N(phases); p++)
		for (unsigned r = 0; r < 64; r++) {
			int code = result_of_reason(phases[p], (enum reason)r);

			assert_int_equal(code == PAM_SUCCESS, r == REASON_PERMITTED);
			assert_true(code != PAM_IGNORE && code != PAM_USER_UNKNOWN);
		}
	for (unsigned e = 0; e < 64; e++) {
		int code = result_of_err((enum ak_err)e);

		assert_true(
		    code != PAM_SUCCESS && code != PAM_IGNORE && code != PAM_USER_UNKNOWN);
	}
}

static void
outages_are_errors_in_the_log_and_denials_are_notices(void **state)
{
	(void)state;
	assert_int_equal(result_priority(PAM_SUCCESS), LOG_INFO);
	assert_int_equal(result_priority(PAM_AUTH_ERR), LOG_NOTICE);
	assert_int_equal(result_priority(PAM_PERM_DENIED), LOG_NOTICE);
	assert_int_equal(result_priority(PAM_AUTHINFO_UNAVAIL), LOG_ERR);
	assert_int_equal(result_priority(PAM_SERVICE_ERR), LOG_ERR);
	assert_int_equal(result_priority(PAM_SYSTEM_ERR), LOG_ERR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_reason_has_its_code),
	    cmocka_unit_test(every_error_has_its_code),
	    cmocka_unit_test(no_denial_is_success_ignore_or_user_unknown),
	    cmocka_unit_test(outages_are_errors_in_the_log_and_denials_are_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
