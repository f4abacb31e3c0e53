/* ref_item: random conditions, as they are written in a policy. */
#ifndef REF_ITEM_H
#define REF_ITEM_H

#include <stdbool.h>
#include <stddef.h>

#include "testlib_random.h"
#include "text.h"

/* Room for one item. */
#define REF_ITEM_CAP 32768

/* ", key: ", without the comma after a `{`. */
void ref_add_key(struct text *t, const char *key);

/* One of the list as a text, or several as a list. */
void ref_add_some(struct rnd *r, struct text *t, const char *const *list, size_t n);
#define ADD_SOME(r, t, list) ref_add_some((r), (t), (list), N(list))

/* What a condition may hold depends on where it stands. */
struct ref_place {
	unsigned depth; /* of conditions that may still be nested */
	size_t n_defined; /* definitions that may be used, from the first */
	bool in_sample;
};

/* One to three predicates, each once. */
void ref_add_condition(struct rnd *r, struct text *t, const struct ref_place *p);

#endif
