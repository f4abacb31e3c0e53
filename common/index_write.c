#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "index_make_impl.h"

/* A larger file's records are written as they are laid out, so much at a time: it never is in memory whole. */
#define PIECE_B ((size_t)1 << 20)

/* Sizes and places of all sections; the runs are sorted. */
static void
lay_out(struct index_make *m, struct index_head *h)
{
	uint64_t at = INDEX_HEADER_B;

	/* Two slots in three used: about one block read for each look-up, hit or miss. */
	h->hash_blocks = m->n_keys * 3 / (2 * INDEX_SLOTS) + 1;
	at += h->hash_blocks * INDEX_BLOCK_B;
	for (unsigned i = 0; i < INDEX_ORDERS; i++) {
		h->order[i].count = m->counts[i];
		h->order[i].blocks_at = at;
		at += index_order_blocks(m->counts[i]) * INDEX_BLOCK_B;
	}
	h->records_at = h->order[1].records_at = at;
	for (size_t i = 0; i < m->n; i++) {
		m->runs[i].file_at = at;
		at += m->runs[i].len_b;
		if (m->runs[i].order == 0)
			h->order[1].records_at = at;
	}
	h->size_b = at;
}

static enum ak_err
begin(struct index_make *m, const struct index_make_head *head, struct layout *l)
{
	struct index_head *h = &l->head;
	enum ak_err err;

	*l = (struct layout){.make = m};
	h->generation = head->generation;
	h->id = head->id;
	h->built_at = head->built_at;
	h->crc_seed = index_crc_seed(head->generation);
	memcpy(h->extra, head->extra, INDEX_EXTRA_B);
	if (h->id == 0 && getrandom(&h->id, sizeof(h->id), 0) != (ssize_t)sizeof(h->id))
		return AK_ERR_UNAVAILABLE;
	if ((err = index_make_sort(m)) != AK_OK)
		return err;
	lay_out(m, h);
	l->piece_at = h->records_at;
	return AK_OK;
}

static enum ak_err
place_whole(struct layout *l, unsigned char **bytes, size_t *len_b)
{
	enum ak_err err;

	if ((l->front = index_alloc_large(l->head.size_b)) == NULL)
		return AK_ERR_NOMEM;
	l->piece = l->front + l->head.records_at;
	l->cap_b = l->head.size_b - l->head.records_at;
	if ((err = index_place_all(l)) != AK_OK) {
		free(l->front);
		return err;
	}
	*bytes = l->front;
	*len_b = l->head.size_b;
	return AK_OK;
}

enum ak_err
index_make_finish(struct index_make *m, const struct index_make_head *head,
    unsigned char **bytes, size_t *len_b)
{
	struct layout l;
	enum ak_err err = begin(m, head, &l);

	*bytes = NULL;
	*len_b = 0;
	return err == AK_OK ? place_whole(&l, bytes, len_b) : err;
}

/* The records as they are laid out, and what stands before them in the end. */
static enum ak_err
write_in_pieces(struct layout *l)
{
	enum ak_err err;

	l->cap_b = l->make->longest_b > PIECE_B ? l->make->longest_b : PIECE_B;
	l->front = index_alloc_large(l->head.records_at);
	l->piece = malloc(l->cap_b);
	err = l->front == NULL || l->piece == NULL ? AK_ERR_NOMEM : index_place_all(l);
	if (err == AK_OK)
		err = index_place_flush(l);
	if (err == AK_OK)
		err = safefile_new_write(l->to, l->front, l->head.records_at, 0, l->why);
	free(l->front);
	free(l->piece);
	return err;
}

static enum ak_err
write_whole(struct index_make *m, const struct index_make_head *head, struct layout *l)
{
	unsigned char *bytes;
	size_t len_b;
	enum ak_err err = index_make_finish(m, head, &bytes, &len_b);

	if (err == AK_OK)
		err = safefile_new_write(l->to, bytes, len_b, 0, l->why);
	free(bytes);
	return err;
}

enum ak_err
index_make_write(struct index_make *m, struct index_make_head *head, const char *path,
    unsigned keep, struct safefile_new *out, struct diag *why)
{
	struct layout l;
	enum ak_err err;

	*out = SAFEFILE_NEW_INIT;
	if ((err = begin(m, head, &l)) != AK_OK ||
	    (err = safefile_new_begin(out, path, keep, why)) != AK_OK)
		return err;
	head->id = l.head.id;
	l.to = out;
	l.why = why;
	err = l.head.size_b > PIECE_B ? write_in_pieces(&l) : write_whole(m, head, &l);
	if (err != AK_OK)
		safefile_new_drop(out);
	return err;
}
