/* lastused: when each key was used last on this host: one slot a key, in one file (apikey-formats(5)). */
#ifndef AK_LASTUSED_H
#define AK_LASTUSED_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "paths.h"
#include "record.h"

/*
 * A slot is 128 bytes at a place that follows from the uid alone (uids that
 * keys may have lie below 524288, or from 1879048192 on: two areas, the second
 * behind the first), so that a login writes it by one pwrite(2). Files are
 * sparse. A slot names its key's id and has a checksum: one that is torn is
 * "unknown", another's is "never". Texts that are too long are cut.
 */
struct lastused {
	int64_t at; /* seconds; 0: never, or not known */
	bool unknown; /* what lies there can't be read, or is torn */
	char from[48]; /* the address, as a literal; "" */
	char service[24];
	char account[32]; /* the Unix account that was entered */
};

/*
 * Write it down; what fails is not told: no login depends on it. Never blocks,
 * follows no link, raises no SIGXFSZ. The file is made when missing (0600).
 */
void lastused_note(
    const struct paths *p, const struct key_record *k, const struct lastused *use);

struct lastused_file {
	int fd; /* -1: there is none */
};

/* AK_OK with fd -1 when nothing was ever written. */
enum ak_err lastused_open(const struct paths *p, struct lastused_file *out) AK_MUST_CHECK;
void lastused_close(struct lastused_file *f);
/* at 0 when the key was never used here, or that can't be told. */
void lastused_find(
    const struct lastused_file *f, const struct key_record *k, struct lastused *out);

#endif
