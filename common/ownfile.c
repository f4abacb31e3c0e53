#include "ownfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "paths.h"
#include "text.h"

static enum ak_err
from_errno(void)
{
	switch (errno) {
	case ELOOP: /* a link */
	case ENXIO: /* a pipe that nobody reads, a socket */
	case EISDIR:
	case ENOTDIR: /* a link in the folder's place */
		return AK_ERR_UNSAFE;
	default:
		return AK_ERR_UNAVAILABLE;
	}
}

static int
open_again(int at, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(
		    at, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
	while (fd == -1 && errno == EINTR);
	return fd;
}

/* Who may write to the folder may put another's file in its place. */
static enum ak_err
open_folder(const char *path, uid_t owner, int *fd, struct stat *st)
{
	char folder[PATH_CAP];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(folder))
		return AK_ERR_UNAVAILABLE;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	if ((*fd = open_again(AT_FDCWD, folder, O_PATH | O_DIRECTORY, 0)) == -1)
		return from_errno();
	if (fstat(*fd, st) == 0 && st->st_uid == owner &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return AK_OK;
	(void)close(*fd);
	*fd = -1;
	return AK_ERR_UNSAFE;
}

/* Nobody else's until its group is the folder's. */
static int
make(int at, const char *name, mode_t mode, gid_t group, int flags)
{
	int fd = open_again(at, name, O_RDWR | O_CREAT | O_EXCL | flags, 0600);

	if (fd != -1 && fchown(fd, (uid_t)-1, group) == 0)
		(void)!fchmod(fd, mode);
	return fd;
}

static int
open_or_make(int at, const char *name, mode_t mode, gid_t group, int flags)
{
	int fd = open_again(at, name, O_RDWR | flags, 0);

	if (fd != -1 || errno != ENOENT)
		return fd;
	fd = make(at, name, mode, group, flags);
	/* Somebody else was faster. */
	return fd == -1 && errno == EEXIST ? open_again(at, name, O_RDWR | flags, 0) : fd;
}

enum ak_err
ownfile_open(const char *path, uid_t owner, mode_t mode, int flags, int *fd, struct stat *st)
{
	struct stat above;
	enum ak_err err;
	int folder;

	*fd = -1;
	if ((err = open_folder(path, owner, &folder, &above)) != AK_OK)
		return err;
	*fd = open_or_make(folder, strrchr(path, '/') + 1, mode, above.st_gid, flags);
	if (*fd == -1)
		err = from_errno();
	else if (fstat(*fd, st) == -1)
		err = AK_ERR_UNAVAILABLE;
	else if (!S_ISREG(st->st_mode) || st->st_uid != owner)
		err = AK_ERR_UNSAFE;
	(void)close(folder);
	if (err != AK_OK && *fd != -1) {
		(void)close(*fd);
		*fd = -1;
	}
	return err;
}

bool
ownfile_may_append(const char *path, uid_t owner)
{
	struct statvfs disk;
	struct stat st;
	bool may = false;
	int folder, fd;

	if (open_folder(path, owner, &folder, &st) != AK_OK)
		return false;
	fd = open_again(folder, strrchr(path, '/') + 1, O_RDWR | O_APPEND, 0);
	if (fd != -1)
		may = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == owner;
	else if (errno == ENOENT)
		may = faccessat(folder, ".", W_OK | X_OK, 0) == 0;
	may = may && fstatvfs(fd == -1 ? folder : fd, &disk) == 0 && disk.f_bfree > 0;
	if (fd != -1)
		(void)close(fd);
	(void)close(folder);
	return may;
}

bool
ownfile_may_reach(off_t end)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	       (limit.rlim_cur == RLIM_INFINITY || (rlim_t)end <= limit.rlim_cur);
}
