/* yamltree: YAML text to a tree with lines and columns, strict. The one room that knows libyaml's header. */
#ifndef AK_YAMLTREE_H
#define AK_YAMLTREE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "err.h"

/*
 * One document of mappings, sequences and scalars; all scalars are text
 * (YAML 1.1's yes, on, 0777 too). Refused with line and column: anchors,
 * aliases, tags, directives, a second document, duplicate keys, keys that are
 * no scalars, NUL bytes (escaped ones too), a BOM, UTF-16, invalid UTF-8, tabs
 * as indentation, characters that break lines for YAML and not for an editor,
 * and more than the limits. Depth counts open lists and mappings.
 */
#define YAML_MAX_B (8U << 20)
#define YAML_MAX_DEPTH 64U
#define YAML_MAX_NODES 1000000U

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* a scalar without quotes: `a:` has a plain "", `a: ''` does not */
	unsigned line, col; /* from 1 */
	const char *text; /* scalar; terminated; NULL for the others */
	/* Sequence: its items. Mapping: keys and values in turn (a key's next is its value). */
	const struct yaml_node *first, *next;
};

struct yaml_doc;

/*
 * An empty file (or only comments) is a document whose root is NULL. file is
 * for messages. Free *out with yamltree_free. AK_ERR_INVALID or AK_ERR_NOMEM.
 * (Not yaml_*: libyaml itself has a yaml_free, which ours would replace.)
 */
enum ak_err yamltree_parse(const char *bytes, size_t len_b, const char *file,
    struct yaml_doc **out, struct diag *why) AK_MUST_CHECK;
void yamltree_free(struct yaml_doc **doc);
const struct yaml_node *yamltree_root_borrow(const struct yaml_doc *doc);

/*
 * Two equal scalars among a sequence's items, or a mapping's keys: the first
 * repetition in the file as *second, what it repeats as *first; both NULL when
 * there is none. AK_OK or AK_ERR_NOMEM.
 */
enum ak_err yamltree_find_twins(const struct yaml_node *parent, const struct yaml_node **first,
    const struct yaml_node **second) AK_MUST_CHECK;

#endif
