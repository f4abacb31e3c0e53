/* Checksums and keyed hashes, against implementations that share nothing with ours. */
#include <string.h>

#include "hash.h"
#include "hash_fold.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

/* CRC-32 bit by bit, from its polynomial. */
static uint32_t
crc_by_bits(const unsigned char *p, size_t len_b)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len_b; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static void
crc_of_the_check_string_is_the_published_one(void **state)
{
	(void)state;
	assert_int_equal(hash_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(hash_crc32(0, "", 0), 0);
	assert_int_equal(hash_crc32(0, NULL, 0), 0);
	assert_int_equal(hash_crc32(0, "a", 1), 0xe8b7be43);
}

/*
 * Eight bytes that leave all of the register zero but byte k, which is b,
 * show the entry [7 - k][b] alone; one byte shows [0][b].
 */
static void
every_entry_of_the_crc_table_is_right(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		unsigned char one = (unsigned char)b;

		assert_int_equal(hash_crc32(0, &one, 1), crc_by_bits(&one, 1));
		for (unsigned k = 0; k < 8; k++) {
			unsigned char eight[8] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};

			eight[k] ^= (unsigned char)b;
			assert_int_equal(hash_crc32(0, eight, 8), crc_by_bits(eight, 8));
		}
	}
}

/* In pieces so short that they go by words. */
static uint32_t
crc_by_words(uint32_t crc, const unsigned char *p, size_t len_b)
{
	for (; len_b > 8; len_b -= 8, p += 8)
		crc = hash_crc32(crc, p, 8);
	return hash_crc32(crc, p, len_b);
}

static void
crc_is_the_same_in_pieces_and_at_any_alignment(void **state)
{
	struct rnd r = rnd_start("crc");
	unsigned char bytes[1000];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		size_t from = rnd_below(&r, 16);
		size_t len_b = rnd_below(&r, i % 2 == 0 ? 190 : sizeof(bytes) - 16);
		size_t cut = rnd_below(&r, len_b + 1);
		uint32_t whole;

		rnd_bytes(&r, bytes, sizeof(bytes));
		whole = crc_by_bits(bytes + from, len_b);
		assert_int_equal(hash_crc32(0, bytes + from, len_b), whole);
		assert_int_equal(hash_crc32(hash_crc32(0, bytes + from, cut),
				     bytes + from + cut, len_b - cut),
		    whole);
	}
}

/* All of the register, and each bit of a long text, comes through the folding alone. */
static void
what_is_folded_has_the_crc_of_all(void **state)
{
	unsigned char bytes[80] = {0}, folded[HASH_FOLD_B];

	(void)state;
	if (!hash_fold_is_possible())
		skip();
	for (size_t len_b = HASH_FOLD_B; len_b <= sizeof(bytes); len_b += HASH_FOLD_B)
		for (size_t bit = 0; bit < 32 + 8 * len_b; bit++) {
			uint32_t crc = bit < 32 ? UINT32_C(1) << bit : 0;

			if (bit >= 32)
				bytes[bit / 8 - 4] = (unsigned char)(1U << bit % 8);
			hash_fold(crc, bytes, len_b, folded);
			/* hash_crc32 goes by words where there is so little, and turns the register round. */
			assert_int_equal(hash_crc32(~UINT32_C(0), folded, sizeof(folded)),
			    crc_by_words(~crc, bytes, len_b));
			memset(bytes, 0, sizeof(bytes));
		}
}

/* SipHash-c-d as the paper writes it: (k0, k1) free, one word a loop. */
#define SIP_ROUND                                                                              \
	do {                                                                                   \
		v0 += v1, v1 = v1 << 13 | v1 >> 51, v1 ^= v0, v0 = v0 << 32 | v0 >> 32;        \
		v2 += v3, v3 = v3 << 16 | v3 >> 48, v3 ^= v2;                                  \
		v0 += v3, v3 = v3 << 21 | v3 >> 43, v3 ^= v0;                                  \
		v2 += v1, v1 = v1 << 17 | v1 >> 47, v1 ^= v2, v2 = v2 << 32 | v2 >> 32;        \
	} while (0)

