#include "policy_dead.h"

#include <stdlib.h>
#include <string.h>

/* What a condition can be: a set of truths. */
#define CAN_FALSE 1U
#define CAN_UNDEFINED 2U
#define CAN_TRUE 4U
#define CAN_ALL (CAN_FALSE | CAN_UNDEFINED | CAN_TRUE)

/* More predicates that must hold together are not compared with each other. */
#define TOGETHER_MAX 32U
/* Nor are more lists of them looked into: definitions that use each other can say one thing very often. */
#define LISTS_MAX 256U

static unsigned
leaf_can_be(const struct image_node *n, const char *login, const unsigned char *definitions)
{
	switch (n->op) {
	case IMAGE_OP_LOGIN:
		if (login == NULL)
			return CAN_FALSE | CAN_TRUE;
		return strv_glob(n->globs, login) ? CAN_TRUE : CAN_FALSE;
	case IMAGE_OP_MEMBER:
	case IMAGE_OP_DECISION:
		return CAN_FALSE | CAN_TRUE;
	case IMAGE_OP_ALWAYS:
		return CAN_TRUE;
	case IMAGE_OP_IS:
		return definitions[n->number];
	case IMAGE_OP_PERCENT:
		return n->number == 0 ? CAN_FALSE | CAN_UNDEFINED : CAN_ALL;
	default:
		return CAN_ALL;
	}
}

/* `all` of what has been gathered and one more; `any` is the same with false and true changed about. */
static unsigned
both(unsigned a, unsigned b)
{
	unsigned out = ((a | b) & CAN_FALSE) | (a & b & CAN_TRUE);

	if (((a | b) & CAN_UNDEFINED) != 0 && (a & (CAN_UNDEFINED | CAN_TRUE)) != 0 &&
	    (b & (CAN_UNDEFINED | CAN_TRUE)) != 0)
		out |= CAN_UNDEFINED;
	return out;
}

static unsigned
turned(unsigned a)
{
	return (a & CAN_UNDEFINED) | ((a & CAN_FALSE) != 0 ? CAN_TRUE : 0) |
	       ((a & CAN_TRUE) != 0 ? CAN_FALSE : 0);
}

static unsigned
children_can_be(const struct policy_dead *d, uint32_t first, uint32_t end, bool any)
{
	unsigned out = CAN_TRUE;

	for (uint32_t at = first; at < end; at = image_node(d->im, at).end)
		out = both(out, any ? turned(d->nodes[at]) : d->nodes[at]);
	return any ? turned(out) : out;
}

/* From the last node to the first: children come after their parents. */
static unsigned
condition_can_be(struct policy_dead *d, struct image_condition when, const char *login,
    const unsigned char *definitions)
{
	for (uint32_t i = when.end; i-- > when.first;) {
		struct image_node n = image_node(d->im, i);
		unsigned can;

		if (n.op > IMAGE_OP_NOT)
			can = leaf_can_be(&n, login, definitions);
		else
			can = children_can_be(d, i + 1, n.end, n.op == IMAGE_OP_ANY);
		d->nodes[i] = (unsigned char)(n.op == IMAGE_OP_NOT ? turned(can) : can);
	}
	return children_can_be(d, when.first, when.end, false);
}

/* Each uses those before it. */
static void
fill_definitions(struct policy_dead *d, const char *login, unsigned char *definitions)
{
	for (uint32_t i = 0; i < image_count_definitions(d->im); i++)
		definitions[i] = (unsigned char)condition_can_be(
		    d, image_definition(d->im, i).when, login, definitions);
}

static bool
ask_login(const struct image *im)
{
	for (uint32_t i = 0; i < image_count_definitions(im); i++) {
		struct image_condition when = image_definition(im, i).when;

		for (uint32_t k = when.first; k < when.end; k++)
			if (image_node(im, k).op == IMAGE_OP_LOGIN)
				return true;
	}
	return false;
}

enum ak_err
policy_dead_init(struct policy_dead *d, const struct image *im)
{
	size_t n_definitions = image_count_definitions(im);

	*d = (struct policy_dead){.im = im};
	d->nodes = calloc((size_t)image_count_nodes(im) + 1, 1);
	d->definitions = calloc(n_definitions + 1, 1);
	d->with_login = calloc(n_definitions + 1, 1);
	if (d->nodes == NULL || d->definitions == NULL || d->with_login == NULL)
		return AK_ERR_NOMEM;
	fill_definitions(d, NULL, d->definitions);
	d->definitions_ask_login = ask_login(im);
	return AK_OK;
}

