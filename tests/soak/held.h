/* held: what the soak itself, apikeyd and its engine hold from stretch to stretch of the changes: does it grow? */
#ifndef SOAK_HELD_H
#define SOAK_HELD_H

#include <stdbool.h>
#include <sys/types.h>

/* Before all else. */
void held_begin(pid_t daemon, pid_t engine);
/*
 * Looks at the two. They are never at rest while keys change, and memory that
 * one change needs goes with it: what they hold is the least of many looks.
 */
void held_look(void);
/*
 * Ends a stretch: prints what was held in it, as the end of a line of the
 * table, and compares it with the first stretch that was `settled', which the
 * very first never is: the two had just begun. False, and said: it has grown.
 */
bool held_ends_stretch(bool settled);
/* Was anything compared? */
bool held_was_compared(void);
void held_print_head(void);

#endif
