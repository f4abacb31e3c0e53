/* pack: numbers and strings to bytes and back, little-endian, every bound checked. */
#ifndef AK_PACK_H
#define AK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err.h"
#include "text.h"

/* Bytes being written: on the heap, growing. The first failure stays in err, and later calls do nothing. */
struct pack {
	unsigned char *bytes;
	size_t len_b, cap_b;
	bool fixed; /* pack_over's */
	enum ak_err err;
};

#define PACK_INIT ((struct pack){.bytes = NULL})

/* Into the caller's own bytes, without the heap: more than they hold is AK_ERR_RANGE, and nothing is there to clear. */
struct pack pack_over(unsigned char *bytes, size_t cap_b);

/* Frees the bytes; wipe: they held a secret. */
void pack_clear(struct pack *p);
void pack_wipe(struct pack *p);
void pack_reserve(struct pack *p, size_t more_b);
void pack_u8(struct pack *p, uint8_t v);
void pack_u16(struct pack *p, uint16_t v);
void pack_u32(struct pack *p, uint32_t v);
void pack_u64(struct pack *p, uint64_t v);
void pack_bytes(struct pack *p, const void *bytes, size_t len_b);
/* A string: u16 length, the bytes, a NUL. NULL is written as "". Longer than 65,535: AK_ERR_RANGE. */
void pack_str(struct pack *p, const char *s);
/* A packed list: u32 length, the bytes. */
void pack_strv(struct pack *p, struct strv v);
/* One more entry for a list that is being built as a strv in p. */
void pack_entry(struct pack *p, const char *entry);
struct strv pack_borrow_strv(const struct pack *p);

/* Bytes being read: borrowed. Once something does not fit, bad stays set and all later answers are 0, "" or empty. */
struct unpack {
	const unsigned char *at;
	size_t left_b;
	bool bad;
};

struct unpack unpack_over(const void *bytes, size_t len_b);
uint8_t unpack_u8(struct unpack *u);
uint16_t unpack_u16(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
/* len_b bytes, borrowed; NULL when bad. */
const void *unpack_bytes(struct unpack *u, size_t len_b);
/* Borrowed, terminated, no NUL within; "" when bad. */
const char *unpack_str(struct unpack *u);
struct strv unpack_strv(struct unpack *u);

/* Loads and stores at any alignment. */
static inline uint32_t
le32_load(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t
le64_load(const unsigned char *p)
{
	return (uint64_t)le32_load(p) | (uint64_t)le32_load(p + 4) << 32;
}

static inline void
le32_store(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static inline void
le64_store(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

#endif
