/* The name service's lists: each entry once, whatever happens to the file and the process in between. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

#include "group.h"
#include "nss_ask.h"
#include "nss_fixture.h"
#include "passwd.h"

#define SRC(t) ((struct nss_source){.path = tmp_path((t), "users.idx"), .owner = geteuid()})
#define FIRST 70000U
#define N 300U /* several buffers full */

static struct walk *
walk_new(void)
{
	struct walk *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	return w;
}

/* Those of the N keys that `in` names. */
static void
write_keys(const char *path, uint64_t generation, const bool in[N])
{
	struct nss_fixture f;
	char name[16];

	nss_fixture_begin(&f, generation, 0);
	for (uint32_t i = 0; i < N; i++) {
		if (!in[i])
			continue;
		(void)snprintf(name, sizeof(name), "k%u", i);
		nss_fixture_user(&f, name, FIRST + i, NULL, 0);
	}
	nss_fixture_end(&f, path);
}

/* Up to n more users; how often each came is added to seen. False at the end of the list. */
static bool
walk_on(const struct nss_source *src, struct walk *w, unsigned n, unsigned seen[N])
{
	char buf[256];
	struct passwd pw;
	int error;
	enum nss_status status;

	for (; n > 0; n--) {
		status = passwd_next(src, w, (struct place_room){buf, sizeof(buf)}, &pw, &error);
		if (status == NSS_STATUS_NOTFOUND)
			return false;
		assert_int_equal(NSS_STATUS_SUCCESS, status);
		assert_in_range(pw.pw_uid, FIRST, FIRST + N - 1);
		seen[pw.pw_uid - FIRST]++;
	}
	return true;
}

static void
draw(struct rnd *r, bool in[N])
{
	for (unsigned i = 0; i < N; i++)
		in[i] = rnd_below(r, 4) != 0;
}

static void
abuse_068_who_is_in_every_version_of_the_file_comes_exactly_once(void **state)
{
	struct nss_source src = SRC(*state);
	struct rnd r = rnd_start("test_nss_walk");
	struct walk *w = walk_new();

	for (unsigned turn = 0; turn < 200; turn++) {
		bool always[N], ever[N], in[N];
		unsigned seen[N] = {0};

		draw(&r, in);
		memcpy(always, in, sizeof(in));
		memcpy(ever, in, sizeof(in));
		/* Generations may repeat: the id alone tells such files apart. */
		write_keys(src.path, 1 + turn % 2, in);
		walk_restart(w);
		while (walk_on(&src, w, (unsigned)rnd_below(&r, 120), seen)) {
			draw(&r, in);
			write_keys(src.path, 1 + rnd_below(&r, 3), in);
			for (unsigned i = 0; i < N; i++) {
				always[i] = always[i] && in[i];
				ever[i] = ever[i] || in[i];
			}
		}
		for (unsigned i = 0; i < N; i++) {
			assert_in_range(seen[i], 0, ever[i] ? 1 : 0);
			if (always[i])
				assert_int_equal(1, seen[i]);
		}
	}
	free(w);
}

static void
the_same_file_is_not_opened_again_while_the_buffer_lasts(void **state)
{
	struct nss_source src = SRC(*state);
	unsigned seen[N] = {0};
	struct walk *w = walk_new();
	bool in[N];

	memset(in, 1, sizeof(in));
	write_keys(src.path, 1, in);
	assert_true(walk_on(&src, w, 1, seen));
	assert_int_equal(0, unlink(src.path));
	assert_true(walk_on(&src, w, 30, seen));
	free(w);
}

static void
abuse_061_an_outage_in_the_middle_is_said_and_the_list_goes_on_after_it(void **state)
{
	struct nss_source src = SRC(*state);
	unsigned seen[N] = {0};
	struct walk *w = walk_new();
	struct passwd pw;
	char buf[256];
	bool in[N];
	int error = 0;
	unsigned given = 0;

	memset(in, 1, sizeof(in));
	write_keys(src.path, 1, in);
	assert_true(walk_on(&src, w, 1, seen));
	assert_int_equal(0, unlink(src.path));
	while (passwd_next(&src, w, (struct place_room){buf, sizeof(buf)}, &pw, &error) ==
	       NSS_STATUS_SUCCESS)
		seen[1 + given++]++;
	assert_int_equal(ENOENT, error);
	write_keys(src.path, 2, in);
	assert_false(walk_on(&src, w, N, seen));
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(1, seen[i]);
	free(w);
}

static void
abuse_064_a_damaged_record_ends_the_list_until_the_file_is_made_anew(void **state)
{
	struct nss_source src = SRC(*state);
	unsigned seen[N] = {0}, given = 0;
	struct walk *w = walk_new();
	struct passwd pw;
	char buf[256], *bytes;
	size_t len_b;
	bool in[N];
	int error = 0;

	memset(in, 1, sizeof(in));
	write_keys(src.path, 1, in);
	assert_non_null(bytes = file_read(src.path, &len_b));
	bytes[len_b - 2000] ^= 1;
	file_write(src.path, bytes, len_b, 0644);
	for (unsigned again = 0; again < 2; again++)
		while (passwd_next(&src, w, (struct place_room){buf, sizeof(buf)}, &pw,
			   &error) == NSS_STATUS_SUCCESS)
			seen[given++]++;
	assert_int_equal(EIO, error);
	assert_in_range(given, 200, N - 1);
	write_keys(src.path, 2, in);
	assert_false(walk_on(&src, w, N, seen));
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(1, seen[i]);
	free(bytes);
	free(w);
}

