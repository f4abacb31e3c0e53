#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "home.h"

/* Deeper ones are no skeleton. */
#define DEPTH_MAX 32U

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The first thing that went wrong, for the sentence. */
static enum ak_err
say_errno(const char *name, struct diag *why)
{
	return diag_because(why, AK_ERR_UNAVAILABLE, "home: %.200s: %s", name, strerror(errno));
}

static int
copy_bytes(int from, int to)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			ssize_t written = write(to, buf + at, (size_t)(n - at));

			if (written == -1)
				return -1;
			at += written;
		}
	return n == 0 ? 0 : -1;
}

static enum ak_err
copy_file(int from_dir, int to_dir, const char *name, uid_t uid, struct diag *why)
{
	int from, to = -1;
	struct stat st;
	enum ak_err err = AK_OK;

	from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from != -1)
		to = openat(
		    to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1 || copy_bytes(from, to) == -1 || fstat(from, &st) == -1 ||
	    fchown(to, uid, uid) == -1 ||
	    fchmod(to, st.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) == -1)
		err = say_errno(name, why);
	if (from != -1)
		(void)close(from);
	if (to != -1 && close(to) == -1 && err == AK_OK)
		err = say_errno(name, why);
	return err;
}

static enum ak_err
copy_link(int from_dir, int to_dir, const char *name, uid_t uid, struct diag *why)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n == -1)
		return say_errno(name, why);
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) == -1 ||
	    fchownat(to_dir, name, uid, uid, AT_SYMLINK_NOFOLLOW) == -1)
		return say_errno(name, why);
	return AK_OK;
}

static enum ak_err copy_tree(int from, int to, uid_t uid, unsigned depth, struct diag *why);

static enum ak_err
copy_folder(
    int from_dir, int to_dir, const char *name, uid_t uid, unsigned depth, struct diag *why)
{
	int from = -1, to = -1;
	struct stat st;
	enum ak_err err;

	if (depth == DEPTH_MAX)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "home: %.200s lies too deep in skel", name);
	if (mkdirat(to_dir, name, 0700) == -1 ||
	    (from = openat(from_dir, name, OPEN_DIR)) == -1 ||
	    (to = openat(to_dir, name, OPEN_DIR)) == -1) {
		err = say_errno(name, why);
		if (from != -1)
			(void)close(from);
		return err;
	}
	err = copy_tree(from, to, uid, depth + 1, why);
	if (err == AK_OK && (fstat(from, &st) == -1 || fchown(to, uid, uid) == -1 ||
				fchmod(to, st.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) == -1))
		err = say_errno(name, why);
	(void)close(from);
	(void)close(to);
	return err;
}

/* Devices, sockets and pipes are no skeleton. */
static enum ak_err
copy_entry(int from, int to, const char *name, uid_t uid, unsigned depth, struct diag *why)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return say_errno(name, why);
	if (S_ISDIR(st.st_mode))
		return copy_folder(from, to, name, uid, depth, why);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, uid, why);
	return S_ISREG(st.st_mode) ? copy_file(from, to, name, uid, why) : AK_OK;
}

static enum ak_err
copy_tree(int from, int to, uid_t uid, unsigned depth, struct diag *why)
{
	int own = fcntl(from, F_DUPFD_CLOEXEC, 0);
	DIR *dir = own == -1 ? NULL : fdopendir(own);
	struct dirent *e;
	enum ak_err err = AK_OK;

	if (dir == NULL) {
		err = say_errno("skel", why);
		if (own != -1)
			(void)close(own);
		return err;
	}
	while (err == AK_OK && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			err = copy_entry(from, to, e->d_name, uid, depth, why);
	(void)closedir(dir);
	return err;
}

static enum ak_err
fill(int home, const char *skel, uid_t uid, struct diag *why)
{
	int from = open(skel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum ak_err err = AK_OK;

	if (from == -1 && errno != ENOENT)
		return say_errno(skel, why);
	if (from != -1) {
		err = copy_tree(from, home, uid, 0, why);
		(void)close(from);
	}
	if (err == AK_OK && (fchmod(home, 0700) == -1 || fchown(home, uid, uid) == -1))
		err = say_errno("owner", why);
	return err;
}

/* Something is there already. */
static enum ak_err
check_there(int parent, const char *path, const char *name, uid_t uid, struct diag *why)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return say_errno(path, why);
	if (S_ISDIR(st.st_mode) && st.st_uid == uid)
		return AK_OK;
	return diag_because(why, AK_ERR_EXISTS,
	    "home %.200s is there already and belongs to uid %lu: it is left as it is", path,
	    (unsigned long)st.st_uid);
}

/* Whole, under a name of its own. */
static enum ak_err
make_beside(int parent, const char *beside, const char *path, const char *skel, uid_t uid,
    struct diag *why)
{
	int home = -1;
	enum ak_err err;

	if (mkdirat(parent, beside, 0700) == -1 ||
	    (home = openat(parent, beside, OPEN_DIR)) == -1)
		return say_errno(path, why);
	err = fill(home, skel, uid, why);
	(void)close(home);
	return err;
}

enum ak_err
home_make(const char *path, const char *skel, uid_t uid, uid_t owner, struct diag *why)
{
	char name[NAME_MAX + 1], beside[HOME_BESIDE_CAP];
	int parent;
	struct stat st;
	enum ak_err err;

	if ((err = folder_open_parent(path, owner, &parent, name, why)) != AK_OK)
		return err;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		err = check_there(parent, path, name, uid, why);
	} else {
		home_name_beside(name, beside);
		home_undo(parent, beside, uid, owner);
		err = make_beside(parent, beside, path, skel, uid, why);
		if (err == AK_OK && renameat(parent, beside, parent, name) == -1)
			err = say_errno(path, why);
		if (err != AK_OK)
			home_undo(parent, beside, uid, owner);
	}
	(void)close(parent);
	return err;
}
