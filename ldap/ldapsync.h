/* ldapsync: the values of RFC 4533 (content synchronisation) in bytes and back, and what a refresh's end means. */
#ifndef AK_LDAPSYNC_H
#define AK_LDAPSYNC_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "pack.h"

#define LDAPSYNC_UUID_B 16
/* A longer cookie no server has; it counts as malformed. */
#define LDAPSYNC_COOKIE_MAX_B ((size_t)64 << 10)

/* Borrowed from what was read; NULL with length 0: none. */
struct ldapsync_cookie {
	const unsigned char *bytes;
	size_t len_b;
};

/* The value of a Sync Request control: refreshAndPersist, from this cookie on. */
void ldapsync_put_request(struct ldapsync_cookie cookie, struct pack *out);

enum ldapsync_what { LDAPSYNC_PRESENT, LDAPSYNC_ADD, LDAPSYNC_MODIFY, LDAPSYNC_DELETE };

/* A Sync State control: which entry, and what became of it. */
struct ldapsync_state {
	enum ldapsync_what what;
	unsigned char uuid[LDAPSYNC_UUID_B];
	struct ldapsync_cookie cookie;
};

/*
 * The kinds of a Sync Info message, told apart by their tags: the library's own
 * callbacks make "end of the present phase" and "end of the delete phase" look
 * the same, and one taken for the other loses every entry, or keeps revoked ones.
 */
enum ldapsync_kind {
	LDAPSYNC_NEW_COOKIE,
	LDAPSYNC_REFRESH_DELETE, /* end of a delete phase */
	LDAPSYNC_REFRESH_PRESENT, /* end of a present phase */
	LDAPSYNC_ID_SET,
};

struct ldapsync_info {
	enum ldapsync_kind kind;
	struct ldapsync_cookie cookie;
	bool refresh_done; /* of an end of phase: the refresh is over */
	bool gone; /* of a set: these are deleted; else: present */
	struct pack uuids; /* n times LDAPSYNC_UUID_B; the caller's to clear */
};

/* AK_ERR_CORRUPT when a length, tag or value is not as RFC 4533 has it, to the last byte; *out is then empty. */
enum ak_err ldapsync_take_state(
    const void *bytes, size_t len_b, struct ldapsync_state *out) AK_MUST_CHECK;
enum ak_err ldapsync_take_info(
    const void *bytes, size_t len_b, struct ldapsync_info *out) AK_MUST_CHECK;

/* A refresh under way: from the request that was sent to the message that ends it. */
struct ldapsync_refresh {
	bool with_cookie; /* one was sent */
	bool present_phase; /* the end of one was seen */
	bool entries; /* some came */
};

/*
 * Is what was not named since the refresh began gone? After a present phase;
 * and after any refresh that began without a cookie, though the server ends it
 * like a delete phase.
 */
bool ldapsync_drops_unnamed(const struct ldapsync_refresh *r);

/*
 * Did the server take the cookie that was sent for none? Then it sent all there
 * is, and ended as if that were what changed: what is gone was not told. Only
 * that it gives a cookie of another kind shows it, or entries without a cookie.
 */
bool ldapsync_ignored_cookie(
    const struct ldapsync_refresh *r, struct ldapsync_cookie sent, struct ldapsync_cookie got);

/* A search's result: what is to be done about it. may_restart: a cookie was sent, or its refresh is over; and the last restart is a while ago. */
enum ldapsync_verdict {
	LDAPSYNC_GIVE_UP, /* the connection: another may do better */
	LDAPSYNC_FROM_SCRATCH, /* the same search again, without a cookie */
	LDAPSYNC_UNKNOWN, /* the server does not know RFC 4533 */
};
enum ldapsync_verdict ldapsync_judge_result(int rc, bool may_restart);

#endif
