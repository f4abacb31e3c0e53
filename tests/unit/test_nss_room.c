/* The name service in rooms of every size, at every address, and short of memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_alloc.h"
#include "testlib_tmp.h"

#include "initgroups.h"
#include "nss_ask.h"
#include "nss_fixture.h"

#define SRC(t) ((struct nss_source){.path = tmp_path((t), "users.idx"), .owner = geteuid()})

static int
setup(void **state)
{
	int failed = tmp_setup(state);

	if (failed == 0)
		nss_fixture_usual(tmp_path(*state, "users.idx"));
	return failed;
}

/* Asks with so much room at so odd an address; ASan guards its end. Returns the status. */
static enum nss_status
ask_in_room(const struct nss_source *src, const struct nss_question *q, size_t cap_b,
    size_t odd_b, char line[1024])
{
	char *block = malloc(cap_b + odd_b + (cap_b + odd_b == 0 ? 1 : 0));
	struct place_room room = {.buf = block + odd_b, .cap_b = cap_b};
	struct passwd pw;
	struct group gr;
	enum nss_status status;
	int error = 0;

	assert_non_null(block);
	if (q->kind == ASK_PWNAM)
		status = passwd_by_name(src, q->name, room, &pw, &error);
	else if (q->kind == ASK_GRNAM)
		status = group_by_name(src, q->name, room, &gr, &error);
	else
		status = group_by_gid(src, q->id, room, &gr, &error);
	if (status == NSS_STATUS_SUCCESS && q->kind == ASK_PWNAM)
		(void)nss_passwd_line(&pw, line, 1024);
	else if (status == NSS_STATUS_SUCCESS)
		(void)nss_group_line(&gr, line, 1024);
	else
		assert_int_equal(ERANGE, error);
	free(block);
	return status;
}

static void
abuse_126_every_room_is_too_small_or_enough_at_every_address(void **state)
{
	static const struct {
		struct nss_question q;
		const char *line;
		size_t exact_b; /* at an address that needs no padding */
	} rows[] = {
	    {{ASK_PWNAM, "ci", 0}, NSS_CI,
		sizeof("ci") + sizeof("x") + sizeof("ci's key") + sizeof("/home/ci") +
		    sizeof("/bin/sh")},
	    {{ASK_GRNAM, "builders", 0}, NSS_BUILDERS,
		3 * sizeof(char *) + sizeof("ci") + sizeof("deploy") + sizeof("builders") +
		    sizeof("x")},
	    {{ASK_GRNAM, "sudo", 0}, "sudo:x:27:\n",
		sizeof(char *) + sizeof("sudo") + sizeof("x")},
	    {{ASK_GRGID, NULL, 70001}, "deploy:x:70001:\n",
		sizeof(char *) + sizeof("deploy") + sizeof("x")},
	};
	struct nss_source src = SRC(*state);
	char line[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t odd_b = 0; odd_b < 9; odd_b++) {
			size_t exact_b = rows[i].exact_b;

			if (rows[i].q.kind != ASK_PWNAM)
				exact_b += -odd_b & (sizeof(char *) - 1);
			for (size_t cap_b = 0; cap_b <= exact_b + 1; cap_b++)
				assert_int_equal(
				    cap_b < exact_b ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS,
				    ask_in_room(&src, &rows[i].q, cap_b, odd_b, line));
			assert_string_equal(rows[i].line, line);
		}
}

static void
abuse_126_no_room_at_all_may_be_a_null_pointer(void **state)
{
	struct nss_source src = SRC(*state);
	struct place_room none = {.buf = NULL, .cap_b = 0};
	struct passwd pw;
	struct group gr;
	int error = 0;

	assert_int_equal(NSS_STATUS_TRYAGAIN, passwd_by_name(&src, "ci", none, &pw, &error));
	assert_int_equal(NSS_STATUS_TRYAGAIN, group_by_name(&src, "ci", none, &gr, &error));
	assert_int_equal(NSS_STATUS_TRYAGAIN, group_by_gid(&src, 100000, none, &gr, &error));
	assert_int_equal(ERANGE, error);
}

static void
a_group_of_100000_is_given_whole_once_there_is_room(void **state)
{
	struct nss_source src = SRC(*state);
	struct pack list = PACK_INIT;
	struct nss_fixture f;
	size_t cap_b = 1024;
	char name[16], *buf = NULL;
	struct group gr;
	enum nss_status status;
	unsigned n = 0;
	int error;

	for (unsigned i = 0; i < 100000; i++) {
		(void)snprintf(name, sizeof(name), "k%06u", i);
		pack_entry(&list, name);
	}
	nss_fixture_begin(&f, 2, 0);
	nss_fixture_group(&f, "everyone", 100001, pack_borrow_strv(&list));
	nss_fixture_end(&f, src.path);
	pack_clear(&list);
	do {
		free(buf);
		assert_non_null(buf = malloc(cap_b *= 2));
		status = group_by_name(&src, "everyone",
		    (struct place_room){.buf = buf, .cap_b = cap_b}, &gr, &error);
	} while (status == NSS_STATUS_TRYAGAIN);
	assert_int_equal(NSS_STATUS_SUCCESS, status);
	while (gr.gr_mem[n] != NULL)
		n++;
	assert_int_equal(100000, n);
	assert_string_equal("k099999", gr.gr_mem[99999]);
	free(buf);
}

