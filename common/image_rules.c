#include "image.h"

#include <string.h>

#include "image_layout.h"
#include "net.h"

static const char *const op_names[] = {
    [IMAGE_OP_ALL] = "all",
    [IMAGE_OP_ANY] = "any",
    [IMAGE_OP_NOT] = "not",
    [IMAGE_OP_LOGIN] = "login",
    [IMAGE_OP_GROUP] = "group",
    [IMAGE_OP_SERVICE] = "service",
    [IMAGE_OP_ACCOUNT] = "account",
    [IMAGE_OP_MEMBER] = "member",
    [IMAGE_OP_ALWAYS] = "always",
    [IMAGE_OP_IS] = "is",
    [IMAGE_OP_FROM] = "from",
    [IMAGE_OP_CREATOR_FROM] = "creator_from",
    [IMAGE_OP_TIME] = "time",
    [IMAGE_OP_DECISION] = "decision",
    [IMAGE_OP_PERCENT] = "percent",
};

const char *
image_op_name(enum image_op op)
{
	return op_names[op];
}

uint32_t
image_depth(const struct image *im)
{
	return im->depth;
}

uint32_t
image_count_rules(const struct image *im, enum image_rules kind)
{
	return im->sections[image_section_of(kind)].count;
}

struct image_condition
image_rule_when(const struct image *im, enum image_rules kind, uint32_t i)
{
	enum image_section s = image_section_of(kind);

	return (struct image_condition){
	    image_cell(im, s, i, IMAGE_RULE_FIRST), image_cell(im, s, i, IMAGE_RULE_END)};
}

struct image_rule
image_rule(const struct image *im, enum image_rules kind, uint32_t i)
{
	enum image_section s = image_section_of(kind);
	struct image_rule r = {
	    .when = image_rule_when(im, kind, i),
	    .line = image_cell(im, s, i, IMAGE_RULE_LINE),
	    .id = "",
	    .reason = "",
	};

	if (kind == IMAGE_DENY_RULES) {
		r.id = image_string(im, s, i, IMAGE_DENY_ID);
		r.reason = image_string(im, s, i, IMAGE_DENY_REASON);
	} else if (kind == IMAGE_GRANT_RULES) {
		r.grants = image_binding_at(im, s, i, IMAGE_GRANT_BINDING);
		r.grants.line = r.line;
	}
	return r;
}

uint32_t
image_find_deny(const struct image *im, const char *id)
{
	for (uint32_t i = 0; i < im->sections[IMAGE_DENY].count; i++)
		if (strcmp(image_string(im, IMAGE_DENY, i, IMAGE_DENY_ID), id) == 0)
			return i;
	return IMAGE_NONE;
}

static struct image_rule_list
list_of(const struct image *im, uint32_t row)
{
	return (struct image_rule_list){image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_FIRST),
	    image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_N)};
}

/* Where a row stands beside a name of a table. */
static int
compare_row(const struct image *im, uint32_t row, uint32_t table, const char *login, size_t len)
{
	uint32_t its = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_TABLE);

	if (its != table)
		return its < table ? -1 : 1;
	return image_compare_logins(image_string(im, IMAGE_LOGINS, row, IMAGE_LOGIN_NAME),
	    image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_LEN), login, len);
}

/* The last row of the table that does not stand behind the login; IMAGE_NONE. */
static uint32_t
find_last(const struct image *im, uint32_t table, const char *login, size_t len)
{
	uint32_t low = 0, high = im->sections[IMAGE_LOGINS].count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare_row(im, mid, table, login, len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || image_cell(im, IMAGE_LOGINS, low - 1, IMAGE_LOGIN_TABLE) != table)
		return IMAGE_NONE;
	return low - 1;
}

static bool
begins_with(const struct image *im, const char *login, size_t len, uint32_t row)
{
	uint32_t n = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_LEN);

	return n <= len &&
	       memcmp(login, image_string(im, IMAGE_LOGINS, row, IMAGE_LOGIN_NAME), n) == 0;
}

