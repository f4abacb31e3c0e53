#include "pack.h"

#include <stdlib.h>

struct pack
pack_over(unsigned char *bytes, size_t cap_b)
{
	return (struct pack){.bytes = bytes, .cap_b = cap_b, .fixed = true};
}

void
pack_clear(struct pack *p)
{
	free(p->bytes);
	*p = PACK_INIT;
}

void
pack_wipe(struct pack *p)
{
	if (p->bytes != NULL)
		explicit_bzero(p->bytes, p->cap_b);
	pack_clear(p);
}

/* By hand instead of realloc: the old bytes may hold a secret, and are wiped. */
void
pack_reserve(struct pack *p, size_t more_b)
{
	unsigned char *bytes;
	size_t cap_b = p->cap_b == 0 ? 256 : p->cap_b;

	if (p->err != AK_OK || more_b <= p->cap_b - p->len_b)
		return;
	if (p->fixed) {
		p->err = AK_ERR_RANGE;
		return;
	}
	if (more_b > SIZE_MAX / 4 || p->len_b > SIZE_MAX / 4) {
		p->err = AK_ERR_NOMEM;
		return;
	}
	while (cap_b - p->len_b < more_b)
		cap_b *= 2;
	if ((bytes = malloc(cap_b)) == NULL) {
		p->err = AK_ERR_NOMEM;
		return;
	}
	if (p->bytes != NULL) {
		memcpy(bytes, p->bytes, p->len_b);
		explicit_bzero(p->bytes, p->len_b);
		free(p->bytes);
	}
	p->bytes = bytes;
	p->cap_b = cap_b;
}

void
pack_bytes(struct pack *p, const void *bytes, size_t len_b)
{
	pack_reserve(p, len_b);
	if (p->err != AK_OK || len_b == 0)
		return;
	memcpy(p->bytes + p->len_b, bytes, len_b);
	p->len_b += len_b;
}

void
pack_u8(struct pack *p, uint8_t v)
{
	pack_bytes(p, &v, 1);
}

void
pack_u16(struct pack *p, uint16_t v)
{
	unsigned char b[2] = {(unsigned char)v, (unsigned char)(v >> 8)};

	pack_bytes(p, b, sizeof(b));
}

void
pack_u32(struct pack *p, uint32_t v)
{
	unsigned char b[4];

	le32_store(b, v);
	pack_bytes(p, b, sizeof(b));
}

void
pack_u64(struct pack *p, uint64_t v)
{
	unsigned char b[8];

	le64_store(b, v);
	pack_bytes(p, b, sizeof(b));
}

void
pack_str(struct pack *p, const char *s)
{
	size_t len = s == NULL ? 0 : strlen(s);

	if (len > UINT16_MAX && p->err == AK_OK)
		p->err = AK_ERR_RANGE;
	pack_u16(p, (uint16_t)len);
	pack_bytes(p, s == NULL ? "" : s, len + 1);
}

void
pack_strv(struct pack *p, struct strv v)
{
	if (v.len_b > UINT32_MAX && p->err == AK_OK)
		p->err = AK_ERR_RANGE;
	pack_u32(p, (uint32_t)v.len_b);
	pack_bytes(p, v.bytes, v.len_b);
}

void
pack_entry(struct pack *p, const char *entry)
{
	if (entry[0] == '\0' && p->err == AK_OK)
		p->err = AK_ERR_INVALID;
	pack_bytes(p, entry, strlen(entry) + 1);
}

struct strv
pack_borrow_strv(const struct pack *p)
{
	return (struct strv){.bytes = (const char *)p->bytes, .len_b = p->len_b};
}

struct unpack
unpack_over(const void *bytes, size_t len_b)
{
	return (struct unpack){.at = bytes, .left_b = len_b, .bad = false};
}

const void *
unpack_bytes(struct unpack *u, size_t len_b)
{
	const unsigned char *at = u->at;

	if (u->bad || len_b > u->left_b) {
		u->bad = true;
		return NULL;
	}
	if (len_b > 0)
		u->at += len_b;
	u->left_b -= len_b;
	return at;
}

uint8_t
unpack_u8(struct unpack *u)
{
	const unsigned char *b = unpack_bytes(u, 1);

	return b == NULL ? 0 : b[0];
}

uint16_t
unpack_u16(struct unpack *u)
{
	const unsigned char *b = unpack_bytes(u, 2);

	return (uint16_t)(b == NULL ? 0 : b[0] | b[1] << 8);
}

uint32_t
unpack_u32(struct unpack *u)
{
	const unsigned char *b = unpack_bytes(u, 4);

	return b == NULL ? 0 : le32_load(b);
}

uint64_t
unpack_u64(struct unpack *u)
{
	const unsigned char *b = unpack_bytes(u, 8);

	return b == NULL ? 0 : le64_load(b);
}

const char *
unpack_str(struct unpack *u)
{
	size_t len = unpack_u16(u);
	const char *s = unpack_bytes(u, len + 1);

	if (s == NULL)
		return "";
	if (memchr(s, '\0', len + 1) != s + len) {
		u->bad = true;
		return "";
	}
	return s;
}

struct strv
unpack_strv(struct unpack *u)
{
	struct strv v = {.len_b = unpack_u32(u)};

	v.bytes = unpack_bytes(u, v.len_b);
	if (v.bytes == NULL || v.len_b == 0)
		return STRV_EMPTY;
	if (!strv_valid(v)) {
		u->bad = true;
		return STRV_EMPTY;
	}
	return v;
}
