/* yamlread: typed values out of a YAML tree, and a sentence with its place where one is wrong. */
#ifndef AK_YAMLREAD_H
#define AK_YAMLREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "err.h"
#include "pack.h"
#include "yamltree.h"

/* Where sentences go, and the file that they name. */
struct yamlread {
	const char *file;
	struct diag *why;
};

/* AK_ERR_INVALID at the node's place (line 1 when it is NULL: an empty file). */
enum ak_err yamlread_refuse(const struct yamlread *r, const struct yaml_node *node,
    const char *fmt, ...) AK_PRINTF(3, 4);
/* AK_ERR_NOMEM, said. */
enum ak_err yamlread_no_memory(const struct yamlread *r);

/* `a:` with nothing after it. */
bool yamlread_is_empty(const struct yaml_node *node);

/* Is it a mapping (or nothing at all: one without keys)? what: "a role". */
enum ak_err yamlread_mapping(
    const struct yamlread *r, const struct yaml_node *node, const char *what) AK_MUST_CHECK;

/* The same, and has it no key but those of `known` (ended by NULL)? */
enum ak_err yamlread_keys(const struct yamlread *r, const struct yaml_node *node,
    const char *what, const char *const *known) AK_MUST_CHECK;

/* A mapping's value; NULL when it has none of that name, or is no mapping. */
const struct yaml_node *yamlread_get(const struct yaml_node *mapping, const char *key);

/* `version: 1`, without which no file is read. */
enum ak_err yamlread_version(
    const struct yamlread *r, const struct yaml_node *root) AK_MUST_CHECK;

/* A text that is not empty. what: the option's name. */
enum ak_err yamlread_text(const struct yamlread *r, const struct yaml_node *node,
    const char *what, const char **out) AK_MUST_CHECK;

/* true or false, and nothing else. */
enum ak_err yamlread_bool(const struct yamlread *r, const struct yaml_node *node,
    const char *what, bool *out) AK_MUST_CHECK;

/*
 * A text, or a list of different texts, into a strv. valid: what each must be,
 * told to people as `shape` ("a Unix group's name").
 */
enum ak_err yamlread_list(const struct yamlread *r, const struct yaml_node *node,
    const char *what, bool (*valid)(const char *), const char *shape,
    struct pack *out) AK_MUST_CHECK;

#endif
