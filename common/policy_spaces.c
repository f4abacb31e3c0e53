#include "policy_section.h"

#include <stdlib.h>
#include <string.h>

#include "parents.h"

static const char *const known[] = {"parent", NULL};

/* The spaces of the file, and root among them, ascending by name. */
struct spaces {
	const struct yamlread *r;
	const struct yaml_node **keys; /* NULL in root's place when the file does not name it */
	uint32_t *parents;
	uint32_t n, root;
};

static const char *
name_of(const struct spaces *s, uint32_t i)
{
	return s->keys[i] == NULL ? "root" : s->keys[i]->text;
}

static enum ak_err
list_spaces(struct spaces *s, const struct yaml_node *node)
{
	const struct yaml_node **sorted = NULL;
	size_t n = 0, at = 0;
	enum ak_err err;

	if (node != NULL &&
	    ((err = yamlread_mapping(s->r, node, "`spaces'")) != AK_OK ||
		(err = policy_sort_keys(s->r, node, "a space", text_is_policy_name,
		     POLICY_NAME_SHAPE, &sorted, &n)) != AK_OK))
		return err;
	while (at < n && strcmp(sorted[at]->text, "root") < 0)
		at++;
	s->root = (uint32_t)at;
	s->keys = calloc(n + 1, sizeof(*s->keys));
	s->parents = calloc(n + 1, sizeof(*s->parents));
	if (s->keys == NULL || s->parents == NULL) {
		free(sorted);
		return yamlread_no_memory(s->r);
	}
	if (at < n && strcmp(sorted[at]->text, "root") == 0) {
		memcpy(s->keys, sorted, n * sizeof(*sorted));
		s->n = (uint32_t)n;
	} else {
		if (at > 0)
			memcpy(s->keys, sorted, at * sizeof(*sorted));
		if (n > at)
			memcpy(s->keys + at + 1, sorted + at, (n - at) * sizeof(*sorted));
		s->n = (uint32_t)n + 1;
	}
	free(sorted);
	return AK_OK;
}

static enum ak_err
read_parent(struct spaces *s, const struct policy_names *names, uint32_t i)
{
	const struct yaml_node *key = s->keys[i], *parent;
	const char *name;
	enum ak_err err;

	s->parents[i] = i == s->root ? PARENT_NONE : s->root;
	if (key == NULL)
		return AK_OK;
	if ((err = yamlread_keys(s->r, key->next, "a space", known)) != AK_OK)
		return err;
	if ((parent = yamlread_get(key->next, "parent")) == NULL)
		return AK_OK;
	if (i == s->root)
		return yamlread_refuse(
		    s->r, parent, "space `root' has no parent: every other is below it");
	if ((err = yamlread_text(s->r, parent, "parent", &name)) != AK_OK)
		return err;
	if ((s->parents[i] = policy_names_find(names, name)) == IMAGE_NONE)
		return yamlread_refuse(s->r, parent,
		    "space `%s' is below `%.80s', which is not declared", key->text, name);
	return AK_OK;
}

static enum ak_err
refuse_cycle(const struct spaces *s, uint32_t member)
{
	/* The first of the cycle in the file, so that the message does not depend on names. */
	uint32_t first = member;

	for (uint32_t at = s->parents[member]; at != member; at = s->parents[at])
		if (s->keys[at]->line < s->keys[first]->line)
			first = at;
	if (s->parents[first] == first)
		return yamlread_refuse(
		    s->r, s->keys[first], "space `%s' is its own parent", name_of(s, first));
	return yamlread_refuse(s->r, s->keys[first],
	    "space `%s' is below itself, through its parent `%s'", name_of(s, first),
	    name_of(s, s->parents[first]));
}

static void
emit_space(const struct spaces *s, uint32_t i, struct image_make *m)
{
	uint32_t row[IMAGE_SPACE_COLUMNS] = {0};

	row[IMAGE_SPACE_NAME] = image_make_string(m, name_of(s, i));
	row[IMAGE_SPACE_PARENT] = s->parents[i];
	if (s->keys[i] != NULL) {
		row[IMAGE_SPACE_LINE] = s->keys[i]->line;
		row[IMAGE_SPACE_COL] = s->keys[i]->col;
	}
	image_make_row(m, IMAGE_SPACES, row, IMAGE_SPACE_COLUMNS);
}

enum ak_err
policy_compile_spaces(struct policy_build *b, const struct yaml_node *node)
{
	struct spaces s = {.r = b->r};
	uint32_t member = PARENT_NONE;
	enum ak_err err;

	if ((err = list_spaces(&s, node)) != AK_OK ||
	    (err = policy_names_init(&b->spaces, b->r, s.n)) != AK_OK)
		goto out;
	for (uint32_t i = 0; i < s.n; i++)
		policy_names_add(&b->spaces, name_of(&s, i), i);
	for (uint32_t i = 0; i < s.n; i++)
		if ((err = read_parent(&s, &b->spaces, i)) != AK_OK)
			goto out;
	if ((err = parents_find_cycle(s.parents, s.n, &member)) != AK_OK)
		err = yamlread_no_memory(b->r);
	else if (member != PARENT_NONE)
		err = refuse_cycle(&s, member);
	for (uint32_t i = 0; i < s.n && err == AK_OK; i++)
		emit_space(&s, i, b->m);
out:
	free(s.keys);
	free(s.parents);
	return err;
}
