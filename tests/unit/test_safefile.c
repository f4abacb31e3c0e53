/* Files that root trusts: what is refused, and what a writer leaves behind. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "safefile.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MAX_B 1000000

static uid_t
me(void)
{
	return geteuid();
}

static enum ak_err
open_as(const char *path, uid_t owner)
{
	struct stat st;
	int fd = 4711;
	enum ak_err err = safefile_open(path, owner, &fd, &st);

	if (err == AK_OK)
		assert_int_equal(close(fd), 0);
	else
		assert_int_equal(fd, -1);
	return err;
}

static enum ak_err
read_as(const char *path, uid_t owner, const char *wanted)
{
	struct safefile f = {.bytes = NULL};
	struct diag why = DIAG_INIT;
	enum ak_err err = safefile_read(path, owner, MAX_B, &f, &why);

	if (err == AK_OK) {
		assert_int_equal(f.len_b, strlen(wanted));
		assert_string_equal(f.bytes, wanted);
	} else {
		assert_null(f.bytes);
		assert_int_equal(f.len_b, 0);
		assert_string_not_equal(why.text, "");
	}
	free(f.bytes);
	return err;
}

static void
make_socket(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	(void)close(fd);
}

static void
a_plain_file_of_its_owner_is_read(void **state)
{
	const char *path = tmp_path(*state, "f");

	file_write(path, "hello", 5, 0600);
	assert_err("", AK_OK, open_as(path, me()));
	assert_err("", AK_OK, read_as(path, me(), "hello"));
	file_write(path, "", 0, 0644);
	assert_err("empty", AK_OK, read_as(path, me(), ""));
}

static void
abuse_061_missing_is_not_found(void **state)
{
	struct safefile_id id = {.dev = 1};
	const char *file = tmp_path(*state, "f"), *below = tmp_path(*state, "f/below");

	assert_err("no file", AK_ERR_NOT_FOUND, open_as(file, me()));
	assert_err("no file", AK_ERR_NOT_FOUND, read_as(file, me(), ""));
	assert_err("no file", AK_ERR_NOT_FOUND, safefile_identify(file, &id));
	assert_int_equal(id.dev, 0);
	assert_err("no folder", AK_ERR_NOT_FOUND, open_as(below, me()));
	assert_err("no folder", AK_ERR_NOT_FOUND, read_as(below, me(), ""));
	file_write(file, "", 0, 0600);
	assert_err("a file for a folder", AK_ERR_NOT_FOUND, open_as(below, me()));
}

static void
abuse_056_what_others_own_or_may_write_is_refused(void **state)
{
	static const struct {
		mode_t mode;
		enum ak_err err;
	} rows[] = {
	    {0400, AK_OK},
	    {0600, AK_OK},
	    {0644, AK_OK},
	    {0755, AK_OK},
	    {0444, AK_OK},
	    {0620, AK_ERR_UNSAFE},
	    {0602, AK_ERR_UNSAFE},
	    {0666, AK_ERR_UNSAFE},
	    {0664, AK_ERR_UNSAFE},
	    {02660, AK_ERR_UNSAFE},
	};
	const char *path = tmp_path(*state, "f");
	char row[16];

	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(row, sizeof(row), "%04o", (unsigned)rows[i].mode);
		file_write(path, "x", 1, rows[i].mode);
		assert_err(row, rows[i].err, open_as(path, me()));
		assert_err(row, rows[i].err, read_as(path, me(), "x"));
	}
	file_write(path, "x", 1, 0600);
	assert_err("another's", AK_ERR_UNSAFE, open_as(path, me() + 1));
	assert_err("another's", AK_ERR_UNSAFE, read_as(path, me() + 1, "x"));
}

static void
abuse_057_a_symlink_is_refused(void **state)
{
	const char *file = tmp_path(*state, "f"), *link = tmp_path(*state, "link");

	file_write(file, "x", 1, 0600);
	assert_int_equal(symlink(file, link), 0);
	assert_err("to a good file", AK_ERR_UNSAFE, open_as(link, me()));
	assert_err("to a good file", AK_ERR_UNSAFE, read_as(link, me(), "x"));
	assert_int_equal(unlink(file), 0);
	assert_err("dangling", AK_ERR_UNSAFE, open_as(link, me()));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("link", link), 0);
	assert_err("to itself", AK_ERR_UNSAFE, open_as(link, me()));
}

static void
abuse_069_what_is_no_file_is_refused_without_blocking(void **state)
{
	const char *fifo = tmp_path(*state, "fifo"), *dir = tmp_path(*state, "dir");
	const char *sock = tmp_path(*state, "sock"), *slash = tmp_path(*state, "dir/");
	const char *rows[] = {fifo, dir, sock, slash, "/dev/null", "/dev/zero", "/dev/full"};
	struct stat st;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	make_socket(sock);
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(stat(rows[i], &st), 0);
		assert_err(rows[i], AK_ERR_UNSAFE, open_as(rows[i], st.st_uid));
		assert_err(rows[i], AK_ERR_UNSAFE, read_as(rows[i], st.st_uid, ""));
	}
}

static void
a_descriptor_does_not_outlive_exec(void **state)
{
	const char *path = tmp_path(*state, "f");
	struct stat st;
	int fd;

	file_write(path, "x", 1, 0600);
	assert_err("", AK_OK, safefile_open(path, me(), &fd, &st));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
}

static int
open_without_descriptors(void *path)
{
	struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

	if (setrlimit(RLIMIT_NOFILE, &none) == -1)
		return -1;
	return (int)open_as(path, me());
}

static void
abuse_129_no_descriptor_left_is_unavailable(void **state)
{
	char *path = strdup(tmp_path(*state, "f"));

	assert_non_null(path);
	file_write(path, "x", 1, 0600);
	assert_err(
	    "", AK_ERR_UNAVAILABLE, (enum ak_err)child_run(open_without_descriptors, path));
	free(path);
}

static void
abuse_055_a_relative_or_endless_path_is_refused(void **state)
{
	char *path = malloc(5001);

	(void)state;
	assert_non_null(path);
	memset(path, 'a', 5000);
	path[5000] = '\0';
	assert_err("relative", AK_ERR_INVALID, read_as("etc/passwd", me(), ""));
	assert_err("empty", AK_ERR_INVALID, read_as("", me(), ""));
	assert_err("long and relative", AK_ERR_INVALID, read_as(path, me(), ""));
	path[0] = '/';
	assert_err("long", AK_ERR_INVALID, read_as(path, me(), ""));
	assert_err("relative", AK_ERR_INVALID, safefile_replace("file", 0600, "x", 1, 0, NULL));
	assert_err(
	    "relative", AK_ERR_INVALID, safefile_replace("./file", 0600, "x", 1, 0, NULL));
	assert_err("long", AK_ERR_INVALID, safefile_replace(path, 0600, "x", 1, 0, NULL));
	free(path);
}

static void
every_folder_above_must_be_safe(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		enum ak_err err;
	} rows[] = {
	    {"its own", 0700, AK_OK},
	    {"readable", 0755, AK_OK},
	    {"sticky", 01777, AK_OK},
	    {"group-writable", 0770, AK_ERR_UNSAFE},
	    {"world-writable", 0707, AK_ERR_UNSAFE},
	};
	const char *upper = tmp_path(*state, "upper"),
		   *path = tmp_path(*state, "upper/lower/f");

	assert_int_equal(mkdir(upper, 0700), 0);
	assert_int_equal(mkdir(tmp_path(*state, "upper/lower"), 0700), 0);
	file_write(path, "x", 1, 0600);
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(chmod(upper, rows[i].mode), 0);
		assert_err(rows[i].name, rows[i].err, read_as(path, me(), "x"));
	}
	assert_int_equal(chmod(upper, 0700), 0);
	assert_err("dots and slashes", AK_OK,
	    read_as(tmp_path(*state, "upper//.././upper/lower//f"), me(), "x"));
}

static void
a_folder_that_is_anothers_is_refused(void **state)
{
	const char *upper = tmp_path(*state, "upper"), *path = tmp_path(*state, "upper/f");

	if (me() != 0)
		skip(); /* only root can give a folder away */
	assert_int_equal(mkdir(upper, 0755), 0);
	file_write(path, "x", 1, 0600);
	assert_int_equal(chown(upper, 4711, 4711), 0);
	assert_err("", AK_ERR_UNSAFE, read_as(path, me(), "x"));
	assert_int_equal(chown(path, 4711, 4711), 0);
	assert_err("its owner's", AK_OK, read_as(path, 4711, "x"));
}

