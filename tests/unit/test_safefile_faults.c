/* Files that root trusts, where a system call fails: what is said, what stands, and that nothing is left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safefile.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MAX_B 1000000

/* The call that fails, from its first-th on, this many times; and what is done behind each pread. */
static struct {
	const char *call;
	unsigned first, times, seen;
	int with;
	void (*after_read)(void);
} fault;
static unsigned told; /* calls of sync_file_range */

static bool
fails(const char *call)
{
	if (fault.call == NULL || strcmp(fault.call, call) != 0)
		return false;
	fault.seen++;
	if (fault.seen < fault.first || fault.seen - fault.first >= fault.times)
		return false;
	errno = fault.with;
	return true;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);
int __real_lstat(const char *path, struct stat *st);
int __wrap_lstat(const char *path, struct stat *st);
ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned how);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned how);
int __real_sync_file_range(int fd, off_t at, off_t n, unsigned how);
int __wrap_sync_file_range(int fd, off_t at, off_t n, unsigned how);

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return fails("open") ? -1 : __real_open(path, flags, mode);
}

int
__wrap_fstat(int fd, struct stat *st)
{
	return fails("fstat") ? -1 : __real_fstat(fd, st);
}

int
__wrap_stat(const char *path, struct stat *st)
{
	return fails("stat") ? -1 : __real_stat(path, st);
}

int
__wrap_lstat(const char *path, struct stat *st)
{
	return fails("lstat") ? -1 : __real_lstat(path, st);
}

ssize_t
__wrap_pread(int fd, void *buf, size_t n, off_t at)
{
	ssize_t got = fails("pread") ? -1 : __real_pread(fd, buf, n, at);

	if (fault.after_read != NULL)
		fault.after_read();
	return got;
}

ssize_t
__wrap_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	return fails("pwrite") ? -1 : __real_pwrite(fd, buf, n, at);
}

int
__wrap_fchmod(int fd, mode_t mode)
{
	return fails("fchmod") ? -1 : __real_fchmod(fd, mode);
}

int
__wrap_fsync(int fd)
{
	return fails("fsync") ? -1 : __real_fsync(fd);
}

/* As Linux does: the descriptor is gone whatever it says. */
int
__wrap_close(int fd)
{
	int failed = __real_close(fd);

	return fails("close") ? -1 : failed;
}

int
__wrap_link(const char *from, const char *to)
{
	return fails("link") ? -1 : __real_link(from, to);
}

int
__wrap_rename(const char *from, const char *to)
{
	return fails("rename") ? -1 : __real_rename(from, to);
}

int
__wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned how)
{
	return fails("renameat2") ? -1 : __real_renameat2(from_dir, from, to_dir, to, how);
}

int
__wrap_sync_file_range(int fd, off_t at, off_t n, unsigned how)
{
	told++;
	return __real_sync_file_range(fd, at, n, how);
}

static void
break_at(const char *call, unsigned first, unsigned times, int with)
{
	fault.call = call;
	fault.first = first;
	fault.times = times;
	fault.seen = 0;
	fault.with = with;
}

static void
mend(void)
{
	break_at(NULL, 0, 0, 0);
	fault.after_read = NULL;
}

static unsigned
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

#define EACH 1000U /* all calls from there on */
#define STANDS "the old file stands"
#define AT_RISK "may be the old file again after a power failure"

static void
assert_said(const char *row, const struct diag *why, const char *text, int with)
{
	if (text == NULL) {
		assert_row(row, why->text[0] == '\0');
		return;
	}
	assert_row(row, strstr(why->text, text) != NULL);
	assert_row(row, strstr(why->text, strerror(with)) != NULL);
}

