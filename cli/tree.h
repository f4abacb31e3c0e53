/* tree: how a decision was come to, as it is shown: what was looked at, step by step, and the answer. */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "cli.h"
#include "decide.h"
#include "out.h"
#include "trace.h"

/* One decision that is to be shown: for people on f, line by line as it comes; or into the object that is open in json. */
struct tree {
	FILE *f; /* NULL: JSON is wanted */
	struct out_json *json; /* NULL: not wanted */
	const struct decide_request *req;
	bool begun;
	enum trace_step step; /* the last line's */
};

struct tree tree_for(FILE *f, struct out_json *json, const struct decide_request *req);

/*
 * Decide, and show all that was looked at, then the answer: members trace,
 * decision, reason, why, rule, roles, held; for people a heading for each step,
 * and at the end `allow: WHY` or `deny: WHY` and the roles. Answers as decide
 * does, and v is the caller's to clear.
 */
enum ak_err tree_decide(struct tree *t, struct verdict *v) AK_MUST_CHECK;

#endif
