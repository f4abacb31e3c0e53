/* When a key was used last: a slot of its own for each, and whatever is no whole slot is unknown. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lastused.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SLOT_B 128

static struct paths paths;

static int
set_up(void **state)
{
	int rc = tmp_setup(state);

	assert_int_equal(mkdir(tmp_path(*state, "lib"), 0755), 0);
	assert_err("", AK_OK,
	    paths_under(tmp_path(*state, "etc"), tmp_path(*state, "lib"), geteuid(), &paths));
	return rc;
}

static struct key_record
key_of(uint32_t uid)
{
	struct key_record k = KEY_RECORD_INIT;

	k.uid = uid;
	(void)snprintf(k.name, sizeof(k.name), "key");
	(void)snprintf(k.id, sizeof(k.id), "K%09u", uid % 1000000000U);
	return k;
}

static void
note(uint32_t uid, int64_t at)
{
	const struct key_record k = key_of(uid);
	const struct lastused use = {
	    .at = at, .from = "192.0.2.1", .service = "sshd", .account = "deploy"};

	lastused_note(&paths, &k, &use);
}

static struct lastused
find_key(const struct key_record *k)
{
	struct lastused_file f;
	struct lastused use;

	assert_err("", AK_OK, lastused_open(&paths, &f));
	lastused_find(&f, k, &use);
	lastused_close(&f);
	assert_int_equal(f.fd, -1);
	return use;
}

static struct lastused
find(uint32_t uid)
{
	const struct key_record k = key_of(uid);

	return find_key(&k);
}

/* The lowest and highest of both areas, and neighbours. */
static const uint32_t uids[] = {1000, 1001, 60000, 70000, 70001, 524286, 524287, 1879048192U,
    1879048193U, 1879113727U, 2147483646U, 2147483647U};