/* All that the login begins with stands above the last row that is not behind it, or is that row. */
uint32_t
image_rules_of(const struct image *im, enum image_rules kind, const char *login,
    struct image_rule_list out[IMAGE_LISTS_MAX])
{
	uint32_t table = image_login_table(kind, false), row, n = 0;
	size_t len = strlen(login);

	if (len > KEY_NAME_MAX)
		return IMAGE_NONE;
	row = find_last(im, table, login, len);
	if (row != IMAGE_NONE && compare_row(im, row, table, login, len) == 0)
		out[n++] = list_of(im, row);
	row = find_last(im, image_login_table(kind, true), login, len);
	for (; row != IMAGE_NONE; row = image_cell(im, IMAGE_LOGINS, row, IMAGE_LOGIN_ABOVE))
		if (begins_with(im, login, len, row))
			out[n++] = list_of(im, row);
	return n;
}

uint32_t
image_listed_rule(const struct image *im, uint32_t i)
{
	return image_cell(im, IMAGE_LISTED, i, 0);
}

uint32_t
image_count_definitions(const struct image *im)
{
	return im->sections[IMAGE_DEFINITIONS].count;
}

struct image_definition
image_definition(const struct image *im, uint32_t i)
{
	return (struct image_definition){
	    .name = image_string(im, IMAGE_DEFINITIONS, i, IMAGE_DEFINITION_NAME),
	    .when = {image_cell(im, IMAGE_DEFINITIONS, i, IMAGE_DEFINITION_FIRST),
		image_cell(im, IMAGE_DEFINITIONS, i, IMAGE_DEFINITION_END)},
	    .line = image_cell(im, IMAGE_DEFINITIONS, i, IMAGE_DEFINITION_LINE),
	};
}

uint32_t
image_count_zones(const struct image *im)
{
	return im->sections[IMAGE_ZONES].count;
}

struct image_zone
image_zone(const struct image *im, uint32_t i)
{
	return (struct image_zone){
	    .name = image_string(im, IMAGE_ZONES, i, IMAGE_ZONE_NAME),
	    .line = image_cell(im, IMAGE_ZONES, i, IMAGE_ZONE_LINE),
	    .col = image_cell(im, IMAGE_ZONES, i, IMAGE_ZONE_COL),
	};
}

uint32_t
image_count_nodes(const struct image *im)
{
	return im->sections[IMAGE_NODES].count;
}

struct image_node
image_node(const struct image *im, uint32_t i)
{
	struct image_node n = {
	    .op = (enum image_op)image_cell(im, IMAGE_NODES, i, IMAGE_NODE_OP),
	    .end = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_END),
	};

	if (n.op >= IMAGE_OP_LOGIN && n.op <= IMAGE_OP_ACCOUNT) {
		n.globs = image_strv(im, IMAGE_NODES, i, IMAGE_NODE_A);
	} else {
		n.number = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_A);
		n.n = image_cell(im, IMAGE_NODES, i, IMAGE_NODE_B);
	}
	return n;
}

/* Each such predicate has a block. */
bool
image_asks_address(const struct image *im)
{
	return im->sections[IMAGE_BLOCKS].count > 0;
}

struct net_block
image_block(const struct image *im, uint32_t i)
{
	const struct section *s = &im->sections[IMAGE_BLOCKS];
	struct net_block b;

	memcpy(b.addr.bytes, s->at + (size_t)i * IMAGE_BLOCK_COLUMNS * 4, sizeof(b.addr.bytes));
	b.prefix = image_cell(im, IMAGE_BLOCKS, i, IMAGE_BLOCK_PREFIX);
	return b;
}

struct image_time
image_time(const struct image *im, uint32_t i)
{
	return (struct image_time){
	    .zone = image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_ZONE),
	    .days = (uint8_t)image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_DAYS),
	    .from_minute = (uint16_t)image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_FROM_MINUTE),
	    .to_minute = (uint16_t)image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_TO_MINUTE),
	    .from_date = (int32_t)image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_FROM_DATE),
	    .to_date = (int32_t)image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_TO_DATE),
	};
}