static uint64_t
sip_by_the_paper(int c, int d, uint64_t k0, uint64_t k1, const unsigned char *m, size_t len_b)
{
	uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
	uint64_t v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;

	for (size_t word = 0; word <= len_b / 8; word++) {
		uint64_t mi = 0;

		for (size_t i = 0; i < 8; i++)
			if (word * 8 + i < len_b)
				mi |= (uint64_t)m[word * 8 + i] << 8 * i;
		if (word == len_b / 8)
			mi |= (uint64_t)(len_b & 0xff) << 56;
		v3 ^= mi;
		for (int i = 0; i < c; i++)
			SIP_ROUND;
		v0 ^= mi;
	}
	v2 ^= 0xff;
	for (int i = 0; i < d; i++)
		SIP_ROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

/* Before the second implementation judges ours it must give the paper's vectors itself. */
static void
the_reference_gives_the_published_vectors(void **state)
{
	static const struct {
		size_t len_b;
		uint64_t hash;
	} rows[] = {
	    {0, 0x726fdb47dd0e0e31},
	    {1, 0x74f839c593dc67fd},
	    {7, 0xab0200f58b01d137},
	    {8, 0x93f5f5799a932462},
	    {15, 0xa129ca6149be45e5},
	};
	unsigned char m[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		m[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(sip_by_the_paper(2, 4, 0x0706050403020100, 0x0f0e0d0c0b0a0908, m,
				rows[i].len_b) == rows[i].hash);
}

static void
siphash_is_the_papers_under_seed_and_its_complement(void **state)
{
	struct rnd r = rnd_start("sip");
	unsigned char bytes[300];

	(void)state;
	for (size_t len_b = 0; len_b < 280; len_b++)
		for (int i = 0; i < 20; i++) {
			uint64_t seed = i == 0 ? 0 : rnd_u64(&r);
			size_t from = rnd_below(&r, 8);

			rnd_bytes(&r, bytes, sizeof(bytes));
			assert_true(hash_sip(seed, bytes + from, len_b) ==
				    sip_by_the_paper(1, 3, seed, ~seed, bytes + from, len_b));
		}
	assert_true(hash_sip(7, NULL, 0) == sip_by_the_paper(1, 3, 7, ~UINT64_C(7), bytes, 0));
}

static void
the_quarters_crc_is_the_crc_of_four(void **state)
{
	struct rnd r = rnd_start("quarters");
	unsigned char bytes[300], four[16];

	(void)state;
	for (size_t len_b = 0; len_b < 290; len_b++) {
		size_t from = rnd_below(&r, 8), quarter_b = len_b / 32 * 8;

		rnd_bytes(&r, bytes, sizeof(bytes));
		for (size_t q = 0; q < 4; q++) {
			size_t rest_b = q < 3 ? quarter_b : len_b - 3 * quarter_b;
			uint32_t crc = crc_by_bits(bytes + from + q * quarter_b, rest_b);

			for (int i = 0; i < 4; i++)
				four[4 * q + (size_t)i] = (unsigned char)(crc >> 8 * i);
		}
		assert_int_equal(
		    hash_crc32_quarters(bytes + from, len_b), crc_by_bits(four, sizeof(four)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(crc_of_the_check_string_is_the_published_one),
	    cmocka_unit_test(every_entry_of_the_crc_table_is_right),
	    cmocka_unit_test(crc_is_the_same_in_pieces_and_at_any_alignment),
	    cmocka_unit_test(what_is_folded_has_the_crc_of_all),
	    cmocka_unit_test(the_quarters_crc_is_the_crc_of_four),
	    cmocka_unit_test(the_reference_gives_the_published_vectors),
	    cmocka_unit_test(siphash_is_the_papers_under_seed_and_its_complement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