static void
a_call_that_fails_leaves_the_old_file_or_says_that_the_new_one_is_there(void **state)
{
	static const struct {
		const char *row, *call;
		unsigned nth;
		int with;
		unsigned keep;
		const char *why; /* NULL: it goes well */
	} rows[] = {
	    {"no file beside it", "open", 1, EACCES, 0, STANDS},
	    {"no byte", "pwrite", 1, EIO, 0, STANDS},
	    {"a signal", "pwrite", 1, EINTR, 0, NULL},
	    {"no mode", "fchmod", 1, EPERM, 0, STANDS},
	    {"no mode, and synced", "fchmod", 1, EPERM, SAFEFILE_SYNC, STANDS},
	    {"not synced", "fsync", 1, EIO, SAFEFILE_SYNC, STANDS},
	    {"not synced, which nobody asked for", "fsync", 1, EIO, SAFEFILE_PREVIOUS, NULL},
	    {"not closed", "close", 1, EIO, 0, STANDS},
	    {"no second name", "link", 1, EPERM, SAFEFILE_PREVIOUS, STANDS},
	    {"no second name, which nobody asked for", "link", 1, EPERM, SAFEFILE_SYNC, NULL},
	    {"the previous not renamed", "rename", 1, EIO, SAFEFILE_PREVIOUS, STANDS},
	    {"the new not renamed", "rename", 2, EIO, SAFEFILE_PREVIOUS, STANDS},
	    {"not renamed", "rename", 1, EIO, 0, STANDS},
	    {"the folder not opened", "open", 2, EMFILE, SAFEFILE_SYNC, AT_RISK},
	    {"the folder not synced", "fsync", 2, EIO, SAFEFILE_SYNC, AT_RISK},
	};
	const char *path = tmp_path(*state, "f"), *prev = tmp_path(*state, "f.prev");
	const char *beside = tmp_path(*state, ".f.new");
	const char *prev_beside = tmp_path(*state, ".f.prev.new");
	unsigned open_before = count_descriptors();
	enum ak_err err;

	for (size_t i = 0; i < N(rows); i++) {
		bool is_new = rows[i].why == NULL || strcmp(rows[i].why, AT_RISK) == 0;
		struct diag why = DIAG_INIT;

		(void)unlink(prev);
		file_write(path, "old", 3, 0600);
		break_at(rows[i].call, rows[i].nth, 1, rows[i].with);
		err = safefile_replace(path, 0644, "NEW", 3, rows[i].keep, &why);
		mend();
		assert_err(rows[i].row, rows[i].why == NULL ? AK_OK : AK_ERR_UNAVAILABLE, err);
		assert_said(rows[i].row, &why, rows[i].why, rows[i].with);
		assert_row(rows[i].row, file_holds(path, is_new ? "NEW" : "old"));
		assert_row(rows[i].row, !file_is_there(prev) || file_holds(prev, "old"));
		assert_row(rows[i].row, !file_is_there(beside));
		assert_row(rows[i].row, !file_is_there(prev_beside));
		assert_row(rows[i].row, count_descriptors() == open_before);
	}
}

static void
what_was_dropped_is_closed_and_removed_once(void **state)
{
	char path[TMP_CAP * 2], beside[TMP_CAP * 2], where[PATH_MAX];
	unsigned open_before = count_descriptors();
	struct safefile_new f;

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "f"));
	(void)snprintf(beside, sizeof(beside), "%s", tmp_path(*state, ".f.new"));
	assert_err("", AK_OK, safefile_new_begin(&f, path, 0, NULL));
	assert_true(file_is_there(beside));
	assert_err("", AK_OK, safefile_new_path(&f, where));
	assert_string_equal(where, beside);
	safefile_new_drop(&f);
	assert_false(file_is_there(beside));
	assert_err("it is nowhere", AK_ERR_INVALID, safefile_new_path(&f, where));
	assert_int_equal(count_descriptors(), open_before);
	/* The next writer's is not this one's. */
	file_write(beside, "next", 4, 0600);
	safefile_new_drop(&f);
	assert_true(file_holds(beside, "next"));
}

