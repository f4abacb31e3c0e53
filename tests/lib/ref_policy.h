/* ref_policy: apikey-policy(5) read aloud: a second evaluator, slow and plain, that the real one is held against. */
#ifndef REF_POLICY_H
#define REF_POLICY_H

#include <stdbool.h>

#include "ref_condition.h"
#include "ref_set.h"

enum ref_verdict {
	REF_REFUSED, /* a deny fired */
	REF_NOT_ADMITTED, /* no allow did */
	REF_NO_SPACE, /* this host's space is not declared */
	REF_NO_ROLE, /* none permits the request */
	REF_PERMITTED,
};

struct ref_answer {
	enum ref_verdict verdict;
	struct ref_set fired; /* ids of the denials that did */
	struct ref_set held; /* roles, on this host */
	struct ref_set anywhere; /* "production deployer", "root admin", "host:h viewer" */
};

void ref_answer_clear(struct ref_answer *a);

/* The policy must be one that compiles; the test fails where this finds it is not. */
void ref_policy_eval(
    const struct yaml_node *policy, const struct ref_request *req, struct ref_answer *out);

/* Is a decision that came out so kept? */
bool ref_policy_samples(
    const struct yaml_node *policy, const struct ref_request *req, bool permitted);

#endif
