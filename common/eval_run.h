/* eval_run: one evaluation under way: what the steps of eval hand on to each other. */
#ifndef AK_EVAL_RUN_H
#define AK_EVAL_RUN_H

#include "condition.h"
#include "eval.h"

struct eval {
	const struct image *im;
	const struct policy_request *req;
	const struct trace *trace;
	struct condition_run run;
	uint32_t space; /* where this host stands; IMAGE_NONE: nowhere */
	struct policy_result *out;
};

/* The rules of one kind that may concern the request's login (or all, when the trace wants them), in the file's order. */
struct eval_walk {
	struct image_rule_list lists[IMAGE_LISTS_MAX];
	uint32_t n; /* lists; IMAGE_NONE: all are looked at */
	uint32_t next, count; /* then */
};

void eval_walk(const struct eval *e, enum image_rules kind, struct eval_walk *out);
/* The next rule's number, IMAGE_NONE at the end. */
uint32_t eval_walk_next(const struct eval *e, struct eval_walk *w);

/* Does it fire? *v says what its condition is. */
bool eval_fires(
    const struct eval *e, enum image_rules kind, struct image_condition when, enum truth *v);

/* Would a grant fire if the directory said nothing? Favour is for all else that can't be told. */
bool eval_grants_alone(const struct eval *e, const struct image_rule *rule);

/* Why a condition is what it is: ": `time' is false", to t; nothing for one that is true. */
void eval_say_truth(const struct eval *e, enum image_rules kind, const struct image_rule *rule,
    enum truth v, struct text *t);

/* A line with the policy file's name, where line->line is set; the trace is not NULL. */
void eval_tell(const struct eval *e, struct trace_line *line);

/* Step 4: into out->held and, for those that are effective here, out->roles. AK_OK or AK_ERR_NOMEM. */
enum ak_err eval_roles(const struct eval *e) AK_MUST_CHECK;

#endif
