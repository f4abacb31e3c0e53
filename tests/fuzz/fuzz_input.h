/* fuzz_input: takes an input apart, a piece at a time; behind its end there are zeros. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
	const uint8_t *at;
	size_t left_b;
};

uint8_t fuzz_u8(struct fuzz_input *in);
uint32_t fuzz_u32(struct fuzz_input *in);

/* Up to a NUL or a newline, at most cap - 1 bytes. */
char *fuzz_line(struct fuzz_input *in, char *buf, size_t cap);

/* All that is left up to its first NUL, for free(). */
char *fuzz_rest(struct fuzz_input *in);

#endif
