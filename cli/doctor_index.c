#include "doctor_index.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "index_make.h"
#include "pack.h"

#define BLOCKS_AT_ONCE 4096U

/* n blocks at the offset, as they lie there. */
static enum ak_err
read_blocks(const struct index *ix, uint64_t offset, unsigned char *buf, size_t n)
{
	size_t have_b = 0, want_b = n * INDEX_BLOCK_B;

	while (have_b < want_b) {
		ssize_t got =
		    pread(ix->fd, buf + have_b, want_b - have_b, (off_t)(offset + have_b));

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? AK_ERR_CORRUPT : AK_ERR_UNAVAILABLE;
		have_b += (size_t)got;
	}
	return AK_OK;
}

/* From the header on to the records there is nothing but blocks. */
static enum ak_err
walk_blocks(const struct index *ix)
{
	unsigned char *buf = calloc(BLOCKS_AT_ONCE, INDEX_BLOCK_B);
	uint64_t at = INDEX_HEADER_B, end = ix->head.records_at;
	enum ak_err err = buf == NULL ? AK_ERR_NOMEM : AK_OK;

	while (err == AK_OK && at < end) {
		uint64_t left = (end - at) / INDEX_BLOCK_B;
		size_t n = left < BLOCKS_AT_ONCE ? (size_t)left : BLOCKS_AT_ONCE;

		err = read_blocks(ix, at, buf, n);
		for (size_t i = 0; err == AK_OK && i < n; i++, at += INDEX_BLOCK_B) {
			const unsigned char *b = buf + i * INDEX_BLOCK_B;

			if (le32_load(b + INDEX_SLOTS * INDEX_SLOT_B) !=
			    index_block_crc(ix->head.crc_seed, at, b))
				err = AK_ERR_CORRUPT;
		}
	}
	free(buf);
	return err;
}

static enum ak_err
take(void *ctx, const struct index_view *v)
{
	(void)ctx;
	(void)v;
	return AK_OK;
}

enum ak_err
doctor_index_walk(const struct index *ix)
{
	struct index_mapping kept;
	enum ak_err err = walk_blocks(ix);

	for (unsigned o = 0; err == AK_OK && o < INDEX_ORDERS; o++) {
		err = index_each(ix, o, take, NULL, &kept);
		index_unmap(&kept);
	}
	return err;
}
