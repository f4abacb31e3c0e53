/* rotation: which secrets a key has after it got a new one. */
#ifndef CLI_ROTATION_H
#define CLI_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "record.h"
#include "token.h"

/*
 * The verifier becomes the key's newest secret, numbered one above the highest
 * ever. overlap_s 0: it is the only one. Else the one that was newest works on
 * until now + overlap_s, or its own end when that comes first; older ones, and
 * one that has ended, are dropped. AK_ERR_FULL when the numbers are used up.
 */
enum ak_err rotation_add(struct key_record *k, const struct verifier *v, int64_t now,
    int64_t overlap_s) AK_MUST_CHECK;

/* Is the verifier's secret the key's newest already? */
bool rotation_has(const struct key_record *k, const struct verifier *v);

#endif
