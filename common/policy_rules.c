#include <stdlib.h>
#include <string.h>

#include "policy_section.h"

typedef enum ak_err rule_fn(struct policy_build *b, const struct yaml_node *item);

static enum ak_err
each_item(
    struct policy_build *b, const struct yaml_node *list, const char *what, rule_fn *compile)
{
	enum ak_err err = AK_OK;

	if (list == NULL || yamlread_is_empty(list))
		return AK_OK;
	if (list->kind != YAML_SEQUENCE)
		return yamlread_refuse(
		    b->r, list, "`%s' is a list: begin each of its items with `- '", what);
	for (const struct yaml_node *c = list->first; c != NULL && err == AK_OK; c = c->next)
		err = compile(b, c);
	return err;
}

static enum ak_err
compile_allow(struct policy_build *b, const struct yaml_node *item)
{
	static const char *const none[] = {NULL};
	uint32_t row[IMAGE_RULE_COLUMNS] = {[IMAGE_RULE_LINE] = item->line};
	enum ak_err err = policy_compile_condition(b, item, "an allow rule", none, false,
	    &row[IMAGE_RULE_FIRST], &row[IMAGE_RULE_END]);

	if (err == AK_OK)
		(void)image_make_row(b->m, IMAGE_ALLOW, row, IMAGE_RULE_COLUMNS);
	return err;
}

/* A text that a deny rule must have. */
static enum ak_err
read_needed(const struct yamlread *r, const struct yaml_node *item, const char *key,
    bool (*valid)(const char *), const char *shape, const char **text)
{
	const struct yaml_node *node = yamlread_get(item, key);
	enum ak_err err;

	if (node == NULL)
		return yamlread_refuse(r, item, "a deny rule needs `%s'", key);
	if ((err = yamlread_text(r, node, key, text)) != AK_OK)
		return err;
	if (!valid(*text))
		return yamlread_refuse(r, node, "%s: `%.80s' is not %s", key, *text, shape);
	return AK_OK;
}

static enum ak_err
compile_deny(struct policy_build *b, const struct yaml_node *item)
{
	static const char *const others[] = {"id", "reason", NULL};
	uint32_t row[IMAGE_DENY_COLUMNS] = {[IMAGE_RULE_LINE] = item->line};
	const char *id = NULL, *reason = NULL;
	enum ak_err err;

	if ((err = policy_compile_condition(b, item, "a deny rule", others, false,
		 &row[IMAGE_RULE_FIRST], &row[IMAGE_RULE_END])) != AK_OK ||
	    (err = read_needed(b->r, item, "id", text_is_policy_name,
		 "a rule's name: " POLICY_NAME_SHAPE, &id)) != AK_OK ||
	    (err = read_needed(b->r, item, "reason", policy_is_line,
		 "one line without control characters", &reason)) != AK_OK)
		return err;
	row[IMAGE_DENY_ID] = image_make_string(b->m, id);
	row[IMAGE_DENY_REASON] = image_make_string(b->m, reason);
	(void)image_make_row(b->m, IMAGE_DENY, row, IMAGE_DENY_COLUMNS);
	return AK_OK;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct yaml_node *const *x = a, *const *y = b;
	int order = strcmp((*x)->text, (*y)->text);

	if (order == 0 && (*x)->line != (*y)->line)
		order = (*x)->line < (*y)->line ? -1 : 1;
	if (order == 0)
		order = (*x)->col < (*y)->col ? -1 : 1;
	return order;
}

/* All have been compiled: each has an id, and it is a text. */
static enum ak_err
refuse_same_ids(struct policy_build *b, const struct yaml_node *list)
{
	const struct yaml_node **ids, *twin = NULL, *first = NULL;
	size_t n = b->m->counts[IMAGE_DENY], at = 0;

	if (n < 2)
		return AK_OK;
	if ((ids = calloc(n, sizeof(*ids))) == NULL)
		return yamlread_no_memory(b->r);
	for (const struct yaml_node *c = list->first; c != NULL; c = c->next)
		ids[at++] = yamlread_get(c, "id");
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < n && twin == NULL; i++)
		if (strcmp(ids[i - 1]->text, ids[i]->text) == 0) {
			first = ids[i - 1];
			twin = ids[i];
		}
	free(ids);
	if (twin == NULL)
		return AK_OK;
	return yamlread_refuse(
	    b->r, twin, "id `%s' is given twice (first at line %u)", twin->text, first->line);
}

static enum ak_err
compile_grant(struct policy_build *b, const struct yaml_node *item)
{
	static const char *const others[] = {"role", "in", "hosts", NULL};
	uint32_t row[IMAGE_GRANT_COLUMNS] = {[IMAGE_RULE_LINE] = item->line};
	enum ak_err err;

	if ((err = policy_compile_condition(b, item, "a grant", others, false,
		 &row[IMAGE_RULE_FIRST], &row[IMAGE_RULE_END])) != AK_OK ||
	    (err = policy_compile_binding(b, item, &row[IMAGE_GRANT_BINDING])) != AK_OK)
		return err;
	row[IMAGE_GRANT_BINDING + IMAGE_BINDING_LINE] = 0;
	(void)image_make_row(b->m, IMAGE_GRANTS, row, IMAGE_GRANT_COLUMNS);
	return AK_OK;
}

static enum ak_err
compile_sample(struct policy_build *b, const struct yaml_node *item)
{
	static const char *const none[] = {NULL};
	uint32_t row[IMAGE_RULE_COLUMNS] = {[IMAGE_RULE_LINE] = item->line};
	enum ak_err err = policy_compile_condition(
	    b, item, "a sample", none, true, &row[IMAGE_RULE_FIRST], &row[IMAGE_RULE_END]);

	if (err == AK_OK)
		(void)image_make_row(b->m, IMAGE_SAMPLES, row, IMAGE_RULE_COLUMNS);
	return err;
}

enum ak_err
policy_compile_allow(struct policy_build *b, const struct yaml_node *node)
{
	return each_item(b, node, "allow", compile_allow);
}

enum ak_err
policy_compile_deny(struct policy_build *b, const struct yaml_node *node)
{
	enum ak_err err = each_item(b, node, "deny", compile_deny);

	return err == AK_OK && node != NULL ? refuse_same_ids(b, node) : err;
}

enum ak_err
policy_compile_grant(struct policy_build *b, const struct yaml_node *node)
{
	return each_item(b, node, "grant", compile_grant);
}

enum ak_err
policy_compile_sample(struct policy_build *b, const struct yaml_node *node)
{
	return each_item(b, node, "sample", compile_sample);
}
