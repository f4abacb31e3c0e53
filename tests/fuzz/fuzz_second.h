/* fuzz_second: does the image answer as the second evaluator (ref_policy), which has the YAML alone, whatever is asked? */
#ifndef FUZZ_SECOND_H
#define FUZZ_SECOND_H

#include <stddef.h>

#include "image.h"

/* The image is the policy's. What would take long is not judged. */
void fuzz_second(const struct image *im, const char *policy, size_t len_b);

#endif
