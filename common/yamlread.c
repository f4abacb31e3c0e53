#include "yamlread.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum ak_err
yamlread_refuse(const struct yamlread *r, const struct yaml_node *node, const char *fmt, ...)
{
	char text[sizeof(r->why->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_say(r->why, AK_ERR_INVALID, r->file, node == NULL ? 1 : node->line,
	    node == NULL ? 1 : node->col, "%s", text);
}

enum ak_err
yamlread_no_memory(const struct yamlread *r)
{
	return diag_because(r->why, AK_ERR_NOMEM, "out of memory");
}

bool
yamlread_is_empty(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->plain && node->text[0] == '\0';
}

enum ak_err
yamlread_mapping(const struct yamlread *r, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_MAPPING || yamlread_is_empty(node))
		return AK_OK;
	return yamlread_refuse(r, node, "%s is a mapping (`key: value' lines), not a %s", what,
	    node->kind == YAML_SCALAR ? "text" : "list");
}

/* Does one letter more, less or else, or two swapped, make a of b? */
static bool
is_near(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), head = 0, tail = 0;

	while (a[head] != '\0' && a[head] == b[head])
		head++;
	while (tail < la - head && tail < lb - head && a[la - 1 - tail] == b[lb - 1 - tail])
		tail++;
	la -= head + tail;
	lb -= head + tail;
	return (la <= 1 && lb <= 1) ||
	       (la == 2 && lb == 2 && a[head] == b[head + 1] && a[head + 1] == b[head]);
}

static enum ak_err
refuse_key(const struct yamlread *r, const struct yaml_node *key, const char *what,
    const char *const *known)
{
	for (; *known != NULL; known++)
		if (is_near(key->text, *known))
			return yamlread_refuse(r, key,
			    "%s has no key `%.80s': did you mean `%s'?", what, key->text,
			    *known);
	return yamlread_refuse(r, key, "%s has no key `%.80s'", what, key->text);
}

enum ak_err
yamlread_keys(const struct yamlread *r, const struct yaml_node *node, const char *what,
    const char *const *known)
{
	enum ak_err err;

	if ((err = yamlread_mapping(r, node, what)) != AK_OK)
		return err;
	for (const struct yaml_node *key = node->first; key != NULL; key = key->next->next) {
		const char *const *k = known;

		while (*k != NULL && strcmp(*k, key->text) != 0)
			k++;
		if (*k == NULL)
			return refuse_key(r, key, what, known);
	}
	return AK_OK;
}

const struct yaml_node *
yamlread_get(const struct yaml_node *mapping, const char *key)
{
	if (mapping == NULL || mapping->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next)
		if (strcmp(k->text, key) == 0)
			return k->next;
	return NULL;
}

enum ak_err
yamlread_version(const struct yamlread *r, const struct yaml_node *root)
{
	const struct yaml_node *version = yamlread_get(root, "version");
	const char *text;
	enum ak_err err;

	if (version == NULL)
		return yamlread_refuse(r, root, "the line `version: 1' is missing");
	if ((err = yamlread_text(r, version, "version", &text)) != AK_OK)
		return err;
	if (strcmp(text, "1") != 0)
		return yamlread_refuse(r, version,
		    "version `%.80s' is not known here: this reads version 1", text);
	return AK_OK;
}

enum ak_err
yamlread_text(
    const struct yamlread *r, const struct yaml_node *node, const char *what, const char **out)
{
	*out = "";
	if (node->kind != YAML_SCALAR)
		return yamlread_refuse(r, node, "%s is one text, not a %s", what,
		    node->kind == YAML_SEQUENCE ? "list" : "mapping");
	if (node->text[0] == '\0')
		return yamlread_refuse(
		    r, node, "%s has no value: give one, or remove the line", what);
	*out = node->text;
	return AK_OK;
}

enum ak_err
yamlread_bool(
    const struct yamlread *r, const struct yaml_node *node, const char *what, bool *out)
{
	const char *text;
	enum ak_err err;

	*out = false;
	if ((err = yamlread_text(r, node, what, &text)) != AK_OK)
		return err;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return yamlread_refuse(r, node, "%s is true or false, not `%.80s'", what, text);
	*out = text[0] == 't';
	return AK_OK;
}

static enum ak_err
add_entry(const struct yamlread *r, const struct yaml_node *node, const char *what,
    bool (*valid)(const char *), const char *shape, struct pack *out)
{
	const char *text;
	enum ak_err err;

	if ((err = yamlread_text(r, node, what, &text)) != AK_OK)
		return err;
	if (!valid(text))
		return yamlread_refuse(r, node, "%s: `%.80s' is not %s", what, text, shape);
	pack_entry(out, text);
	return AK_OK;
}

enum ak_err
yamlread_list(const struct yamlread *r, const struct yaml_node *node, const char *what,
    bool (*valid)(const char *), const char *shape, struct pack *out)
{
	const struct yaml_node *first, *second;
	enum ak_err err;

	if (yamlread_is_empty(node))
		return AK_OK;
	if (node->kind != YAML_SEQUENCE) {
		err = add_entry(r, node, what, valid, shape, out);
	} else {
		err = AK_OK;
		for (const struct yaml_node *c = node->first; c != NULL && err == AK_OK;
		     c = c->next)
			err = add_entry(r, c, what, valid, shape, out);
		if (err == AK_OK &&
		    (err = yamltree_find_twins(node, &first, &second)) == AK_OK &&
		    second != NULL)
			return yamlread_refuse(r, second,
			    "%s: `%.80s' is given twice (first at line %u)", what, second->text,
			    first->line);
	}
	if (err == AK_OK)
		err = out->err;
	return err == AK_ERR_NOMEM ? yamlread_no_memory(r) : err;
}
