/* Homes: made whole or not at all, removed without following anybody's traps. */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "home.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What another command does when this one has made its folder, and has not locked it yet: once. */
static void (*meanwhile)(struct tmp *t);
static struct tmp *meanwhile_in;

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);

int
__wrap_flock(int fd, int how)
{
	void (*now)(struct tmp * t) = meanwhile;

	meanwhile = NULL;
	if (now != NULL)
		now(meanwhile_in);
	return __real_flock(fd, how);
}

/* Homes of whoever runs the test: what needs no root. */
static uid_t
me(void)
{
	return geteuid();
}

static enum ak_err
make(struct tmp *t, const char *path)
{
	char skel[2 * TMP_CAP];

	(void)snprintf(skel, sizeof(skel), "%s", tmp_path(t, "skel"));
	return home_make(tmp_path(t, path), skel, me(), me(), NULL);
}

static void
make_skel(struct tmp *t)
{
	assert_int_equal(mkdir(tmp_path(t, "skel"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(t, "skel/.config"), 0750), 0);
	file_write(tmp_path(t, "skel/.profile"), "hello\n", 6, 0644);
	file_write(tmp_path(t, "skel/.config/run"), "#!/bin/sh\n", 10, 0755);
	file_write(tmp_path(t, "skel/odd"), "x", 1, 04755);
	assert_int_equal(symlink("/nowhere", tmp_path(t, "skel/link")), 0);
	assert_int_equal(mkfifo(tmp_path(t, "skel/pipe"), 0600), 0);
	assert_int_equal(mkdir(tmp_path(t, "home"), 0755), 0);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
a_home_has_the_files_of_skel_and_is_private(void **state)
{
	struct tmp *t = *state;
	char target[16] = "";

	make_skel(t);
	assert_err("", AK_OK, make(t, "home/a"));
	assert_int_equal(mode_of(tmp_path(t, "home/a")), 0700);
	assert_true(file_holds(tmp_path(t, "home/a/.profile"), "hello\n"));
	assert_int_equal(mode_of(tmp_path(t, "home/a/.profile")), 0644);
	assert_int_equal(mode_of(tmp_path(t, "home/a/.config")), 0750);
	assert_int_equal(mode_of(tmp_path(t, "home/a/.config/run")), 0755);
	assert_int_equal(mode_of(tmp_path(t, "home/a/odd")), 0755);
	assert_int_equal(readlink(tmp_path(t, "home/a/link"), target, sizeof(target)), 8);
	assert_string_equal(target, "/nowhere");
	assert_false(file_is_there(tmp_path(t, "home/a/pipe")));
	/* Again: it is there, and left alone. */
	assert_int_equal(unlink(tmp_path(t, "home/a/.profile")), 0);
	assert_err("", AK_OK, make(t, "home/a"));
	assert_false(file_is_there(tmp_path(t, "home/a/.profile")));
}

static void
abuse_074_what_a_killed_command_left_is_made_anew(void **state)
{
	struct tmp *t = *state;
	unsigned long left;

	make_skel(t);
	assert_int_equal(mkdir(tmp_path(t, "home/.a.new"), 0700), 0);
	file_write(tmp_path(t, "home/.a.new/half"), "h", 1, 0600);
	assert_err("", AK_OK, make(t, "home/a"));
	assert_true(file_holds(tmp_path(t, "home/a/.profile"), "hello\n"));
	assert_false(file_is_there(tmp_path(t, "home/a/half")));
	assert_false(file_is_there(tmp_path(t, "home/.a.new")));
	assert_int_equal(mkdir(tmp_path(t, "home/.a.new"), 0700), 0);
	assert_err("", AK_OK, home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
	assert_false(file_is_there(tmp_path(t, "home/.a.new")));
}

/* Its lock says that a command is at work in it. */
static void
what_another_command_is_making_is_not_removed(void **state)
{
	struct tmp *t = *state;
	unsigned long left;
	int fd;

	make_skel(t);
	assert_err("", AK_OK, make(t, "home/a"));
	assert_int_equal(mkdir(tmp_path(t, "home/.a.new"), 0700), 0);
	file_write(tmp_path(t, "home/.a.new/half"), "h", 1, 0600);
	fd = open(tmp_path(t, "home/.a.new"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_err("", AK_OK, home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
	assert_true(file_holds(tmp_path(t, "home/.a.new/half"), "h"));
	(void)close(fd);
}

#define MAKERS 3

/* Processes that make the same home at once: was one of them refused? */
static bool
make_together(struct tmp *t, const char *home)
{
	pid_t makers[MAKERS];
	bool failed = false;
	int status;

	for (unsigned i = 0; i < MAKERS; i++) {
		makers[i] = fork();
		assert_int_not_equal(makers[i], -1);
		if (makers[i] == 0)
			_exit(make(t, home) == AK_OK ? 0 : 1);
	}
	for (unsigned i = 0; i < MAKERS; i++) {
		assert_int_equal(waitpid(makers[i], &status, 0), makers[i]);
		failed = failed || status != 0;
	}
	return failed;
}

static void
commands_that_make_the_same_home_at_once_make_it_once_and_whole(void **state)
{
	struct tmp *t = *state;
	char name[64];

	make_skel(t);
	for (unsigned i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "skel/.config/more%u", i);
		file_write(tmp_path(t, name), "more", 4, 0644);
	}
	for (unsigned n = 0; n < 60; n++) {
		(void)snprintf(name, sizeof(name), "home/k%u", n);
		assert_row(name, !make_together(t, name));
		for (unsigned i = 0; i < 30; i++) {
			(void)snprintf(name, sizeof(name), "home/k%u/.config/more%u", n, i);
			assert_row(name, file_holds(tmp_path(t, name), "more"));
		}
		(void)snprintf(name, sizeof(name), "home/.k%u.new", n);
		assert_row(name, !file_is_there(tmp_path(t, name)));
	}
}

static void
make_an_empty_one(struct tmp *t)
{
	assert_int_equal(mkdir(tmp_path(t, "home/a"), 0700), 0);
}

static void
finish_it(struct tmp *t)
{
	char from[2 * TMP_CAP];

	(void)snprintf(from, sizeof(from), "%s", tmp_path(t, "home/.a.new"));
	file_write(tmp_path(t, "home/.a.new/theirs"), "t", 1, 0600);
	assert_int_equal(rename(from, tmp_path(t, "home/a")), 0);
}

static void
remove_it(struct tmp *t)
{
	assert_int_equal(rmdir(tmp_path(t, "home/.a.new")), 0);
}

/* Theirs is the home then; and nobody fills a folder that goes by another name. */
static void
what_another_command_does_meanwhile_stands(void **state)
{
	static const struct {
		const char *name;
		void (*meanwhile)(struct tmp *t);
		const char *has, *has_not;
	} rows[] = {
	    {"an empty home came", make_an_empty_one, "home/a", "home/a/.profile"},
	    {"it was taken and filled", finish_it, "home/a/theirs", "home/a/.profile"},
	    {"it was swept", remove_it, "home/a/.profile", "home/a/theirs"},
	};
	struct tmp *t = *state;
	unsigned long left;

	make_skel(t);
	meanwhile_in = t;
	for (size_t i = 0; i < N(rows); i++) {
		meanwhile = rows[i].meanwhile;
		assert_err(rows[i].name, AK_OK, make(t, "home/a"));
		assert_row(rows[i].name, meanwhile == NULL);
		assert_row(rows[i].name, file_is_there(tmp_path(t, rows[i].has)));
		assert_row(rows[i].name, !file_is_there(tmp_path(t, rows[i].has_not)));
		assert_row(rows[i].name, !file_is_there(tmp_path(t, "home/.a.new")));
		assert_err(rows[i].name, AK_OK,
		    home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
	}
}

static void
a_name_may_be_as_long_as_names_are(void **state)
{
	struct tmp *t = *state;
	char path[PATH_MAX] = "", beside[HOME_BESIDE_CAP], *name;
	unsigned long left;

	make_skel(t);
	(void)snprintf(path, sizeof(path), "%s/home/", t->dir);
	name = path + strlen(path);
	for (size_t len = NAME_MAX - 6; len <= NAME_MAX; len++) {
		memset(name, 'a', len);
		home_name_beside(name, beside);
		assert_string_equal(beside + strlen(beside) - 4, ".new");
		assert_err(name, AK_OK, home_make(path, tmp_path(t, "skel"), me(), me(), NULL));
		assert_err(name, AK_OK, home_remove(path, me(), me(), &left, NULL));
	}
}

static void
a_host_without_skel_has_empty_homes(void **state)
{
	struct tmp *t = *state;

	assert_int_equal(mkdir(tmp_path(t, "home"), 0755), 0);
	assert_err("", AK_OK, make(t, "home/a/"));
	assert_int_equal(mode_of(tmp_path(t, "home/a")), 0700);
}

static void
what_stands_in_the_homes_place_is_left_alone(void **state)
{
	struct tmp *t = *state;

	make_skel(t);
	file_write(tmp_path(t, "home/file"), "x", 1, 0644);
	assert_int_equal(symlink(tmp_path(t, "skel"), tmp_path(t, "home/link")), 0);
	assert_err("file", AK_ERR_EXISTS, make(t, "home/file"));
	assert_err("link", AK_ERR_EXISTS, make(t, "home/link"));
	assert_err("no parent", AK_ERR_UNAVAILABLE, make(t, "nothing/a"));
	assert_true(file_holds(tmp_path(t, "home/file"), "x"));
}

/* A file that can't be read: nothing half made stays. */
static void
a_home_that_fails_is_taken_back(void **state)
{
	struct tmp *t = *state;
	char deep[2 * TMP_CAP];

	make_skel(t);
	(void)snprintf(deep, sizeof(deep), "%s", tmp_path(t, "skel"));
	for (int i = 0; i < 40; i++) {
		strncat(deep, "/d", 3);
		assert_int_equal(mkdir(deep, 0755), 0);
	}
	assert_err("too deep", AK_ERR_UNAVAILABLE, make(t, "home/a"));
	assert_false(file_is_there(tmp_path(t, "home/a")));
	assert_false(file_is_there(tmp_path(t, "home/.a.new")));
}

static void
paths_that_are_no_home_are_refused(void **state)
{
	static const char *const rows[] = {
	    "", "/", "//", "home", "/etc", "/etc/", "/..", "/etc/..", "/etc/.", "/etc/../"};
	struct tmp *t = *state;
	unsigned long left;

	(void)t;
	for (size_t i = 0; i < N(rows); i++) {
		assert_err(rows[i], AK_ERR_INVALID,
		    home_make(rows[i], "/nonexistent", me(), me(), NULL));
		assert_err(
		    rows[i], AK_ERR_INVALID, home_remove(rows[i], me(), me(), &left, NULL));
	}
}

static void
folders_that_others_can_write_to_are_no_way_to_a_home(void **state)
{
	struct tmp *t = *state;
	char name[256];
	int fd;

	assert_int_equal(mkdir(tmp_path(t, "open"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(t, "open/in"), 0755), 0);
	assert_err("", AK_OK, make(t, "open/in/a"));
	assert_int_equal(chmod(tmp_path(t, "open"), 0777), 0);
	assert_err("", AK_ERR_UNSAFE, make(t, "open/in/b"));
	assert_err("", AK_ERR_UNSAFE,
	    folder_open_parent(tmp_path(t, "open/b"), me(), &fd, name, NULL));
	assert_int_equal(fd, -1);
	assert_int_equal(chmod(tmp_path(t, "open"), 01777), 0);
	assert_err("", AK_OK, make(t, "open/in/b"));
	/* A link that the owner made to another place of the owner's is the owner's will. */
	assert_int_equal(symlink(tmp_path(t, "open/in"), tmp_path(t, "link")), 0);
	assert_err("", AK_OK, make(t, "link/c"));
	assert_true(file_is_there(tmp_path(t, "open/in/c")));
}

static void
a_home_is_removed_with_all_in_it_and_nothing_beside_it(void **state)
{
	struct tmp *t = *state;
	unsigned long left = 7;

	make_skel(t);
	assert_err("", AK_OK, make(t, "home/a"));
	assert_err("", AK_OK, make(t, "home/b"));
	assert_int_equal(symlink(tmp_path(t, "home/b"), tmp_path(t, "home/a/dir")), 0);
	assert_int_equal(symlink(tmp_path(t, "skel/.profile"), tmp_path(t, "home/a/file")), 0);
	assert_err("", AK_OK, home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
	assert_int_equal(left, 0);
	assert_false(file_is_there(tmp_path(t, "home/a")));
	assert_true(file_is_there(tmp_path(t, "home/b/.profile")));
	assert_true(file_is_there(tmp_path(t, "skel/.profile")));
	assert_err("gone", AK_ERR_NOT_FOUND,
	    home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
}

static void
a_home_that_is_not_the_users_is_not_removed(void **state)
{
	struct tmp *t = *state;
	unsigned long left;

	make_skel(t);
	assert_err("", AK_OK, make(t, "home/a"));
	assert_int_equal(symlink(tmp_path(t, "home/a"), tmp_path(t, "home/link")), 0);
	assert_err("another's", AK_ERR_DENIED,
	    home_remove(tmp_path(t, "home/a"), me() + 1, me(), &left, NULL));
	assert_err("a link", AK_ERR_DENIED,
	    home_remove(tmp_path(t, "home/link"), me(), me(), &left, NULL));
	/* Nor what has the name that it would be made by. */
	assert_int_equal(mkdir(tmp_path(t, "home/.a.new"), 0700), 0);
	assert_int_equal(mkdir(tmp_path(t, "home/.b.new"), 0700), 0);
	assert_err("another's", AK_ERR_DENIED,
	    home_remove(tmp_path(t, "home/a"), me() + 1, me(), &left, NULL));
	assert_err("none", AK_ERR_NOT_FOUND,
	    home_remove(tmp_path(t, "home/b"), me(), me(), &left, NULL));
	assert_true(file_is_there(tmp_path(t, "home/.a.new")));
	assert_true(file_is_there(tmp_path(t, "home/.b.new")));
	assert_true(file_is_there(tmp_path(t, "home/a/.profile")));
}

/* Deep trees end at the depth that descriptors allow; the rest is counted. */
static void
what_cannot_be_removed_is_counted(void **state)
{
	struct tmp *t = *state;
	unsigned long left = 0;
	int fd, next;

	make_skel(t);
	assert_err("", AK_OK, make(t, "home/a"));
	fd = open(tmp_path(t, "home/a"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	assert_err("", AK_OK, home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
	assert_true(left > 0);
	/* What stays is shallower, so a second try ends it. */
	assert_err("", AK_OK, home_remove(tmp_path(t, "home/a"), me(), me(), &left, NULL));
}

/* With root's rights: other people's files, and mounts. Without them there is neither, and nothing to look at. */
static void
other_peoples_files_and_mounts_stay(void **state)
{
	struct tmp *t = *state;
	unsigned long left = 0;
	bool mounted;

	make_skel(t);
	assert_err("", AK_OK, make(t, "home/a"));
	if (geteuid() != 0)
		return;
	assert_err(
	    "", AK_OK, home_make(tmp_path(t, "home/k"), tmp_path(t, "skel"), 70001, 0, NULL));
	file_write(tmp_path(t, "home/k/roots"), "x", 1, 0644);
	assert_int_equal(mkdir(tmp_path(t, "home/k/mnt"), 0700), 0);
	assert_int_equal(chown(tmp_path(t, "home/k/mnt"), 70001, 70001), 0);
	mounted =
	    mount(tmp_path(t, "home/a"), tmp_path(t, "home/k/mnt"), NULL, MS_BIND, NULL) == 0;
	if (mounted)
		assert_int_equal(chown(tmp_path(t, "home/a"), 70001, 70001), 0);
	file_write(tmp_path(t, "home/a/precious"), "x", 1, 0644);
	assert_int_equal(chown(tmp_path(t, "home/a/precious"), 70001, 70001), 0);
	assert_err("", AK_OK, home_remove(tmp_path(t, "home/k"), 70001, 0, &left, NULL));
	if (mounted)
		assert_int_equal(umount(tmp_path(t, "home/k/mnt")), 0);
	assert_true(left >= 2); /* a file and the folder that it lies in */
	assert_true(file_is_there(tmp_path(t, "home/k/roots")));
	assert_true(file_is_there(tmp_path(t, "home/a/precious")));
	assert_false(file_is_there(tmp_path(t, "home/k/.profile")));
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_home_has_the_files_of_skel_and_is_private),
	    T(abuse_074_what_a_killed_command_left_is_made_anew),
	    T(what_another_command_is_making_is_not_removed),
	    T(commands_that_make_the_same_home_at_once_make_it_once_and_whole),
	    T(what_another_command_does_meanwhile_stands),
	    T(a_name_may_be_as_long_as_names_are),
	    T(a_host_without_skel_has_empty_homes),
	    T(what_stands_in_the_homes_place_is_left_alone),
	    T(a_home_that_fails_is_taken_back),
	    T(paths_that_are_no_home_are_refused),
	    T(folders_that_others_can_write_to_are_no_way_to_a_home),
	    T(a_home_is_removed_with_all_in_it_and_nothing_beside_it),
	    T(a_home_that_is_not_the_users_is_not_removed),
	    T(what_cannot_be_removed_is_counted),
	    T(other_peoples_files_and_mounts_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