static void
two_files_that_cannot_change_places_stay_where_they_are(void **state)
{
	static const struct {
		const char *row, *call;
		int with;
		enum ak_err err;
		const char *why;
		bool done;
	} rows[] = {
	    {"one is not there", "renameat2", ENOENT, AK_ERR_NOT_FOUND, NULL, false},
	    {"the file system can't", "renameat2", EINVAL, AK_ERR_NOT_FOUND, NULL, false},
	    {"the kernel can't", "renameat2", ENOSYS, AK_ERR_NOT_FOUND, NULL, false},
	    {"the disk fails", "renameat2", EIO, AK_ERR_UNAVAILABLE, STANDS, false},
	    {"not for good", "fsync", EIO, AK_ERR_UNAVAILABLE, AT_RISK, true},
	};
	const char *path = tmp_path(*state, "f"), *other = tmp_path(*state, "g");
	enum ak_err err;

	for (size_t i = 0; i < N(rows); i++) {
		struct diag why = DIAG_INIT;

		file_write(path, "one", 3, 0600);
		file_write(other, "two", 3, 0600);
		break_at(rows[i].call, 1, EACH, rows[i].with);
		err = safefile_swap(path, other, &why);
		mend();
		assert_err(rows[i].row, rows[i].err, err);
		assert_said(rows[i].row, &why, rows[i].why, rows[i].with);
		assert_row(rows[i].row, file_holds(path, rows[i].done ? "two" : "one"));
		assert_row(rows[i].row, file_holds(other, rows[i].done ? "one" : "two"));
	}
}

/* fsync then waits for what is left alone. */
static void
the_disk_is_told_to_begin_with_what_is_to_be_synced(void **state)
{
	static const struct {
		const char *row;
		unsigned keep, told;
		bool dropped;
	} rows[] = {
	    {"to be synced", SAFEFILE_SYNC, 1, false},
	    {"not to be synced", SAFEFILE_PREVIOUS, 0, false},
	    {"dropped", SAFEFILE_SYNC, 0, true},
	};
	const char *path = tmp_path(*state, "f");

	for (size_t i = 0; i < N(rows); i++) {
		struct safefile_new f;

		told = 0;
		assert_err(rows[i].row, AK_OK, safefile_new_begin(&f, path, rows[i].keep, NULL));
		assert_err(rows[i].row, AK_OK, safefile_new_write(&f, "new", 3, 0, NULL));
		if (rows[i].dropped)
			safefile_new_drop(&f);
		safefile_new_hasten(&f);
		assert_int_equal(told, rows[i].told);
		safefile_new_drop(&f);
	}
}

