/* testlib_random: numbers that look random, from a seed that is printed and can be given again. */
#ifndef TESTLIB_RANDOM_H
#define TESTLIB_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct rnd {
	uint64_t state;
};

/* A seed from TEST_SEED, else a fresh one; printed, so that a failure can be had again. */
struct rnd rnd_start(const char *test);
/* The same every time. */
struct rnd rnd_from(uint64_t seed);

uint64_t rnd_u64(struct rnd *r);
/* 0 to n - 1; n is not 0. */
uint64_t rnd_below(struct rnd *r, uint64_t n);
void rnd_bytes(struct rnd *r, void *out, size_t len_b);
/* len characters of the alphabet and a NUL; returns out. */
char *rnd_text(struct rnd *r, const char *alphabet, char *out, size_t len);

#endif