static void
each_key_has_a_slot_of_its_own_in_a_file_that_stays_small(void **state)
{
	struct stat st;

	(void)state;
	for (size_t i = 0; i < N(uids); i++)
		assert_int_equal(find(uids[i]).at, 0);
	assert_false(file_is_there(paths.lastused));
	for (size_t i = 0; i < N(uids); i++)
		note(uids[i], (int64_t)i + 1);
	for (size_t i = 0; i < N(uids); i++) {
		struct lastused use = find(uids[i]);

		assert_int_equal(use.at, i + 1);
		assert_string_equal(use.from, "192.0.2.1");
		assert_string_equal(use.service, "sshd");
		assert_string_equal(use.account, "deploy");
	}
	assert_int_equal(find(70002).at, 0);
	assert_int_equal(stat(paths.lastused, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, (524288 + INT64_C(268435456)) * SLOT_B);
	assert_in_range(st.st_blocks * 512, 1, 1 << 20);
	note(70000, 77);
	assert_int_equal(find(70000).at, 77);
	assert_int_equal(find(70001).at, 5);
}

static void
a_uid_that_no_key_has_is_written_nowhere(void **state)
{
	static const uint32_t none[] = {524288, 1879048191U, 2147483648U, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < N(none); i++) {
		note(none[i], 1);
		assert_int_equal(find(none[i]).at, 0);
	}
	assert_false(file_is_there(paths.lastused));
}

static void
a_slot_is_of_the_id_that_it_names(void **state)
{
	struct key_record later = key_of(70000);

	(void)state;
	note(70000, 1);
	(void)snprintf(later.id, sizeof(later.id), "Another001");
	assert_int_equal(find_key(&later).at, 0);
	assert_int_equal(find(70000).at, 1);
}

static void
what_is_torn_is_unknown_and_not_never(void **state)
{
	unsigned char slot[SLOT_B];
	int fd;

	(void)state;
	note(1001, 1);
	fd = open(paths.lastused, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, slot, SLOT_B, 1001 * SLOT_B), SLOT_B);
	for (unsigned bit = 0; bit < SLOT_B * 8; bit++) {
		slot[bit / 8] ^= (unsigned char)(1U << bit % 8);
		assert_int_equal(pwrite(fd, slot, SLOT_B, 1001 * SLOT_B), SLOT_B);
		assert_int_equal(find(1001).at, 0);
		assert_true(find(1001).unknown);
		slot[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	/* Another's slot, at this one's place. */
	assert_int_equal(pwrite(fd, slot, SLOT_B, 1000 * SLOT_B), SLOT_B);
	assert_int_equal(find(1000).at, 0);
	assert_false(find(1000).unknown);
	assert_false(find(1002).unknown);
	assert_int_equal(pwrite(fd, slot, SLOT_B, 1001 * SLOT_B), SLOT_B);
	assert_int_equal(find(1001).at, 1);
	for (off_t cut = 1; cut <= SLOT_B; cut++) {
		assert_int_equal(ftruncate(fd, 1002 * SLOT_B - cut), 0);
		assert_int_equal(find(1001).at, 0);
		/* Behind the end there never was anything. */
		assert_int_equal(find(1001).unknown, cut < SLOT_B);
	}
	(void)close(fd);
}

static void
texts_are_kept_to_their_last_character_or_cut(void **state)
{
	static char longest[3][64];
	static const size_t lens[] = {sizeof(((struct lastused *)0)->from),
	    sizeof(((struct lastused *)0)->service), sizeof(((struct lastused *)0)->account)};
	const struct key_record k = key_of(70000);
	struct lastused use = {.at = 9}, got;

	(void)state;
	(void)snprintf(
	    use.from, sizeof(use.from), "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255");
	(void)snprintf(use.service, sizeof(use.service), "sshd");
	lastused_note(&paths, &k, &use);
	got = find(70000);
	assert_string_equal(got.from, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255");
	assert_string_equal(got.service, "sshd");
	assert_string_equal(got.account, "");
	for (size_t i = 0; i < N(lens); i++)
		memset(longest[i], 'x', lens[i] - 1);
	/* Without a NUL at their end. */
	memset(use.from, 'x', sizeof(use.from));
	memset(use.service, 'x', sizeof(use.service));
	memset(use.account, 'x', sizeof(use.account));
	lastused_note(&paths, &k, &use);
	got = find(70000);
	assert_int_equal(got.at, 9);
	assert_string_equal(got.from, longest[0]);
	assert_string_equal(got.service, longest[1]);
	assert_string_equal(got.account, longest[2]);
}

/* A signal would end the test. */
static void
under_a_limit_on_file_sizes_nothing_is_written_and_no_signal_comes(void **state)
{
	struct rlimit was, now;

	(void)state;
	note(1000, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (rlim_t room = 0; room < 1002 * SLOT_B; room += 37) {
		now = (struct rlimit){.rlim_cur = room, .rlim_max = was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		note(1001, 2);
		note(2147483647U, 2);
	}
	assert_int_equal(find(1001).at, 0);
	now.rlim_cur = 1002 * SLOT_B;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	note(1001, 2);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(find(1001).at, 2);
	assert_int_equal(find(1000).at, 1);
}

static void
what_is_no_file_of_its_owner_is_neither_written_nor_read(void **state)
{
	const char *target = tmp_path(*state, "target");
	struct lastused_file f;
	int fd;

	file_write(target, "", 0, 0600);
	assert_int_equal(symlink(target, paths.lastused), 0);
	note(1000, 1);
	assert_true(file_holds(target, ""));
	assert_err("a link", AK_ERR_UNSAFE, lastused_open(&paths, &f));
	assert_int_equal(f.fd, -1);
	assert_int_equal(unlink(paths.lastused), 0);
	assert_int_equal(mkfifo(paths.lastused, 0600), 0);
	note(1000, 1);
	fd = open(paths.lastused, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	note(1000, 1);
	(void)close(fd);
	assert_err("a pipe", AK_ERR_UNSAFE, lastused_open(&paths, &f));
	assert_int_equal(unlink(paths.lastused), 0);
	file_write(paths.lastused, "", 0, 0600);
	paths.owner++;
	if (geteuid() == 0)
		assert_int_equal(chown(tmp_path(*state, "lib"), paths.owner, (gid_t)-1), 0);
	note(1000, 1);
	assert_true(file_holds(paths.lastused, ""));
	assert_err("another's", AK_ERR_UNSAFE, lastused_open(&paths, &f));
	paths.owner--;
	if (geteuid() == 0)
		assert_int_equal(chown(tmp_path(*state, "lib"), paths.owner, (gid_t)-1), 0);
	note(1000, 1);
	assert_int_equal(find(1000).at, 1);
}

static void
neighbours_write_at_once_without_harm(void **state)
{
	enum { WRITERS = 6, ROUNDS = 500 };
	pid_t pids[WRITERS];
	int status;

	(void)state;
	for (unsigned i = 0; i < WRITERS; i++)
		if ((pids[i] = fork()) == 0) {
			for (int64_t at = 1; at <= ROUNDS; at++)
				note(70000 + i, at);
			_exit(find(70000 + i).at == ROUNDS ? 0 : 1);
		}
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(find(70000 + i).at, ROUNDS);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_key_has_a_slot_of_its_own_in_a_file_that_stays_small),
	    T(a_uid_that_no_key_has_is_written_nowhere),
	    T(a_slot_is_of_the_id_that_it_names),
	    T(what_is_torn_is_unknown_and_not_never),
	    T(texts_are_kept_to_their_last_character_or_cut),
	    T(under_a_limit_on_file_sizes_nothing_is_written_and_no_signal_comes),
	    T(what_is_no_file_of_its_owner_is_neither_written_nor_read),
	    T(neighbours_write_at_once_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
