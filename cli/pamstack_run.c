#include "pamstack.h"

#include <string.h>

/* Substacks within substacks, as many as libpam takes. */
#define LEVELS 17

enum impression { UNDECIDED, POSITIVE, NEGATIVE };

struct state {
	enum impression impression;
	int status; /* of the POSITIVE one */
};

/* The last line that is still in the (sub)stack of line i. */
static size_t
last_of_level(const struct pamstack *s, size_t i)
{
	unsigned level = s->v[i].level;

	while (i + 1 < s->n && s->v[i + 1].level >= level)
		i++;
	return i;
}

/* Jump over n lines, a substack counting as one; *over: how many of them there were not. */
static size_t
jump(const struct pamstack *s, size_t i, int n, int *over)
{
	unsigned level = s->v[i].level;

	while (n > 0 && i + 1 < s->n && s->v[i + 1].level >= level) {
		do
			i++;
		while (i + 1 < s->n && s->v[i + 1].level > level);
		n--;
	}
	*over = n;
	return i;
}

static bool
ends(int action)
{
	return action == PAMSTACK_DO_DONE || action == PAMSTACK_DO_DIE;
}

size_t
pamstack_next(const struct pamstack *s, size_t i, int code)
{
	int action = s->v[i].actions[code], over;

	if (ends(action))
		i = last_of_level(s, i);
	else if (action > 0)
		i = jump(s, i, action, &over);
	return i + 1;
}

/* One answer; the line that was asked last, or was jumped to. As _pam_dispatch_aux does it. */
static size_t
take(const struct pamstack *s, size_t i, int code, struct state *st, const struct state *saved)
{
	int action = s->v[i].actions[code], over = 0;

	switch (action) {
	case PAMSTACK_DO_IGNORE:
		return i;
	case PAMSTACK_DO_RESET:
		*st = saved[s->v[i].level];
		return i;
	case PAMSTACK_DO_OK:
	case PAMSTACK_DO_DONE:
		if (code != PAMSTACK_IGNORE &&
		    (st->impression == UNDECIDED ||
			(st->impression == POSITIVE && st->status == PAMSTACK_SUCCESS)))
			*st = (struct state){.impression = POSITIVE, .status = code};
		return action == PAMSTACK_DO_DONE && st->impression != NEGATIVE
			   ? last_of_level(s, i)
			   : i;
	case PAMSTACK_DO_BAD:
	case PAMSTACK_DO_DIE:
		st->impression = NEGATIVE;
		return action == PAMSTACK_DO_DIE ? last_of_level(s, i) : i;
	default:
		if (action > 0)
			i = jump(s, i, action, &over);
		if (action < 0 || over > 0)
			st->impression = NEGATIVE;
		return i;
	}
}

bool
pamstack_passes(const struct pamstack *s,
    int (*answer)(void *ctx, const struct pamstack_line *l), void *ctx)
{
	struct state st = {.impression = UNDECIDED, .status = PAMSTACK_PERM_DENIED};
	struct state saved[LEVELS] = {st};
	unsigned level_was = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct pamstack_line *l = &s->v[i];

		if (l->level >= LEVELS)
			return false;
		if (l->level > level_was)
			saved[l->level] = st;
		level_was = l->level;
		if (l->substack)
			continue;
		i = take(s, i, l->broken ? PAMSTACK_PERM_DENIED : answer(ctx, l), &st, saved);
	}
	return st.impression == POSITIVE && st.status == PAMSTACK_SUCCESS;
}
