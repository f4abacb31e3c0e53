#include "testlib_random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "testlib_cmocka.h"

struct rnd
rnd_from(uint64_t seed)
{
	return (struct rnd){.state = seed};
}

struct rnd
rnd_start(const char *test)
{
	const char *given = getenv("TEST_SEED");
	uint64_t seed;

	if (given != NULL)
		seed = strtoull(given, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		fail_msg("no randomness for a seed");
	print_message("%s: TEST_SEED=0x%016llx\n", test, (unsigned long long)seed);
	return rnd_from(seed);
}

/* SplitMix64 (Steele, Lea and Flood, 2014). */
uint64_t
rnd_u64(struct rnd *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

uint64_t
rnd_below(struct rnd *r, uint64_t n)
{
	return rnd_u64(r) % n;
}

void
rnd_bytes(struct rnd *r, void *out, size_t len_b)
{
	unsigned char *p = out;

	for (size_t i = 0; i < len_b; i++)
		p[i] = (unsigned char)rnd_u64(r);
}

char *
rnd_text(struct rnd *r, const char *alphabet, char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = alphabet[rnd_below(r, strlen(alphabet))];
	out[len] = '\0';
	return out;
}
