#include "safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"

static int64_t
to_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct safefile_id
safefile_id_of(const struct stat *st)
{
	return (struct safefile_id){
	    .dev = (uint64_t)st->st_dev,
	    .ino = (uint64_t)st->st_ino,
	    .size_b = (uint64_t)st->st_size,
	    .mtime_ns = to_ns(st->st_mtim),
	    .ctime_ns = to_ns(st->st_ctim),
	};
}

bool
safefile_id_equal(const struct safefile_id *a, const struct safefile_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size_b == b->size_b &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

uint64_t
safefile_id_digest(const struct safefile_id *id)
{
	uint64_t words[5] = {
	    id->dev, id->ino, id->size_b, (uint64_t)id->mtime_ns, (uint64_t)id->ctime_ns};
	uint64_t digest = hash_sip(0, words, sizeof(words));

	return digest == 0 ? 1 : digest;
}

static enum ak_err
from_errno(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return AK_ERR_NOT_FOUND;
	case ELOOP: /* O_NOFOLLOW on a link */
	case ENXIO: /* a socket, a FIFO */
	case EISDIR:
		return AK_ERR_UNSAFE;
	default:
		return AK_ERR_UNAVAILABLE;
	}
}

static enum ak_err
check_stat(const struct stat *st, uid_t owner)
{
	if (!S_ISREG(st->st_mode) || st->st_uid != owner ||
	    (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return AK_ERR_UNSAFE;
	return AK_OK;
}

static int
open_again(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	while (fd == -1 && errno == EINTR);
	return fd;
}

enum ak_err
safefile_open(const char *path, uid_t owner, int *fd, struct stat *st)
{
	enum ak_err err;

	*fd = -1;
	if ((*fd = open_again(path)) == -1)
		return from_errno(errno);
	if (fstat(*fd, st) == -1)
		err = AK_ERR_UNAVAILABLE;
	else
		err = check_stat(st, owner);
	if (err != AK_OK) {
		(void)close(*fd);
		*fd = -1;
	}
	return err;
}

static bool
is_open_to_others(const struct stat *st, uid_t owner)
{
	return (st->st_uid != 0 && st->st_uid != owner) ||
	       ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st->st_mode & S_ISVTX) == 0);
}

/*
 * Who may write a folder may put another file in its place. Cuts path down to
 * "/". linked: one of them is a link, and what it stands for was looked at.
 */
static enum ak_err
check_above(char *path, uid_t owner, bool *linked, struct diag *why)
{
	struct stat st;

	*linked = false;
	for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
		int failed;

		slash[slash == path ? 1 : 0] = '\0';
		if ((failed = lstat(path, &st)) == 0 && S_ISLNK(st.st_mode)) {
			*linked = true;
			failed = stat(path, &st);
		}
		if (failed == 0 && !S_ISDIR(st.st_mode)) {
			errno = ENOTDIR;
			failed = -1;
		}
		if (failed == -1)
			return diag_say(
			    why, from_errno(errno), path, 0, 0, "%s", strerror(errno));
		if (is_open_to_others(&st, owner))
			return diag_say(why, AK_ERR_UNSAFE, path, 0, 0,
			    "the folder must belong to root, and nobody else may write to it");
		if (slash == path)
			break;
	}
	return AK_OK;
}

/* The folders as the path names them and, where some of them are links, as they are. */
static enum ak_err
check_parents(const char *path, uid_t owner, struct diag *why)
{
	char named[PATH_MAX], real[PATH_MAX];
	bool linked;
	size_t len;
	enum ak_err err;

	if (path[0] != '/')
		return diag_because(why, AK_ERR_INVALID, "%s: the path must be absolute", path);
	if (strlen(path) >= sizeof(named))
		return diag_because(why, AK_ERR_INVALID, "the path is too long");
	len = (size_t)(strrchr(path, '/') - path) + 1;
	memcpy(named, path, len);
	named[len] = '\0';
	if ((err = check_above(named, owner, &linked, why)) != AK_OK || !linked)
		return err;
	memcpy(named, path, len);
	named[len] = '\0';
	if (realpath(named, real) == NULL)
		return diag_say(why, from_errno(errno), named, 0, 0, "%s", strerror(errno));
	return check_above(real, owner, &linked, why);
}

