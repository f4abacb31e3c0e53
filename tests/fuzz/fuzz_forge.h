/* fuzz_forge: index files that are damaged, and such as a careful forger would make. */
#ifndef FUZZ_FORGE_H
#define FUZZ_FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz_input.h"

/* Where the sections lie, how long the last record is, and every sum: as a file must have them. All else stays. */
void fuzz_forge(unsigned char *bytes, size_t len_b);

/*
 * What an input does to a sound file, in place: a few bytes changed, and
 * perhaps cut. Few enough that a CRC-32 finds all of it. false: it is as it was.
 */
bool fuzz_damage(struct fuzz_input *in, unsigned char *bytes, size_t *len_b);

#endif
