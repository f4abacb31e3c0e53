/* ref_tri: true, false, or neither can be said: the logic of apikey-policy(5), as the reference has it. */
#ifndef REF_TRI_H
#define REF_TRI_H

#include <stdbool.h>

/* In Kleene's order, so that `and` is the least and `or` the greatest. */
enum tri { NO, UNDEFINED, YES };

static inline enum tri
least(enum tri a, enum tri b)
{
	return a < b ? a : b;
}

static inline enum tri
greatest(enum tri a, enum tri b)
{
	return a > b ? a : b;
}

static inline enum tri
negated(enum tri a)
{
	return a == UNDEFINED ? UNDEFINED : a == YES ? NO : YES;
}

static inline enum tri
known(bool yes)
{
	return yes ? YES : NO;
}

#endif
