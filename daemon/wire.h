/* wire: what the privileged daemon and its unprivileged engine say to each other: length-checked frames on a socketpair. */
#ifndef AK_WIRE_H
#define AK_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "directory.h"
#include "err.h"
#include "pack.h"
#include "settings.h"
#include "text.h"

/*
 * A frame: u32 length of what follows (little-endian, at most WIRE_FRAME_MAX_B),
 * u8 type, the message. Each side takes the other for an enemy: what does not
 * add up to the last byte is AK_ERR_CORRUPT, and ends the conversation.
 */
#define WIRE_FRAME_MAX_B ((uint32_t)64 << 20)

enum wire_type {
	/* daemon to engine */
	WIRE_START = 1, /* wire_start: once, first */
	WIRE_PING,
	WIRE_REFRESH, /* drop all cookies and fetch everything anew */
	WIRE_NAMES, /* a strv: the local keys that `principal` is asked for */
	/* engine to daemon */
	WIRE_PONG = 64,
	WIRE_STATE, /* wire_state: where the engine is */
	WIRE_BEGIN, /* u8 search, u64 names: a refresh of it begins; what comes is gathered until its end */
	WIRE_PUT, /* directory_entry: it is there, new or changed */
	WIRE_PRESENT, /* u8 search, then uuids: these are there, unchanged */
	WIRE_GONE, /* u8 search, then uuids */
	WIRE_COOKIE, /* u8 search, the cookie: what came before it belongs to it */
	WIRE_END, /* wire_end: the refresh is whole */
	WIRE_CONTACT, /* the server answered, and every search is up to date with it */
};

/*
 * Within a refresh (BEGIN to END) nothing counts until END; an engine that
 * ends before END changed nothing. Outside of one PUT and GONE count at once.
 */
struct wire_end {
	enum directory_search_id search;
	bool drop_unnamed; /* what was neither PUT nor PRESENT since BEGIN is gone */
	const unsigned char *cookie; /* borrowed; NULL with length 0: none */
	size_t cookie_len_b;
};

enum wire_phase {
	WIRE_IDLE = 1, /* waits until it tries again */
	WIRE_CONNECTING,
	WIRE_REFRESHING,
	WIRE_FOLLOWING, /* a persistent search is open */
	WIRE_POLLING, /* a server without RFC 4533: between two polls */
};

struct wire_state {
	enum wire_phase phase;
	const char *uri; /* that it is about; "" for none */
	const char *problem; /* a sentence: why it went back to IDLE; "" when nothing is wrong */
};

/* Borrowed. */
struct wire_blob {
	const unsigned char *bytes;
	size_t len_b;
};

/* All that the engine is told. Secrets lie in here: wiped by whoever made it. */
struct wire_start {
	const struct directory_settings *settings; /* sender; a receiver finds it in settings_room */
	struct directory_settings settings_room;
	/* The files' bytes, since the engine can't read them; length 0: none. */
	struct wire_blob ca, cert, key, password;
	struct strv names; /* as WIRE_NAMES */
	uint32_t first; /* which of the URIs to begin with: counted from 0, and round */
	struct wire_blob cookie[4]; /* by search */
};

/* Append a whole frame to out; start leaves no copy of its secrets but there (pack_wipe). */
void wire_put_start(struct pack *out, const struct wire_start *s);
void wire_put_simple(struct pack *out, enum wire_type type); /* PING, PONG, REFRESH, CONTACT */
void wire_put_names(struct pack *out, struct strv names);
void wire_put_state(struct pack *out, const struct wire_state *s);
/* names: wire_names of those that principals are asked for; 0 for the other searches. */
void wire_put_begin(struct pack *out, enum directory_search_id search, uint64_t names);
uint64_t wire_names(struct strv names);
void wire_put_entry(struct pack *out, const struct directory_entry *e);
/* PRESENT or GONE; n times DIRECTORY_UUID_B bytes. */
void wire_put_uuids(struct pack *out, enum wire_type type, enum directory_search_id search,
    const unsigned char *uuids, size_t n);
void wire_put_cookie(struct pack *out, enum directory_search_id search,
    const unsigned char *cookie, size_t len_b);
void wire_put_end(struct pack *out, const struct wire_end *e);

/* One message, borrowed from the bytes. */
struct wire_message {
	enum wire_type type;
	enum directory_search_id search; /* BEGIN, PRESENT, GONE, COOKIE */
	uint64_t begun_names; /* BEGIN */
	struct wire_start start; /* settings points to settings_room */
	struct strv names;
	struct wire_state state;
	struct directory_entry entry;
	const unsigned char *uuids;
	size_t n_uuids;
	const unsigned char *cookie;
	size_t cookie_len_b;
	struct wire_end end;
};

/*
 * The first frame in these bytes: AK_OK, and *used is its length with header;
 * AK_ERR_RANGE: not all of it is there yet; AK_ERR_CORRUPT: it never will be.
 * from_engine: which types are in order. A start's settings (wire_start) need
 * settings_room to stay in place: the message is not to be copied.
 */
enum ak_err wire_take(const unsigned char *bytes, size_t len_b, bool from_engine,
    struct wire_message *out, size_t *used) AK_MUST_CHECK;

#endif
