#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

/* "/home/ci-deploy/" to "/home" and "ci-deploy". */
static enum ak_err
split(const char *path, char dir[PATH_MAX], char *name, struct diag *why)
{
	char *slash;
	size_t len;

	if (path[0] != '/' || text_copy(dir, PATH_MAX, path) != AK_OK)
		return diag_because(
		    why, AK_ERR_INVALID, "home %.200s is no absolute path", path);
	for (len = strlen(dir); len > 1 && dir[len - 1] == '/'; len--)
		dir[len - 1] = '\0';
	slash = strrchr(dir, '/');
	if (text_copy(name, NAME_MAX + 1, slash + 1) != AK_OK || *name == '\0' ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || slash == dir)
		return diag_because(why, AK_ERR_INVALID,
		    "home %.200s is no folder of one user's own: it must lie below another "
		    "folder than /",
		    path);
	*slash = '\0';
	return AK_OK;
}

static bool
is_safe(const struct stat *st, uid_t owner)
{
	if (st->st_uid != 0 && st->st_uid != owner)
		return false;
	return (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 || (st->st_mode & S_ISVTX) != 0;
}

/* One step down from *fd, which it replaces. */
static enum ak_err
descend(int *fd, const char *name, uid_t owner, struct diag *why)
{
	int next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	(void)close(*fd);
	*fd = next;
	if (next == -1 || fstat(next, &st) == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "folder %.200s cannot be opened: %s", name, strerror(errno));
	if (!is_safe(&st, owner))
		return diag_because(why, AK_ERR_UNSAFE,
		    "folder %.200s can be written by others than root: no home is made or "
		    "removed below it",
		    name);
	return AK_OK;
}

static enum ak_err
walk_down(char *dir, uid_t owner, int *fd, struct diag *why)
{
	char *rest = NULL;
	enum ak_err err = AK_OK;

	if ((*fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "/: %s", strerror(errno));
	for (char *name = strtok_r(dir, "/", &rest); name != NULL && err == AK_OK;
	     name = strtok_r(NULL, "/", &rest))
		err = descend(fd, name, owner, why);
	return err;
}

enum ak_err
folder_open_parent(const char *path, uid_t owner, int *fd, char *name, struct diag *why)
{
	char dir[PATH_MAX], *real;
	enum ak_err err;

	*fd = -1;
	if ((err = split(path, dir, name, why)) != AK_OK)
		return err;
	if ((real = realpath(dir, NULL)) == NULL)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "folder %.200s: %s", dir, strerror(errno));
	err = walk_down(real, owner, fd, why);
	free(real);
	if (err != AK_OK && *fd != -1) {
		(void)close(*fd);
		*fd = -1;
	}
	return err;
}
