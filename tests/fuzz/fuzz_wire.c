/* fuzz_wire: any bytes from either side of the wire: refused, or one message, which written anew is the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
write_anew(const struct wire_message *m, struct pack *out)
{
	switch (m->type) {
	case WIRE_START:
		wire_put_start(out, &m->start);
		break;
	case WIRE_NAMES:
		wire_put_names(out, m->names);
		break;
	case WIRE_STATE:
		wire_put_state(out, &m->state);
		break;
	case WIRE_BEGIN:
		wire_put_begin(out, m->search, m->begun_names);
		break;
	case WIRE_PUT:
		wire_put_entry(out, &m->entry);
		break;
	case WIRE_PRESENT:
	case WIRE_GONE:
		wire_put_uuids(out, m->type, m->search, m->uuids, m->n_uuids);
		break;
	case WIRE_COOKIE:
		wire_put_cookie(out, m->search, m->cookie, m->cookie_len_b);
		break;
	case WIRE_END:
		wire_put_end(out, &m->end);
		break;
	case WIRE_PING:
	case WIRE_REFRESH:
	case WIRE_PONG:
	case WIRE_CONTACT:
		wire_put_simple(out, m->type);
		break;
	}
}

/* A message has one form: what was read is written as it came. */
static size_t
check_one(const uint8_t *bytes, size_t len_b, bool from_engine)
{
	static struct wire_message m;
	struct pack out = PACK_INIT;
	size_t used = 0;
	enum ak_err err = wire_take(bytes, len_b, from_engine, &m, &used);

	if (err != AK_OK) {
		fuzz_check(used == 0, "what is refused uses nothing");
		return 0;
	}
	fuzz_check(used > 4 && used <= len_b, "a message lies within what came");
	write_anew(&m, &out);
	fuzz_check(out.err == AK_OK && out.len_b == used && memcmp(out.bytes, bytes, used) == 0,
	    "it is written as it came");
	pack_clear(&out);
	return used;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	for (int from_engine = 0; from_engine < 2; from_engine++) {
		size_t at = 0, used;

		while (at < len_b &&
		       (used = check_one(bytes + at, len_b - at, from_engine == 1)) > 0)
			at += used;
	}
	return 0;
}
