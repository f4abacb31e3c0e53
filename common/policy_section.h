/* policy_section: what the compilers of policy.yaml's sections share. */
#ifndef AK_POLICY_SECTION_H
#define AK_POLICY_SECTION_H

#include <stddef.h>

#include "err.h"
#include "image_make.h"
#include "yamlread.h"

/* A section's compiler: node is its value, NULL when the file has none. Sections are compiled in the image's order. */
typedef enum ak_err policy_section_fn(
    const struct yamlread *r, const struct yaml_node *node, struct image_make *m);

policy_section_fn policy_compile_spaces AK_MUST_CHECK;
policy_section_fn policy_compile_roles AK_MUST_CHECK;

/*
 * A mapping's keys, ascending in byte order; each must be a policy name.
 * what: "a space". The array is the caller's to free; NULL when *n is 0.
 */
enum ak_err policy_sort_names(const struct yamlread *r, const struct yaml_node *mapping,
    const char *what, const struct yaml_node ***out, size_t *n) AK_MUST_CHECK;

#endif
