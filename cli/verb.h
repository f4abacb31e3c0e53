/* verb: the table of verbs, which the frame, the help and the completion read. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "cli.h"

/* Under which heading the overview has it, in this order. */
enum verb_section {
	SECTION_KEYS,
	SECTION_ROLES,
	SECTION_LOGINS,
	SECTION_POLICY,
	SECTION_HOST,
	SECTION_MANY,
	SECTION_COUNT
};

#define VERB_EXAMPLES_MAX 2

struct verb {
	const char *name; /* one word, or a family and a word */
	const char *operands;
	int min, max; /* how many operands */
	uint64_t options;
	bool anybody; /* needs no access to the files */
	int (*run)(struct cli *c, const struct args *a);
	const char *help;
	enum verb_section section;
	const char *about; /* a paragraph for who needs more than `help`; NULL: nobody does */
	/* Command lines that work where there are a key ci-deploy, its token in ci-deploy.token, and a policy.yaml that is to come (tests/e2e/help.sh). */
	const char *examples[VERB_EXAMPLES_MAX];
	const char *see; /* the page that says more than apikey(8) does; NULL: none */
};

/* The last one has no name; so with the families. */
extern const struct verb verbs[];

/* What all verbs that begin with one word are about. */
struct verb_family {
	const char *name, *help;
};
extern const struct verb_family verb_families[];

/* NULL: there is no such. */
const struct verb *verb_find(const char *first, const char *second);
/* "role" of "role add"; a verb of one word is in no family. */
bool verb_is_of(const struct verb *v, const char *family);
/* Its first verb; NULL: there is no such family. */
const struct verb *verb_first_of(const char *family);
/* The last word of its name. */
const char *verb_word(const struct verb *v);

/* "Keys" */
const char *verb_section_title(enum verb_section section);

/*
 * The verb that a typing error most likely meant: one or two letters are
 * wrong, missing, too many, or in each other's place; NULL: none is that near.
 * In a family its second word is compared, and without (NULL) its first.
 */
const struct verb *verb_nearest(const char *family, const char *word);

#endif
