/* safefile: files that root trusts: read only when nobody else could have written them, replaced only whole. */
#ifndef AK_SAFEFILE_H
#define AK_SAFEFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

/* Which bytes these were: changes when the file is edited or replaced. */
struct safefile_id {
	uint64_t dev, ino, size_b;
	int64_t mtime_ns, ctime_ns;
};

bool safefile_id_equal(const struct safefile_id *a, const struct safefile_id *b);
struct safefile_id safefile_id_of(const struct stat *st);

/* One number for an identity, never 0; 0 stands for "no such file". */
uint64_t safefile_id_digest(const struct safefile_id *id);

/*
 * Open for reading: never follows a link in the last place, never blocks
 * (FIFO, device), O_CLOEXEC; a regular file of `owner` that group and others
 * cannot write. AK_ERR_NOT_FOUND when there is none, AK_ERR_UNSAFE for the
 * rest, AK_ERR_UNAVAILABLE when the system failed. *fd is the caller's.
 * (libc only: the NSS module uses it.)
 */
enum ak_err safefile_open(const char *path, uid_t owner, int *fd, struct stat *st) AK_MUST_CHECK;

/*
 * The same for a file that people edit: the path must be absolute and every
 * folder above it belong to root or owner and be writable by nobody else
 * (sticky ones pass). Reads all of it, at most max_b bytes; the identity is
 * the same before and after: when it is not, it is read again, a few times,
 * and then AK_ERR_UNAVAILABLE. The bytes are the
 * caller's to free and end in a NUL that len_b does not count.
 */
struct safefile {
	char *bytes;
	size_t len_b;
	struct safefile_id id;
};

enum ak_err safefile_read(const char *path, uid_t owner, size_t max_b, struct safefile *out,
    struct diag *why) AK_MUST_CHECK;

/* The identity alone, by lstat; AK_ERR_NOT_FOUND when there is none. */
enum ak_err safefile_identify(const char *path, struct safefile_id *out) AK_MUST_CHECK;

enum safefile_keep {
	SAFEFILE_SYNC = 1, /* fsync the file and its folder before returning */
	SAFEFILE_PREVIOUS = 2, /* keep the old bytes as PATH.prev */
};

/*
 * Replace path by bytes, all or nothing: written beside it as `.NAME.new`
 * (what a killed writer left there is overwritten), then renamed. path is
 * absolute. After a failure the old file stands, but for one: when the
 * folder could not be synced the new one does. One writer at a time is the
 * caller's business (store's lock).
 */
enum ak_err safefile_replace(const char *path, mode_t mode, const void *bytes, size_t len_b,
    unsigned keep, struct diag *why) AK_MUST_CHECK;

/*
 * The same for bytes that come piece by piece: begin, then write at any offsets,
 * then end, which gives the file its mode and its name. When one fails, or the
 * caller drops it, nothing is left of it. path is borrowed until then.
 */
struct safefile_new {
	int fd;
	unsigned keep;
	const char *path; /* NULL: dropped, and what is asked of it then fails */
	bool named; /* it has its name, though end answered that it may lose it by a power failure */
};

#define SAFEFILE_NEW_INIT ((struct safefile_new){.fd = -1})

enum ak_err safefile_new_begin(
    struct safefile_new *f, const char *path, unsigned keep, struct diag *why) AK_MUST_CHECK;
enum ak_err safefile_new_write(struct safefile_new *f, const void *bytes, size_t len_b,
    uint64_t at, struct diag *why) AK_MUST_CHECK;
/* All of it is written, and its end is yet to come: where it is to be synced, the disk begins now. */
void safefile_new_hasten(const struct safefile_new *f);
enum ak_err safefile_new_end(
    struct safefile_new *f, mode_t mode, struct diag *why) AK_MUST_CHECK;
void safefile_new_drop(struct safefile_new *f);
/* Where it lies until its end, for who looks at it before. AK_ERR_INVALID: it was dropped. */
enum ak_err safefile_new_path(const struct safefile_new *f, char out[PATH_MAX]) AK_MUST_CHECK;

/* Remove what a killed writer of path left beside it; for who knows that none is at work. */
void safefile_sweep(const char *path);

/*
 * Two files of one folder change places, at once, and for good. AK_ERR_NOT_FOUND:
 * one of them isn't there, or the file system can't do it; nothing was changed.
 */
enum ak_err safefile_swap(const char *path, const char *other, struct diag *why) AK_MUST_CHECK;

#endif
