/* Small records that root alone writes and reads. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rundir.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define ALL_CAP 256
#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static enum ak_err
put(int fd, const char *name, const char *bytes, size_t len_b)
{
	struct pack p = PACK_INIT;
	enum ak_err err;

	pack_bytes(&p, bytes, len_b);
	err = rundir_write(fd, name, &p);
	pack_clear(&p);
	return err;
}

static enum ak_err
get(int fd, const char *name, char out[RUNDIR_MAX_B + 1])
{
	size_t len_b;
	enum ak_err err = rundir_read(fd, name, geteuid(), (unsigned char *)out, &len_b);

	out[len_b] = '\0';
	return err;
}

static enum ak_err
join_name(void *ctx, const char *name)
{
	char *all = ctx;
	size_t len = strlen(all);

	(void)snprintf(all + len, ALL_CAP - len, "%s", name);
	return AK_OK;
}

/* How many there are, in whatever order. */
static size_t
count(int fd, size_t each_len)
{
	char all[ALL_CAP] = "";

	assert_err("", AK_OK, rundir_each(fd, join_name, all));
	return strlen(all) / each_len;
}

static void
what_is_written_is_read_and_replaced_whole(void **state)
{
	char buf[RUNDIR_MAX_B + 1];
	static char most[RUNDIR_MAX_B];
	struct stat st;
	mode_t before;
	int fd;

	before = umask(0777);
	assert_err("", AK_OK, rundir_open(tmp_path(*state, "run"), "things", geteuid(), &fd));
	(void)umask(before);
	assert_int_equal(stat(tmp_path(*state, "run"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	before = umask(0);
	assert_err("", AK_OK, put(fd, "a", "one", 3));
	(void)umask(before);
	assert_int_equal(fstatat(fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_err("", AK_OK, get(fd, "a", buf));
	assert_string_equal(buf, "one");
	assert_err("", AK_OK, put(fd, "a", "two", 3));
	assert_err("", AK_OK, put(fd, "b", "", 0));
	assert_err("", AK_OK, get(fd, "a", buf));
	assert_string_equal(buf, "two");
	assert_err("", AK_OK, get(fd, "b", buf));
	assert_string_equal(buf, "");
	assert_int_equal(count(fd, 1), 2);
	assert_err("", AK_OK, rundir_remove(fd, "a"));
	assert_err("", AK_ERR_NOT_FOUND, rundir_remove(fd, "a"));
	assert_err("", AK_ERR_NOT_FOUND, get(fd, "a", buf));
	assert_err("largest", AK_OK, put(fd, "c", most, RUNDIR_MAX_B - 4));
	assert_err("largest", AK_OK, get(fd, "c", buf));
	assert_err("larger", AK_ERR_RANGE, put(fd, "d", most, RUNDIR_MAX_B - 3));
	memset(most, 'n', 65);
	assert_err("a long name", AK_ERR_RANGE, put(fd, most, "", 0));
	(void)close(fd);
}

static void
no_flipped_or_missing_byte_passes(void **state)
{
	char buf[RUNDIR_MAX_B + 1], path[256];
	size_t len_b;
	char *bytes;
	int fd;

	assert_err("", AK_OK, rundir_open(tmp_path(*state, "run"), "things", geteuid(), &fd));
	assert_err("", AK_OK, put(fd, "a", "some bytes", 10));
	(void)snprintf(path, sizeof(path), "%s/a", tmp_path(*state, "run/things"));
	bytes = file_read(path, &len_b);
	assert_non_null(bytes);
	for (size_t bit = 0; bit < len_b * 8; bit++) {
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		file_write(path, bytes, len_b, 0600);
		assert_err("flipped", AK_ERR_CORRUPT, get(fd, "a", buf));
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t n = 0; n < len_b; n++) {
		file_write(path, bytes, n, 0600);
		assert_err("cut", AK_ERR_CORRUPT, get(fd, "a", buf));
	}
	free(bytes);
	(void)close(fd);
}

static void
what_others_could_have_made_is_not_read(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0601, 0660, 0777};
	char buf[RUNDIR_MAX_B + 1], large[RUNDIR_MAX_B + 1] = "";
	int fd;

	assert_err("", AK_OK, rundir_open(tmp_path(*state, "run"), "things", geteuid(), &fd));
	assert_err("", AK_OK, put(fd, "a", "bytes", 5));
	for (size_t i = 0; i < N(modes); i++) {
		assert_int_equal(fchmodat(fd, "a", modes[i], 0), 0);
		assert_err("mode", AK_ERR_UNSAFE, get(fd, "a", buf));
	}
	assert_int_equal(fchmodat(fd, "a", 0600, 0), 0);
	assert_err("", AK_OK, get(fd, "a", buf));
	if (geteuid() == 0) {
		assert_int_equal(fchownat(fd, "a", 1, (gid_t)-1, 0), 0);
		assert_err("owner", AK_ERR_UNSAFE, get(fd, "a", buf));
		assert_int_equal(fchownat(fd, "a", 0, (gid_t)-1, 0), 0);
	}
	assert_int_equal(symlinkat("a", fd, "link"), 0);
	assert_err("a link", AK_ERR_UNSAFE, get(fd, "link", buf));
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	assert_err("a FIFO", AK_ERR_UNSAFE, get(fd, "fifo", buf));
	assert_int_equal(mkdirat(fd, "folder", 0700), 0);
	assert_err("a folder", AK_ERR_UNSAFE, get(fd, "folder", buf));
	file_write(tmp_path(*state, "run/things/large"), large, sizeof(large), 0600);
	assert_err("too large", AK_ERR_UNSAFE, get(fd, "large", buf));
	assert_err("onto a link", AK_OK, put(fd, "link", "new", 3));
	assert_err("", AK_OK, get(fd, "a", buf));
	assert_string_equal(buf, "bytes");
	assert_err("onto a folder", AK_ERR_UNAVAILABLE, put(fd, "folder", "new", 3));
	(void)close(fd);
}

static void
folders_of_others_or_open_to_them_are_not_used(void **state)
{
	struct tmp *t = *state;
	const char *run = tmp_path(t, "run"), *things = tmp_path(t, "run/things");
	int fd;

	assert_int_equal(symlink("/tmp", run), 0);
	assert_err("the upper one is a link", AK_ERR_UNSAFE,
	    rundir_open(run, "things", geteuid(), &fd));
	assert_int_equal(fd, -1);
	assert_int_equal(unlink(run), 0);
	file_write(run, "", 0, 0600);
	assert_err("a file", AK_ERR_UNSAFE, rundir_open(run, "things", geteuid(), &fd));
	assert_int_equal(unlink(run), 0);
	assert_int_equal(mkdir(run, 0700), 0);
	for (mode_t mode = 0; mode < 01000; mode++) {
		bool safe = (mode & 0022) == 0;

		if ((mode & 0700) != 0700)
			continue;
		assert_int_equal(chmod(run, mode), 0);
		assert_int_equal(
		    rundir_open(run, "things", geteuid(), &fd), safe ? AK_OK : AK_ERR_UNSAFE);
		if (safe)
			(void)close(fd);
	}
	assert_int_equal(chmod(run, 0755), 0);
	for (mode_t mode = 0700; mode < 01000; mode++) {
		assert_int_equal(chmod(things, mode), 0);
		assert_int_equal(rundir_open(run, "things", geteuid(), &fd),
		    mode == 0700 ? AK_OK : AK_ERR_UNSAFE);
		if (mode == 0700)
			(void)close(fd);
	}
	assert_int_equal(chmod(things, 0700), 0);
	assert_err("another's", AK_ERR_UNSAFE, rundir_open(run, "things", geteuid() + 1, &fd));
	assert_int_equal(rmdir(things), 0);
	assert_int_equal(symlink(".", things), 0);
	assert_err("a link", AK_ERR_UNSAFE, rundir_open(run, "things", geteuid(), &fd));
	assert_int_equal(unlink(things), 0);
	file_write(things, "", 0, 0600);
	assert_err("a file", AK_ERR_UNSAFE, rundir_open(run, "things", geteuid(), &fd));
	assert_err("nowhere", AK_ERR_UNAVAILABLE,
	    rundir_open(tmp_path(t, "no/such"), "things", geteuid(), &fd));
}

static void
abuse_073_without_room_the_old_record_stands_and_nothing_is_left(void **state)
{
	struct rlimit was, none;
	char buf[RUNDIR_MAX_B + 1], all[ALL_CAP] = "";
	int fd;

	assert_err("", AK_OK, rundir_open(tmp_path(*state, "run"), "things", geteuid(), &fd));
	assert_err("", AK_OK, put(fd, "a", "old", 3));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (rlim_t room = 0; room < 7; room++) {
		none = (struct rlimit){.rlim_cur = room, .rlim_max = was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		assert_err("", AK_ERR_UNAVAILABLE, put(fd, "a", "new", 3));
		assert_err("", AK_ERR_UNAVAILABLE, put(fd, "b", "new", 3));
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	}
	assert_err("", AK_OK, get(fd, "a", buf));
	assert_string_equal(buf, "old");
	assert_err("", AK_OK, rundir_each(fd, join_name, all));
	assert_string_equal(all, "a");
	(void)close(fd);
	assert_int_equal(unlink(tmp_path(*state, "run/things/a")), 0);
	assert_int_equal(rmdir(tmp_path(*state, "run/things")), 0);
}

static enum ak_err
stop(void *ctx, const char *name)
{
	(void)name;
	++*(unsigned *)ctx;
	return AK_ERR_EXISTS;
}

static void
a_walk_ends_when_it_is_told_and_passes_over_what_is_unfinished(void **state)
{
	char all[ALL_CAP] = "";
	unsigned n = 0;
	int fd;

	assert_err("", AK_OK, rundir_open(tmp_path(*state, "run"), "things", geteuid(), &fd));
	assert_err("", AK_OK, put(fd, "a", "", 0));
	assert_err("", AK_OK, put(fd, "b", "", 0));
	file_write(tmp_path(*state, "run/things/.c.1"), "", 0, 0600);
	assert_err("", AK_ERR_EXISTS, rundir_each(fd, stop, &n));
	assert_int_equal(n, 1);
	assert_err("", AK_OK, rundir_each(fd, join_name, all));
	assert_int_equal(strlen(all), 2);
	(void)close(fd);
	assert_err("", AK_ERR_UNAVAILABLE, rundir_each(-1, stop, &n));
}

/* Of a writer that lives it is being written. */
static void
what_dead_writers_have_not_finished_is_swept(void **state)
{
	char living[64], dead[64];
	pid_t gone = fork();
	int fd, status;

	assert_int_not_equal(gone, -1);
	if (gone == 0)
		_exit(0);
	assert_int_equal(waitpid(gone, &status, 0), gone);
	assert_err("", AK_OK, rundir_open(tmp_path(*state, "run"), "things", geteuid(), &fd));
	assert_err("", AK_OK, put(fd, "a", "", 0));
	(void)snprintf(living, sizeof(living), "run/things/.a.%ld", (long)getpid());
	(void)snprintf(dead, sizeof(dead), "run/things/.a.%ld", (long)gone);
	file_write(tmp_path(*state, living), "", 0, 0600);
	file_write(tmp_path(*state, dead), "", 0, 0600);
	file_write(tmp_path(*state, "run/things/.strange"), "", 0, 0600);
	rundir_sweep(fd);
	assert_true(file_is_there(tmp_path(*state, "run/things/a")));
	assert_true(file_is_there(tmp_path(*state, living)));
	assert_true(file_is_there(tmp_path(*state, "run/things/.strange")));
	assert_false(file_is_there(tmp_path(*state, dead)));
	(void)close(fd);
	rundir_sweep(-1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_written_is_read_and_replaced_whole),
	    T(no_flipped_or_missing_byte_passes),
	    T(what_others_could_have_made_is_not_read),
	    T(folders_of_others_or_open_to_them_are_not_used),
	    T(abuse_073_without_room_the_old_record_stands_and_nothing_is_left),
	    T(what_dead_writers_have_not_finished_is_swept),
	    T(a_walk_ends_when_it_is_told_and_passes_over_what_is_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
