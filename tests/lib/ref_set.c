#include "ref_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_cmocka.h"

void
ref_set_clear(struct ref_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct ref_set){.items = NULL};
}

bool
ref_set_has(const struct ref_set *s, const char *item)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->items[i], item) == 0)
			return true;
	return false;
}

void
ref_set_add(struct ref_set *s, const char *item)
{
	if (ref_set_has(s, item))
		return;
	s->items = realloc(s->items, (s->n + 1) * sizeof(*s->items));
	assert_non_null(s->items);
	s->items[s->n] = strdup(item);
	assert_non_null(s->items[s->n++]);
}

bool
ref_set_within(const struct ref_set *inner, const struct ref_set *outer)
{
	for (size_t i = 0; i < inner->n; i++)
		if (!ref_set_has(outer, inner->items[i]))
			return false;
	return true;
}

bool
ref_set_same(const struct ref_set *a, const struct ref_set *b)
{
	return ref_set_within(a, b) && ref_set_within(b, a);
}

static int
compare_items(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

const char *
ref_set_text(struct ref_set *s, char *buf, size_t cap)
{
	size_t at = 0;

	buf[0] = '\0';
	if (s->n > 0)
		qsort(s->items, s->n, sizeof(*s->items), compare_items);
	for (size_t i = 0; i < s->n && at < cap; i++)
		at += (size_t)snprintf(
		    buf + at, cap - at, "%s%s", i == 0 ? "" : "; ", s->items[i]);
	return buf;
}
