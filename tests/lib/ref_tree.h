/* ref_tree: a parsed YAML file, as the reference evaluator walks it. */
#ifndef REF_TREE_H
#define REF_TREE_H

#include <stddef.h>
#include <string.h>

#include "yamltree.h"

/* A mapping's value; NULL when it has none of that name. */
static inline const struct yaml_node *
ref_get(const struct yaml_node *mapping, const char *key)
{
	if (mapping == NULL || mapping->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next)
		if (strcmp(k->text, key) == 0)
			return k->next;
	return NULL;
}

/* The items of a list; a single text stands for a list of one; nothing for an empty one. */
static inline const struct yaml_node *
ref_items(const struct yaml_node *node)
{
	if (node == NULL || node->kind == YAML_MAPPING)
		return NULL;
	if (node->kind == YAML_SEQUENCE)
		return node->first;
	return node->plain && node->text[0] == '\0' ? NULL : node;
}

/* After an item: a single text has none, though it has a neighbour in its mapping. */
static inline const struct yaml_node *
ref_item_after(const struct yaml_node *list, const struct yaml_node *item)
{
	return list->kind == YAML_SEQUENCE ? item->next : NULL;
}

#define each_item(list, item)                                                                  \
	for (const struct yaml_node *item = ref_items(list); (item) != NULL;                   \
	     (item) = ref_item_after((list), (item)))

#endif
