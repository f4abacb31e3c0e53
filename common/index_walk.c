#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "index_impl.h"

void
index_walk_start(const struct index *ix, unsigned order, uint64_t offset, struct index_walk *w)
{
	*w = (struct index_walk){.next = offset, .end = ix->head.order[order].records_end};
}

/* The bytes from w->next on to the front of buf. */
static enum ak_err
walk_fill(const struct index *ix, struct index_walk *w, unsigned char *buf, size_t cap_b)
{
	uint64_t left_b = w->end - w->next;
	size_t want_b = left_b < cap_b ? (size_t)left_b : cap_b;
	enum ak_err err = index_read_bytes(ix->fd, buf, want_b, w->next, &w->in_len_b);

	w->in_at = w->next;
	if (err == AK_OK && w->in_len_b != want_b)
		err = AK_ERR_CORRUPT;
	if (err != AK_OK)
		w->in_len_b = 0;
	return err;
}

/* Is the whole record at w->next in buf? */
static bool
walk_holds(const struct index_walk *w, const unsigned char *buf)
{
	uint64_t skip_b = w->next - w->in_at;

	return w->next >= w->in_at && skip_b + INDEX_RECORD_HEADER_B <= w->in_len_b &&
	       le32_load(buf + skip_b + 4) <= w->in_len_b - skip_b;
}

/* Why not: the buffer is too small, or no record of this length can lie here. */
static enum ak_err
walk_lacks(const struct index_walk *w, const unsigned char *buf)
{
	uint64_t left_b = w->end - w->next;

	if (left_b < INDEX_RECORD_HEADER_B ||
	    (w->in_len_b >= INDEX_RECORD_HEADER_B && le32_load(buf + 4) > left_b))
		return AK_ERR_CORRUPT;
	return AK_ERR_RANGE;
}

enum ak_err
index_walk_next(const struct index *ix, struct index_walk *w, unsigned char *buf, size_t cap_b,
    struct index_view *out)
{
	enum ak_err err;

	if (w->next >= w->end)
		return AK_ERR_NOT_FOUND;
	if (!walk_holds(w, buf)) {
		if ((err = walk_fill(ix, w, buf, cap_b)) != AK_OK)
			return err;
		if (!walk_holds(w, buf))
			return walk_lacks(w, buf);
	}
	err = index_parse_record(buf + (w->next - w->in_at), w->in_len_b - (w->next - w->in_at),
	    ix->head.crc_seed, out);
	if (err == AK_OK)
		w->next += out->len_b;
	return err;
}

#define LARGE_PAGE_B ((size_t)2 << 20)

void *
index_alloc_large(size_t len_b)
{
	size_t whole_b = (len_b + LARGE_PAGE_B - 1) & ~(LARGE_PAGE_B - 1);
	void *bytes;

	if (len_b < LARGE_PAGE_B || whole_b < len_b)
		return malloc(len_b);
	if ((bytes = aligned_alloc(LARGE_PAGE_B, whole_b)) != NULL)
		(void)madvise(bytes, whole_b, MADV_HUGEPAGE);
	return bytes;
}

enum ak_err
index_each(const struct index *ix, unsigned order,
    enum ak_err (*take)(void *ctx, const struct index_view *v), void *ctx,
    struct index_mapping *kept)
{
	uint64_t at = ix->head.order[order].records_at, end = ix->head.order[order].records_end;
	struct index_view v;
	enum ak_err err = AK_OK;

	*kept = INDEX_MAPPING_INIT;
	if (ix->fd == -1)
		return AK_ERR_UNAVAILABLE;
	if (at == end)
		return AK_OK;
	/* From the file's start, so that offsets are the file's own. */
	kept->len_b = (size_t)end;
	kept->base = mmap(NULL, kept->len_b, PROT_READ, MAP_SHARED, ix->fd, 0);
	if (kept->base == MAP_FAILED) {
		*kept = INDEX_MAPPING_INIT;
		return AK_ERR_NOMEM;
	}
	for (; err == AK_OK && at < end; at += v.len_b) {
		err = index_parse_record((const unsigned char *)kept->base + at,
		    (size_t)(end - at), ix->head.crc_seed, &v);
		if (err == AK_OK)
			err = take(ctx, &v);
	}
	return err;
}

void
index_unmap(struct index_mapping *m)
{
	if (m->base != NULL)
		(void)munmap(m->base, m->len_b);
	*m = INDEX_MAPPING_INIT;
}
