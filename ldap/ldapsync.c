#include "ldapsync.h"

#include <string.h>

#include <ldap.h>

/* BER tags. */
enum {
	TAG_BOOLEAN = 0x01,
	TAG_OCTETS = 0x04,
	TAG_ENUMERATED = 0x0a,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	/* syncInfoValue's choices */
	TAG_NEW_COOKIE = 0x80,
	TAG_REFRESH_DELETE = 0xa1,
	TAG_REFRESH_PRESENT = 0xa2,
	TAG_ID_SET = 0xa3,
};

#define MODE_REFRESH_AND_PERSIST 3

/* --- writing -------------------------------------------------------------------------------- */

/* A length in as many bytes as it needs; cookies are below 2^24. */
static void
put_length(struct pack *out, size_t len_b)
{
	unsigned n = len_b < 0x80 ? 0 : len_b < 0x100 ? 1 : len_b < 0x10000 ? 2 : 3;

	if (n > 0)
		pack_u8(out, (uint8_t)(0x80 | n));
	else
		pack_u8(out, (uint8_t)len_b);
	while (n-- > 0)
		pack_u8(out, (uint8_t)(len_b >> (8 * n)));
}

/*
 * OpenLDAP's cookie names the server that gave it: rid=000,sid=002,csn=….
 * Handed in, that says which server asks: the changes that were made on it are
 * then kept from us as our own. So the parts but that one.
 */
static void
put_without_sid(struct ldapsync_cookie cookie, struct pack *out)
{
	const unsigned char *at = cookie.bytes, *end = at + cookie.len_b;

	if (cookie.len_b < 4 || memcmp(at, "rid=", 4) != 0) {
		pack_bytes(out, at, cookie.len_b);
		return;
	}
	while (at < end) {
		const unsigned char *comma = memchr(at, ',', (size_t)(end - at));
		size_t len_b = (size_t)((comma == NULL ? end : comma) - at);

		if (len_b < 4 || memcmp(at, "sid=", 4) != 0) {
			if (at != cookie.bytes)
				pack_u8(out, ',');
			pack_bytes(out, at, len_b);
		}
		at = comma == NULL ? end : comma + 1;
	}
}

void
ldapsync_put_request(struct ldapsync_cookie cookie, struct pack *out)
{
	struct pack body = PACK_INIT, sent = PACK_INIT;

	pack_u8(&body, TAG_ENUMERATED);
	pack_u8(&body, 1);
	pack_u8(&body, MODE_REFRESH_AND_PERSIST);
	if (cookie.len_b > 0) {
		put_without_sid(cookie, &sent);
		pack_u8(&body, TAG_OCTETS);
		put_length(&body, sent.len_b);
		pack_bytes(&body, sent.bytes, sent.len_b);
	}
	if (sent.err != AK_OK && body.err == AK_OK)
		body.err = sent.err;
	pack_u8(out, TAG_SEQUENCE);
	put_length(out, body.len_b);
	pack_bytes(out, body.bytes, body.len_b);
	if (body.err != AK_OK && out->err == AK_OK)
		out->err = body.err;
	pack_clear(&sent);
	pack_clear(&body);
}

/* --- reading -------------------------------------------------------------------------------- */

static size_t
take_length(struct unpack *u)
{
	uint8_t first = unpack_u8(u);
	unsigned n = first & 0x7f;
	size_t len_b = 0;

	if (first < 0x80)
		return first;
	if (n == 0 || n > 4)
		u->bad = true;
	while (!u->bad && n-- > 0)
		len_b = len_b << 8 | unpack_u8(u);
	return len_b;
}

/* The next element is of this tag: what is in it. */
static struct unpack
take(struct unpack *u, uint8_t tag)
{
	size_t len_b;
	const void *bytes;

	if (unpack_u8(u) != tag)
		u->bad = true;
	len_b = take_length(u);
	bytes = unpack_bytes(u, len_b);
	return unpack_over(bytes, u->bad ? 0 : len_b);
}

static bool
is_next(const struct unpack *u, uint8_t tag)
{
	return !u->bad && u->left_b > 0 && u->at[0] == tag;
}

static struct ldapsync_cookie
cookie_of(struct unpack *u, struct unpack content)
{
	if (content.left_b > LDAPSYNC_COOKIE_MAX_B)
		u->bad = true;
	if (u->bad || content.left_b == 0)
		return (struct ldapsync_cookie){.bytes = NULL};
	return (struct ldapsync_cookie){.bytes = content.at, .len_b = content.left_b};
}

static struct ldapsync_cookie
take_optional_cookie(struct unpack *u)
{
	if (!is_next(u, TAG_OCTETS))
		return (struct ldapsync_cookie){.bytes = NULL};
	return cookie_of(u, take(u, TAG_OCTETS));
}

static bool
take_optional_bool(struct unpack *u, bool otherwise)
{
	struct unpack content;

	if (!is_next(u, TAG_BOOLEAN))
		return otherwise;
	content = take(u, TAG_BOOLEAN);
	if (content.left_b != 1)
		u->bad = true;
	return !u->bad && content.at[0] != 0;
}

static bool
is_whole(const struct unpack *u)
{
	return !u->bad && u->left_b == 0;
}

