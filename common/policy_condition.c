#include <string.h>

#include "net.h"
#include "num.h"
#include "policy_section.h"

/* A predicate of the file: always one node, whatever is below it. */
struct predicate {
	const char *key;
	enum image_op op;
	enum ak_err (*compile)(
	    struct policy_build *b, const struct predicate *p, const struct yaml_node *node);
	bool sample; /* in sample alone */
};

typedef enum ak_err predicate_fn(
    struct policy_build *b, const struct predicate *p, const struct yaml_node *node);

static predicate_fn add_globs, add_groups, add_member, add_always, add_blocks, add_is, add_time,
    add_not, add_list, add_decision, add_percent;

/* What is cheap to ask comes first. */
static const struct predicate predicates[] = {
    {"login", IMAGE_OP_LOGIN, add_globs, false},
    {"service", IMAGE_OP_SERVICE, add_globs, false},
    {"account", IMAGE_OP_ACCOUNT, add_globs, false},
    {"member", IMAGE_OP_MEMBER, add_member, false},
    {"always", IMAGE_OP_ALWAYS, add_always, false},
    {"group", IMAGE_OP_GROUP, add_groups, false},
    {"decision", IMAGE_OP_DECISION, add_decision, true},
    {"percent", IMAGE_OP_PERCENT, add_percent, true},
    {"is", IMAGE_OP_IS, add_is, false},
    {"time", IMAGE_OP_TIME, add_time, false},
    {"from", IMAGE_OP_FROM, add_blocks, false},
    {"creator_from", IMAGE_OP_CREATOR_FROM, add_blocks, false},
    {"not", IMAGE_OP_NOT, add_not, false},
    {"any", IMAGE_OP_ANY, add_list, false},
    {"all", IMAGE_OP_ALL, add_list, false},
};

#define N_PREDICATES (sizeof(predicates) / sizeof(predicates[0]))
#define N_OTHERS_MAX 4U

uint32_t
policy_open_node(struct policy_build *b, enum image_op op, uint32_t a, uint32_t n)
{
	const uint32_t row[IMAGE_NODE_COLUMNS] = {
	    [IMAGE_NODE_OP] = op, [IMAGE_NODE_A] = a, [IMAGE_NODE_B] = n};

	return image_make_row(b->m, IMAGE_NODES, row, IMAGE_NODE_COLUMNS);
}

void
policy_close_node(struct policy_build *b, uint32_t node)
{
	image_make_set(b->m, IMAGE_NODES, IMAGE_NODE_COLUMNS, node, IMAGE_NODE_END,
	    b->m->counts[IMAGE_NODES]);
}

void
policy_add_leaf(struct policy_build *b, enum image_op op, uint32_t a, uint32_t n)
{
	policy_close_node(b, policy_open_node(b, op, a, n));
}

static enum ak_err
read_list(struct policy_build *b, const struct predicate *p, const struct yaml_node *node,
    bool (*valid)(const char *), const char *shape, struct pack *list)
{
	enum ak_err err;

	if ((err = policy_need_entry(b->r, node, p->key)) != AK_OK ||
	    (err = yamlread_list(b->r, node, p->key, valid, shape, list)) != AK_OK)
		return err;
	if (list->len_b == 0)
		return yamlread_refuse(
		    b->r, node, "%s has no value: give one, or remove the line", p->key);
	return AK_OK;
}

static enum ak_err
add_texts(struct policy_build *b, const struct predicate *p, const struct yaml_node *node,
    bool (*valid)(const char *), const char *shape)
{
	struct pack list = PACK_INIT;
	enum ak_err err;

	if ((err = read_list(b, p, node, valid, shape, &list)) == AK_OK)
		policy_add_leaf(b, p->op, image_make_strv(b->m, pack_borrow_strv(&list)),
		    (uint32_t)list.len_b);
	pack_clear(&list);
	return err;
}

