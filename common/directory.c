#include "directory.h"

#include <string.h>

/* The first byte of each value: what it is, and in which version of its shape. record.c has those below 16. */
enum shape { SHAPE_ENTRY = 16, SHAPE_MEMBERSHIP = 17 };

void
directory_entry_pack(const struct directory_entry *e, struct pack *out)
{
	uint8_t n = 0;

	pack_u8(out, SHAPE_ENTRY);
	pack_u8(out, (uint8_t)e->search);
	pack_bytes(out, e->uuid, sizeof(e->uuid));
	pack_str(out, e->dn);
	for (unsigned s = 1; s < SLOT_COUNT; s++)
		n = (uint8_t)(n + (e->values[s].len_b > 0));
	pack_u8(out, n);
	for (unsigned s = 1; s < SLOT_COUNT; s++) {
		if (e->values[s].len_b == 0)
			continue;
		pack_u8(out, (uint8_t)s);
		pack_strv(out, e->values[s]);
	}
}

/* Slots in ascending order, each at most once, none empty: one entry has one form. */
static void
unpack_values(struct unpack *u, struct directory_entry *out)
{
	unsigned n = unpack_u8(u), last = 0;

	for (unsigned i = 0; i < n && !u->bad; i++) {
		unsigned slot = unpack_u8(u);

		if (slot <= last || slot >= SLOT_COUNT) {
			u->bad = true;
			return;
		}
		out->values[slot] = unpack_strv(u);
		if (out->values[slot].len_b == 0)
			u->bad = true;
		last = slot;
	}
}

enum ak_err
directory_entry_unpack(const void *bytes, size_t len_b, struct directory_entry *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u), search = unpack_u8(&u);
	const void *uuid = unpack_bytes(&u, sizeof(out->uuid));

	memset(out, 0, sizeof(*out));
	out->dn = unpack_str(&u);
	unpack_values(&u, out);
	if (shape != SHAPE_ENTRY || search < DIRECTORY_KEYS || search > DIRECTORY_PRINCIPALS ||
	    u.bad || u.left_b != 0 || out->dn[0] == '\0') {
		memset(out, 0, sizeof(*out));
		out->dn = "";
		return AK_ERR_CORRUPT;
	}
	out->search = search;
	memcpy(out->uuid, uuid, sizeof(out->uuid));
	return AK_OK;
}

void
membership_pack(struct strv groups, struct strv bindings, struct pack *out)
{
	pack_u8(out, SHAPE_MEMBERSHIP);
	pack_strv(out, groups);
	pack_strv(out, bindings);
}

enum ak_err
membership_unpack(const void *bytes, size_t len_b, struct strv *groups, struct strv *bindings)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u);

	*groups = unpack_strv(&u);
	*bindings = unpack_strv(&u);
	if (shape == SHAPE_MEMBERSHIP && !u.bad && u.left_b == 0)
		return AK_OK;
	*groups = *bindings = STRV_EMPTY;
	return AK_ERR_CORRUPT;
}