static void
a_link_to_a_folder_is_as_safe_as_where_it_leads(void **state)
{
	const char *open_dir = tmp_path(*state, "open");

	assert_int_equal(mkdir(open_dir, 0700), 0);
	assert_int_equal(mkdir(tmp_path(*state, "open/dir"), 0700), 0);
	file_write(tmp_path(*state, "open/dir/f"), "x", 1, 0600);
	assert_int_equal(symlink("open/dir", tmp_path(*state, "link")), 0);
	assert_err("", AK_OK, read_as(tmp_path(*state, "link/f"), me(), "x"));
	assert_int_equal(chmod(open_dir, 0777), 0);
	assert_err(
	    "leads below it", AK_ERR_UNSAFE, read_as(tmp_path(*state, "link/f"), me(), "x"));
	assert_int_equal(mkdir(tmp_path(*state, "safe"), 0700), 0);
	file_write(tmp_path(*state, "safe/f"), "x", 1, 0600);
	assert_int_equal(symlink("../safe", tmp_path(*state, "open/link")), 0);
	assert_err(
	    "lies in it", AK_ERR_UNSAFE, read_as(tmp_path(*state, "open/link/f"), me(), "x"));
	assert_int_equal(chmod(open_dir, 0700), 0);
	assert_err("", AK_OK, read_as(tmp_path(*state, "open/link/f"), me(), "x"));
}

