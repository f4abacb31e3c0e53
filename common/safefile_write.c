#include "safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* `.NAME.new` beside it. */
static bool
path_beside(const char *path, char beside[PATH_MAX])
{
	const char *name = strrchr(path, '/') + 1;
	int n = snprintf(beside, PATH_MAX, "%.*s.%s.new", (int)(name - path), path, name);

	return (size_t)n < PATH_MAX;
}

void
safefile_sweep(const char *path)
{
	char beside[PATH_MAX];

	if (path_beside(path, beside))
		(void)unlink(beside);
}

static enum ak_err
say_stands(const char *path, struct diag *why)
{
	return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0,
	    "cannot be written: %s; the old file stands", strerror(errno));
}

void
safefile_new_drop(struct safefile_new *f)
{
	char beside[PATH_MAX];

	if (f->fd != -1)
		(void)close(f->fd);
	f->fd = -1;
	if (f->path != NULL && path_beside(f->path, beside))
		(void)unlink(beside);
	f->path = NULL;
}

static enum ak_err
fail_new(struct safefile_new *f, struct diag *why)
{
	enum ak_err err = say_stands(f->path, why);

	safefile_new_drop(f);
	return err;
}

enum ak_err
safefile_new_path(const struct safefile_new *f, char out[PATH_MAX])
{
	return f->path != NULL && path_beside(f->path, out) ? AK_OK : AK_ERR_INVALID;
}

enum ak_err
safefile_new_begin(struct safefile_new *f, const char *path, unsigned keep, struct diag *why)
{
	char beside[PATH_MAX];

	*f = (struct safefile_new){.fd = -1, .keep = keep};
	if (path[0] != '/')
		return diag_because(why, AK_ERR_INVALID, "%s: the path must be absolute", path);
	if (strlen(path) + sizeof(".prev.new") + 1 > sizeof(beside) ||
	    !path_beside(path, beside))
		return diag_because(why, AK_ERR_INVALID, "the path is too long");
	if (unlink(beside) == -1 && errno != ENOENT)
		return say_stands(path, why);
	f->fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd == -1)
		return say_stands(path, why);
	f->path = path;
	return AK_OK;
}

enum ak_err
safefile_new_write(
    struct safefile_new *f, const void *bytes, size_t len_b, uint64_t at, struct diag *why)
{
	const unsigned char *from = bytes;

	if (f->path == NULL)
		return AK_ERR_INVALID;
	while (len_b > 0) {
		ssize_t n = pwrite(f->fd, from, len_b, (off_t)at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail_new(f, why);
		from += n;
		at += (uint64_t)n;
		len_b -= (size_t)n;
	}
	return AK_OK;
}

/* Once, for all of it: a page that the disk has, and that is written to again, would be waited for twice. */
void
safefile_new_hasten(const struct safefile_new *f)
{
	if (f->path != NULL && (f->keep & SAFEFILE_SYNC) != 0)
		(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static enum ak_err
sync_folder(const char *path)
{
	char dir[PATH_MAX];
	int fd, failed, saved;

	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path + 1), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return AK_ERR_UNAVAILABLE;
	failed = fsync(fd);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return failed == 0 ? AK_OK : AK_ERR_UNAVAILABLE;
}

/* For good: what is there now is there after a power failure. */
static enum ak_err
settle(const char *path, struct diag *why)
{
	if (sync_folder(path) == AK_OK)
		return AK_OK;
	return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0,
	    "is written, but may be the old file again after a power failure: %s",
	    strerror(errno));
}

/* A second name for the old bytes: path never vanishes, and its .prev neither. */
static enum ak_err
keep_previous(const char *path)
{
	char prev[PATH_MAX], beside[PATH_MAX];
	int failed, saved;

	(void)snprintf(prev, sizeof(prev), "%s.prev", path);
	if (!path_beside(prev, beside))
		return AK_ERR_RANGE;
	(void)unlink(beside);
	if (link(path, beside) == -1)
		return errno == ENOENT ? AK_OK : AK_ERR_UNAVAILABLE;
	failed = rename(beside, prev);
	saved = errno;
	/* Where both are names of one file already, that did nothing. */
	(void)unlink(beside);
	errno = saved;
	return failed == 0 ? AK_OK : AK_ERR_UNAVAILABLE;
}

/* Everything about it but its name; by fchmod, whatever the umask is; last, so that no half of it is ever readable. */
static enum ak_err
complete(struct safefile_new *f, mode_t mode)
{
	int fd = f->fd;

	if (fchmod(fd, mode) == -1 || ((f->keep & SAFEFILE_SYNC) != 0 && fsync(fd) == -1))
		return AK_ERR_UNAVAILABLE;
	f->fd = -1;
	if (close(fd) == -1)
		return AK_ERR_UNAVAILABLE;
	return (f->keep & SAFEFILE_PREVIOUS) != 0 ? keep_previous(f->path) : AK_OK;
}

enum ak_err
safefile_new_end(struct safefile_new *f, mode_t mode, struct diag *why)
{
	char beside[PATH_MAX];
	const char *path;

	if (f->path == NULL)
		return AK_ERR_INVALID;
	if (complete(f, mode) != AK_OK || !path_beside(f->path, beside) ||
	    rename(beside, f->path) == -1)
		return fail_new(f, why);
	path = f->path;
	f->path = NULL;
	f->named = true;
	return (f->keep & SAFEFILE_SYNC) != 0 ? settle(path, why) : AK_OK;
}

enum ak_err
safefile_replace(const char *path, mode_t mode, const void *bytes, size_t len_b, unsigned keep,
    struct diag *why)
{
	struct safefile_new f;
	enum ak_err err = safefile_new_begin(&f, path, keep, why);

	if (err == AK_OK)
		err = safefile_new_write(&f, bytes, len_b, 0, why);
	return err == AK_OK ? safefile_new_end(&f, mode, why) : err;
}

enum ak_err
safefile_swap(const char *path, const char *other, struct diag *why)
{
	if (path[0] != '/')
		return diag_because(why, AK_ERR_INVALID, "%s: the path must be absolute", path);
	if (renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE) == -1) {
		if (errno == EINVAL || errno == ENOSYS || errno == ENOENT)
			return AK_ERR_NOT_FOUND;
		return say_stands(path, why);
	}
	return settle(path, why);
}
