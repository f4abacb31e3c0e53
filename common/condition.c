#include "condition.h"

#include <stdlib.h>
#include <string.h>

/* A node whose children are being looked at, or a definition. Not deeper than image_depth. */
struct condition_frame {
	enum image_op op; /* ALL, ANY or NOT */
	enum truth so_far;
	uint32_t end; /* of the children */
	uint32_t back; /* the node that comes next */
	uint32_t definition; /* IMAGE_NONE: none */
};

enum ak_err
condition_start(struct condition_run *run)
{
	uint32_t n = image_count_definitions(run->im);

	run->frames = calloc((size_t)image_depth(run->im) + 1, sizeof(*run->frames));
	run->known = calloc(CONDITION_N_MODES * (size_t)n + 1, 1);
	if (run->frames != NULL && run->known != NULL)
		return AK_OK;
	condition_clear(run);
	return AK_ERR_NOMEM;
}

void
condition_clear(struct condition_run *run)
{
	free(run->frames);
	free(run->known);
	run->frames = NULL;
	run->known = NULL;
}

static enum truth
truth_of(bool b)
{
	return b ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
eval_text(const struct image_node *node, const char *s)
{
	return s == NULL ? TRUTH_UNDEFINED : truth_of(strv_glob(node->globs, s));
}

static bool
any_group(const struct image_node *node, struct strv groups)
{
	strv_for (groups, group) {
		if (strv_glob(node->globs, group))
			return true;
	}
	return false;
}

/* What a stale directory said counts where it can only refuse, or for a session that is to go on. */
static enum truth
eval_group(
    const struct policy_request *req, const struct image_node *node, enum condition_mode mode)
{
	if (any_group(node, req->groups))
		return TRUTH_TRUE;
	if (mode == CONDITION_BOUNDED)
		return req->favour ? TRUTH_UNPROVEN : TRUTH_UNDEFINED;
	if (req->unknown)
		return TRUTH_UNDEFINED;
	if (req->stale && mode != CONDITION_DENY && !req->favour)
		return TRUTH_UNDEFINED;
	return truth_of(any_group(node, req->directory_groups));
}

static enum truth
eval_address(
    const struct image *im, const struct image_node *node, const struct net_addr *address)
{
	if (address == NULL)
		return TRUTH_UNDEFINED;
	for (uint32_t i = 0; i < node->n; i++) {
		struct net_block block = image_block(im, node->number + i);

		if (net_block_has(&block, address))
			return TRUTH_TRUE;
	}
	return TRUTH_FALSE;
}

const struct net_addr *
policy_address(const struct net_addr *address, const struct policy_doubt *doubt)
{
	if (address == NULL || (doubt != NULL && doubt->is_own(doubt->ctx)))
		return NULL;
	return address;
}

/* Where the call comes from. */
static const struct net_addr *
caller_of(const struct policy_request *req)
{
	const struct net_addr *address = policy_address(req->address, req->doubt);

	return address != NULL ? address : req->origin;
}

/* At the login whose origin is about to be recorded, it is where the call comes from. */
static const struct net_addr *
creator_of(const struct policy_request *req)
{
	if (req->service != NULL && strcmp(req->service, "sshd") == 0)
		return caller_of(req);
	return req->origin;
}

static enum truth
eval_time(const struct image *im, const struct image_node *node, const struct moments *when)
{
	struct image_time t = image_time(im, node->number);
	const struct moment *m;

	if (when == NULL || t.zone >= when->n_zones || !when->zones[t.zone].known)
		return TRUTH_UNDEFINED;
	m = &when->zones[t.zone];
	return truth_of((t.days >> m->weekday & 1) != 0 && m->minute >= t.from_minute &&
			m->minute < t.to_minute && m->date >= t.from_date &&
			m->date < t.to_date);
}

static enum truth
eval_percent(const struct image_node *node, const struct moments *when)
{
	int64_t rest;

	if (when == NULL)
		return TRUTH_UNDEFINED;
	rest = when->now_ms % 100;
	return truth_of((rest < 0 ? rest + 100 : rest) < (int64_t)node->number);
}

static enum truth
eval_leaf(
    const struct condition_run *run, const struct image_node *node, enum condition_mode mode)
{
	const struct policy_request *req = run->req;

	switch (node->op) {
	case IMAGE_OP_LOGIN:
		return eval_text(node, req->login);
	case IMAGE_OP_GROUP:
		return eval_group(req, node, mode);
	case IMAGE_OP_SERVICE:
		return eval_text(node, req->service);
	case IMAGE_OP_ACCOUNT:
		return eval_text(node, run->account);
	case IMAGE_OP_MEMBER:
		return truth_of((node->number == 1) == !req->not_member);
	case IMAGE_OP_ALWAYS:
		return TRUTH_TRUE;
	case IMAGE_OP_FROM:
		return eval_address(run->im, node, caller_of(req));
	case IMAGE_OP_CREATOR_FROM:
		return eval_address(run->im, node, creator_of(req));
	case IMAGE_OP_TIME:
		return eval_time(run->im, node, req->when);
	case IMAGE_OP_DECISION:
		return run->decision < 0 ? TRUTH_UNDEFINED
					 : truth_of(run->decision == (int)node->number);
	case IMAGE_OP_PERCENT:
		return eval_percent(node, req->when);
	case IMAGE_OP_ALL:
	case IMAGE_OP_ANY:
	case IMAGE_OP_NOT:
	case IMAGE_OP_IS:
	case IMAGE_N_OPS:
		break;
	}
	return TRUTH_UNDEFINED;
}

/* Taken for true when the other is taken for false, and not for false when the other is not for true. */
static enum truth
negate(enum truth v)
{
	unsigned as_true = (unsigned)v >> 1 & 1, not_false = (unsigned)v & 1;

	return (enum truth)((not_false ^ 1) << 1 | (as_true ^ 1));
}

/* A child's truth into its parent's. Is the parent's settled, whatever the other children are? */
static bool
fold(struct condition_frame *f, enum truth v)
{
	switch (f->op) {
	case IMAGE_OP_ANY:
		f->so_far = (enum truth)((unsigned)f->so_far | (unsigned)v);
		return f->so_far == TRUTH_TRUE;
	case IMAGE_OP_NOT:
		f->so_far = negate(v);
		return true;
	default:
		f->so_far = (enum truth)((unsigned)f->so_far & (unsigned)v);
		return f->so_far == TRUTH_FALSE;
	}
}

static struct condition_frame
open_frame(enum image_op op, uint32_t end, uint32_t back, uint32_t definition)
{
	return (struct condition_frame){.op = op,
	    .so_far = op == IMAGE_OP_ANY ? TRUTH_FALSE : TRUTH_TRUE,
	    .end = end,
	    .back = back,
	    .definition = definition};
}

/* A loop with its own stack, as deep as image_check has measured: a policy's depth is not this program's. */
enum truth
condition_eval(
    const struct condition_run *run, struct image_condition when, enum condition_mode mode)
{
	unsigned char *known = run->known + mode * image_count_definitions(run->im);
	struct condition_frame *top = run->frames;
	uint32_t at = when.first;
	enum truth v;

	*top = open_frame(IMAGE_OP_ALL, when.end, when.end, IMAGE_NONE);
	for (;;) {
		struct image_node node = image_node(run->im, at);

		if (node.op <= IMAGE_OP_NOT) {
			*++top = open_frame(node.op, node.end, node.end, IMAGE_NONE);
			at++;
			continue;
		}
		if (node.op == IMAGE_OP_IS && known[node.number] == 0) {
			when = image_definition(run->im, node.number).when;
			*++top = open_frame(IMAGE_OP_ALL, when.end, node.end, node.number);
			at = when.first;
			continue;
		}
		v = node.op == IMAGE_OP_IS ? (enum truth)(known[node.number] - 1)
					   : eval_leaf(run, &node, mode);
		at = node.end;
		while (fold(top, v) || at == top->end) {
			v = top->so_far;
			at = top->back;
			if (top->definition != IMAGE_NONE)
				known[top->definition] = (unsigned char)(v + 1);
			if (top == run->frames)
				return v;
			top--;
		}
	}
}