static void
abuse_050_more_than_allowed_is_refused(void **state)
{
	const char *path = tmp_path(*state, "f");
	struct safefile f;

	file_write(path, "12345678", 8, 0600);
	assert_err("exact", AK_OK, safefile_read(path, me(), 8, &f, NULL));
	assert_string_equal(f.bytes, "12345678");
	free(f.bytes);
	assert_err("one too many", AK_ERR_INVALID, safefile_read(path, me(), 7, &f, NULL));
	assert_null(f.bytes);
}

static void
abuse_046_bytes_are_read_as_they_are(void **state)
{
	const char *path = tmp_path(*state, "f");
	struct safefile f;

	file_write(path, "a\0b\n", 4, 0600);
	assert_err("", AK_OK, safefile_read(path, me(), MAX_B, &f, NULL));
	assert_int_equal(f.len_b, 4);
	assert_memory_equal(f.bytes, "a\0b\n", 5);
	free(f.bytes);
}

static void
abuse_128_no_memory_is_said(void **state)
{
	const char *path = tmp_path(*state, "f");
	struct safefile f;
	enum ak_err err;

	file_write(path, "x", 1, 0600);
	for (unsigned n = 1;; n++) {
		alloc_fail_nth(n);
		err = safefile_read(path, me(), MAX_B, &f, NULL);
		if (!alloc_stop())
			break;
		assert_err("", AK_ERR_NOMEM, err);
		assert_null(f.bytes);
	}
	assert_err("", AK_OK, err);
	free(f.bytes);
}

static void
an_identity_changes_with_the_file(void **state)
{
	const char *path = tmp_path(*state, "f");
	struct safefile f;
	struct safefile_id before, after;

	file_write(path, "x", 1, 0600);
	assert_err("", AK_OK, safefile_identify(path, &before));
	assert_err("", AK_OK, safefile_read(path, me(), MAX_B, &f, NULL));
	free(f.bytes);
	assert_true(safefile_id_equal(&before, &f.id));
	assert_true(safefile_id_digest(&before) == safefile_id_digest(&f.id));
	assert_int_equal(truncate(path, 2), 0);
	assert_err("", AK_OK, safefile_identify(path, &after));
	assert_false(safefile_id_equal(&before, &after));
	/* The old inode lives on under another name, so that its number is not given again. */
	assert_int_equal(link(path, tmp_path(*state, "g")), 0);
	before = after;
	assert_err("", AK_OK, safefile_replace(path, 0600, "xy", 2, 0, NULL));
	assert_err("", AK_OK, safefile_identify(path, &after));
	assert_false(safefile_id_equal(&before, &after));
	assert_false(safefile_id_digest(&before) == safefile_id_digest(&after));
}

