#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "num.h"
#include "ownfile.h"

#define TEMPORARY '.'

static enum ak_err
look_at_folder(int at, const char *name, uid_t owner, mode_t mode, int *fd)
{
	struct stat st;
	mode_t others = mode == 0700 ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;

	*fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd == -1 && errno == ENOENT)
		return AK_ERR_NOT_FOUND;
	if (*fd == -1)
		return errno == ENOTDIR || errno == ELOOP ? AK_ERR_UNSAFE : AK_ERR_UNAVAILABLE;
	if (fstat(*fd, &st) == 0 && st.st_uid == owner && (st.st_mode & others) == 0)
		return AK_OK;
	(void)close(*fd);
	*fd = -1;
	return AK_ERR_UNSAFE;
}

static enum ak_err
open_folder(int at, const char *name, uid_t owner, mode_t mode, int *fd)
{
	enum ak_err err = look_at_folder(at, name, owner, mode, fd);

	if (err != AK_ERR_NOT_FOUND)
		return err;
	if (mkdirat(at, name, mode) == 0)
		(void)!fchmodat(at, name, mode, 0); /* whatever the umask is */
	else if (errno != EEXIST)
		return AK_ERR_UNAVAILABLE;
	err = look_at_folder(at, name, owner, mode, fd);
	return err == AK_ERR_NOT_FOUND ? AK_ERR_UNAVAILABLE : err;
}

enum ak_err
rundir_look(const char *parent, const char *name, uid_t owner, int *fd)
{
	int above = -1;
	enum ak_err err;

	*fd = -1;
	if ((err = look_at_folder(AT_FDCWD, parent, owner, 0755, &above)) != AK_OK)
		return err;
	err = look_at_folder(above, name, owner, 0700, fd);
	(void)close(above);
	return err;
}

enum ak_err
rundir_open(const char *parent, const char *name, uid_t owner, int *fd)
{
	int above = -1;
	enum ak_err err;

	*fd = -1;
	if ((err = open_folder(AT_FDCWD, parent, owner, 0755, &above)) != AK_OK)
		return err;
	err = open_folder(above, name, owner, 0700, fd);
	(void)close(above);
	return err;
}

enum ak_err
rundir_make(const char *parent, uid_t owner)
{
	int fd = -1;
	enum ak_err err = open_folder(AT_FDCWD, parent, owner, 0755, &fd);

	if (fd != -1)
		(void)close(fd);
	return err;
}

static enum ak_err
check_crc(const unsigned char *buf, size_t *len_b)
{
	if (*len_b < 4 || le32_load(buf + *len_b - 4) != hash_crc32(0, buf, *len_b - 4))
		return AK_ERR_CORRUPT;
	*len_b -= 4;
	return AK_OK;
}

enum ak_err
rundir_read(int fd, const char *name, uid_t owner, unsigned char *buf, size_t *len_b)
{
	struct stat st;
	ssize_t n = -1;
	enum ak_err err = AK_OK;
	int file = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*len_b = 0;
	if (file == -1 && (errno == ELOOP || errno == ENXIO))
		return AK_ERR_UNSAFE;
	if (file == -1)
		return errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
	if (fstat(file, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != owner ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0 || st.st_size > (off_t)RUNDIR_MAX_B)
		err = AK_ERR_UNSAFE;
	else
		n = pread(file, buf, RUNDIR_MAX_B, 0);
	(void)close(file);
	if (err != AK_OK)
		return err;
	if (n == -1)
		return AK_ERR_UNAVAILABLE;
	*len_b = (size_t)n;
	return check_crc(buf, len_b);
}

/* One that is there is what a writer left that had this pid, and ended. */
static int
make_temporary(int fd, const char *temporary)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int file = openat(fd, temporary, flags, 0600);

	if (file != -1 || errno != EEXIST)
		return file;
	(void)unlinkat(fd, temporary, 0);
	return openat(fd, temporary, flags, 0600);
}

static enum ak_err
write_temporary(int fd, const char *temporary, const struct pack *bytes)
{
	unsigned char buf[RUNDIR_MAX_B];
	size_t len_b = bytes->len_b;
	bool written;
	int file = make_temporary(fd, temporary);

	if (file == -1)
		return AK_ERR_UNAVAILABLE;
	if (len_b > 0)
		memcpy(buf, bytes->bytes, len_b);
	le32_store(buf + len_b, hash_crc32(0, buf, len_b));
	written = ownfile_may_reach((off_t)len_b + 4) &&
		  write(file, buf, len_b + 4) == (ssize_t)len_b + 4;
	(void)close(file);
	return written ? AK_OK : AK_ERR_UNAVAILABLE;
}

enum ak_err
rundir_write(int fd, const char *name, const struct pack *bytes)
{
	char temporary[96];
	enum ak_err err;

	if (bytes->err != AK_OK)
		return bytes->err;
	if (bytes->len_b > RUNDIR_MAX_B - 4 || strlen(name) > 64)
		return AK_ERR_RANGE;
	/* Each writer its own: none renames what another has half written. */
	(void)snprintf(
	    temporary, sizeof(temporary), "%c%s.%ld", TEMPORARY, name, (long)getpid());
	err = write_temporary(fd, temporary, bytes);
	if (err == AK_OK && renameat(fd, temporary, fd, name) == -1)
		err = AK_ERR_UNAVAILABLE;
	if (err != AK_OK)
		(void)unlinkat(fd, temporary, 0);
	return err;
}

enum ak_err
rundir_remove(int fd, const char *name)
{
	if (unlinkat(fd, name, 0) == 0)
		return AK_OK;
	return errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
}

static enum ak_err
each_entry(int fd, bool unfinished, enum ak_err (*take)(void *ctx, const char *name), void *ctx)
{
	enum ak_err err = AK_OK;
	struct dirent *entry;
	DIR *dir;
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (own == -1 || (dir = fdopendir(own)) == NULL) {
		if (own != -1)
			(void)close(own);
		return AK_ERR_UNAVAILABLE;
	}
	while (err == AK_OK) {
		errno = 0;
		if ((entry = readdir(dir)) == NULL) {
			err = errno == 0 ? AK_OK : AK_ERR_UNAVAILABLE;
			break;
		}
		if ((entry->d_name[0] == TEMPORARY) == unfinished)
			err = take(ctx, entry->d_name);
	}
	(void)closedir(dir);
	return err;
}

enum ak_err
rundir_each(int fd, enum ak_err (*take)(void *ctx, const char *name), void *ctx)
{
	return each_entry(fd, false, take, ctx);
}

/* Its name ends in its writer's pid. */
static enum ak_err
sweep_one(void *ctx, const char *name)
{
	const char *writer = strrchr(name, TEMPORARY) + 1;
	uint64_t pid;

	if (num_parse(writer, 1, INT_MAX, &pid) == AK_OK && kill((pid_t)pid, 0) == -1 &&
	    errno == ESRCH)
		(void)unlinkat(*(const int *)ctx, name, 0);
	return AK_OK;
}

void
rundir_sweep(int fd)
{
	(void)!each_entry(fd, true, sweep_one, &fd);
}
