/* walk: one order of the file's records, one record a call, across replacements of the file. */
#ifndef AK_NSS_WALK_H
#define AK_NSS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "index.h"
#include "record.h"
#include "source.h"

/* About seventy users. A walk, with this, is all that an enumeration leaves behind: 8 KiB. */
#define WALK_BUF_B 7936U

/*
 * Where a thread's enumeration stands. All zero: at the beginning. Bytes and
 * numbers only (no pointer, descriptor or heap), so that fork copies a whole
 * state and the end of a thread leaves nothing behind.
 *
 * Of the file it keeps one buffer of records, and gives those without a look
 * at the file: opening it for each of 100,000 users would take ten times as
 * long as all the rest. When the buffer is used up the newest file is opened:
 * if it is the same one, the walk goes on where it was, else behind the last
 * number given. Numbers only grow on the way, so a record that is in both
 * files comes exactly once. What the buffer says may be older than the file
 * (by some seventy users): a list is never newer than its making, and whoever
 * acts on a name asks for that name.
 */
struct walk {
	bool begun; /* last is the number of a record that was given */
	bool buffered; /* at, built_at, extra and crc_seed are those of the file (generation, id) */
	uint32_t last, crc_seed;
	uint64_t generation, id;
	int64_t built_at;
	struct users_extra extra;
	struct index_walk at;
	unsigned char buf[WALK_BUF_B];
};

_Static_assert(sizeof(struct walk) <= 8192, "a thread keeps two of these");

void walk_restart(struct walk *w);

/* A record that is about to be given; it lies in the walk's buffer, or alone on the heap. */
struct walk_item {
	struct index_view view;
	struct index_walk after;
	bool is_large;
	struct index_record large;
};

/*
 * The next record; the walk does not move. A walk keeps to one order from
 * restart to restart. AK_ERR_NOT_FOUND: the end, which for users is at once
 * when the file says that they are not to be enumerated. AK_ERR_RANGE: the
 * record is larger than the buffer and than room_b, and was not read.
 * AK_ERR_CORRUPT also when the numbers do not grow. Release after AK_OK.
 */
enum ak_err walk_peek(struct walk *w, const struct nss_source *src, unsigned order,
    size_t room_b, struct walk_item *out) AK_MUST_CHECK;

/* The item was given: on to the one behind it. */
void walk_step(struct walk *w, const struct walk_item *item);
void walk_release(struct walk_item *item);

#endif
