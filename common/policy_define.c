#include <stdlib.h>
#include <string.h>

#include "policy_section.h"

/* Definitions, ascending by name, and which uses which. */
struct graph {
	struct policy_build *b;
	const struct yaml_node **keys;
	uint32_t n;
	struct pack uses; /* u32: those that 0 uses, those that 1 uses, … */
	uint32_t *first_use; /* n + 1 */
	uint32_t *users; /* the other way about */
	uint32_t *first_user; /* n + 1 */
	uint32_t *order; /* those that come first use none that come later */
	uint32_t *missing; /* how many of its uses are not in the order yet */
	uint32_t n_ordered;
};

static uint32_t
use_at(const struct graph *g, uint32_t i)
{
	return le32_load(g->uses.bytes + 4 * (size_t)i);
}

/* What is misshapen, or not declared, is told when it is compiled. */
static void
note_use(struct graph *g, const struct yaml_node *name)
{
	uint32_t low = 0, high = g->n;

	while (name->kind == YAML_SCALAR && low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(name->text, g->keys[mid]->text);

		if (order == 0) {
			pack_u32(&g->uses, mid);
			return;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
}

/* Recursion is as deep as yamltree lets a file be: 64. */
static void
note_uses(struct graph *g, const struct yaml_node *condition)
{
	static const char *const nested[] = {"not", "any", "all"};
	const struct yaml_node *list = yamlread_get(condition, "is");

	for (const struct yaml_node *c = list == NULL ? NULL : policy_first_entry(list);
	     c != NULL; c = policy_next_entry(list, c))
		note_use(g, c);
	for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++) {
		list = yamlread_get(condition, nested[i]);
		for (const struct yaml_node *c = list == NULL ? NULL : policy_first_entry(list);
		     c != NULL; c = policy_next_entry(list, c))
			note_uses(g, c);
	}
}

static enum ak_err
allocate(struct graph *g)
{
	size_t n = (size_t)g->n + 1;

	for (uint32_t i = 0; i < g->n; i++) {
		g->first_use[i] = (uint32_t)(g->uses.len_b / 4);
		note_uses(g, g->keys[i]->next);
	}
	g->first_use[g->n] = (uint32_t)(g->uses.len_b / 4);
	g->users = calloc(g->uses.len_b / 4 + 1, sizeof(*g->users));
	g->first_user = calloc(n + 1, sizeof(*g->first_user));
	g->order = calloc(n, sizeof(*g->order));
	g->missing = calloc(n, sizeof(*g->missing));
	if (g->uses.err != AK_OK || g->users == NULL || g->first_user == NULL ||
	    g->order == NULL || g->missing == NULL)
		return yamlread_no_memory(g->b->r);
	return AK_OK;
}

/* By counting: who uses i stands from first_user[i] on. */
static void
turn_about(struct graph *g)
{
	uint32_t n_uses = g->first_use[g->n];

	for (uint32_t i = 0; i < n_uses; i++)
		g->first_user[use_at(g, i) + 2]++;
	for (uint32_t i = 0; i < g->n; i++)
		g->first_user[i + 1] += g->first_user[i];
	for (uint32_t user = 0; user < g->n; user++)
		for (uint32_t i = g->first_use[user]; i < g->first_use[user + 1]; i++)
			g->users[g->first_user[use_at(g, i) + 1]++] = user;
}

/* Kahn's: whatever waits for nothing comes next. */
static void
put_in_order(struct graph *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		g->missing[i] = g->first_use[i + 1] - g->first_use[i];
		if (g->missing[i] == 0)
			g->order[g->n_ordered++] = i;
	}
	for (uint32_t at = 0; at < g->n_ordered; at++) {
		uint32_t done = g->order[at];

		for (uint32_t i = g->first_user[done]; i < g->first_user[done + 1]; i++)
			if (--g->missing[g->users[i]] == 0)
				g->order[g->n_ordered++] = g->users[i];
	}
}

