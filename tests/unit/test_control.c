/* What the command and the daemon say to each other. */
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

static void
a_question_arrives_or_is_refused(void **state)
{
	struct pack p = PACK_INIT;
	enum control_ask ask;

	(void)state;
	control_ask_pack(CONTROL_SYNC, &p);
	assert_err("", AK_OK, control_ask_unpack(p.bytes, p.len_b, &ask));
	assert_int_equal(ask, CONTROL_SYNC);
	assert_err("cut", AK_ERR_CORRUPT, control_ask_unpack(p.bytes, p.len_b - 1, &ask));
	assert_err("another version", AK_ERR_CORRUPT, control_ask_unpack("\x02\x01", 2, &ask));
	assert_err("no such question", AK_ERR_CORRUPT, control_ask_unpack("\x01\x04", 2, &ask));
	assert_err("more", AK_ERR_CORRUPT, control_ask_unpack("\x01\x01\x00", 3, &ask));
	pack_clear(&p);
}

static void
an_answer_arrives_or_is_refused(void **state)
{
	struct control_reply r = {.err = AK_ERR_NOT_FOUND,
	    .text = "nothing is held back",
	    .pid = 7,
	    .started_at = 1,
	    .has_directory = true,
	    .phase = 4,
	    .uri = "ldaps://a",
	    .problem = "p",
	    .policy_problem = "q",
	    .contact_at = 2,
	    .changed_at = 3,
	    .keys = 4,
	    .groups = 5,
	    .principals = 6,
	    .skipped = 8,
	    .held_back = 9,
	    .ended = 10};
	struct control_reply *got = calloc(1, sizeof(*got));
	struct pack p = PACK_INIT;

	(void)state;
	control_reply_pack(&r, &p);
	assert_err("", AK_OK, control_reply_unpack(p.bytes, p.len_b, got));
	assert_int_equal(got->err, AK_ERR_NOT_FOUND);
	assert_string_equal(got->text, r.text);
	assert_string_equal(got->uri, r.uri);
	assert_string_equal(got->problem, r.problem);
	assert_string_equal(got->policy_problem, r.policy_problem);
	assert_true(got->pid == 7 && got->started_at == 1 && got->has_directory &&
		    got->phase == 4 && got->contact_at == 2 && got->changed_at == 3);
	assert_true(got->keys == 4 && got->groups == 5 && got->principals == 6 &&
		    got->skipped == 8 && got->held_back == 9 && got->ended == 10);
	for (size_t n = 0; n < p.len_b; n++)
		assert_err("cut", AK_ERR_CORRUPT, control_reply_unpack(p.bytes, n, got));
	free(got);
	pack_clear(&p);
}

static void
without_a_daemon_that_is_said(void **state)
{
	struct control_reply *got = calloc(1, sizeof(*got));
	struct tmp *t = *state;
	struct diag why = DIAG_INIT;
	struct paths p;

	assert_err("", AK_OK, paths_under(t->dir, t->dir, 0, &p));
	assert_err("", AK_ERR_NOT_FOUND, control_call(&p, CONTROL_STATUS, 1, got, &why));
	assert_non_null(strstr(why.text, "systemctl start apikeyd"));
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_question_arrives_or_is_refused),
	    cmocka_unit_test(an_answer_arrives_or_is_refused),
	    cmocka_unit_test_setup_teardown(
		without_a_daemon_that_is_said, tmp_setup, tmp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
