/* Which audit sessions and scopes have a process: and what is answered when that can't be told. */
#include "marks.h"

#include <unistd.h>

#include "testlib_child.h"
#include "testlib_cmocka.h"

#define SCOPE "/user.slice/user-1.slice/session-of-nobody.scope"
/* The kernel counts them up from 1: no host has come that far. */
#define AUDIT 4294967290U

enum { HAS_AUDIT = 1, HAS_SCOPE = 2, HAS_UID = 4 };

#define NOBODYS ((uid_t)1999999999)

static int
ask(void *ctx)
{
	struct marks m = MARKS_WITHOUT(0);
	int has;

	if (child_leave_descriptors(*(const unsigned *)ctx) != 0)
		return 255;
	has = marks_has_audit(&m, AUDIT) ? HAS_AUDIT : 0;
	has |= marks_has_scope(&m, SCOPE) ? HAS_SCOPE : 0;
	has |= marks_has_uid(&m, NOBODYS) ? HAS_UID : 0;
	marks_clear(&m);
	return has;
}

/* Else whoever starts su with few of them would have every closed session forgotten. */
static void
without_a_descriptor_to_look_with_nothing_is_known_to_be_gone(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(
		    child_ask(ask, &n), n < 3 ? HAS_AUDIT | HAS_SCOPE | HAS_UID : 0);
}

static void
this_process_has_its_uid(void **state)
{
	struct marks m = MARKS_WITHOUT(0);

	(void)state;
	assert_true(marks_has_uid(&m, getuid()));
	assert_false(marks_has_uid(&m, NOBODYS));
	marks_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(this_process_has_its_uid),
	    cmocka_unit_test(without_a_descriptor_to_look_with_nothing_is_known_to_be_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
