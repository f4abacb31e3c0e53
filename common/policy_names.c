#include <stdlib.h>
#include <string.h>

#include "policy_section.h"

static int
compare_keys(const void *a, const void *b)
{
	const struct yaml_node *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

enum ak_err
policy_sort_keys(const struct yamlread *r, const struct yaml_node *mapping, const char *what,
    bool (*valid)(const char *), const char *shape, const struct yaml_node ***out, size_t *n)
{
	const struct yaml_node **sorted;
	size_t count = 0;

	*out = NULL;
	*n = 0;
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next, count++)
		if (!valid(k->text))
			return yamlread_refuse(
			    r, k, "`%.80s' is no name of %s: %s", k->text, what, shape);
	if (count == 0)
		return AK_OK;
	if ((sorted = calloc(count, sizeof(*sorted))) == NULL)
		return yamlread_no_memory(r);
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next)
		sorted[(*n)++] = k;
	qsort(sorted, *n, sizeof(*sorted), compare_keys);
	*out = sorted;
	return AK_OK;
}

enum ak_err
policy_names_init(struct policy_names *names, const struct yamlread *r, size_t n)
{
	names->n = 0;
	names->names = calloc(n + 1, sizeof(*names->names));
	names->rows = calloc(n + 1, sizeof(*names->rows));
	return names->names == NULL || names->rows == NULL ? yamlread_no_memory(r) : AK_OK;
}

void
policy_names_clear(struct policy_names *names)
{
	free(names->names);
	free(names->rows);
	*names = (struct policy_names){.names = NULL};
}

void
policy_names_add(struct policy_names *names, const char *name, uint32_t row)
{
	names->names[names->n] = name;
	names->rows[names->n++] = row;
}

uint32_t
policy_names_find(const struct policy_names *names, const char *name)
{
	uint32_t low = 0, high = names->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(name, names->names[mid]);

		if (order == 0)
			return names->rows[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return IMAGE_NONE;
}

const struct yaml_node *
policy_first_entry(const struct yaml_node *list)
{
	return list->kind == YAML_SEQUENCE ? list->first : list;
}

const struct yaml_node *
policy_next_entry(const struct yaml_node *list, const struct yaml_node *at)
{
	return list->kind == YAML_SEQUENCE ? at->next : NULL;
}

enum ak_err
policy_need_entry(const struct yamlread *r, const struct yaml_node *list, const char *what)
{
	if (list->kind != YAML_SEQUENCE || list->first != NULL)
		return AK_OK;
	return yamlread_refuse(
	    r, list, "%s has an empty list: fill it, or remove the line", what);
}

bool
policy_is_glob(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || strchr(",/?[]{}'\"\\", *s) != NULL)
			return false;
	return true;
}

/* Nor those of U+0080 to U+009F. */
bool
policy_is_line(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];

		if (c < ' ' || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
			return false;
	}
	return true;
}

bool
policy_is_group(const char *s)
{
	return s[0] != '\0' && policy_is_line(s);
}
