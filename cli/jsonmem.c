#include "jsonmem.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A token passes through here. */
union wiped {
	struct {
		union wiped *newer, *older;
		size_t len_b;
	};
	max_align_t align;
};

static union wiped *newest; /* of what is in use */
static jmp_buf *way_out; /* of the parser; NULL: it does not run */

static void *
wiped_alloc(size_t len_b)
{
	union wiped *w;

	if (len_b > SIZE_MAX - sizeof(*w) || (w = malloc(sizeof(*w) + len_b)) == NULL) {
		if (way_out != NULL)
			longjmp(*way_out, 1);
		return NULL;
	}
	w->len_b = len_b;
	w->newer = NULL;
	w->older = newest;
	if (newest != NULL)
		newest->newer = w;
	newest = w;
	return w + 1;
}

static void
wiped_free(void *p)
{
	union wiped *w = p;

	if (p == NULL)
		return;
	w--;
	if (w->newer != NULL)
		w->newer->older = w->older;
	else
		newest = w->older;
	if (w->older != NULL)
		w->older->newer = w->newer;
	explicit_bzero(w, sizeof(*w) + w->len_b);
	free(w);
}

void
jsonmem_use(void)
{
	json_set_alloc_funcs(wiped_alloc, wiped_free);
}

json_t *
jsonmem_load(const char *bytes, size_t len_b, json_error_t *said, bool *no_memory)
{
	union wiped *const before = newest;
	jmp_buf here;
	json_t *object;

	jsonmem_use();
	*no_memory = false;
	if (setjmp(here) != 0) {
		way_out = NULL;
		while (newest != before)
			wiped_free(newest + 1);
		*no_memory = true;
		return NULL;
	}
	way_out = &here;
	object = json_loadb(bytes, len_b, JSON_REJECT_DUPLICATES, said);
	way_out = NULL;
	return object;
}
