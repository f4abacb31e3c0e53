#include "image_check.h"

#include <stdlib.h>
#include <string.h>

/* How deep evaluation goes: for each node from itself down, for each definition. */
struct depths {
	uint32_t *nodes, *definitions;
	uint32_t next; /* the first node that no condition has had yet */
};

static bool
check_binding(const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	uint32_t role = image_cell(im, section, row, column + IMAGE_BINDING_ROLE);
	uint32_t scope = image_cell(im, section, row, column + IMAGE_BINDING_SCOPE);
	uint32_t places = image_cell(im, section, row, column + IMAGE_BINDING_PLACES);
	uint32_t n = image_cell(im, section, row, column + IMAGE_BINDING_PLACES_N);

	if (role >= im->sections[IMAGE_ROLES].count)
		return false;
	switch (scope) {
	case IMAGE_GLOBAL:
	case IMAGE_IN_ALL_SPACES:
		return places == 0 && n == 0;
	case IMAGE_IN_SPACES:
		return image_check_span(im, IMAGE_PLACES, places, n);
	case IMAGE_ON_HOSTS:
		return image_check_strv(im, section, row, column + IMAGE_BINDING_PLACES, NULL);
	default:
		return false;
	}
}

static bool
check_groups(const struct image *im)
{
	for (uint32_t i = 0; i < im->sections[IMAGE_PLACES].count; i++)
		if (image_cell(im, IMAGE_PLACES, i, 0) >= im->sections[IMAGE_SPACES].count)
			return false;
	for (uint32_t i = 0; i < im->sections[IMAGE_GROUP_BINDINGS].count; i++)
		if (!check_binding(im, IMAGE_GROUP_BINDINGS, i, 0))
			return false;
	for (uint32_t i = 0; i < im->sections[IMAGE_GROUPS].count; i++)
		if (!image_check_span(im, IMAGE_GROUP_BINDINGS,
			image_cell(im, IMAGE_GROUPS, i, IMAGE_GROUP_FIRST),
			image_cell(im, IMAGE_GROUPS, i, IMAGE_GROUP_N)))
			return false;
	return true;
}

/* A predicate's own data. n_definitions: how many it may use. */
static bool
check_leaf(const struct image *im, uint32_t i, uint32_t n_definitions, bool sample)
{
	uint32_t a = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_A);
	uint32_t b = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_B);

	switch (image_cell(im, IMAGE_NODES, i, IMAGE_NODE_OP)) {
	case IMAGE_OP_LOGIN:
	case IMAGE_OP_GROUP:
	case IMAGE_OP_SERVICE:
	case IMAGE_OP_ACCOUNT:
		return image_check_strv(im, IMAGE_NODES, i, IMAGE_NODE_A, NULL);
	case IMAGE_OP_MEMBER:
		return a <= 1 && b == 0;
	case IMAGE_OP_ALWAYS:
		return a == 0 && b == 0;
	case IMAGE_OP_IS:
		return a < n_definitions && b == 0;
	case IMAGE_OP_FROM:
	case IMAGE_OP_CREATOR_FROM:
		return image_check_span(im, IMAGE_BLOCKS, a, b);
	case IMAGE_OP_TIME:
		return a < im->sections[IMAGE_TIMES].count && b == 0;
	case IMAGE_OP_DECISION:
		return sample && a <= 1 && b == 0;
	case IMAGE_OP_PERCENT:
		return sample && a <= 100 && b == 0;
	default:
		return false;
	}
}

/*
 * The nodes from `first` up to `end`, which follow each other without a gap:
 * how many there are, and the deepest of them. false when they don't end at
 * the end.
 */
static bool
measure(const struct image *im, const struct depths *d, uint32_t first, uint32_t end,
    uint32_t *n, uint32_t *deepest)
{
	uint32_t at = first;

	*n = *deepest = 0;
	while (at < end) {
		if (d->nodes[at] > *deepest)
			*deepest = d->nodes[at];
		(*n)++;
		at = image_cell(im, IMAGE_NODES, at, IMAGE_NODE_END);
	}
	return at == end;
}

/* Is the node `any`, or the list of a predicate that is one? */
static bool
is_written_as(uint32_t op, uint32_t written)
{
	return written == 0 ||
	       (op == IMAGE_OP_ANY && (written == IMAGE_OP_IS || written == IMAGE_OP_TIME));
}

/* Children have been checked: they come later, and the last node was the first to be looked at. */
static bool
check_node(const struct image *im, struct depths *d, uint32_t i, uint32_t limit,
    uint32_t n_definitions, bool sample)
{
	uint32_t op = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_OP);
	uint32_t end = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_END);
	uint32_t n, deepest;

	if (end <= i || end > limit)
		return false;
	if (op > IMAGE_OP_NOT) {
		if (end != i + 1 || !check_leaf(im, i, n_definitions, sample))
			return false;
		d->nodes[i] = op != IMAGE_OP_IS
				  ? 0
				  : d->definitions[image_cell(im, IMAGE_NODES, i, IMAGE_NODE_A)];
		return true;
	}
	if (!measure(im, d, i + 1, end, &n, &deepest) || n == 0 ||
	    (op == IMAGE_OP_NOT && n != 1) ||
	    image_cell(im, IMAGE_NODES, i, IMAGE_NODE_A) != 0 ||
	    !is_written_as(op, image_cell(im, IMAGE_NODES, i, IMAGE_NODE_B)))
		return false;
	d->nodes[i] = deepest + 1;
	return true;
}