static void
each_part_of_an_identity_counts(void **state)
{
	const struct safefile_id id = {1, 2, 3, 4, 5};
	struct safefile_id others[] = {{9, 2, 3, 4, 5}, {1, 9, 3, 4, 5}, {1, 2, 9, 4, 5},
	    {1, 2, 3, 9, 5}, {1, 2, 3, 4, 9}};

	(void)state;
	for (size_t i = 0; i < N(others); i++) {
		assert_false(safefile_id_equal(&id, &others[i]));
		assert_false(safefile_id_digest(&id) == safefile_id_digest(&others[i]));
	}
	assert_true(safefile_id_digest(&id) != 0);
}

struct change {
	const char *path;
	void (*how)(const char *path);
};

static int
read_half_known(void *arg)
{
	struct change *c = arg;
	struct safefile f;
	enum ak_err err = safefile_read(c->path, me(), MAX_B, &f, NULL);
	int answer = 90;

	if (err != AK_OK)
		answer = (int)err;
	else if (strcmp(f.bytes, "old bytes") == 0)
		answer = 80;
	else if (strcmp(f.bytes, "NEW") == 0)
		answer = 81;
	free(f.bytes);
	return answer;
}

static void
change_shrink(const char *path)
{
	assert_int_equal(truncate(path, 3), 0);
}

static void
change_grow(const char *path)
{
	assert_int_equal(truncate(path, 300), 0);
}

static void
change_replace(const char *path)
{
	assert_err("", AK_OK, safefile_replace(path, 0600, "NEW", 3, 0, NULL));
}

static void
between_change(void *arg)
{
	struct change *c = arg;

	c->how(c->path);
}

static void
abuse_067_134_a_file_that_changes_once_while_it_is_read_is_old_or_new(void **state)
{
	static const struct {
		const char *name;
		void (*how)(const char *path);
		int other; /* the answer, besides the old bytes, that is right */
	} rows[] = {
	    {"shrinks", change_shrink, 90},
	    {"grows", change_grow, 90},
	    {"is replaced", change_replace, 81},
	};
	char path[TMP_CAP * 2];

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "f"));
	for (size_t i = 0; i < N(rows); i++) {
		struct change c = {.path = path, .how = rows[i].how};
		int code;
		bool more = true;

		for (unsigned n = 1; more; n++) {
			file_write(path, "old bytes", 9, 0600);
			more = steps_run(read_half_known, between_change, &c, n, &code);
			assert_row(rows[i].name, code == 80 || code == rows[i].other);
		}
		assert_row(rows[i].name, code == 80);
	}
}

/* Writing. */

static void
a_file_is_replaced_whole(void **state)
{
	const char *path = tmp_path(*state, "f"), *beside = tmp_path(*state, ".f.new");
	const char *prev = tmp_path(*state, "f.prev");
	struct diag why = DIAG_INIT;

	assert_err("made", AK_OK, safefile_replace(path, 0600, "1", 1, 0, &why));
	assert_true(file_holds(path, "1"));
	assert_err("synced", AK_OK, safefile_replace(path, 0600, "22", 2, SAFEFILE_SYNC, &why));
	assert_true(file_holds(path, "22"));
	assert_false(file_is_there(prev));
	assert_err("empty", AK_OK, safefile_replace(path, 0600, "", 0, 0, &why));
	assert_true(file_holds(path, ""));
	assert_false(file_is_there(beside));
	assert_string_equal(why.text, "");
}

static void
the_previous_bytes_are_kept_when_asked(void **state)
{
	const unsigned both = SAFEFILE_SYNC | SAFEFILE_PREVIOUS;
	const char *path = tmp_path(*state, "f"), *prev = tmp_path(*state, "f.prev");

	assert_err("first", AK_OK, safefile_replace(path, 0600, "1", 1, both, NULL));
	assert_false(file_is_there(prev));
	assert_err("second", AK_OK, safefile_replace(path, 0600, "2", 1, both, NULL));
	assert_true(file_holds(prev, "1"));
	assert_err("third", AK_OK, safefile_replace(path, 0600, "3", 1, both, NULL));
	assert_true(file_holds(prev, "2"));
	assert_true(file_holds(path, "3"));
}

