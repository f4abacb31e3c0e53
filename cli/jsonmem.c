#include "jsonmem.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A token passes through here. */
union wiped {
	size_t len_b;
	max_align_t align;
};

static void *
wiped_alloc(size_t len_b)
{
	union wiped *w;

	if (len_b > SIZE_MAX - sizeof(*w) || (w = malloc(sizeof(*w) + len_b)) == NULL)
		return NULL;
	w->len_b = len_b;
	return w + 1;
}

static void
wiped_free(void *p)
{
	union wiped *w = p;

	if (p == NULL)
		return;
	w--;
	explicit_bzero(w, sizeof(*w) + w->len_b);
	free(w);
}

void
jsonmem_use(void)
{
	json_set_alloc_funcs(wiped_alloc, wiped_free);
}
