#include "image_make.h"

void
image_make_clear(struct image_make *m)
{
	for (unsigned i = 0; i < IMAGE_N_SECTIONS; i++)
		pack_clear(&m->sections[i]);
	*m = IMAGE_MAKE_INIT;
}

/* Every offset fits: image_make_finish refuses what is larger than IMAGE_MAX_B. */
uint32_t
image_make_string(struct image_make *m, const char *s)
{
	struct pack *strings = &m->sections[IMAGE_STRINGS];
	uint32_t at = (uint32_t)strings->len_b;

	pack_bytes(strings, s == NULL ? "" : s, s == NULL ? 1 : strlen(s) + 1);
	return at;
}

uint32_t
image_make_strv(struct image_make *m, struct strv v)
{
	uint32_t at = (uint32_t)m->sections[IMAGE_STRINGS].len_b;

	pack_bytes(&m->sections[IMAGE_STRINGS], v.bytes, v.len_b);
	return at;
}

uint32_t
image_make_row(
    struct image_make *m, enum image_section section, const uint32_t *columns, size_t n_columns)
{
	for (size_t i = 0; i < n_columns; i++)
		pack_u32(&m->sections[section], columns[i]);
	return m->counts[section]++;
}

/* After a failure there may be no such row: the failure is told at the end. */
void
image_make_set(struct image_make *m, enum image_section section, size_t n_columns, uint32_t row,
    unsigned column, uint32_t value)
{
	struct pack *p = &m->sections[section];

	if (p->err == AK_OK)
		le32_store(p->bytes + 4 * (row * n_columns + column), value);
}

static void
pack_header(const struct image_make *m, struct pack *out, uint64_t size_b)
{
	uint64_t at = IMAGE_HEADER_B + IMAGE_N_SECTIONS * IMAGE_ENTRY_B;

	pack_bytes(out, IMAGE_MAGIC, IMAGE_AT_VERSION);
	pack_u32(out, IMAGE_VERSION);
	pack_u32(out, 0);
	pack_u64(out, size_b);
	while (out->err == AK_OK && out->len_b < IMAGE_AT_N_SECTIONS)
		pack_u64(out, 0);
	pack_u32(out, IMAGE_N_SECTIONS);
	pack_u32(out, 0);
	for (uint32_t i = 0; i < IMAGE_N_SECTIONS; i++) {
		pack_u32(out, i);
		pack_u32(out, m->counts[i]);
		pack_u64(out, at);
		pack_u64(out, m->sections[i].len_b);
		at += m->sections[i].len_b;
	}
}

enum ak_err
image_make_finish(struct image_make *m, struct image **out)
{
	struct pack p = PACK_INIT;
	size_t size_b = IMAGE_HEADER_B + IMAGE_N_SECTIONS * IMAGE_ENTRY_B;
	enum ak_err err = AK_OK;

	*out = NULL;
	for (unsigned i = 0; i < IMAGE_N_SECTIONS; i++) {
		if ((err = m->sections[i].err) != AK_OK)
			goto out;
		size_b += m->sections[i].len_b;
	}
	if (size_b > IMAGE_MAX_B) {
		err = AK_ERR_FULL;
		goto out;
	}
	pack_header(m, &p, size_b);
	for (unsigned i = 0; i < IMAGE_N_SECTIONS; i++)
		pack_bytes(&p, m->sections[i].bytes, m->sections[i].len_b);
	if ((err = p.err) != AK_OK)
		goto out;
	le32_store(p.bytes + IMAGE_AT_CHECKSUM, image_checksum(p.bytes, size_b));
	err = image_take(&p.bytes, size_b, out);
out:
	pack_clear(&p);
	return err;
}