/* One that it waits for. */
static uint32_t
waits_for(const struct graph *g, uint32_t i)
{
	for (uint32_t k = g->first_use[i]; k < g->first_use[i + 1]; k++)
		if (g->missing[use_at(g, k)] > 0)
			return use_at(g, k);
	return i;
}

/* Whoever waits waits for one that waits: n steps on, that is on a cycle. Told of its first in the file. */
static enum ak_err
refuse_cycle(const struct graph *g)
{
	uint32_t at = 0, first, start;

	while (g->missing[at] == 0)
		at++;
	for (uint32_t i = 0; i < g->n; i++)
		at = waits_for(g, at);
	first = start = at;
	for (at = waits_for(g, at); at != start; at = waits_for(g, at))
		if (g->keys[at]->line < g->keys[first]->line ||
		    (g->keys[at]->line == g->keys[first]->line &&
			g->keys[at]->col < g->keys[first]->col))
			first = at;
	if (waits_for(g, first) == first)
		return yamlread_refuse(g->b->r, g->keys[first],
		    "definition `%s' is defined by itself", g->keys[first]->text);
	return yamlread_refuse(g->b->r, g->keys[first],
	    "definition `%s' is defined by itself, through `%s'", g->keys[first]->text,
	    g->keys[waits_for(g, first)]->text);
}

static enum ak_err
compile_definition(struct policy_build *b, const struct yaml_node *key)
{
	static const char *const none[] = {NULL};
	uint32_t row[IMAGE_DEFINITION_COLUMNS];
	enum ak_err err;

	if ((err = policy_compile_condition(b, key->next, "a definition", none, false,
		 &row[IMAGE_DEFINITION_FIRST], &row[IMAGE_DEFINITION_END])) != AK_OK)
		return err;
	row[IMAGE_DEFINITION_LINE] = key->line;
	row[IMAGE_DEFINITION_NAME] = image_make_string(b->m, key->text);
	(void)image_make_row(b->m, IMAGE_DEFINITIONS, row, IMAGE_DEFINITION_COLUMNS);
	return AK_OK;
}

/* missing has done its work: now it is each definition's place in the order. */
static enum ak_err
compile_all(struct graph *g)
{
	struct policy_build *b = g->b;
	enum ak_err err = policy_names_init(&b->definitions, b->r, g->n);

	if (err != AK_OK)
		return err;
	for (uint32_t row = 0; row < g->n; row++)
		g->missing[g->order[row]] = row;
	for (uint32_t i = 0; i < g->n; i++)
		policy_names_add(&b->definitions, g->keys[i]->text, g->missing[i]);
	for (uint32_t row = 0; row < g->n && err == AK_OK; row++)
		err = compile_definition(b, g->keys[g->order[row]]);
	return err;
}

static enum ak_err
compile_graph(struct graph *g)
{
	enum ak_err err;

	if ((g->first_use = calloc((size_t)g->n + 1, sizeof(*g->first_use))) == NULL)
		return yamlread_no_memory(g->b->r);
	if ((err = allocate(g)) != AK_OK)
		return err;
	turn_about(g);
	put_in_order(g);
	return g->n_ordered < g->n ? refuse_cycle(g) : compile_all(g);
}

enum ak_err
policy_compile_define(struct policy_build *b, const struct yaml_node *node)
{
	struct graph g = {.b = b, .uses = PACK_INIT};
	size_t n = 0;
	enum ak_err err = AK_OK;

	if (node != NULL &&
	    ((err = yamlread_mapping(b->r, node, "`define'")) != AK_OK ||
		(err = policy_sort_keys(b->r, node, "a definition", text_is_policy_name,
		     POLICY_NAME_SHAPE, &g.keys, &n)) != AK_OK))
		return err;
	g.n = (uint32_t)n;
	err = compile_graph(&g);
	free(g.keys);
	pack_clear(&g.uses);
	free(g.first_use);
	free(g.users);
	free(g.first_user);
	free(g.order);
	free(g.missing);
	return err;
}