static void
abuse_114_the_umask_changes_nothing(void **state)
{
	static const mode_t umasks[] = {0, 022, 077, 0777}, modes[] = {0600, 0644, 0640};
	const char *path = tmp_path(*state, "f");
	struct stat st;

	for (size_t u = 0; u < N(umasks); u++)
		for (size_t m = 0; m < N(modes); m++) {
			mode_t before = umask(umasks[u]);
			enum ak_err err = safefile_replace(path, modes[m], "x", 1, 0, NULL);

			(void)umask(before);
			assert_err("", AK_OK, err);
			assert_int_equal(stat(path, &st), 0);
			assert_int_equal(st.st_mode & 07777, modes[m]);
		}
}

static void
a_reader_keeps_the_bytes_that_it_opened(void **state)
{
	const char *path = tmp_path(*state, "f");
	char buf[4] = "";
	struct stat st;
	int fd;

	file_write(path, "old", 3, 0600);
	assert_err("", AK_OK, safefile_open(path, me(), &fd, &st));
	assert_err("", AK_OK, safefile_replace(path, 0600, "new", 3, 0, NULL));
	assert_int_equal(read(fd, buf, 3), 3);
	assert_string_equal(buf, "old");
	(void)close(fd);
}

enum leftover {
	LEFT_FILE,
	LEFT_READ_ONLY,
	LEFT_LINK,
	LEFT_HARD_LINK,
	LEFT_FIFO,
	LEFT_DANGLING
};

static void
abuse_074_what_a_killed_writer_left_is_overwritten_and_never_followed(void **state)
{
	static const char *const names[] = {
	    "a file", "read-only", "a link", "a hard link", "a FIFO", "a dangling link"};
	const char *path = tmp_path(*state, "f"), *beside = tmp_path(*state, ".f.new");
	const char *victim = tmp_path(*state, "victim"), *nowhere = tmp_path(*state, "nowhere");

	for (unsigned i = LEFT_FILE; i <= LEFT_DANGLING; i++) {
		file_write(victim, "victim", 6, 0600);
		file_write(path, "old", 3, 0600);
		if (i == LEFT_FILE || i == LEFT_READ_ONLY)
			file_write(
			    beside, "much longer than new", 20, i == LEFT_FILE ? 0600 : 0);
		else if (i == LEFT_LINK)
			assert_int_equal(symlink(victim, beside), 0);
		else if (i == LEFT_HARD_LINK)
			assert_int_equal(link(victim, beside), 0);
		else if (i == LEFT_FIFO)
			assert_int_equal(mkfifo(beside, 0600), 0);
		else
			assert_int_equal(symlink(nowhere, beside), 0);
		assert_err(names[i], AK_OK, safefile_replace(path, 0600, "new", 3, 0, NULL));
		assert_row(names[i], file_holds(path, "new"));
		assert_row(names[i], file_holds(victim, "victim"));
		assert_row(names[i], !file_is_there(beside) && !file_is_there(nowhere));
	}
}

static void
a_link_in_its_place_is_replaced_not_followed(void **state)
{
	const char *path = tmp_path(*state, "f"), *victim = tmp_path(*state, "victim");

	file_write(victim, "victim", 6, 0600);
	assert_int_equal(symlink(victim, path), 0);
	assert_err("", AK_OK, safefile_replace(path, 0600, "new", 3, 0, NULL));
	assert_true(file_holds(victim, "victim"));
	assert_err("", AK_OK, read_as(path, me(), "new"));
}

static void
what_is_in_the_way_leaves_the_old_file(void **state)
{
	static const struct {
		const char *name, *folder; /* made where a file should go */
		unsigned keep;
	} rows[] = {
	    {"beside", ".f.new", SAFEFILE_SYNC},
	    {"previous", "f.prev", SAFEFILE_SYNC | SAFEFILE_PREVIOUS},
	};
	const char *path = tmp_path(*state, "f");
	struct diag why;

	for (size_t i = 0; i < N(rows); i++) {
		const char *folder = tmp_path(*state, rows[i].folder);

		why = DIAG_INIT;
		file_write(path, "old", 3, 0600);
		assert_int_equal(mkdir(folder, 0700), 0);
		assert_err(rows[i].name, AK_ERR_UNAVAILABLE,
		    safefile_replace(path, 0600, "new", 3, rows[i].keep, &why));
		assert_row(rows[i].name, file_holds(path, "old"));
		assert_row(rows[i].name, strstr(why.text, "the old file stands") != NULL);
		assert_int_equal(rmdir(folder), 0);
		assert_row(rows[i].name, !file_is_there(tmp_path(*state, ".f.new")));
	}
}

