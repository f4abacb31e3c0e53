/* ref_random: policies that compile and requests that concern them, at random, from one small vocabulary. */
#ifndef REF_RANDOM_H
#define REF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

#include "ref_policy.h"
#include "testlib_random.h"

/* The file's sections. Each is a list of lines, whose order means nothing but in deny, where it says which id is first. */
enum draft_section {
	DRAFT_SPACES,
	DRAFT_ROLES,
	DRAFT_GROUPS,
	DRAFT_DEFINE,
	DRAFT_ALLOW,
	DRAFT_DENY,
	DRAFT_GRANT,
	DRAFT_SAMPLE,
	DRAFT_N
};

struct draft {
	const char *header; /* policy_header */
	const char *strategy;
	struct {
		bool is_there;
		char **lines;
		size_t n;
	} sections[DRAFT_N];
	unsigned n_ids; /* of denials */
};

void draft_random(struct rnd *r, struct draft *out);
void draft_clear(struct draft *d);
/* One more item in allow, deny, grant or sample; a section that was not there begins. */
void draft_add(struct rnd *r, struct draft *d, enum draft_section where);
void draft_shuffle(struct rnd *r, struct draft *d);
/* As a file; for free(). */
char *draft_text(const struct draft *d);

/* Every string is constant. */
struct ref_request request_random(struct rnd *r);
/* The same lists in another order. */
void request_shuffle(struct rnd *r, struct ref_request *req);

#endif
