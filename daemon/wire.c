#include "wire.h"

#include <string.h>

#include "hash.h"

#define HEAD_B 4U

/* Where a frame begins: its length is filled in when it is whole. */
static size_t
frame_begin(struct pack *out, enum wire_type type)
{
	size_t at = out->len_b;

	pack_u32(out, 0);
	pack_u8(out, (uint8_t)type);
	return at;
}

static void
frame_end(struct pack *out, size_t at)
{
	size_t len_b = out->len_b - at - HEAD_B;

	if (out->err != AK_OK)
		return;
	if (len_b > WIRE_FRAME_MAX_B)
		out->err = AK_ERR_RANGE;
	else
		le32_store(out->bytes + at, (uint32_t)len_b);
}

static void
put_bytes(struct pack *out, const unsigned char *bytes, size_t len_b)
{
	if (len_b > WIRE_FRAME_MAX_B && out->err == AK_OK)
		out->err = AK_ERR_RANGE;
	pack_u32(out, (uint32_t)len_b);
	pack_bytes(out, bytes, len_b);
}

static const unsigned char *
take_bytes(struct unpack *u, size_t *len_b)
{
	*len_b = unpack_u32(u);
	return unpack_bytes(u, *len_b);
}

/* The settings that the engine needs, in one order for both ways. may_grant, uids and counter are not its business. */

static void
put_settings(struct pack *out, const struct directory_settings *d)
{
	const struct directory_search *searches[] = {&d->keys, &d->groups, &d->principal};

	pack_strv(out, d->uris);
	pack_str(out, d->bind_dn);
	pack_u8(out, (uint8_t)d->sasl);
	pack_u64(out, (uint64_t)d->timeout_s);
	pack_u64(out, (uint64_t)d->poll_s);
	pack_u64(out, (uint64_t)d->reconcile_s);
	pack_u64(out, (uint64_t)d->max_age_s);
	for (size_t i = 0; i < 3; i++) {
		pack_str(out, searches[i]->base);
		pack_str(out, searches[i]->filter);
	}
	pack_str(out, d->group_name);
	pack_strv(out, d->members);
	pack_str(out, d->role_attribute);
}

static void
take_text(struct unpack *u, char *dst, size_t cap)
{
	if (text_copy(dst, cap, unpack_str(u)) != AK_OK)
		u->bad = true;
}

static void
take_list(struct unpack *u, char *dst, size_t cap, struct strv *out)
{
	struct strv v = unpack_strv(u);

	if (v.len_b > cap) {
		u->bad = true;
		return;
	}
	if (v.len_b > 0)
		memcpy(dst, v.bytes, v.len_b);
	*out = (struct strv){.bytes = dst, .len_b = v.len_b};
}

static void
take_seconds(struct unpack *u, int64_t *out)
{
	*out = (int64_t)unpack_u64(u);
	if (*out <= 0)
		u->bad = true;
}

static void
take_settings(struct unpack *u, struct directory_settings *d)
{
	struct directory_search *searches[] = {&d->keys, &d->groups, &d->principal};
	uint8_t sasl;

	take_list(u, d->uris_bytes, sizeof(d->uris_bytes), &d->uris);
	d->present = d->uris.len_b > 0;
	take_text(u, d->bind_dn, sizeof(d->bind_dn));
	sasl = unpack_u8(u);
	d->sasl = sasl == DIRECTORY_EXTERNAL ? DIRECTORY_EXTERNAL : DIRECTORY_NO_SASL;
	if (sasl > DIRECTORY_EXTERNAL || !d->present)
		u->bad = true;
	take_seconds(u, &d->timeout_s);
	take_seconds(u, &d->poll_s);
	take_seconds(u, &d->reconcile_s);
	take_seconds(u, &d->max_age_s);
	for (size_t i = 0; i < 3; i++) {
		take_text(u, searches[i]->base, sizeof(searches[i]->base));
		take_text(u, searches[i]->filter, sizeof(searches[i]->filter));
	}
	take_text(u, d->group_name, sizeof(d->group_name));
	take_list(u, d->members_bytes, sizeof(d->members_bytes), &d->members);
	take_text(u, d->role_attribute, sizeof(d->role_attribute));
}

