/* fuzz_ldapsync: any bytes as a value of RFC 4533: refused and empty, or what the LDAP library's own reader finds there; and whatever cookie it brings can be sent back. */
#include <lber.h>
#include <string.h>

#include "fuzz_check.h"
#include "ldapsync.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

/* ---- the second reader ---- */

static BerElement *
ber_over(const void *bytes, size_t len_b)
{
	struct berval v = {.bv_len = len_b, .bv_val = (char *)(uintptr_t)bytes};
	BerElement *ber = ber_init(&v);

	fuzz_check(ber != NULL, "there is memory");
	return ber;
}

/* Is the optional element that comes next of this tag, and readable? */
static bool
reads(BerElement *ber, ber_tag_t tag, char *format, void *out)
{
	ber_len_t len_b;

	return ber_peek_tag(ber, &len_b) == tag && ber_scanf(ber, format, out) != LBER_ERROR;
}

static struct berval
read_cookie(BerElement *ber)
{
	struct berval cookie = {.bv_len = 0};

	(void)reads(ber, LBER_OCTETSTRING, "m", &cookie);
	return cookie;
}

static bool
is_same(struct ldapsync_cookie c, struct berval v)
{
	return c.len_b == v.bv_len && (c.len_b == 0 || memcmp(c.bytes, v.bv_val, c.len_b) == 0);
}

static void
check_state(const uint8_t *bytes, size_t len_b, const struct ldapsync_state *state)
{
	BerElement *ber = ber_over(bytes, len_b);
	ber_int_t what = -1;
	struct berval uuid = {.bv_len = 0};

	fuzz_check(ber_scanf(ber, "{em", &what, &uuid) != LBER_ERROR, "both read a state");
	fuzz_check(what == (ber_int_t)state->what && uuid.bv_len == LDAPSYNC_UUID_B &&
		       memcmp(uuid.bv_val, state->uuid, LDAPSYNC_UUID_B) == 0,
	    "of the same entry, which became the same");
	fuzz_check(is_same(state->cookie, read_cookie(ber)), "with the same cookie");
	ber_free(ber, 1);
}

static void
check_ids(BerElement *ber, const struct pack *uuids)
{
	BerVarray ids = NULL;
	size_t n = 0;

	fuzz_check(reads(ber, LBER_SET, "[W]", &ids), "both read the ids");
	for (; ids != NULL && ids[n].bv_val != NULL; n++)
		fuzz_check(ids[n].bv_len == LDAPSYNC_UUID_B &&
			       uuids->len_b >= (n + 1) * LDAPSYNC_UUID_B &&
			       memcmp(uuids->bytes + n * LDAPSYNC_UUID_B, ids[n].bv_val,
				   LDAPSYNC_UUID_B) == 0,
		    "the same ids");
	fuzz_check(uuids->len_b == n * LDAPSYNC_UUID_B, "and no more");
	ber_bvarray_free(ids);
}

static void
check_info(const uint8_t *bytes, size_t len_b, const struct ldapsync_info *info)
{
	BerElement *ber = ber_over(bytes, len_b);
	static const ber_tag_t tags[] = {0x80, 0xa1, 0xa2, 0xa3};
	struct berval cookie = {.bv_len = 0};
	ber_int_t flag = info->kind == LDAPSYNC_ID_SET ? 0 : 1;
	ber_len_t content_b;

	fuzz_check(ber_peek_tag(ber, &content_b) == tags[info->kind], "a message has its tag");
	if (info->kind == LDAPSYNC_NEW_COOKIE) {
		fuzz_check(ber_scanf(ber, "m", &cookie) != LBER_ERROR, "both read a cookie");
	} else {
		fuzz_check(ber_scanf(ber, "{") != LBER_ERROR, "both read a sequence");
		cookie = read_cookie(ber);
		(void)reads(ber, LBER_BOOLEAN, "b", &flag);
		fuzz_check((info->kind == LDAPSYNC_ID_SET ? info->gone : info->refresh_done) ==
			       (flag != 0),
		    "both say whether it is over, or gone");
	}
	fuzz_check(is_same(info->cookie, cookie), "with the same cookie");
	if (info->kind == LDAPSYNC_ID_SET)
		check_ids(ber, &info->uuids);
	ber_free(ber, 1);
}

/* What is sent is the cookie, or, of OpenLDAP's, all parts but the server's own. */
static void
check_request(const struct pack *out, struct ldapsync_cookie c)
{
	BerElement *ber = ber_over(out->bytes, out->len_b);
	ber_int_t mode = 0;
	struct berval sent;

	fuzz_check(
	    ber_scanf(ber, "{e", &mode) != LBER_ERROR && mode == 3, "a request persists");
	sent = read_cookie(ber);
	if (c.len_b >= 4 && memcmp(c.bytes, "rid=", 4) == 0)
		fuzz_check(sent.bv_len >= 4 && sent.bv_len <= c.len_b &&
			       memcmp(sent.bv_val, "rid=", 4) == 0 &&
			       memmem(sent.bv_val, sent.bv_len, ",sid=", 5) == NULL,
		    "and names no server");
	else
		fuzz_check(is_same(c, sent), "and has its cookie");
	ber_free(ber, 1);
}

/* ---- what must hold ---- */

static void
check_cookie(const uint8_t *bytes, size_t len_b, struct ldapsync_cookie c)
{
	struct ldapsync_refresh r = {.with_cookie = true};
	struct pack out = PACK_INIT;

	fuzz_check((c.len_b == 0) == (c.bytes == NULL), "no cookie has no length");
	fuzz_check(c.len_b == 0 || (c.bytes >= bytes && c.bytes + c.len_b <= bytes + len_b),
	    "a cookie lies within what was read");
	fuzz_check(!ldapsync_ignored_cookie(&r, c, c), "a cookie is of its own kind");
	ldapsync_put_request(c, &out);
	fuzz_check(out.err == AK_OK && out.len_b <= c.len_b + 13, "what was read can be sent");
	check_request(&out, c);
	pack_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct ldapsync_state state;
	struct ldapsync_info info;

	if (ldapsync_take_state(bytes, len_b, &state) == AK_OK)
		check_state(bytes, len_b, &state);
	else
		fuzz_check(state.cookie.bytes == NULL, "what is refused is empty");
	fuzz_check(state.what <= LDAPSYNC_DELETE, "a state is one of four");
	check_cookie(bytes, len_b, state.cookie);
	if (ldapsync_take_info(bytes, len_b, &info) == AK_OK)
		check_info(bytes, len_b, &info);
	else
		fuzz_check(info.uuids.bytes == NULL, "what is refused is empty");
	check_cookie(bytes, len_b, info.cookie);
	pack_clear(&info.uuids);
	return 0;
}
