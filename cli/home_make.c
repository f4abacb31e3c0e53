#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "home.h"

/* Deeper ones are no skeleton. */
#define DEPTH_MAX 32U

/* How long another command may take for the same home, and how often it is looked at. */
#define WAIT_MS 10000
#define WAIT_STEP_MS 10

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A home on its way: parent's descriptor, and its names below that. */
struct making {
	int parent;
	const char *path, *name, *beside, *skel;
	uid_t uid, owner;
};

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
check_there(const struct making *m, struct diag *why)
{
	struct stat st;

	if (fstatat(m->parent, m->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return say_errno(m->path, why);
	if (S_ISDIR(st.st_mode) && st.st_uid == m->uid)
		return AK_OK;
	return diag_because(why, AK_ERR_EXISTS,
	    "home %.200s is there already and belongs to uid %lu: it is left as it is", m->path,
	    (unsigned long)st.st_uid);
}

/* Is this still what goes by that name? */
static bool
is_there(int parent, const char *name, const struct stat *was)
{
	struct stat st;

	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == was->st_dev && st.st_ino == was->st_ino;
}

/*
 * The folder that a home is made in. Whoever has its lock makes it, or may
 * remove it: only root can open it. *fd -1 after AK_OK: not now, since somebody
 * makes one, or what a killed command left was just removed.
 */
static enum ak_err
begin_beside(const struct making *m, int *fd, struct diag *why)
{
	bool made = mkdirat(m->parent, m->beside, 0700) == 0, locked;
	struct stat st;

	*fd = -1;
	if (!made && errno != EEXIST)
		return say_errno(m->path, why);
	if ((*fd = openat(m->parent, m->beside, OPEN_DIR)) == -1)
		return errno == ENOENT ? AK_OK : say_errno(m->beside, why);
	locked = flock(*fd, LOCK_EX | LOCK_NB) == 0;
	if (!locked && errno != EWOULDBLOCK)
		return say_errno(m->beside, why);
	if (locked && fstat(*fd, &st) == 0 && is_there(m->parent, m->beside, &st)) {
		if (made)
			return AK_OK;
		(void)home_undo(m->parent, m->beside, m->uid, m->owner);
		if (is_there(m->parent, m->beside, &st))
			return diag_because(why, AK_ERR_UNAVAILABLE,
			    "home %.200s: %.200s, in which it would be made, is there already: "
			    "move it away",
			    m->path, m->beside);
	}
	(void)close(*fd);
	*fd = -1;
	return AK_OK;
}

/* A home of that name that came meanwhile is not replaced, be it an empty one. */
static int
give_name(const struct making *m)
{
	struct stat st;

	if (renameat2(m->parent, m->beside, m->parent, m->name, RENAME_NOREPLACE) == 0)
		return 0;
	/* A file system that can't be asked so. */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(m->parent, m->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(m->parent, m->beside, m->parent, m->name);
}

/* Whole, and then by its name. */
static enum ak_err
make_in(const struct making *m, int fd, struct diag *why)
{
	enum ak_err err = fill(fd, m->skel, m->uid, why);
	bool is_taken = false;

	if (err == AK_OK && give_name(m) == -1) {
		is_taken = errno == EEXIST;
		err = is_taken ? AK_OK : say_errno(m->path, why);
		(void)home_undo(m->parent, m->beside, m->uid, m->owner);
	} else if (err != AK_OK) {
		(void)home_undo(m->parent, m->beside, m->uid, m->owner);
	}
	return is_taken ? check_there(m, why) : err;
}

/* Another command makes the same home? Then this one's is that one's, as soon as it is there. */
static enum ak_err
make(const struct making *m, struct diag *why)
{
	const struct timespec pause = {.tv_nsec = WAIT_STEP_MS * 1000000};
	struct stat st;
	enum ak_err err;
	int fd;

	for (int i = 0; i < WAIT_MS / WAIT_STEP_MS; i++) {
		if (fstatat(m->parent, m->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return check_there(m, why);
		if ((err = begin_beside(m, &fd, why)) == AK_OK && fd != -1)
			err = make_in(m, fd, why);
		if (fd != -1)
			(void)close(fd);
		if (err != AK_OK || fd != -1)
			return err;
		(void)nanosleep(&pause, NULL);
	}
	return diag_because(why, AK_ERR_UNAVAILABLE,
	    "home %.200s: another command has been making it for %d seconds, in %.200s",
	    m->path, WAIT_MS / 1000, m->beside);
}

enum ak_err
home_make(const char *path, const char *skel, uid_t uid, uid_t owner, struct diag *why)
{
	char name[NAME_MAX + 1], beside[HOME_BESIDE_CAP];
	struct making m = {.path = path,
	    .name = name,
	    .beside = beside,
	    .skel = skel,
	    .uid = uid,
	    .owner = owner};
	enum ak_err err;

	if ((err = folder_open_parent(path, owner, &m.parent, name, why)) != AK_OK)
		return err;
	home_name_beside(name, beside);
	err = make(&m, why);
	(void)close(m.parent);
	return err;
}