static void
a_call_that_fails_while_a_file_is_read_is_an_outage_and_is_said(void **state)
{
	static const struct {
		const char *row, *call;
		unsigned first, times;
		int with;
		enum ak_err err;
		const char *why; /* NULL: it goes well */
		bool linked; /* its folder's name is a link */
	} rows[] = {
	    {"as it is", NULL, 0, 0, 0, AK_OK, NULL, false},
	    {"as it is, behind a link", NULL, 0, 0, 0, AK_OK, NULL, true},
	    {"a signal", "open", 1, 1, EINTR, AK_OK, NULL, false},
	    {"a signal amid", "pread", 1, 1, EINTR, AK_OK, NULL, false},
	    {"no right to it", "open", 1, EACH, EACCES, AK_ERR_UNAVAILABLE, "cannot be read",
		false},
	    {"a folder above", "lstat", 1, 1, EIO, AK_ERR_UNAVAILABLE, "", false},
	    {"the one above all", "lstat", 3, EACH, EIO, AK_ERR_UNAVAILABLE, "", false},
	    {"what a link stands for", "stat", 1, 1, EIO, AK_ERR_UNAVAILABLE, "", true},
	    {"a folder above, as it is", "lstat", 5, EACH, EIO, AK_ERR_UNAVAILABLE, "", true},
	    {"whose it is", "fstat", 1, EACH, EIO, AK_ERR_UNAVAILABLE, "cannot be read", false},
	    {"whether it changed", "fstat", 2, 1, EIO, AK_ERR_UNAVAILABLE, "cannot be read",
		false},
	    {"a byte", "pread", 1, 1, EIO, AK_ERR_UNAVAILABLE, "cannot be read", false},
	    {"it is another's by now", "pread", 1, 1, ESTALE, AK_OK, NULL, false},
	    {"it always is", "pread", 1, EACH, ESTALE, AK_ERR_UNAVAILABLE, "changed while",
		false},
	};
	const char *path = tmp_path(*state, "f"), *behind = tmp_path(*state, "link/f");
	unsigned open_before;
	enum ak_err err;

	file_write(path, "bytes", 5, 0600);
	assert_int_equal(symlink(".", tmp_path(*state, "link")), 0);
	open_before = count_descriptors();
	for (size_t i = 0; i < N(rows); i++) {
		struct diag why = DIAG_INIT;
		struct safefile f;

		break_at(rows[i].call, rows[i].first, rows[i].times, rows[i].with);
		err = safefile_read(rows[i].linked ? behind : path, geteuid(), MAX_B, &f, &why);
		mend();
		assert_err(rows[i].row, rows[i].err, err);
		assert_row(rows[i].row, (f.bytes != NULL) == (err == AK_OK));
		assert_row(rows[i].row, err != AK_OK || strcmp(f.bytes, "bytes") == 0);
		if (rows[i].why != NULL && strcmp(rows[i].why, "changed while") == 0)
			assert_row(rows[i].row, strstr(why.text, rows[i].why) != NULL);
		else
			assert_said(rows[i].row, &why, rows[i].why, rows[i].with);
		assert_row(rows[i].row, count_descriptors() == open_before);
		free(f.bytes);
	}
}

static void
what_stands_in_the_way_of_reading_is_said_as_it_is(void **state)
{
	static const struct {
		const char *name;
		enum ak_err err;
		const char *why;
	} rows[] = {
	    {"none", AK_ERR_NOT_FOUND, "there is no such file"},
	    {"open", AK_ERR_UNSAFE, "must be a regular file of uid"},
	    {"none/f", AK_ERR_NOT_FOUND, "No such file"},
	};

	file_write(tmp_path(*state, "open"), "x", 1, 0666);
	for (size_t i = 0; i < N(rows); i++) {
		struct diag why = DIAG_INIT;
		struct safefile f;

		assert_err(rows[i].name, rows[i].err,
		    safefile_read(tmp_path(*state, rows[i].name), geteuid(), MAX_B, &f, &why));
		assert_row(rows[i].name, strstr(why.text, rows[i].why) != NULL);
	}
}

static char restless[TMP_CAP * 2];

static void
grow(void)
{
	struct stat st;

	assert_int_equal(__real_stat(restless, &st), 0);
	assert_int_equal(truncate(restless, st.st_size + 1), 0);
}

static void
a_file_that_never_stands_still_is_unavailable(void **state)
{
	struct diag why = DIAG_INIT;
	struct safefile f;
	enum ak_err err;

	(void)snprintf(restless, sizeof(restless), "%s", tmp_path(*state, "f"));
	file_write(restless, "bytes", 5, 0600);
	fault.after_read = grow;
	err = safefile_read(restless, geteuid(), MAX_B, &f, &why);
	mend();
	assert_err("", AK_ERR_UNAVAILABLE, err);
	assert_null(f.bytes);
	assert_non_null(strstr(why.text, "changed while it was read"));
}

static void
an_identity_that_cannot_be_asked_for_is_an_outage(void **state)
{
	const char *path = tmp_path(*state, "f");
	struct safefile_id id;
	struct stat st;
	enum ak_err err;
	int fd;

	file_write(path, "x", 1, 0600);
	break_at("lstat", 1, 1, EIO);
	err = safefile_identify(path, &id);
	mend();
	assert_err("identity", AK_ERR_UNAVAILABLE, err);
	assert_true(id.ino == 0);
	break_at("fstat", 1, 1, EIO);
	err = safefile_open(path, geteuid(), &fd, &st);
	mend();
	assert_err("open", AK_ERR_UNAVAILABLE, err);
	assert_int_equal(fd, -1);
}

