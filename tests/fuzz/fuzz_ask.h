/* fuzz_ask: asks an image everything that can be asked of one, and ends the program where its answers contradict each other. */
#ifndef FUZZ_ASK_H
#define FUZZ_ASK_H

#include <stdbool.h>

#include "image.h"

/* Every accessor, over everything that it counts. */
void fuzz_read(const struct image *im);

/*
 * A few requests, at moments in all of its zones. compiled: by policy_compile;
 * then its lists of the rules that concern a login must not change an answer.
 * Of a forged image it is enough that it can be asked.
 */
void fuzz_ask(const struct image *im, bool compiled);

#endif
