/* The line that an ended session leaves: every field, and nothing that could forge one. */
#include <string.h>

#include "enforce_audit.h"
#include "testlib_cmocka.h"

static struct session
session_of_ci(void)
{
	return (struct session){.id = "00112233445566ff",
	    .uid = 70000,
	    .key = "ci",
	    .key_id = "0123456789A",
	    .account = "deploy",
	    .service = "sshd",
	    .address = "2001:db8::7",
	    .since = 1767225600};
}

static void
an_ended_session_is_one_line_with_every_field(void **state)
{
	const struct session s = session_of_ci();
	const struct enforce_ended e = {
	    .session = &s, .reason = REASON_DELETED, .why = "the key is gone", .processes = 3};
	struct audit a;

	(void)state;
	enforce_audit(&a, &e, "apikeyd");
	assert_string_equal(a.line,
	    "event=session-ended key=ci id=0123456789A uid=70000 session=00112233445566ff "
	    "account=deploy service=sshd rhost=2001:db8::7 since=2026-01-01T00:00:00Z "
	    "reason=deleted why=\"the key is gone\" gently=no processes=3 by=apikeyd");
}

static void
what_is_undefined_is_left_out_and_no_value_forges_a_field(void **state)
{
	struct session s = session_of_ci();
	const struct enforce_ended e = {
	    .session = &s, .reason = REASON_EXPIRED, .why = "x\nevent=e", .gently = true};
	struct audit a;

	(void)state;
	s.address[0] = '\0';
	enforce_audit(&a, &e, "bob by=root");
	assert_null(strstr(a.line, "rhost="));
	assert_non_null(strstr(a.line, "why=\"x\\x0aevent=e\" gently=yes processes=0"));
	assert_non_null(strstr(a.line, " by=\"bob by=root\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_ended_session_is_one_line_with_every_field),
	    cmocka_unit_test(what_is_undefined_is_left_out_and_no_value_forges_a_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
