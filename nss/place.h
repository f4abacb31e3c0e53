/* place: passwd and group entries in the caller's buffer, whatever its size and address. */
#ifndef AK_NSS_PLACE_H
#define AK_NSS_PLACE_H

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "record.h"

/* Where an entry's strings go: cap_b bytes at buf, at any address; NULL when cap_b is 0. */
struct place_room {
	char *buf;
	size_t cap_b;
};

/*
 * AK_ERR_RANGE when the room is too small, *out and the room untouched.
 * Everything in the entry points into the room, the "x" of the password
 * fields too: some callers overwrite that.
 */
enum ak_err place_passwd(
    const struct user_record *u, struct place_room room, struct passwd *out) AK_MUST_CHECK;
/* Marked members too. Also AK_ERR_CORRUPT, for a member that group(5) could not hold. */
enum ak_err place_group(
    const struct group_record *g, struct place_room room, struct group *out) AK_MUST_CHECK;

/*
 * Is a group record of this many bytes (its value alone) too large for the
 * room, seen from outside? So that a group of 100,000 is not taken apart for
 * each of the small buffers that glibc tries first. Marked members count: what is
 * to be left out of the answer is not known yet.
 */
bool place_group_is_hopeless(size_t value_len_b, struct place_room room);

#endif
