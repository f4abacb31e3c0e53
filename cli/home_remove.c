#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "home.h"

/* A descriptor each; what lies deeper stays, and is counted. */
#define DEPTH_MAX 256U

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct removal {
	uid_t uid;
	uid_t also; /* for what home_make left half done; else uid again */
	struct stat home;
	uint64_t mount; /* the home's; 0: the kernel doesn't say */
	unsigned long left;
};

/* Bind mounts of one file system share its device number; this tells them apart. */
static uint64_t
mount_of(int fd)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) == -1 ||
	    (sx.stx_mask & STATX_MNT_ID) == 0)
		return 0;
	return sx.stx_mnt_id;
}

static bool
is_owned(const struct removal *r, const struct stat *st)
{
	return st->st_uid == r->uid || st->st_uid == r->also;
}

/* A folder of the user's, on the home's own mount? */
static bool
is_ours(const struct removal *r, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && is_owned(r, &st) && st.st_dev == r->home.st_dev &&
	       mount_of(fd) == r->mount;
}

static void empty(struct removal *r, int fd, unsigned depth);

/* Did it go? */
static bool
remove_folder(struct removal *r, int dir, const char *name, unsigned depth)
{
	int fd = depth == DEPTH_MAX ? -1 : openat(dir, name, OPEN_DIR);

	if (fd == -1)
		return false;
	if (!is_ours(r, fd)) {
		(void)close(fd);
		return false;
	}
	empty(r, fd, depth + 1);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static bool
remove_entry(struct removal *r, int dir, const char *name, unsigned depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !is_owned(r, &st))
		return false;
	if (S_ISDIR(st.st_mode))
		return remove_folder(r, dir, name, depth);
	return unlinkat(dir, name, 0) == 0;
}

/* Closes fd. */
static void
empty(struct removal *r, int fd, unsigned depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		r->left++;
		(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    !remove_entry(r, dirfd(d), e->d_name, depth))
			r->left++;
	(void)closedir(d);
}

/* The home itself: a folder of the user's. */
static enum ak_err
open_home(struct removal *r, int parent, const char *path, const char *name, int *fd,
    struct diag *why)
{
	*fd = openat(parent, name, OPEN_DIR);
	if (*fd == -1 && errno == ENOENT)
		return diag_because(why, AK_ERR_NOT_FOUND, "there is no home %.200s", path);
	if (*fd == -1 || fstat(*fd, &r->home) == -1)
		return diag_because(why, AK_ERR_DENIED, "home %.200s is left as it is: %s",
		    path, strerror(errno));
	r->mount = mount_of(*fd);
	if (is_owned(r, &r->home))
		return AK_OK;
	return diag_because(why, AK_ERR_DENIED,
	    "home %.200s is left as it is: it belongs to uid %lu, not to uid %lu", path,
	    (unsigned long)r->home.st_uid, (unsigned long)r->uid);
}

static enum ak_err
remove_at(struct removal *r, int parent, const char *path, const char *name, struct diag *why)
{
	int fd = -1;
	enum ak_err err = open_home(r, parent, path, name, &fd, why);

	if (err == AK_OK) {
		empty(r, fd, 0);
		if (unlinkat(parent, name, AT_REMOVEDIR) == -1)
			r->left++;
	} else if (fd != -1) {
		(void)close(fd);
	}
	return err;
}

/* Unless a command is at work in it. */
static unsigned long
undo_alone(int parent, const char *beside, uid_t uid, uid_t owner)
{
	int fd = openat(parent, beside, OPEN_DIR);
	unsigned long left = 0;

	if (fd == -1)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		left = home_undo(parent, beside, uid, owner);
	(void)close(fd);
	return left;
}

enum ak_err
home_remove(const char *path, uid_t uid, uid_t owner, unsigned long *left, struct diag *why)
{
	struct removal r = {.uid = uid, .also = uid};
	char name[NAME_MAX + 1], beside[HOME_BESIDE_CAP];
	int parent;
	enum ak_err err = folder_open_parent(path, owner, &parent, name, why);

	*left = 0;
	if (err != AK_OK)
		return err;
	if ((err = remove_at(&r, parent, path, name, why)) == AK_OK) {
		home_name_beside(name, beside);
		*left = r.left + undo_alone(parent, beside, uid, owner);
	}
	(void)close(parent);
	return err;
}

void
home_name_beside(const char *name, char out[HOME_BESIDE_CAP])
{
	/* A name as long as names may be: its beginning; the lock keeps two of the same apart. */
	(void)snprintf(out, HOME_BESIDE_CAP, ".%.*s.new", NAME_MAX - (int)sizeof(".new"), name);
}

unsigned long
home_undo(int parent, const char *name, uid_t uid, uid_t owner)
{
	struct removal r = {.uid = uid, .also = owner};

	(void)!remove_at(&r, parent, name, name, NULL);
	return r.left;
}
