#include "walk.h"

void
walk_restart(struct walk *w)
{
	w->begun = w->buffered = false;
}

/* From the buffer, without the file; AK_ERR_UNAVAILABLE when it would have to be read. */
static enum ak_err
peek_buffer(struct walk *w, struct walk_item *out)
{
	struct index closed;

	if (!w->buffered)
		return AK_ERR_UNAVAILABLE;
	/* Of a closed file a walk looks at no more than this; clearing it all would cost more than the walk. */
	closed.fd = -1;
	closed.head.crc_seed = w->crc_seed;
	out->after = w->at;
	return index_walk_next(&closed, &out->after, w->buf, sizeof(w->buf), &out->view);
}

/* Put the walk where it stands in this file, which may be another than last time. */
static enum ak_err
settle(struct walk *w, const struct nss_file *f, unsigned order)
{
	const struct index_head *h = &f->ix.head;
	uint64_t offset = h->order[order].records_at;
	enum ak_err err = AK_OK;

	if (w->buffered && w->generation == h->generation && w->id == h->id)
		return AK_OK;
	w->buffered = false;
	if (w->begun)
		err = index_seek(&f->ix, order, w->last + 1, &offset);
	if (err != AK_OK)
		return err;
	index_walk_start(&f->ix, order, offset, &w->at);
	w->generation = h->generation;
	w->id = h->id;
	w->built_at = h->built_at;
	w->crc_seed = h->crc_seed;
	w->extra = f->extra;
	w->buffered = true;
	return AK_OK;
}

/* The record at w->at.next is larger than the buffer, whose front is its front. */
static enum ak_err
peek_large(struct walk *w, const struct nss_file *f, size_t room_b, struct walk_item *out)
{
	uint32_t len_b = le32_load(w->buf + 4);
	enum ak_err err;

	/* So much does not fit into the caller's room either: not worth reading, for now. */
	if (len_b > room_b)
		return AK_ERR_RANGE;
	if ((err = index_read_at(&f->ix, w->at.next, &out->large)) != AK_OK)
		return err;
	out->is_large = true;
	out->view = out->large.view;
	out->after = w->at;
	out->after.next += out->view.len_b;
	return AK_OK;
}

static enum ak_err
peek_file(struct walk *w, const struct nss_source *src, unsigned order, size_t room_b,
    struct walk_item *out)
{
	struct nss_file file;
	enum ak_err err;

	if ((err = source_open(src, &file)) != AK_OK)
		return err;
	if (order == ORDER_USERS && !file.extra.enumerate) {
		err = AK_ERR_NOT_FOUND;
		goto out;
	}
	if ((err = settle(w, &file, order)) != AK_OK)
		goto out;
	out->after = w->at;
	err = index_walk_next(&file.ix, &out->after, w->buf, sizeof(w->buf), &out->view);
	/* Whatever came of it, the buffer now holds what this says. */
	w->at.in_at = out->after.in_at;
	w->at.in_len_b = out->after.in_len_b;
	if (err == AK_ERR_RANGE)
		err = peek_large(w, &file, room_b, out);
out:
	source_close(&file);
	return err;
}

enum ak_err
walk_peek(struct walk *w, const struct nss_source *src, unsigned order, size_t room_b,
    struct walk_item *out)
{
	enum ak_err err;

	out->is_large = false;
	err = peek_buffer(w, out);
	if (err == AK_ERR_UNAVAILABLE)
		err = peek_file(w, src, order, room_b, out);
	if (err == AK_OK &&
	    (out->view.order != order || (w->begun && out->view.number <= w->last))) {
		walk_release(out);
		err = AK_ERR_CORRUPT;
	}
	if (err == AK_ERR_CORRUPT)
		w->buffered = false; /* the next call may meet a file made anew */
	return err;
}

void
walk_step(struct walk *w, const struct walk_item *item)
{
	w->at = item->after;
	w->last = item->view.number;
	w->begun = true;
}

void
walk_release(struct walk_item *item)
{
	if (item->is_large)
		source_release(&item->large);
	item->is_large = false;
}