static void
a_folder_in_its_place_stays_and_nothing_is_left_beside_it(void **state)
{
	const char *path = tmp_path(*state, "f");

	assert_int_equal(mkdir(path, 0700), 0);
	assert_err("", AK_ERR_UNAVAILABLE, safefile_replace(path, 0600, "new", 3, 0, NULL));
	assert_false(file_is_there(tmp_path(*state, ".f.new")));
	assert_true(file_is_there(path));
}

static void
where_nothing_can_be_made_is_unavailable(void **state)
{
	struct diag why = DIAG_INIT;

	assert_err("no folder", AK_ERR_UNAVAILABLE,
	    safefile_replace(tmp_path(*state, "none/f"), 0600, "x", 1, 0, &why));
	assert_string_not_equal(why.text, "");
	assert_err("/proc", AK_ERR_UNAVAILABLE,
	    safefile_replace("/proc/apikey-test", 0600, "x", 1, 0, NULL));
}

static void
what_was_dropped_is_neither_written_nor_ended(void **state)
{
	struct safefile_new f;

	assert_err("begin", AK_OK, safefile_new_begin(&f, tmp_path(*state, "f"), 0, NULL));
	safefile_new_drop(&f);
	assert_err("write", AK_ERR_INVALID, safefile_new_write(&f, "x", 1, 0, NULL));
	assert_err("end", AK_ERR_INVALID, safefile_new_end(&f, 0600, NULL));
	assert_int_equal(access(tmp_path(*state, "f"), F_OK), -1);
}

static int
replace_with_little_room(void *path)
{
	struct rlimit little = {.rlim_cur = 4096, .rlim_max = 4096};
	static const char big[10000];

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &little) == -1)
		return -1;
	return (int)safefile_replace(path, 0600, big, sizeof(big), SAFEFILE_SYNC, NULL);
}

static void
abuse_073_no_room_leaves_the_old_file_and_nothing_beside_it(void **state)
{
	char path[TMP_CAP * 2];

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "f"));
	file_write(path, "old", 3, 0600);
	assert_err(
	    "", AK_ERR_UNAVAILABLE, (enum ak_err)child_run(replace_with_little_room, path));
	assert_true(file_holds(path, "old"));
	assert_false(file_is_there(tmp_path(*state, ".f.new")));
}

static int
replace_old(void *path)
{
	return (int)safefile_replace(
	    path, 0644, "NEW", 3, SAFEFILE_SYNC | SAFEFILE_PREVIOUS, NULL);
}

static void
abuse_074_a_writer_killed_at_any_system_call_leaves_old_or_new(void **state)
{
	char path[TMP_CAP * 2], prev[TMP_CAP * 2];
	int code, olds = 0, news = 0;
	bool more = true;

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "f"));
	(void)snprintf(prev, sizeof(prev), "%s", tmp_path(*state, "f.prev"));
	for (unsigned n = 1; more; n++) {
		struct stat st;

		(void)unlink(prev); /* it may be another name of path */
		file_write(prev, "older", 5, 0600);
		file_write(path, "old", 3, 0600);
		more = steps_run(replace_old, NULL, path, n, &code);
		assert_int_equal(code, more ? -1 : AK_OK);
		assert_int_equal(stat(path, &st), 0);
		if (file_holds(path, "old")) {
			assert_int_equal(st.st_mode & 07777, 0600);
			olds++;
		} else {
			assert_true(file_holds(path, "NEW"));
			assert_int_equal(st.st_mode & 07777, 0644);
			news++;
		}
		assert_true(file_holds(prev, "old") || file_holds(prev, "older"));
		assert_err("next", AK_OK,
		    safefile_replace(path, 0600, "next", 4, SAFEFILE_PREVIOUS, NULL));
		assert_true(file_holds(path, "next"));
		assert_true(file_holds(prev, "old") || file_holds(prev, "NEW"));
		assert_false(file_is_there(tmp_path(*state, ".f.new")));
		assert_false(file_is_there(tmp_path(*state, ".f.prev.new")));
	}
	assert_true(olds > 3 && news > 1);
}

