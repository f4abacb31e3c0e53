/*
 * test_reference: the evaluator against a second one, written from
 * apikey-policy(5) alone (ref_policy), over random policies and requests
 * (ref_random); and what must hold of any two policies. A failure prints the
 * shortest policy that still shows it. REFERENCE_POLICIES says how many.
 */
#include "testlib_cmocka.h"

#include <stdlib.h>
#include <unistd.h>

#include "ref_compare.h"

#define N_REQUESTS 100U

static unsigned
count_policies(unsigned usual)
{
	const char *given = getenv("REFERENCE_POLICIES");

	return given == NULL ? usual : (unsigned)strtoul(given, NULL, 0);
}

static int
need_zones(void **state)
{
	(void)state;
	if (access(ZONE_DIR "/Europe/Berlin", R_OK) == 0)
		return 0;
	print_error("there are no time zones on this machine (Debian: tzdata)\n");
	return -1;
}

static void
the_image_says_what_the_reference_says(void **state)
{
	struct rnd r = rnd_start("the_image_says_what_the_reference_says");
	unsigned verdicts[REF_PERMITTED + 1] = {0};

	(void)state;
	for (unsigned i = 0; i < count_policies(1000); i++) {
		struct draft draft;
		struct ref_subject p;

		draft_random(&r, &draft);
		p = ref_subject_of(&draft);
		for (unsigned j = 0; j < N_REQUESTS; j++) {
			struct ref_request q = request_random(&r);
			struct ref_difference d = {.t = text_over(d.text, sizeof(d.text))};

			ref_compare(&d, p.im, yamltree_root_borrow(p.doc), &q, j % 4 == 0);
			if (d.t.len > 0)
				ref_fail_shortest(p.text, q);
			verdicts[d.verdict]++;
		}
		ref_subject_clear(&p);
		draft_clear(&draft);
	}
	print_message("refused %u, not admitted %u, no space %u, no role %u, permitted %u\n",
	    verdicts[REF_REFUSED], verdicts[REF_NOT_ADMITTED], verdicts[REF_NO_SPACE],
	    verdicts[REF_NO_ROLE], verdicts[REF_PERMITTED]);
	/* Random policies that refused everybody would prove little. */
	for (size_t v = 0; v <= REF_PERMITTED && count_policies(1000) >= 100; v++)
		assert_true(verdicts[v] > 0);
}

/* What two policies say to one request. */
struct pair {
	struct policy_result before, after;
	struct ref_set held_before, held_after, anywhere_before, anywhere_after;
};

static void
pair_make(struct pair *out, const struct ref_subject *before, const struct ref_request *q,
    const struct ref_subject *after, const struct ref_request *q_after)
{
	struct ref_asked a, b;

	*out = (struct pair){.before = POLICY_RESULT_INIT, .after = POLICY_RESULT_INIT};
	ref_ask(before->im, q, &a);
	ref_ask(after->im, q_after, &b);
	(void)!policy_eval(before->im, &a.req, NULL, &out->before);
	(void)!policy_eval(after->im, &b.req, NULL, &out->after);
	out->held_before = ref_here(before->im, &out->before);
	out->held_after = ref_here(after->im, &out->after);
	out->anywhere_before = ref_anywhere(before->im, &out->before);
	out->anywhere_after = ref_anywhere(after->im, &out->after);
	ref_asked_clear(&a);
	ref_asked_clear(&b);
}

static void
pair_clear(struct pair *p)
{
	ref_set_clear(&p->held_before);
	ref_set_clear(&p->held_after);
	ref_set_clear(&p->anywhere_before);
	ref_set_clear(&p->anywhere_after);
	policy_result_clear(&p->before);
	policy_result_clear(&p->after);
}

/* Drafts one, changes it, and asks both; holds says whether that is as it must be. */
static void
check_change(const char *test, void (*change)(struct rnd *, struct draft *), bool shuffle,
    bool (*holds)(const struct pair *))
{
	struct rnd r = rnd_start(test);

	for (unsigned i = 0; i < count_policies(1000) / 10; i++) {
		struct draft draft;
		struct ref_subject before, after;

		draft_random(&r, &draft);
		before = ref_subject_of(&draft);
		change(&r, &draft);
		after = ref_subject_of(&draft);
		for (unsigned j = 0; j < N_REQUESTS; j++) {
			struct ref_request q = request_random(&r), other = q;
			struct pair p;

			if (shuffle)
				request_shuffle(&r, &other);
			pair_make(&p, &before, &q, &after, &other);
			if (!holds(&p)) {
				print_error("--- before\n%s--- after\n%s---\n", before.text,
				    after.text);
				ref_request_print(&q);
				fail_msg("%s", test);
			}
			pair_clear(&p);
		}
		ref_subject_clear(&before);
		ref_subject_clear(&after);
		draft_clear(&draft);
	}
}

static bool
is_the_same(const struct pair *p)
{
	return p->before.outcome == p->after.outcome &&
	       ref_set_same(&p->held_before, &p->held_after) &&
	       ref_set_same(&p->anywhere_before, &p->anywhere_after);
}

static void
order_never_matters(void **state)
{
	(void)state;
	check_change("order_never_matters", draft_shuffle, true, is_the_same);
}

static void
add_deny(struct rnd *r, struct draft *d)
{
	draft_add(r, d, DRAFT_DENY);
}

static bool
admits_no_more(const struct pair *p)
{
	return (p->before.outcome == p->after.outcome || p->after.outcome == POLICY_REFUSED) &&
	       ref_set_same(&p->anywhere_before, &p->anywhere_after);
}

static void
one_more_deny_never_admits_more(void **state)
{
	(void)state;
	check_change("one_more_deny_never_admits_more", add_deny, false, admits_no_more);
}

static void
add_grant(struct rnd *r, struct draft *d)
{
	draft_add(r, d, DRAFT_GRANT);
}

static bool
takes_nothing_away(const struct pair *p)
{
	return ref_set_within(&p->held_before, &p->held_after) &&
	       ref_set_within(&p->anywhere_before, &p->anywhere_after) &&
	       (p->before.outcome == p->after.outcome ||
		   (p->before.outcome == POLICY_NO_ROLE &&
		       p->after.outcome == POLICY_PERMITTED));
}

static void
one_more_grant_never_takes_a_role_away(void **state)
{
	(void)state;
	check_change(
	    "one_more_grant_never_takes_a_role_away", add_grant, false, takes_nothing_away);
}

static void
add_allow(struct rnd *r, struct draft *d)
{
	/* The first one refuses those that it does not admit. */
	d->sections[DRAFT_ALLOW].is_there = true;
	draft_add(r, d, DRAFT_ALLOW);
}

static bool
refuses_no_more(const struct pair *p)
{
	return p->before.outcome == p->after.outcome ||
	       p->before.outcome == POLICY_NOT_ADMITTED || p->before.allow == IMAGE_NONE;
}

static void
one_more_allow_never_refuses_more(void **state)
{
	(void)state;
	check_change("one_more_allow_never_refuses_more", add_allow, false, refuses_no_more);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_image_says_what_the_reference_says),
	    cmocka_unit_test(order_never_matters),
	    cmocka_unit_test(one_more_deny_never_admits_more),
	    cmocka_unit_test(one_more_grant_never_takes_a_role_away),
	    cmocka_unit_test(one_more_allow_never_refuses_more),
	};

	return cmocka_run_group_tests_name("reference", tests, need_zones, NULL);
}