void
policy_dead_clear(struct policy_dead *d)
{
	free(d->nodes);
	free(d->definitions);
	free(d->with_login);
	*d = (struct policy_dead){.im = NULL};
}

/* Leaves that must all be true for the rule to be. */
struct together {
	struct image_node nodes[TOGETHER_MAX];
	struct image_condition open[TOGETHER_MAX]; /* not looked at yet */
	unsigned n, n_open;
};

static void
open_condition(struct together *t, struct image_condition when)
{
	if (t->n_open < TOGETHER_MAX)
		t->open[t->n_open++] = when;
}

static void
gather(const struct image *im, struct image_condition when, struct together *t)
{
	t->n = t->n_open = 0;
	open_condition(t, when);
	for (unsigned seen = 0; t->n_open > 0 && seen < LISTS_MAX; seen++) {
		when = t->open[--t->n_open];
		for (uint32_t at = when.first; at < when.end;) {
			struct image_node n = image_node(im, at);

			if (n.op == IMAGE_OP_ALL)
				open_condition(t, (struct image_condition){at + 1, n.end});
			else if (n.op == IMAGE_OP_IS)
				open_condition(t, image_definition(im, n.number).when);
			else if (n.op > IMAGE_OP_NOT && t->n < TOGETHER_MAX)
				t->nodes[t->n++] = n;
			at = n.end;
		}
	}
}

static bool
is_exact(struct strv globs)
{
	return globs.len_b > 0 && memchr(globs.bytes, '*', globs.len_b) == NULL;
}

/* Does one of the names match the other's globs? */
static bool
share_name(struct strv names, struct strv globs)
{
	strv_for (names, name) {
		if (strv_glob(globs, name))
			return true;
	}
	return false;
}

static bool
share_time(const struct image *im, uint32_t a, uint32_t b)
{
	struct image_time x = image_time(im, a), y = image_time(im, b);

	return x.zone != y.zone || ((x.days & y.days) != 0 && x.from_minute < y.to_minute &&
				       y.from_minute < x.to_minute && x.from_date < y.to_date &&
				       y.from_date < x.to_date);
}

static bool
exclude_each_other(
    const struct image *im, const struct image_node *a, const struct image_node *b)
{
	if (a->op != b->op)
		return false;
	switch (a->op) {
	case IMAGE_OP_TIME:
		return !share_time(im, a->number, b->number);
	case IMAGE_OP_SERVICE:
	case IMAGE_OP_ACCOUNT:
		return (is_exact(a->globs) && !share_name(a->globs, b->globs)) ||
		       (is_exact(b->globs) && !share_name(b->globs, a->globs));
	case IMAGE_OP_MEMBER:
	case IMAGE_OP_DECISION:
		return a->number != b->number;
	default:
		return false;
	}
}

static bool
is_contradiction(const struct image *im, const struct together *t)
{
	for (unsigned i = 0; i < t->n; i++)
		for (unsigned k = 0; k < i; k++)
			if (exclude_each_other(im, &t->nodes[i], &t->nodes[k]))
				return true;
	return false;
}

static bool
can_fire(struct policy_dead *d, enum image_rules kind, struct image_condition when,
    const char *login)
{
	const unsigned char *definitions = d->definitions;
	unsigned can;

	if (login != NULL && d->definitions_ask_login) {
		fill_definitions(d, login, d->with_login);
		definitions = d->with_login;
	}
	can = condition_can_be(d, when, login, definitions);
	return (can & (kind == IMAGE_DENY_RULES ? CAN_TRUE | CAN_UNDEFINED : CAN_TRUE)) != 0;
}

bool
policy_dead_is(struct policy_dead *d, enum image_rules kind, uint32_t rule)
{
	struct image_condition when = image_rule(d->im, kind, rule).when;
	struct together t;

	if (!can_fire(d, kind, when, NULL))
		return true;
	gather(d->im, when, &t);
	/* A deny whose parts exclude each other may still be undefined, and then fires. */
	if (kind != IMAGE_DENY_RULES && is_contradiction(d->im, &t))
		return true;
	for (unsigned i = 0; i < t.n; i++) {
		if (t.nodes[i].op != IMAGE_OP_LOGIN || !is_exact(t.nodes[i].globs))
			continue;
		strv_for (t.nodes[i].globs, login) {
			if (can_fire(d, kind, when, login))
				return false;
		}
		return true;
	}
	return false;
}