static void
the_end_stays_the_end_until_the_walk_begins_anew(void **state)
{
	struct nss_source src = SRC(*state);
	unsigned seen[N] = {0};
	struct walk *w = walk_new();
	bool in[N];

	memset(in, 1, sizeof(in));
	write_keys(src.path, 1, in);
	assert_false(walk_on(&src, w, N + 1, seen));
	write_keys(src.path, 2, in);
	assert_false(walk_on(&src, w, 1, seen));
	walk_restart(w);
	assert_false(walk_on(&src, w, N + 1, seen));
	assert_int_equal(2, seen[0]);
	free(w);
}

static void
enumerate_false_hides_the_keys_and_shows_the_roles_groups(void **state)
{
	struct nss_source src = SRC(*state);
	struct nss_fixture f;
	struct nss_answer a;

	nss_fixture_begin(&f, 1, 0);
	f.extra.enumerate = false;
	nss_fixture_user(&f, "ci", FIRST, NULL, 0);
	nss_fixture_group(&f, "builders", 100000, STRV_EMPTY);
	nss_fixture_end(&f, src.path);
	nss_ask(&src, &(struct nss_question){ASK_PWENT, NULL, 0}, &a);
	assert_int_equal(NSS_STATUS_NOTFOUND, a.status);
	assert_string_equal("", a.text);
	nss_ask(&src, &(struct nss_question){ASK_GRENT, NULL, 0}, &a);
	assert_int_equal(NSS_STATUS_NOTFOUND, a.status);
	assert_string_equal("builders:x:100000:\n", a.text);
	nss_ask(&src, &(struct nss_question){ASK_PWNAM, "ci", 0}, &a);
	assert_int_equal(NSS_STATUS_SUCCESS, a.status);
}

static void
an_empty_file_lists_nothing(void **state)
{
	struct nss_source src = SRC(*state);
	struct nss_fixture f;
	struct nss_answer a;

	nss_fixture_begin(&f, 1, 0);
	nss_fixture_end(&f, src.path);
	nss_ask(&src, &(struct nss_question){ASK_PWENT, NULL, 0}, &a);
	assert_int_equal(NSS_STATUS_NOTFOUND, a.status);
	nss_ask(&src, &(struct nss_question){ASK_GRENT, NULL, 0}, &a);
	assert_int_equal(NSS_STATUS_NOTFOUND, a.status);
}

static void
abuse_125_a_look_up_within_a_list_does_not_disturb_it(void **state)
{
	struct nss_source src = SRC(*state);
	unsigned seen[N] = {0};
	struct nss_answer a;
	struct walk *w = walk_new();
	bool in[N];

	memset(in, 1, sizeof(in));
	write_keys(src.path, 1, in);
	while (walk_on(&src, w, 1, seen)) {
		nss_ask(&src, &(struct nss_question){ASK_GRGID, NULL, FIRST + 5}, &a);
		assert_int_equal(NSS_STATUS_SUCCESS, a.status);
		nss_ask(&src, &(struct nss_question){ASK_GRENT, NULL, 0}, &a);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(1, seen[i]);
	free(w);
}

struct forked {
	struct nss_source src;
	struct walk *w;
	unsigned seen[N];
};

/* The rest of the list, in a child. */
static int
finish_in_child(void *arg)
{
	struct forked *f = arg;

	while (walk_on(&f->src, f->w, 7, f->seen))
		;
	for (unsigned i = 0; i < N; i++)
		if (f->seen[i] != 1)
			return 1;
	return 0;
}

static void
abuse_123_parent_and_child_each_end_the_list_that_was_begun_before_the_fork(void **state)
{
	static struct forked f;
	bool in[N];

	f = (struct forked){.src = SRC(*state)};
	f.w = walk_new();
	memset(in, 1, sizeof(in));
	write_keys(f.src.path, 1, in);
	for (unsigned before = 0; before < N; before += 37) {
		walk_restart(f.w);
		memset(f.seen, 0, sizeof(f.seen));
		assert_true(walk_on(&f.src, f.w, before, f.seen));
		assert_int_equal(0, child_run(finish_in_child, &f));
		assert_int_equal(0, finish_in_child(&f));
	}
	free(f.w);
}

static void
abuse_070_two_records_of_one_number_end_the_list_with_an_outage(void **state)
{
	struct nss_source src = SRC(*state);
	struct user_record r = {
	    .uid = FIRST, .name = "b", .gecos = "", .home = "/", .shell = ""};
	struct nss_fixture f;
	struct nss_answer a;

	nss_fixture_begin(&f, 1, 0);
	nss_fixture_user(&f, "a", FIRST, NULL, 0);
	nss_fixture_forged_user(&f, "b", FIRST + 1, FIRST, &r);
	nss_fixture_end(&f, src.path);
	nss_ask(&src, &(struct nss_question){ASK_PWENT, NULL, 0}, &a);
	assert_int_equal(NSS_STATUS_UNAVAIL, a.status);
	assert_string_equal("a:x:70000:70000:a's key:/home/a:/bin/sh\n", a.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(abuse_068_who_is_in_every_version_of_the_file_comes_exactly_once),
	    TEST(the_same_file_is_not_opened_again_while_the_buffer_lasts),
	    TEST(abuse_061_an_outage_in_the_middle_is_said_and_the_list_goes_on_after_it),
	    TEST(abuse_064_a_damaged_record_ends_the_list_until_the_file_is_made_anew),
	    TEST(the_end_stays_the_end_until_the_walk_begins_anew),
	    TEST(enumerate_false_hides_the_keys_and_shows_the_roles_groups),
	    TEST(an_empty_file_lists_nothing),
	    TEST(abuse_125_a_look_up_within_a_list_does_not_disturb_it),
	    TEST(abuse_123_parent_and_child_each_end_the_list_that_was_begun_before_the_fork),
	    TEST(abuse_070_two_records_of_one_number_end_the_list_with_an_outage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