static enum ak_err
add_globs(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	return add_texts(b, p, node, policy_is_glob, POLICY_GLOB_SHAPE);
}

static enum ak_err
add_groups(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	return add_texts(b, p, node, policy_is_group,
	    "a group's name: one line, without control characters");
}

static enum ak_err
add_member(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	bool member;
	enum ak_err err = yamlread_bool(b->r, node, p->key, &member);

	if (err == AK_OK)
		policy_add_leaf(b, p->op, member ? 1 : 0, 0);
	return err;
}

static enum ak_err
add_always(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	bool always;
	enum ak_err err = yamlread_bool(b->r, node, p->key, &always);

	if (err == AK_OK && !always)
		return yamlread_refuse(
		    b->r, node, "always is true, or is not there: remove what never holds");
	if (err == AK_OK)
		policy_add_leaf(b, p->op, 0, 0);
	return err;
}

static bool
is_block(const char *s)
{
	struct net_block block;

	return net_parse_block(s, &block) == AK_OK;
}

static enum ak_err
add_blocks(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	uint32_t first = b->m->counts[IMAGE_BLOCKS];
	struct pack list = PACK_INIT;
	enum ak_err err;

	err = read_list(b, p, node, is_block,
	    "a network: an address, or a CIDR block without host bits (as 10.0.0.0/8)", &list);
	strv_for (pack_borrow_strv(&list), text) {
		uint32_t row[IMAGE_BLOCK_COLUMNS];
		struct net_block block;

		if (err != AK_OK || (err = net_parse_block(text, &block)) != AK_OK)
			break;
		for (unsigned i = 0; i < IMAGE_BLOCK_PREFIX; i++)
			row[i] = le32_load(block.addr.bytes + (size_t)4 * i);
		row[IMAGE_BLOCK_PREFIX] = block.prefix;
		(void)image_make_row(b->m, IMAGE_BLOCKS, row, IMAGE_BLOCK_COLUMNS);
	}
	if (err == AK_OK)
		policy_add_leaf(b, p->op, first, b->m->counts[IMAGE_BLOCKS] - first);
	pack_clear(&list);
	return err;
}

static enum ak_err
add_one_is(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	const char *name;
	uint32_t row;
	enum ak_err err;

	if ((err = yamlread_text(b->r, node, p->key, &name)) != AK_OK)
		return err;
	if ((row = policy_names_find(&b->definitions, name)) == IMAGE_NONE)
		return yamlread_refuse(b->r, node, "definition `%.80s' is not declared", name);
	policy_add_leaf(b, IMAGE_OP_IS, row, 0);
	return AK_OK;
}

static enum ak_err
add_is(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	uint32_t any;
	enum ak_err err;

	if (node->kind != YAML_SEQUENCE)
		return add_one_is(b, p, node);
	any = policy_open_node(b, IMAGE_OP_ANY, 0, p->op);
	err = policy_need_entry(b->r, node, p->key);
	for (const struct yaml_node *c = node->first; c != NULL && err == AK_OK; c = c->next)
		err = add_one_is(b, p, c);
	policy_close_node(b, any);
	return err;
}

static enum ak_err
add_time(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	(void)p;
	return policy_compile_time(b, node);
}

static enum ak_err
add_decision(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	const char *text;
	enum ak_err err;

	if ((err = yamlread_text(b->r, node, p->key, &text)) != AK_OK)
		return err;
	if (strcmp(text, "allow") != 0 && strcmp(text, "deny") != 0)
		return yamlread_refuse(
		    b->r, node, "decision is allow or deny, not `%.80s'", text);
	policy_add_leaf(b, p->op, text[0] == 'a' ? 1 : 0, 0);
	return AK_OK;
}

