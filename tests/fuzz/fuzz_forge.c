#include "fuzz_forge.h"

#include <string.h>

#include "hash.h"
#include "index.h"
#include "pack.h"

/* How many entries each section has room for, at most: such as they come in files that fit. */
#define BLOCKS_MAX 8U
#define COUNT_MAX 16U

static uint64_t
blocks_of(uint64_t count)
{
	return (count + INDEX_SLOTS - 1) / INDEX_SLOTS;
}

/* As the header says, as far as there is room. Returns where the records begin. */
static uint64_t
lay_out(unsigned char *b, size_t len_b)
{
	uint64_t blocks = 1 + le64_load(b + 48) % BLOCKS_MAX, count[2], at;

	if (le64_load(b + 48) >= 1 && le64_load(b + 48) <= BLOCKS_MAX)
		blocks = le64_load(b + 48);
	count[0] = le64_load(b + 64) % COUNT_MAX;
	count[1] = le64_load(b + 80) % COUNT_MAX;
	if (INDEX_HEADER_B +
		(blocks + blocks_of(count[0]) + blocks_of(count[1])) * INDEX_BLOCK_B >
	    len_b) {
		blocks = 1;
		count[0] = count[1] = 0;
	}
	le64_store(b + 48, blocks);
	at = INDEX_HEADER_B + blocks * INDEX_BLOCK_B;
	for (unsigned i = 0; i < INDEX_ORDERS; i++) {
		le64_store(b + 64 + (size_t)16 * i, count[i]);
		le64_store(b + 72 + (size_t)16 * i, at);
		at += blocks_of(count[i]) * INDEX_BLOCK_B;
	}
	le64_store(b + 56, at);
	return at;
}

/* Returns where the first record of the other order is. */
static uint64_t
seal_records(unsigned char *b, size_t len_b, uint64_t at, uint32_t seed)
{
	uint64_t end_of_first = at;
	bool in_first = true;

	while (len_b - at >= INDEX_RECORD_HEADER_B) {
		uint64_t left_b = len_b - at, one_b = le32_load(b + at + 4);

		if (one_b < INDEX_RECORD_HEADER_B || one_b > left_b ||
		    left_b - one_b < INDEX_RECORD_HEADER_B)
			one_b = left_b;
		le32_store(b + at + 4, (uint32_t)one_b);
		le32_store(b + at, hash_crc32(seed, b + at + 4, one_b - 4));
		in_first = in_first && b[at + 9] == 0;
		at += one_b;
		if (in_first)
			end_of_first = at;
	}
	return end_of_first;
}

void
fuzz_forge(unsigned char *b, size_t len_b)
{
	uint64_t records_at;
	uint32_t seed;

	if (len_b < INDEX_HEADER_B + INDEX_BLOCK_B)
		return;
	memcpy(b, INDEX_MAGIC, 8);
	le32_store(b + 8, INDEX_VERSION);
	le32_store(b + 12, INDEX_BYTE_ORDER);
	le64_store(b + 40, len_b);
	seed = index_crc_seed(le64_load(b + 16));
	records_at = lay_out(b, len_b);
	for (uint64_t at = INDEX_HEADER_B; at < records_at; at += INDEX_BLOCK_B)
		le32_store(
		    b + at + INDEX_SLOTS * INDEX_SLOT_B, index_block_crc(seed, at, b + at));
	le64_store(b + 96, seal_records(b, len_b, records_at, seed));
	le32_store(b + 124, 0);
	le32_store(b + 124, hash_crc32(0, b, INDEX_HEADER_B));
}

bool
fuzz_damage(struct fuzz_input *in, unsigned char *bytes, size_t *len_b)
{
	unsigned n = fuzz_u8(in) % 5;
	bool changed = false;

	for (unsigned i = 0; i < n; i++) {
		size_t at = fuzz_u32(in) % *len_b;
		uint8_t by = fuzz_u8(in);

		bytes[at] ^= by;
		changed = changed || by != 0;
	}
	if (fuzz_u8(in) % 4 == 3) {
		*len_b = fuzz_u32(in) % *len_b;
		changed = true;
	}
	return changed;
}