/* A group's next entry with ever more room; returns the size that was enough. */
static size_t
next_group_growing(const struct nss_source *src, struct group_walk *w, char *line, size_t cap_b)
{
	size_t room_b = 0;
	enum nss_status status;
	struct group gr;
	int error = 0;

	for (;; room_b = room_b < 64 ? room_b + 1 : room_b * 2) {
		char *buf = malloc(room_b + (room_b == 0 ? 1 : 0));

		assert_non_null(buf);
		status = group_next(src, w, (struct place_room){buf, room_b}, &gr, &error);
		if (status == NSS_STATUS_SUCCESS)
			(void)nss_group_line(&gr, line, cap_b);
		free(buf);
		if (status != NSS_STATUS_TRYAGAIN)
			break;
		assert_int_equal(ERANGE, error);
	}
	assert_int_equal(NSS_STATUS_SUCCESS, status);
	return room_b;
}

static void
abuse_126_after_too_little_room_the_same_entry_comes_again(void **state)
{
	static const char *const wanted[] = {"sudo:x:27:\n", NSS_BUILDERS, "ci:x:70000:\n",
	    "deploy:x:70001:\n", "from-ldap:x:1879048192:\n"};
	struct nss_source src = SRC(*state);
	struct group_walk *w = calloc(1, sizeof(*w));
	char line[256];

	assert_non_null(w);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		(void)next_group_growing(&src, w, line, sizeof(line));
		assert_string_equal(wanted[i], line);
	}
	free(w);
}

static void
a_group_larger_than_the_buffer_comes_between_its_neighbours(void **state)
{
	struct nss_source src = SRC(*state);
	struct group_walk *w = calloc(1, sizeof(*w));
	struct pack list = PACK_INIT;
	struct nss_fixture f;
	char name[16], *line = malloc(1 << 20);

	assert_non_null(w);
	assert_non_null(line);
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "k%u", i);
		pack_entry(&list, name);
	}
	nss_fixture_begin(&f, 1, 0);
	nss_fixture_group(&f, "before", 100000, STRV_EMPTY);
	nss_fixture_group(&f, "large", 100001, pack_borrow_strv(&list));
	nss_fixture_group(&f, "after", 100002, STRV_EMPTY);
	nss_fixture_end(&f, src.path);
	(void)next_group_growing(&src, w, line, 1 << 20);
	assert_string_equal("before:x:100000:\n", line);
	assert_true(next_group_growing(&src, w, line, 1 << 20) > 200000);
	assert_non_null(strstr(line, "large:x:100001:k0,k1,"));
	assert_non_null(strstr(line, ",k19999\n"));
	(void)next_group_growing(&src, w, line, 1 << 20);
	assert_string_equal("after:x:100002:\n", line);
	pack_clear(&list);
	free(line);
	free(w);
}

/* What initgroups does to an array that has `start` of `size` entries; the answer in *got, which is freed by the caller. */
static enum nss_status
groups_of_ci(
    const struct nss_source *src, long start, long size, long limit, gid_t **got, long *n)
{
	int error;

	*got = calloc((size_t)size + 1, sizeof(gid_t));
	assert_non_null(*got);
	if (start > 0)
		(*got)[0] = 27; /* one of ci's, from elsewhere */
	*n = start;
	return initgroups_add(src, "ci", 70000,
	    (struct initgroups_list){.start = n, .size = &size, .gids = got, .limit = limit},
	    &error);
}

static void
abuse_127_initgroups_grows_skips_duplicates_and_keeps_to_the_limit(void **state)
{
	static const struct {
		long start, size, limit, n;
	} rows[] = {
	    {0, 0, -1, 2},
	    {0, 1, -1, 2},
	    {0, 64, -1, 2},
	    {1, 1, -1, 2}, /* 27 was there */
	    {0, 0, 1, 1},
	    {0, 1, 1, 1},
	    {1, 1, 1, 1},
	    {1, 1, 2, 2},
	    {0, 2, 2, 2},
	    {0, 0, 0, 2},
	};
	struct nss_source src = SRC(*state);
	gid_t *gids;
	long n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(NSS_STATUS_SUCCESS,
		    groups_of_ci(&src, rows[i].start, rows[i].size, rows[i].limit, &gids, &n));
		assert_int_equal(rows[i].n, n);
		free(gids);
	}
}

/* Records beyond 1 KiB and a growing group list: all that allocates. */
static void
make_large(const char *path)
{
	struct nss_fixture f;
	uint32_t gids[400];

	for (uint32_t i = 0; i < 400; i++)
		gids[i] = 100000 + i;
	nss_fixture_begin(&f, 2, 0);
	nss_fixture_user(&f, "ci", 70000, gids, 400);
	nss_fixture_end(&f, path);
}

static void
abuse_128_out_of_memory_is_an_outage(void **state)
{
	struct nss_source src = SRC(*state);
	gid_t *gids;
	enum nss_status status;
	long n;
	unsigned failures = 0;

	make_large(src.path);
	for (unsigned nth = 1;; nth++) {
		gids = NULL;
		n = 0;
		alloc_fail_nth(nth);
		status = initgroups_add(&src, "ci", 70000,
		    (struct initgroups_list){&n, &(long){0}, &gids, -1}, &(int){0});
		free(gids);
		if (!alloc_stop())
			break;
		assert_int_equal(NSS_STATUS_UNAVAIL, status);
		assert_int_equal(0, n);
		failures++;
	}
	assert_int_equal(2, failures);
	assert_int_equal(NSS_STATUS_SUCCESS, status);
	assert_int_equal(400, n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(abuse_126_every_room_is_too_small_or_enough_at_every_address),
	    TEST(abuse_126_no_room_at_all_may_be_a_null_pointer),
	    TEST(a_group_of_100000_is_given_whole_once_there_is_room),
	    TEST(abuse_126_after_too_little_room_the_same_entry_comes_again),
	    TEST(a_group_larger_than_the_buffer_comes_between_its_neighbours),
	    TEST(abuse_127_initgroups_grows_skips_duplicates_and_keeps_to_the_limit),
	    TEST(abuse_128_out_of_memory_is_an_outage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
