/* several: the keys that a verb names, found all of them before any is changed. */
#ifndef CLI_SEVERAL_H
#define CLI_SEVERAL_H

#include <stddef.h>

#include "args.h"
#include "change.h"

/* Each key once, in the order of the operands. */
struct several {
	struct several_key {
		struct key key;
		bool changed;
	} * v;
	size_t n;
};

#define SEVERAL_INIT ((struct several){.v = NULL})

/* Within a change that was begun. What can't be found fails all. several_clear in any case. */
enum ak_err several_find(
    struct change *ch, const struct args *a, struct several *out) AK_MUST_CHECK;
void several_clear(struct several *s);

/* What the verb answers about them. */
enum ak_err several_answer(const struct several *s, const struct change *ch,
    const struct args *a, const char *done_text) AK_MUST_CHECK;

#endif