static enum ak_err
add_percent(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	const char *text;
	uint64_t percent;
	enum ak_err err;

	if ((err = yamlread_text(b->r, node, p->key, &text)) != AK_OK)
		return err;
	if (num_parse(text, 0, 100, &percent) != AK_OK)
		return yamlread_refuse(
		    b->r, node, "percent is a whole number from 0 to 100, not `%.80s'", text);
	policy_add_leaf(b, p->op, (uint32_t)percent, 0);
	return AK_OK;
}

static const char *const no_others[] = {NULL};

static enum ak_err
check_keys(const struct yamlread *r, const struct yaml_node *node, const char *what,
    const char *const *others, bool sample)
{
	const char *known[N_PREDICATES + N_OTHERS_MAX + 1];
	size_t n = 0;

	for (; n < N_OTHERS_MAX && others[n] != NULL; n++)
		known[n] = others[n];
	for (size_t i = 0; i < N_PREDICATES; i++)
		if (sample || !predicates[i].sample)
			known[n++] = predicates[i].key;
	known[n] = NULL;
	return yamlread_keys(r, node, what, known);
}

static size_t
count_predicates(const struct yaml_node *node)
{
	size_t n = 0;

	for (size_t i = 0; i < N_PREDICATES; i++)
		n += yamlread_get(node, predicates[i].key) != NULL ? 1 : 0;
	return n;
}

/* One after the other. Recursion is as deep as yamltree lets a file be: 64. */
static enum ak_err
add_predicates(struct policy_build *b, const struct yaml_node *node, const char *what)
{
	const struct yaml_node *value;
	enum ak_err err = AK_OK;

	if (count_predicates(node) == 0)
		return yamlread_refuse(b->r, node,
		    "%s has no condition: write `always: true' if that is meant", what);
	for (size_t i = 0; i < N_PREDICATES && err == AK_OK; i++)
		if ((value = yamlread_get(node, predicates[i].key)) != NULL)
			err = predicates[i].compile(b, &predicates[i], value);
	return err;
}

/* A condition below another: one node. */
static enum ak_err
add_nested(struct policy_build *b, const struct yaml_node *node)
{
	bool several;
	uint32_t all = 0;
	enum ak_err err;

	if ((err = check_keys(b->r, node, "a condition", no_others, b->in_sample)) != AK_OK)
		return err;
	if ((several = count_predicates(node) > 1))
		all = policy_open_node(b, IMAGE_OP_ALL, 0, 0);
	err = add_predicates(b, node, "a condition");
	if (several)
		policy_close_node(b, all);
	return err;
}

static enum ak_err
add_children(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	enum ak_err err = policy_need_entry(b->r, node, p->key);

	for (const struct yaml_node *c = policy_first_entry(node); c != NULL && err == AK_OK;
	     c = policy_next_entry(node, c))
		err = add_nested(b, c);
	return err;
}

static enum ak_err
add_list(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	uint32_t at = policy_open_node(b, p->op, 0, 0);
	enum ak_err err = add_children(b, p, node);

	policy_close_node(b, at);
	return err;
}

static enum ak_err
add_not(struct policy_build *b, const struct predicate *p, const struct yaml_node *node)
{
	uint32_t at = policy_open_node(b, IMAGE_OP_NOT, 0, 0), any = 0;
	bool list = node->kind == YAML_SEQUENCE;
	enum ak_err err;

	if (list)
		any = policy_open_node(b, IMAGE_OP_ANY, 0, 0);
	err = add_children(b, p, node);
	if (list)
		policy_close_node(b, any);
	policy_close_node(b, at);
	return err;
}

enum ak_err
policy_compile_condition(struct policy_build *b, const struct yaml_node *node, const char *what,
    const char *const *others, bool sample, uint32_t *first, uint32_t *end)
{
	enum ak_err err;

	*first = *end = b->m->counts[IMAGE_NODES];
	b->in_sample = sample;
	if ((err = check_keys(b->r, node, what, others, sample)) != AK_OK)
		return err;
	err = add_predicates(b, node, what);
	*end = b->m->counts[IMAGE_NODES];
	return err;
}