void
wire_put_start(struct pack *out, const struct wire_start *s)
{
	const struct wire_blob *blobs[] = {&s->ca, &s->cert, &s->key, &s->password,
	    &s->cookie[DIRECTORY_KEYS], &s->cookie[DIRECTORY_GROUPS],
	    &s->cookie[DIRECTORY_PRINCIPALS]};
	size_t at, total_b = sizeof(*s->settings) + s->names.len_b + 1024;

	/* At once: a buffer that grows leaves what it held behind. */
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		total_b += blobs[i]->len_b;
	pack_reserve(out, total_b);
	at = frame_begin(out, WIRE_START);
	put_settings(out, s->settings);
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		put_bytes(out, blobs[i]->bytes, blobs[i]->len_b);
	pack_strv(out, s->names);
	pack_u32(out, s->first);
	frame_end(out, at);
}

static void
take_start(struct unpack *u, struct wire_start *s)
{
	struct wire_blob *blobs[] = {&s->ca, &s->cert, &s->key, &s->password,
	    &s->cookie[DIRECTORY_KEYS], &s->cookie[DIRECTORY_GROUPS],
	    &s->cookie[DIRECTORY_PRINCIPALS]};

	take_settings(u, &s->settings_room);
	s->settings = &s->settings_room;
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		blobs[i]->bytes = take_bytes(u, &blobs[i]->len_b);
	s->names = unpack_strv(u);
	s->first = unpack_u32(u);
}

void
wire_put_simple(struct pack *out, enum wire_type type)
{
	frame_end(out, frame_begin(out, type));
}

void
wire_put_names(struct pack *out, struct strv names)
{
	size_t at = frame_begin(out, WIRE_NAMES);

	pack_strv(out, names);
	frame_end(out, at);
}

void
wire_put_state(struct pack *out, const struct wire_state *s)
{
	size_t at = frame_begin(out, WIRE_STATE);

	pack_u8(out, (uint8_t)s->phase);
	pack_str(out, s->uri);
	pack_str(out, s->problem);
	frame_end(out, at);
}

static void
take_state(struct unpack *u, struct wire_state *s)
{
	uint8_t phase = unpack_u8(u);

	s->uri = unpack_str(u);
	s->problem = unpack_str(u);
	if (phase < WIRE_IDLE || phase > WIRE_POLLING)
		u->bad = true;
	else
		s->phase = phase;
}

static enum directory_search_id
take_search(struct unpack *u)
{
	uint8_t search = unpack_u8(u);

	if (search < DIRECTORY_KEYS || search > DIRECTORY_PRINCIPALS) {
		u->bad = true;
		return DIRECTORY_KEYS;
	}
	return search;
}

void
wire_put_begin(struct pack *out, enum directory_search_id search, uint64_t names)
{
	size_t at = frame_begin(out, WIRE_BEGIN);

	pack_u8(out, (uint8_t)search);
	pack_u64(out, names);
	frame_end(out, at);
}

uint64_t
wire_names(struct strv names)
{
	return hash_sip(0, names.bytes, names.len_b);
}

void
wire_put_entry(struct pack *out, const struct directory_entry *e)
{
	size_t at = frame_begin(out, WIRE_PUT);

	directory_entry_pack(e, out);
	frame_end(out, at);
}

void
wire_put_uuids(struct pack *out, enum wire_type type, enum directory_search_id search,
    const unsigned char *uuids, size_t n)
{
	size_t at = frame_begin(out, type);

	pack_u8(out, (uint8_t)search);
	pack_bytes(out, uuids, n * DIRECTORY_UUID_B);
	frame_end(out, at);
}

