/* policy_section: what the compilers of policy.yaml's sections share. */
#ifndef AK_POLICY_SECTION_H
#define AK_POLICY_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "image_make.h"
#include "yamlread.h"

/* Declared names, ascending in byte order, and the row that each has in the image. */
struct policy_names {
	const char **names; /* borrowed from the tree */
	uint32_t *rows;
	uint32_t n;
};

/* One policy being compiled. */
struct policy_build {
	const struct yamlread *r;
	const struct yaml_node *root;
	struct image_make *m;
	struct policy_names spaces, roles, definitions;
	bool in_sample; /* the condition being compiled is a sample's */
};

/* A section's compiler: node is its value, NULL when the file has none. Sections are compiled in the table's order (policy.c). */
typedef enum ak_err policy_section_fn(struct policy_build *b, const struct yaml_node *node);

policy_section_fn policy_compile_spaces AK_MUST_CHECK;
policy_section_fn policy_compile_roles AK_MUST_CHECK;
policy_section_fn policy_compile_accounts AK_MUST_CHECK;
policy_section_fn policy_compile_groups AK_MUST_CHECK;
policy_section_fn policy_compile_define AK_MUST_CHECK;
policy_section_fn policy_compile_allow AK_MUST_CHECK;
policy_section_fn policy_compile_deny AK_MUST_CHECK;
policy_section_fn policy_compile_grant AK_MUST_CHECK;
policy_section_fn policy_compile_sample AK_MUST_CHECK;

/* After the rules: which of them can concern which login. */
enum ak_err policy_compile_logins(struct policy_build *b) AK_MUST_CHECK;

/*
 * A mapping's keys, ascending in byte order; each must be valid. what: "a
 * space"; shape: what a valid one is. The array is the caller's to free; NULL
 * when *n is 0.
 */
enum ak_err policy_sort_keys(const struct yamlread *r, const struct yaml_node *mapping,
    const char *what, bool (*valid)(const char *), const char *shape,
    const struct yaml_node ***out, size_t *n) AK_MUST_CHECK;

#define POLICY_NAME_SHAPE "lower-case letters, digits, - and _, 63 at most"

/* Room for n names; AK_ERR_NOMEM is said. Added in ascending order. */
enum ak_err policy_names_init(
    struct policy_names *names, const struct yamlread *r, size_t n) AK_MUST_CHECK;
void policy_names_clear(struct policy_names *names);
void policy_names_add(struct policy_names *names, const char *name, uint32_t row);
/* The row; IMAGE_NONE when not declared. */
uint32_t policy_names_find(const struct policy_names *names, const char *name);

/* A list's first entry (a lone value is its own list), and the one after `at`. */
const struct yaml_node *policy_first_entry(const struct yaml_node *list);
const struct yaml_node *policy_next_entry(
    const struct yaml_node *list, const struct yaml_node *at);
/* AK_ERR_INVALID for a list without entries. what: the predicate. */
enum ak_err policy_need_entry(
    const struct yamlread *r, const struct yaml_node *list, const char *what) AK_MUST_CHECK;

/* What services, logins and accounts are called, and `*`; not the characters that look like other wildcards or lists. */
bool policy_is_glob(const char *s);
#define POLICY_GLOB_SHAPE                                                                      \
	"a name (`*' is the only wildcard; no blanks, quotes, commas, slashes or brackets)"
/* One line for terminals: no control characters. */
bool policy_is_line(const char *s);
/* What an IdP may call a group: anything in one line. */
bool policy_is_group(const char *s);

/* {role, in | hosts} of a mapping, as IMAGE_BINDING_COLUMNS; the line is the node's. */
enum ak_err policy_compile_binding(
    struct policy_build *b, const struct yaml_node *node, uint32_t *columns) AK_MUST_CHECK;

/*
 * The predicates of an item (what: "a deny rule"), which may have the keys of
 * `others` (ended by NULL) beside them, into nodes; *first and *end tell which.
 * A sample's may ask for the decision.
 */
enum ak_err policy_compile_condition(struct policy_build *b, const struct yaml_node *node,
    const char *what, const char *const *others, bool sample, uint32_t *first,
    uint32_t *end) AK_MUST_CHECK;

/* `time`: into one node. */
enum ak_err policy_compile_time(
    struct policy_build *b, const struct yaml_node *node) AK_MUST_CHECK;

/* A node that others may follow into, and its end, after the last of them. */
uint32_t policy_open_node(struct policy_build *b, enum image_op op, uint32_t a, uint32_t n);
void policy_close_node(struct policy_build *b, uint32_t node);
/* One without any. */
void policy_add_leaf(struct policy_build *b, enum image_op op, uint32_t a, uint32_t n);

#endif
