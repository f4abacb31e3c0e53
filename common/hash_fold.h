/* hash_fold: many bytes to sixteen that have the same CRC-32, where the processor multiplies polynomials. */
#ifndef AK_HASH_FOLD_H
#define AK_HASH_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_FOLD_B 16U

/* Can this processor? */
bool hash_fold_is_possible(void);

/*
 * What the register crc becomes over these bytes, the register 0 becomes over
 * out (Gopal and others, Fast CRC Computation for Generic Polynomials Using
 * PCLMULQDQ, 2009). len_b: a multiple of HASH_FOLD_B, and not 0. Only where it is possible.
 */
void hash_fold(
    uint32_t crc, const unsigned char *bytes, size_t len_b, unsigned char out[HASH_FOLD_B]);

#endif
