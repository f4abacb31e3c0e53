/*
 * test_reference: the evaluator against a second one, written from
 * apikey-policy(5) alone (ref_policy), over random policies and requests
 * (ref_random); and what must hold of any two policies. A failure prints the
 * shortest policy that still shows it, and the arguments that have it again:
 *
 * test_reference [POLICIES [SEED]]
 */
#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "num.h"
#include "ref_compare.h"
#include "ref_tally.h"

/* Of each policy: what many policies show, many requests of one don't. */
#define N_REQUESTS 10U

static unsigned n_policies = 2000;

/* The next policy's own: given as SEED, it is the first one. */
static struct rnd
next_policy(struct rnd *seeds, uint64_t *seed)
{
	*seed = seeds->state;
	return rnd_from(rnd_u64(seeds));
}

static void
say_again(uint64_t seed)
{
	print_error("to have it again: test_reference 1 0x%016llx\n", (unsigned long long)seed);
}

static double
seconds_since(const struct timespec *began)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (double)(now.tv_sec - began->tv_sec) +
	       (double)(now.tv_nsec - began->tv_nsec) / 1e9;
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
compare_policy(struct rnd *r, uint64_t seed, unsigned verdicts[REF_PERMITTED + 1])
{
	struct draft draft;
	struct ref_subject p;

	draft_random(r, &draft);
	p = ref_subject_of(&draft);
	for (unsigned j = 0; j < N_REQUESTS; j++) {
		struct ref_request q = request_random(r);
		struct ref_difference d = {.t = text_over(d.text, sizeof(d.text))};

		ref_compare(&d, p.im, yamltree_root_borrow(p.doc), &q, j % 4 == 0);
		if (d.t.len > 0) {
			say_again(seed);
			ref_fail_shortest(p.text, q);
		}
		verdicts[d.verdict]++;
	}
	ref_subject_clear(&p);
	draft_clear(&draft);
}

static void
print_counts(const unsigned verdicts[REF_PERMITTED + 1])
{
	static const char *const names[] = {[REF_REFUSED] = "refused",
	    [REF_NOT_ADMITTED] = "not-admitted",
	    [REF_NO_SPACE] = "no-space",
	    [REF_NO_ROLE] = "no-role",
	    [REF_PERMITTED] = "permitted"};

	for (size_t v = 0; v <= REF_PERMITTED; v++)
		print_message("counted: verdict %s %u\n", names[v], verdicts[v]);
	ref_tally_print();
}

static void
the_image_says_what_the_reference_says(void **state)
{
	struct rnd seeds = rnd_start("the_image_says_what_the_reference_says");
	unsigned verdicts[REF_PERMITTED + 1] = {0};
	const uint64_t first = seeds.state;
	struct timespec began;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &began), 0);
	for (unsigned i = 0; i < n_policies; i++) {
		uint64_t seed;
		struct rnd r = next_policy(&seeds, &seed);

		compare_policy(&r, seed, verdicts);
	}
	print_counts(verdicts);
	print_message(
	    "%u policies, %u requests each, %.0f policies a second; TEST_SEED=0x%016llx\n",
	    n_policies, N_REQUESTS, n_policies / seconds_since(&began),
	    (unsigned long long)first);
	/* Random policies that refused everybody, or never asked for the time, would prove little. */
	for (size_t v = 0; v <= REF_PERMITTED && n_policies >= 1000; v++)
		assert_true(verdicts[v] > 0);
	assert_true(n_policies < 1000 || ref_tally_is_whole());
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
	struct rnd seeds = rnd_start(test);

	for (unsigned i = 0; i < (n_policies + 9) / 10; i++) {
		struct draft draft;
		struct ref_subject before, after;
		uint64_t seed;
		struct rnd r = next_policy(&seeds, &seed);

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
				say_again(seed);
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

/* The count and the seed, which testlib_random takes from the environment. */
static void
take_arguments(int argc, char **argv)
{
	uint64_t n = n_policies;

	if (argc > 3 || (argc > 1 && num_parse(argv[1], 1, UINT32_MAX, &n) != AK_OK) ||
	    (argc > 2 && setenv("TEST_SEED", argv[2], 1) == -1)) {
		(void)fprintf(stderr, "usage: test_reference [POLICIES [SEED]]\n");
		exit(2);
	}
	n_policies = (unsigned)n;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_image_says_what_the_reference_says),
	    cmocka_unit_test(order_never_matters),
	    cmocka_unit_test(one_more_deny_never_admits_more),
	    cmocka_unit_test(one_more_grant_never_takes_a_role_away),
	    cmocka_unit_test(one_more_allow_never_refuses_more),
	};

	take_arguments(argc, argv);
	return cmocka_run_group_tests_name("reference", tests, need_zones, NULL);
}
