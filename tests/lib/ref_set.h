/* ref_set: a set of texts, for tests. */
#ifndef REF_SET_H
#define REF_SET_H

#include <stdbool.h>
#include <stddef.h>

struct ref_set {
	char **items;
	size_t n;
};

/* Once, however often it is added. */
void ref_set_add(struct ref_set *s, const char *item);
void ref_set_clear(struct ref_set *s);
bool ref_set_has(const struct ref_set *s, const char *item);
bool ref_set_within(const struct ref_set *inner, const struct ref_set *outer);
bool ref_set_same(const struct ref_set *a, const struct ref_set *b);
/* Sorted, with blanks between; returns buf. */
const char *ref_set_text(struct ref_set *s, char *buf, size_t cap);

#endif
