#include <string.h>

#include "hash.h"
#include "index_impl.h"

/* One slot whose tag fits. AK_ERR_NOT_FOUND: on to the next. */
struct slot_try {
	enum ak_err (*slot)(const struct index *ix, uint64_t offset, struct slot_try *t);
	const void *key;
	size_t key_len_b;
	struct index_record *out;
	uint64_t offset;
};

static enum ak_err
each_slot(const struct index *ix, struct slot_try *t)
{
	const struct index_head *h = &ix->head;
	uint64_t hash = hash_sip(h->id, t->key, t->key_len_b);
	uint64_t block_no = index_hash_block(hash, h->hash_blocks);
	unsigned char block[INDEX_BLOCK_B];
	enum ak_err err;

	for (uint64_t probes = 0; probes < h->hash_blocks; probes++) {
		err = index_read_block(ix, INDEX_HEADER_B + block_no * INDEX_BLOCK_B, block);
		if (err != AK_OK)
			return err;
		for (unsigned i = 0; i < INDEX_SLOTS; i++) {
			const unsigned char *slot = block + (size_t)i * INDEX_SLOT_B;
			uint64_t offset = le64_load(slot + 4);

			if (offset == 0) /* blocks fill from the front: it would be here */
				return AK_ERR_NOT_FOUND;
			if (le32_load(slot) != (uint32_t)hash)
				continue;
			err = t->slot(ix, offset, t);
			if (err != AK_ERR_NOT_FOUND)
				return err;
		}
		block_no = block_no + 1 == h->hash_blocks ? 0 : block_no + 1;
	}
	return AK_ERR_NOT_FOUND;
}

/* Is the record there the one? */
static enum ak_err
try_record(const struct index *ix, uint64_t offset, struct slot_try *t)
{
	enum ak_err err = index_read_at(ix, offset, t->out);

	if (err != AK_OK || index_view_has_key(&t->out->view, t->key, t->key_len_b))
		return err;
	index_record_clear(t->out);
	return AK_ERR_NOT_FOUND;
}

static enum ak_err
find(const struct index *ix, const void *key, size_t key_len_b, struct index_record *out,
    enum ak_err (*slot)(const struct index *, uint64_t, struct slot_try *))
{
	struct slot_try t = {.slot = slot, .key = key, .key_len_b = key_len_b, .out = out};

	out->large = NULL;
	if (ix->fd == -1) /* an empty head would say "not found" */
		return AK_ERR_UNAVAILABLE;
	if (key_len_b == 0 || key_len_b > INDEX_KEY_MAX_B)
		return AK_ERR_NOT_FOUND;
	return each_slot(ix, &t);
}

enum ak_err
index_find(const struct index *ix, const void *key, size_t key_len_b, struct index_record *out)
{
	return find(ix, key, key_len_b, out, try_record);
}

static enum ak_err
try_offset(const struct index *ix, uint64_t offset, struct slot_try *t)
{
	(void)ix;
	return offset == t->offset ? AK_OK : AK_ERR_NOT_FOUND;
}

/* Each key of the view leads to the record at this offset. */
static enum ak_err
keys_lead_to(const struct index *ix, uint64_t offset, const struct index_view *v)
{
	struct slot_try t = {.slot = try_offset, .offset = offset};
	size_t at_b = 0;
	enum ak_err err = AK_OK;

	while (err == AK_OK && (t.key = index_view_next_key(v, &at_b, &t.key_len_b)) != NULL)
		err = each_slot(ix, &t);
	return err == AK_ERR_NOT_FOUND ? AK_ERR_CORRUPT : err;
}

/* The keys of the record at this offset, in out->small, which need not hold all of it. */
static enum ak_err
read_keys_at(const struct index *ix, uint64_t offset, struct index_record *out)
{
	struct index_view *v = &out->view;
	size_t got_b;
	enum ak_err err;

	if ((err = index_read_front(ix, offset, sizeof(out->small), out, &got_b)) != AK_OK)
		return err;
	if (le32_load(out->small + 4) <= got_b)
		return index_parse_record(out->small, got_b, ix->head.crc_seed, v);
	*v = (struct index_view){.bytes = out->small, .len_b = got_b, .n_keys = out->small[8]};
	err = v->n_keys == 0 ? AK_ERR_CORRUPT : index_parse_keys(v);
	v->value = NULL;
	v->value_len_b = 0;
	return err == AK_OK ? keys_lead_to(ix, offset, v) : err;
}

static enum ak_err
try_keys(const struct index *ix, uint64_t offset, struct slot_try *t)
{
	enum ak_err err = read_keys_at(ix, offset, t->out);
	const unsigned char *value;

	if (err != AK_OK || index_view_has_key(&t->out->view, t->key, t->key_len_b))
		return err;
	value = t->out->view.value;
	index_record_clear(t->out);
	/* Another's that has the tag; or, not checked yet, one that tells fewer keys than it had. */
	return value == NULL ? try_record(ix, offset, t) : AK_ERR_NOT_FOUND;
}

enum ak_err
index_find_keys(
    const struct index *ix, const void *key, size_t key_len_b, struct index_record *out)
{
	return find(ix, key, key_len_b, out, try_keys);
}