/* DIR////…name, of so many bytes. */
static void
path_of_length(struct tmp *dir, const char *name, size_t len_b, char *out)
{
	size_t dir_b = strlen(dir->dir), rest_b = len_b - strlen(name);

	memcpy(out, dir->dir, dir_b);
	memset(out + dir_b, '/', rest_b - dir_b);
	memcpy(out + rest_b, name, strlen(name) + 1);
}

static void
a_path_may_be_as_long_as_the_system_takes_one(void **state)
{
	static const size_t longest_written = PATH_MAX - sizeof(".prev.new") - 1;
	char path[PATH_MAX + 8];
	struct safefile f;
	struct safefile_new n;
	struct diag why = DIAG_INIT;

	file_write(tmp_path(*state, "f"), "x", 1, 0600);
	path_of_length(*state, "f", PATH_MAX - 1, path);
	assert_err("longest", AK_OK, safefile_read(path, geteuid(), MAX_B, &f, NULL));
	free(f.bytes);
	path_of_length(*state, "f", PATH_MAX, path);
	assert_err(
	    "a byte more", AK_ERR_INVALID, safefile_read(path, geteuid(), MAX_B, &f, &why));
	assert_string_equal(why.text, "the path is too long");
	path_of_length(*state, "f", longest_written, path);
	for (unsigned i = 0; i < 2; i++)
		assert_err("longest", AK_OK,
		    safefile_replace(path, 0600, "y", 1, SAFEFILE_PREVIOUS, NULL));
	assert_true(file_holds(tmp_path(*state, "f.prev"), "y"));
	path_of_length(*state, "f", longest_written + 1, path);
	assert_err("a byte more", AK_ERR_INVALID, safefile_replace(path, 0600, "z", 1, 0, NULL));
	assert_err("begun", AK_ERR_INVALID, safefile_new_begin(&n, path, 0, NULL));
	assert_err("begun", AK_ERR_INVALID, safefile_new_begin(&n, "./f", 0, NULL));
	assert_true(file_holds(tmp_path(*state, "f"), "y"));
}

/* What its name would be cut to is another file's. */
static void
nothing_else_is_swept_for_a_path_that_is_too_long(void **state)
{
	const char *cut = tmp_path(*state, ".f.ne"), *beside = tmp_path(*state, ".f.new");
	char path[PATH_MAX + 8];

	file_write(cut, "another's", 9, 0600);
	file_write(beside, "left", 4, 0600);
	path_of_length(*state, "f", PATH_MAX - 5, path);
	safefile_sweep(path);
	assert_true(file_holds(cut, "another's"));
	assert_true(file_holds(beside, "left"));
	path_of_length(*state, "f", PATH_MAX - 6, path);
	safefile_sweep(path);
	assert_false(file_is_there(beside));
	assert_true(file_holds(cut, "another's"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_call_that_fails_leaves_the_old_file_or_says_that_the_new_one_is_there),
	    T(what_was_dropped_is_closed_and_removed_once),
	    T(two_files_that_cannot_change_places_stay_where_they_are),
	    T(the_disk_is_told_to_begin_with_what_is_to_be_synced),
	    T(a_call_that_fails_while_a_file_is_read_is_an_outage_and_is_said),
	    T(what_stands_in_the_way_of_reading_is_said_as_it_is),
	    T(a_file_that_never_stands_still_is_unavailable),
	    T(an_identity_that_cannot_be_asked_for_is_an_outage),
	    T(a_path_may_be_as_long_as_the_system_takes_one),
	    T(nothing_else_is_swept_for_a_path_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