static void
abuse_074_what_a_killed_writer_left_is_swept(void **state)
{
	const char *path = tmp_path(*state, "f"), *beside = tmp_path(*state, ".f.new");

	file_write(path, "old", 3, 0600);
	file_write(beside, "ne", 2, 0600);
	safefile_sweep(path);
	assert_false(file_is_there(beside));
	safefile_sweep(path);
	assert_true(file_holds(path, "old"));
}

static int
swap(void *path)
{
	char other[TMP_CAP * 2 + 8];

	(void)snprintf(other, sizeof(other), "%s.prev", (const char *)path);
	return (int)safefile_swap(path, other, NULL);
}

static void
abuse_074_two_files_change_places_at_once(void **state)
{
	char path[TMP_CAP * 2], prev[TMP_CAP * 2];
	int code, news = 0;
	bool more = true;

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "f"));
	(void)snprintf(prev, sizeof(prev), "%s", tmp_path(*state, "f.prev"));
	for (unsigned n = 1; more; n++) {
		file_write(path, "one", 3, 0600);
		file_write(prev, "two", 3, 0600);
		more = steps_run(swap, NULL, path, n, &code);
		assert_int_equal(code, more ? -1 : AK_OK);
		if (file_holds(path, "two") && file_holds(prev, "one"))
			news++;
		else if (!file_holds(path, "one") || !file_holds(prev, "two"))
			fail_msg("half a change at call %u", n);
	}
	assert_true(news > 1);
}

static void
a_file_changes_places_with_none(void **state)
{
	char path[TMP_CAP * 2];

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "f"));
	file_write(path, "one", 3, 0600);
	assert_int_equal(swap(path), AK_ERR_NOT_FOUND);
	assert_true(file_holds(path, "one"));
	assert_err("relative", AK_ERR_INVALID, safefile_swap("f", "f.prev", NULL));
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_plain_file_of_its_owner_is_read),
	    T(abuse_061_missing_is_not_found),
	    T(abuse_056_what_others_own_or_may_write_is_refused),
	    T(abuse_057_a_symlink_is_refused),
	    T(abuse_069_what_is_no_file_is_refused_without_blocking),
	    T(a_descriptor_does_not_outlive_exec),
	    T(abuse_129_no_descriptor_left_is_unavailable),
	    T(abuse_055_a_relative_or_endless_path_is_refused),
	    T(every_folder_above_must_be_safe),
	    T(a_folder_that_is_anothers_is_refused),
	    T(a_link_to_a_folder_is_as_safe_as_where_it_leads),
	    T(abuse_050_more_than_allowed_is_refused),
	    T(abuse_046_bytes_are_read_as_they_are),
	    T(abuse_128_no_memory_is_said),
	    T(an_identity_changes_with_the_file),
	    T(each_part_of_an_identity_counts),
	    T(abuse_067_134_a_file_that_changes_once_while_it_is_read_is_old_or_new),
	    T(a_file_is_replaced_whole),
	    T(the_previous_bytes_are_kept_when_asked),
	    T(abuse_114_the_umask_changes_nothing),
	    T(a_reader_keeps_the_bytes_that_it_opened),
	    T(abuse_074_what_a_killed_writer_left_is_overwritten_and_never_followed),
	    T(a_link_in_its_place_is_replaced_not_followed),
	    T(what_is_in_the_way_leaves_the_old_file),
	    T(a_folder_in_its_place_stays_and_nothing_is_left_beside_it),
	    T(where_nothing_can_be_made_is_unavailable),
	    T(what_was_dropped_is_neither_written_nor_ended),
	    T(abuse_073_no_room_leaves_the_old_file_and_nothing_beside_it),
	    T(abuse_074_a_writer_killed_at_any_system_call_leaves_old_or_new),
	    T(abuse_074_what_a_killed_writer_left_is_swept),
	    T(abuse_074_two_files_change_places_at_once),
	    T(a_file_changes_places_with_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