enum ak_err
ldapsync_take_state(const void *bytes, size_t len_b, struct ldapsync_state *out)
{
	struct unpack all = unpack_over(bytes, len_b), u = take(&all, TAG_SEQUENCE);
	struct unpack what = take(&u, TAG_ENUMERATED), uuid = take(&u, TAG_OCTETS);

	*out = (struct ldapsync_state){.what = LDAPSYNC_PRESENT};
	if (what.left_b != 1 || uuid.left_b != LDAPSYNC_UUID_B || what.at[0] > LDAPSYNC_DELETE)
		return AK_ERR_CORRUPT;
	out->cookie = take_optional_cookie(&u);
	if (!is_whole(&u) || !is_whole(&all)) {
		out->cookie = (struct ldapsync_cookie){.bytes = NULL};
		return AK_ERR_CORRUPT;
	}
	out->what = (enum ldapsync_what)what.at[0];
	memcpy(out->uuid, uuid.at, LDAPSYNC_UUID_B);
	return AK_OK;
}

static void
take_uuids(struct unpack *u, struct pack *out)
{
	struct unpack set = take(u, TAG_SET);

	/* Each of them has a tag and a length before it. */
	pack_reserve(out, set.left_b);
	while (set.left_b > 0 && !set.bad) {
		struct unpack uuid = take(&set, TAG_OCTETS);

		if (uuid.left_b != LDAPSYNC_UUID_B)
			set.bad = true;
		else
			pack_bytes(out, uuid.at, LDAPSYNC_UUID_B);
	}
	u->bad = u->bad || set.bad;
}

static void
take_phase(struct unpack *all, uint8_t tag, struct ldapsync_info *out)
{
	struct unpack u = take(all, tag);

	out->kind =
	    tag == TAG_REFRESH_DELETE ? LDAPSYNC_REFRESH_DELETE : LDAPSYNC_REFRESH_PRESENT;
	out->cookie = take_optional_cookie(&u);
	out->refresh_done = take_optional_bool(&u, true);
	all->bad = all->bad || !is_whole(&u);
}

static void
take_id_set(struct unpack *all, struct ldapsync_info *out)
{
	struct unpack u = take(all, TAG_ID_SET);

	out->kind = LDAPSYNC_ID_SET;
	out->cookie = take_optional_cookie(&u);
	out->gone = take_optional_bool(&u, false);
	take_uuids(&u, &out->uuids);
	all->bad = all->bad || !is_whole(&u);
}

enum ak_err
ldapsync_take_info(const void *bytes, size_t len_b, struct ldapsync_info *out)
{
	struct unpack all = unpack_over(bytes, len_b);
	uint8_t tag = len_b > 0 ? all.at[0] : 0;

	*out = (struct ldapsync_info){.kind = LDAPSYNC_NEW_COOKIE};
	if (tag == TAG_NEW_COOKIE)
		out->cookie = cookie_of(&all, take(&all, TAG_NEW_COOKIE));
	else if (tag == TAG_REFRESH_DELETE || tag == TAG_REFRESH_PRESENT)
		take_phase(&all, tag, out);
	else if (tag == TAG_ID_SET)
		take_id_set(&all, out);
	else
		all.bad = true;
	if (is_whole(&all) && out->uuids.err == AK_OK)
		return AK_OK;
	pack_clear(&out->uuids);
	*out = (struct ldapsync_info){.kind = LDAPSYNC_NEW_COOKIE};
	return AK_ERR_CORRUPT;
}

/* --- what it means -------------------------------------------------------------------------- */

bool
ldapsync_drops_unnamed(const struct ldapsync_refresh *r)
{
	return r->present_phase || !r->with_cookie;
}

/* rid=000,csn=20261121…: what stands before the first digit is the server's own way to write. */
static size_t
length_of_kind(struct ldapsync_cookie c)
{
	size_t n = 0;

	while (n < c.len_b && (c.bytes[n] < '0' || c.bytes[n] > '9'))
		n++;
	return n;
}

static bool
same_kind(struct ldapsync_cookie sent, struct ldapsync_cookie got)
{
	size_t n = length_of_kind(sent);

	return n == length_of_kind(got) && (n == 0 || memcmp(sent.bytes, got.bytes, n) == 0);
}

bool
ldapsync_ignored_cookie(
    const struct ldapsync_refresh *r, struct ldapsync_cookie sent, struct ldapsync_cookie got)
{
	if (ldapsync_drops_unnamed(r))
		return false;
	/* When nothing changed there need be no newer one. */
	return got.len_b == 0 ? r->entries : !same_kind(sent, got);
}

/* Unwilling: the server lost what the cookie stands for. Without a cookie both are a plain no. */
enum ldapsync_verdict
ldapsync_judge_result(int rc, bool may_restart)
{
	if (rc == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
		return LDAPSYNC_UNKNOWN;
	if ((rc == LDAP_SYNC_REFRESH_REQUIRED || rc == LDAP_UNWILLING_TO_PERFORM) && may_restart)
		return LDAPSYNC_FROM_SCRATCH;
	return LDAPSYNC_GIVE_UP;
}
