/* fuzz_ldapsync: any bytes as a value of RFC 4533: refused and empty, or within its own bounds; and whatever cookie it brings can be sent back. */
#include "fuzz_check.h"
#include "ldapsync.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

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
	pack_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct ldapsync_state state;
	struct ldapsync_info info;

	if (ldapsync_take_state(bytes, len_b, &state) != AK_OK)
		fuzz_check(state.cookie.bytes == NULL, "what is refused is empty");
	fuzz_check(state.what <= LDAPSYNC_DELETE, "a state is one of four");
	check_cookie(bytes, len_b, state.cookie);
	if (ldapsync_take_info(bytes, len_b, &info) != AK_OK)
		fuzz_check(info.uuids.bytes == NULL, "what is refused is empty");
	fuzz_check(info.uuids.len_b % LDAPSYNC_UUID_B == 0 && info.uuids.len_b <= len_b,
	    "ids are whole, and no more than came");
	check_cookie(bytes, len_b, info.cookie);
	pack_clear(&info.uuids);
	return 0;
}
