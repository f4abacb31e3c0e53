#include <stdlib.h>
#include <string.h>

#include "policy_section.h"

/* A rule, and a login that it names, or what it asks a login to begin with: nothing, where it may concern any. */
struct entry {
	uint32_t table, rule, name; /* the name's offset */
	uint32_t len; /* bytes of it that count */
	const char *text; /* the name itself */
	uint32_t row; /* once it is made */
	size_t above; /* the first entry of the row above; NONE_ABOVE */
};

#define NONE_ABOVE SIZE_MAX

struct entries {
	struct policy_build *b;
	struct entry *at;
	size_t n, cap;
};

static uint32_t
cell(const struct policy_build *b, enum image_section section, size_t n_columns, uint32_t row,
    unsigned column)
{
	return le32_load(b->m->sections[section].bytes + 4 * (row * n_columns + column));
}

static enum ak_err
add_entry(struct entries *e, uint32_t kind, uint32_t rule, uint32_t name)
{
	const char *text = (const char *)e->b->m->sections[IMAGE_STRINGS].bytes + name;
	size_t cap = e->cap == 0 ? 64 : 2 * e->cap, len = strcspn(text, "*");
	struct entry *more;

	if (e->n == e->cap) {
		if ((more = reallocarray(e->at, cap, sizeof(*more))) == NULL)
			return yamlread_no_memory(e->b->r);
		e->at = more;
		e->cap = cap;
	}
	e->at[e->n++] = (struct entry){
	    .table = image_login_table((enum image_rules)kind, len == 0 || text[len] == '*'),
	    .rule = rule,
	    .name = name,
	    .len = (uint32_t)len,
	    .text = text};
	return AK_OK;
}

/* The patterns of a node, when it is `login`, and none of them begins with a wildcard; else the list is empty. */
static struct strv
named_logins(const struct policy_build *b, uint32_t node, uint32_t *offset)
{
	const char *strings = (const char *)b->m->sections[IMAGE_STRINGS].bytes;
	struct strv v;

	if (cell(b, IMAGE_NODES, IMAGE_NODE_COLUMNS, node, IMAGE_NODE_OP) != IMAGE_OP_LOGIN)
		return STRV_EMPTY;
	*offset = cell(b, IMAGE_NODES, IMAGE_NODE_COLUMNS, node, IMAGE_NODE_A);
	v.bytes = strings + *offset;
	v.len_b = cell(b, IMAGE_NODES, IMAGE_NODE_COLUMNS, node, IMAGE_NODE_B);
	strv_for (v, pattern)
		if (pattern[0] == '*')
			return STRV_EMPTY;
	return v;
}

/* All predicates of a rule must hold: if one of them names logins, no other login is concerned. */
static enum ak_err
add_rule(struct entries *e, uint32_t kind, size_t n_columns, uint32_t rule, uint32_t nobody)
{
	enum image_section section = image_section_of((enum image_rules)kind);
	uint32_t at = cell(e->b, section, n_columns, rule, IMAGE_RULE_FIRST), offset = 0;
	uint32_t end = cell(e->b, section, n_columns, rule, IMAGE_RULE_END);
	struct strv logins = STRV_EMPTY;
	enum ak_err err = AK_OK;

	for (; at < end && logins.len_b == 0;
	     at = cell(e->b, IMAGE_NODES, IMAGE_NODE_COLUMNS, at, IMAGE_NODE_END))
		logins = named_logins(e->b, at, &offset);
	if (logins.len_b == 0)
		return add_entry(e, kind, rule, nobody);
	strv_for (logins, name) {
		if (err == AK_OK)
			err = add_entry(e, kind, rule, offset + (uint32_t)(name - logins.bytes));
	}
	return err;
}

static int
compare_names(const struct entry *x, const struct entry *y)
{
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return image_compare_logins(x->text, x->len, y->text, y->len);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_names(x, y);

	return order != 0 ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

/* before: the first entry of the row before; NONE_ABOVE. */
static size_t
find_above(const struct entries *e, size_t before, const struct entry *of)
{
	size_t i = before;

	if (i == NONE_ABOVE || e->at[i].table != of->table || of->table % 2 == 0)
		return NONE_ABOVE;
	while (i != NONE_ABOVE && strncmp(e->at[i].text, of->text, e->at[i].len) != 0)
		i = e->at[i].above;
	return i;
}

/* A rule whose patterns begin alike is named once. */
static void
emit(const struct entries *e)
{
	struct image_make *m = e->b->m;
	size_t end, before = NONE_ABOVE;

	for (size_t i = 0; i < e->n; before = i, i = end) {
		struct entry *of = &e->at[i];
		uint32_t row[IMAGE_LOGIN_COLUMNS] = {[IMAGE_LOGIN_TABLE] = of->table,
		    [IMAGE_LOGIN_NAME] = of->name,
		    [IMAGE_LOGIN_LEN] = of->len,
		    [IMAGE_LOGIN_FIRST] = m->counts[IMAGE_LISTED]};

		for (end = i; end < e->n && compare_names(&e->at[end], of) == 0; end++) {
			if (end > i && e->at[end].rule == e->at[end - 1].rule)
				continue;
			(void)image_make_row(m, IMAGE_LISTED, &e->at[end].rule, 1);
			row[IMAGE_LOGIN_N]++;
		}
		of->above = find_above(e, before, of);
		row[IMAGE_LOGIN_ABOVE] =
		    of->above == NONE_ABOVE ? IMAGE_NONE : e->at[of->above].row;
		of->row = image_make_row(m, IMAGE_LOGINS, row, IMAGE_LOGIN_COLUMNS);
	}
}

enum ak_err
policy_compile_logins(struct policy_build *b)
{
	static const size_t columns[IMAGE_N_RULES] = {[IMAGE_ALLOW_RULES] = IMAGE_RULE_COLUMNS,
	    [IMAGE_DENY_RULES] = IMAGE_DENY_COLUMNS,
	    [IMAGE_GRANT_RULES] = IMAGE_GRANT_COLUMNS,
	    [IMAGE_SAMPLE_RULES] = IMAGE_RULE_COLUMNS};
	struct entries e = {.b = b};
	uint32_t nobody = image_make_string(b->m, "");
	enum ak_err err = AK_OK;

	for (unsigned i = 0; i < IMAGE_N_SECTIONS; i++)
		if (b->m->sections[i].err != AK_OK)
			return b->m->sections[i].err;
	for (uint32_t kind = 0; kind < IMAGE_N_RULES; kind++)
		for (uint32_t i = 0;
		     i < b->m->counts[image_section_of((enum image_rules)kind)] && err == AK_OK;
		     i++)
			err = add_rule(&e, kind, columns[kind], i, nobody);
	if (err == AK_OK && e.n > 0) {
		qsort(e.at, e.n, sizeof(*e.at), compare_entries);
		emit(&e);
	}
	free(e.at);
	return err;
}