/* A rule's or a definition's condition; all of them together are the nodes, in order. */
static bool
check_condition(struct image *im, struct depths *d, enum image_section section, uint32_t row,
    uint32_t n_definitions, uint32_t *depth)
{
	uint32_t first = image_cell(im, section, row, IMAGE_RULE_FIRST);
	uint32_t end = image_cell(im, section, row, IMAGE_RULE_END);
	uint32_t n, deepest;

	if (first != d->next || end <= first || end > im->sections[IMAGE_NODES].count)
		return false;
	d->next = end;
	for (uint32_t i = end; i-- > first;)
		if (!check_node(im, d, i, end, n_definitions, section == IMAGE_SAMPLES))
			return false;
	if (!measure(im, d, first, end, &n, &deepest))
		return false;
	*depth = deepest + 1;
	if (*depth > im->depth)
		im->depth = *depth;
	return true;
}

/* What a row has beside its condition. */
static bool
check_rule(const struct image *im, enum image_section section, uint32_t row)
{
	switch (section) {
	case IMAGE_DEFINITIONS:
		return image_check_string(im, section, row, IMAGE_DEFINITION_NAME);
	case IMAGE_DENY:
		return image_check_string(im, section, row, IMAGE_DENY_ID) &&
		       image_check_string(im, section, row, IMAGE_DENY_REASON);
	case IMAGE_GRANTS:
		return check_binding(im, section, row, IMAGE_GRANT_BINDING);
	default:
		return true;
	}
}

static bool
check_conditions(struct image *im, struct depths *d)
{
	uint32_t n_definitions = im->sections[IMAGE_DEFINITIONS].count, depth;

	for (uint32_t i = 0; i < n_definitions; i++)
		if (!check_rule(im, IMAGE_DEFINITIONS, i) ||
		    !check_condition(im, d, IMAGE_DEFINITIONS, i, i, &d->definitions[i]))
			return false;
	for (unsigned s = IMAGE_ALLOW; s <= IMAGE_SAMPLES; s++)
		for (uint32_t i = 0; i < im->sections[s].count; i++)
			if (!check_rule(im, (enum image_section)s, i) ||
			    !check_condition(
				im, d, (enum image_section)s, i, n_definitions, &depth))
				return false;
	return d->next == im->sections[IMAGE_NODES].count;
}

/* The name of a row, of which so many bytes count. */
static const char *
login_name(const struct image *im, uint32_t row, uint32_t *len)
{
	*len = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_LEN);
	return image_string(im, IMAGE_LOGINS, row, IMAGE_LOGIN_NAME);
}

static bool
is_above(const struct image *im, uint32_t above, const char *name, uint32_t len)
{
	uint32_t n;
	const char *begin = login_name(im, above, &n);

	return n < len && memcmp(begin, name, n) == 0;
}

/* Rows ascend, and each names the row above it: the one before it, or one above that. */
static bool
check_login_order(const struct image *im, uint32_t row)
{
	uint32_t table = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_TABLE), len, before_len;
	uint32_t above = IMAGE_NONE;
	const char *name = login_name(im, row, &len), *before;

	if (row > 0 && image_cell(im, IMAGE_LOGINS, row - 1, IMAGE_LOGIN_TABLE) > table)
		return false;
	if (row > 0 && image_cell(im, IMAGE_LOGINS, row - 1, IMAGE_LOGIN_TABLE) == table) {
		before = login_name(im, row - 1, &before_len);
		if (image_compare_logins(before, before_len, name, len) >= 0)
			return false;
		if (table % 2 == 1)
			above = row - 1;
	}
	while (above != IMAGE_NONE && !is_above(im, above, name, len))
		above = image_cell(im, IMAGE_LOGINS, above, IMAGE_LOGIN_ABOVE);
	return above == image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_ABOVE);
}

/* Each row has a name, and names rules of its kind, ascending. */
static bool
check_login(const struct image *im, uint32_t row)
{
	uint32_t table = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_TABLE), kind = table / 2;
	uint32_t first = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_FIRST);
	uint32_t n = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_N), len;
	const char *name;

	if (kind >= IMAGE_N_RULES ||
	    !image_check_string(im, IMAGE_LOGINS, row, IMAGE_LOGIN_NAME) ||
	    !image_check_span(im, IMAGE_LISTED, first, n))
		return false;
	name = login_name(im, row, &len);
	if (strnlen(name, len) < len || (table % 2 == 0 && name[len] != '\0'))
		return false;
	for (uint32_t i = first; i < first + n; i++) {
		uint32_t rule = image_cell(im, IMAGE_LISTED, i, 0);

		if (rule >= im->sections[IMAGE_ALLOW + kind].count ||
		    (i > first && image_cell(im, IMAGE_LISTED, i - 1, 0) >= rule))
			return false;
	}
	return check_login_order(im, row);
}

enum ak_err
image_check_rules(struct image *im)
{
	size_t n_nodes = im->sections[IMAGE_NODES].count;
	size_t n_definitions = im->sections[IMAGE_DEFINITIONS].count;
	struct depths d = {.nodes = NULL};
	bool good;

	if (!check_groups(im))
		return AK_ERR_CORRUPT;
	if ((d.nodes = calloc(n_nodes + n_definitions + 1, sizeof(*d.nodes))) == NULL)
		return AK_ERR_NOMEM;
	d.definitions = d.nodes + n_nodes;
	im->depth = 0;
	good = check_conditions(im, &d);
	for (uint32_t i = 0; i < im->sections[IMAGE_LOGINS].count && good; i++)
		good = check_login(im, i);
	free(d.nodes);
	return good ? AK_OK : AK_ERR_CORRUPT;
}