static void
take_uuids(struct unpack *u, struct wire_message *out)
{
	out->search = take_search(u);
	if (u->left_b % DIRECTORY_UUID_B != 0)
		u->bad = true;
	out->n_uuids = u->left_b / DIRECTORY_UUID_B;
	out->uuids = unpack_bytes(u, out->n_uuids * DIRECTORY_UUID_B);
}

void
wire_put_cookie(struct pack *out, enum directory_search_id search, const unsigned char *cookie,
    size_t len_b)
{
	size_t at = frame_begin(out, WIRE_COOKIE);

	pack_u8(out, (uint8_t)search);
	put_bytes(out, cookie, len_b);
	frame_end(out, at);
}

void
wire_put_end(struct pack *out, const struct wire_end *e)
{
	size_t at = frame_begin(out, WIRE_END);

	pack_u8(out, (uint8_t)e->search);
	pack_u8(out, e->drop_unnamed);
	put_bytes(out, e->cookie, e->cookie_len_b);
	frame_end(out, at);
}

static void
take_end(struct unpack *u, struct wire_end *e)
{
	uint8_t drop;

	e->search = take_search(u);
	drop = unpack_u8(u);
	if (drop > 1)
		u->bad = true;
	e->drop_unnamed = drop == 1;
	e->cookie = take_bytes(u, &e->cookie_len_b);
}

static bool
is_for(enum wire_type type, bool from_engine)
{
	return from_engine ? type >= WIRE_PONG && type <= WIRE_CONTACT
			   : type >= WIRE_START && type <= WIRE_NAMES;
}

static void
take_message(struct unpack *u, struct wire_message *out)
{
	switch (out->type) {
	case WIRE_START:
		take_start(u, &out->start);
		break;
	case WIRE_NAMES:
		out->names = unpack_strv(u);
		break;
	case WIRE_STATE:
		take_state(u, &out->state);
		break;
	case WIRE_BEGIN:
		out->search = take_search(u);
		out->begun_names = unpack_u64(u);
		break;
	case WIRE_PUT:
		if (directory_entry_unpack(u->at, u->left_b, &out->entry) != AK_OK)
			u->bad = true;
		else
			(void)unpack_bytes(u, u->left_b);
		break;
	case WIRE_PRESENT:
	case WIRE_GONE:
		take_uuids(u, out);
		break;
	case WIRE_COOKIE:
		out->search = take_search(u);
		out->cookie = take_bytes(u, &out->cookie_len_b);
		break;
	case WIRE_END:
		take_end(u, &out->end);
		break;
	case WIRE_PING:
	case WIRE_REFRESH:
	case WIRE_PONG:
	case WIRE_CONTACT:
		break;
	}
}

enum ak_err
wire_take(const unsigned char *bytes, size_t len_b, bool from_engine, struct wire_message *out,
    size_t *used)
{
	struct unpack u;
	uint32_t frame_b;
	uint8_t type;

	memset(out, 0, sizeof(*out));
	*used = 0;
	if (len_b < HEAD_B)
		return AK_ERR_RANGE;
	frame_b = le32_load(bytes);
	if (frame_b == 0 || frame_b > WIRE_FRAME_MAX_B)
		return AK_ERR_CORRUPT;
	/* What can't be in order is not waited for. */
	if (len_b > HEAD_B && !is_for(bytes[HEAD_B], from_engine))
		return AK_ERR_CORRUPT;
	if (len_b - HEAD_B < frame_b)
		return AK_ERR_RANGE;
	u = unpack_over(bytes + HEAD_B, frame_b);
	type = unpack_u8(&u);
	out->type = type;
	take_message(&u, out);
	if (u.bad || u.left_b != 0)
		return AK_ERR_CORRUPT;
	*used = HEAD_B + frame_b;
	return AK_OK;
}
