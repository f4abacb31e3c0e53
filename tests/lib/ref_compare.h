/* ref_compare: does the image answer as the reference does? And the shortest policy for which it does not. */
#ifndef REF_COMPARE_H
#define REF_COMPARE_H

#include "ref_ask.h"
#include "text.h"

/* What differs, as lines; "" while nothing does. */
struct ref_difference {
	char text[4096];
	struct text t;
	enum ref_verdict verdict; /* the reference's, of the last comparison */
};

/*
 * Adds what differs: outcome, denials, roles here and anywhere. all: with
 * every rule looked at too; in each rule alone; in what is sampled; in what is
 * held unconditionally.
 */
void ref_compare(struct ref_difference *d, const struct image *im,
    const struct yaml_node *policy, const struct ref_request *q, bool all);

/* Of a result: "production deployer", "host:h viewer"; and the names of roles that are effective here. */
struct ref_set ref_anywhere(const struct image *im, const struct policy_result *res);
struct ref_set ref_here(const struct image *im, const struct policy_result *res);

/* Prints the shortest policy and request that still differ, and fails the test. */
void ref_fail_shortest(const char *policy, struct ref_request q);

#endif