/* moved: it is shorter than it was, or (on NFS) another has its name. */
static enum ak_err
read_whole(int fd, char *bytes, size_t len_b, bool *moved)
{
	size_t have_b = 0;

	while (have_b < len_b) {
		ssize_t n = pread(fd, bytes + have_b, len_b - have_b, (off_t)have_b);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			*moved = n == 0 || errno == ESTALE;
			return AK_ERR_UNAVAILABLE;
		}
		have_b += (size_t)n;
	}
	return AK_OK;
}

static enum ak_err
say_open(const char *path, uid_t owner, enum ak_err err, struct diag *why)
{
	if (err == AK_ERR_UNSAFE)
		return diag_say(why, err, path, 0, 0,
		    "must be a regular file of uid %u that nobody else may write",
		    (unsigned)owner);
	if (err == AK_ERR_NOT_FOUND)
		return diag_say(why, err, path, 0, 0, "there is no such file");
	return diag_say(why, err, path, 0, 0, "cannot be read: %s", strerror(errno));
}

/* All bytes of what is open, whose identity out->id is; it must be the same behind them. */
static enum ak_err
read_open(int fd, struct safefile *out, bool *moved)
{
	struct safefile_id after;
	struct stat st;
	enum ak_err err;

	out->len_b = (size_t)out->id.size_b;
	if ((out->bytes = malloc(out->len_b + 1)) == NULL)
		return AK_ERR_NOMEM;
	out->bytes[out->len_b] = '\0';
	if ((err = read_whole(fd, out->bytes, out->len_b, moved)) != AK_OK)
		return err;
	if (fstat(fd, &st) == -1)
		return AK_ERR_UNAVAILABLE;
	after = safefile_id_of(&st);
	*moved = !safefile_id_equal(&out->id, &after);
	return *moved ? AK_ERR_UNAVAILABLE : AK_OK;
}

/* moved: it was edited, or replaced, meanwhile. */
static enum ak_err
read_once(const char *path, uid_t owner, size_t max_b, struct safefile *out, struct diag *why,
    bool *moved)
{
	struct stat st;
	enum ak_err err;
	int fd = -1;

	*out = (struct safefile){.bytes = NULL};
	*moved = false;
	if ((err = safefile_open(path, owner, &fd, &st)) != AK_OK)
		return say_open(path, owner, err, why);
	out->id = safefile_id_of(&st);
	if (out->id.size_b > max_b) {
		err = diag_say(why, AK_ERR_INVALID, path, 0, 0,
		    "is larger than %zu bytes, more than this file may be", max_b);
	} else {
		err = read_open(fd, out, moved);
		if (err != AK_OK && !*moved)
			err = say_open(path, owner, err, why);
	}
	(void)close(fd);
	if (err != AK_OK) {
		free(out->bytes);
		*out = (struct safefile){.bytes = NULL};
	}
	return err;
}

/* A file that is replaced while it is read has a successor, which is whole: no login need fail for that. */
#define READ_TRIES 4

enum ak_err
safefile_read(
    const char *path, uid_t owner, size_t max_b, struct safefile *out, struct diag *why)
{
	bool moved = true;
	enum ak_err err;

	*out = (struct safefile){.bytes = NULL};
	if ((err = check_parents(path, owner, why)) != AK_OK)
		return err;
	for (unsigned i = 0; i < READ_TRIES && moved; i++)
		err = read_once(path, owner, max_b, out, why, &moved);
	if (moved)
		(void)diag_say(why, err, path, 0, 0, "changed while it was read; try again");
	return err;
}

enum ak_err
safefile_identify(const char *path, struct safefile_id *out)
{
	struct stat st;

	*out = (struct safefile_id){.dev = 0};
	if (lstat(path, &st) == -1)
		return from_errno(errno);
	*out = safefile_id_of(&st);
	return AK_OK;
}
