/* The name service and the directory: what rests on it is left out while it is stale, and nothing else is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#include "freshness.h"
#include "initgroups.h"
#include "nss_ask.h"
#include "nss_fixture.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct nss_source
source(struct tmp *t)
{
	return (struct nss_source){.path = tmp_path(t, "users.idx"),
	    .freshness = tmp_path(t, "freshness"),
	    .owner = geteuid()};
}

/* half: one gid of two is marked; whole: both are; none: none is. The group has one marked member. */
static void
make_users(const struct nss_source *src, const char *member, int64_t built_at)
{
	static const char members[] = "none\0half";
	static const uint32_t gids[] = {100000, 100001};
	struct nss_fixture f;

	nss_fixture_begin(&f, 1, 0);
	nss_fixture_marked_user(&f, "none", 70000, gids, 2, 0);
	nss_fixture_marked_user(&f, "half", 70001, gids, 2, 1);
	nss_fixture_marked_user(&f, "whole", 70002, gids, 2, 2);
	nss_fixture_marked_group(&f, "builders", 100000,
	    (struct strv){.bytes = members, .len_b = sizeof(members)},
	    (struct strv){.bytes = member, .len_b = strlen(member) + 1});
	f.built_at = built_at;
	nss_fixture_group(&f, "staff", 50, STRV_EMPTY);
	nss_fixture_end(&f, src->path);
}

static void
write_contact(const struct nss_source *src, int64_t ago_s)
{
	const struct freshness f = {.contact_at = (int64_t)time(NULL) - ago_s,
	    .max_age_s = 900,
	    .keys_max_age_s = 86400};

	assert_err("", AK_OK, freshness_write(src->freshness, &f, NULL));
}

static void
check(const struct nss_source *src, const char *what, bool fresh)
{
	const struct {
		struct nss_question q;
		const char *fresh, *stale;
	} rows[] = {
	    {{ASK_INITGROUPS, "none", 70000}, "100000\n100001\n", "100000\n100001\n"},
	    {{ASK_INITGROUPS, "half", 70001}, "100000\n100001\n", "100000\n"},
	    {{ASK_INITGROUPS, "whole", 70002}, "100000\n100001\n", ""},
	    {{ASK_INITGROUPS, "whole", UINT32_MAX}, "100000\n100001\n", ""},
	    {{ASK_GRNAM, "builders", 0}, "builders:x:100000:none,half,whole\n",
		"builders:x:100000:none,half\n"},
	    {{ASK_GRGID, NULL, 100000}, "builders:x:100000:none,half,whole\n",
		"builders:x:100000:none,half\n"},
	    {{ASK_GRENT, NULL, 0},
		"staff:x:50:\nbuilders:x:100000:none,half,whole\nnone:x:70000:\nhalf:x:70001:"
		"\nwhole:x:70002:\n",
		"staff:x:50:\nbuilders:x:100000:none,half\nnone:x:70000:\nhalf:x:70001:\nwhole:"
		"x:70002:\n"},
	};
	struct nss_answer a;

	for (size_t i = 0; i < N(rows); i++) {
		const char *wanted = fresh ? rows[i].fresh : rows[i].stale;

		nss_ask(src, &rows[i].q, &a);
		if (strcmp(a.text, wanted) != 0)
			print_error("%s, kind %d: %s", what, rows[i].q.kind, a.text);
		assert_string_equal(wanted, a.text);
		if (rows[i].q.kind != ASK_GRENT)
			assert_row(what, a.status == (wanted[0] == '\0' ? NSS_STATUS_NOTFOUND
									: NSS_STATUS_SUCCESS));
	}
}

static void
a_stale_directory_gives_no_groups_and_a_fresh_one_does(void **state)
{
	static const struct {
		int64_t ago_s;
		bool fresh;
	} rows[] = {{0, true}, {890, true}, {1000, false}, {86400, false}, {-100, false}};
	struct nss_source src = source(*state);
	char what[32];

	make_users(&src, "whole", 0);
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(what, sizeof(what), "%ld s ago", (long)rows[i].ago_s);
		write_contact(&src, rows[i].ago_s);
		check(&src, what, rows[i].fresh);
	}
}

static void
a_freshness_file_that_is_missing_unsafe_or_damaged_is_stale(void **state)
{
	struct nss_source src = source(*state);
	size_t len_b;
	char *bytes;

	make_users(&src, "whole", 0);
	check(&src, "missing", false);
	write_contact(&src, 0);
	check(&src, "there", true);
	assert_int_equal(0, chmod(src.freshness, 0666));
	check(&src, "anybody's", false);
	bytes = file_read(src.freshness, &len_b);
	assert_non_null(bytes);
	bytes[16] ^= 1;
	file_write(src.freshness, bytes, len_b, 0644);
	check(&src, "damaged", false);
	bytes[16] ^= 1;
	file_write(src.freshness, bytes, len_b - 1, 0644);
	check(&src, "cut", false);
	assert_int_equal(0, unlink(src.freshness));
	file_write(tmp_path(*state, "elsewhere"), bytes, len_b, 0644);
	assert_int_equal(0, symlink(tmp_path(*state, "elsewhere"), src.freshness));
	check(&src, "a link", false);
	free(bytes);
}

static void
abuse_101_a_clock_that_runs_behind_users_idx_makes_everything_stale(void **state)
{
	static const struct {
		int64_t ahead_s;
		bool fresh;
	} rows[] = {{-86400, true}, {30, true}, {1000, false}};
	struct nss_source src = source(*state);

	for (size_t i = 0; i < N(rows); i++) {
		make_users(&src, "whole", (int64_t)time(NULL) + rows[i].ahead_s);
		write_contact(&src, 0);
		check(&src, "stamp", rows[i].fresh);
	}
}

/* Was the file opened since the last question? */
static bool
was_opened(int watch)
{
	char events[4096];

	return read(watch, events, sizeof(events)) > 0;
}

static void
without_marks_the_freshness_file_is_not_opened(void **state)
{
	static const struct {
		struct nss_question q;
		bool opens;
	} rows[] = {
	    {{ASK_INITGROUPS, "none", 70000}, false},
	    {{ASK_PWNAM, "whole", 0}, false},
	    {{ASK_PWENT, NULL, 0}, false},
	    {{ASK_GRNAM, "none", 0}, false},
	    {{ASK_GRNAM, "staff", 0}, false},
	    {{ASK_GRGID, NULL, 50}, false},
	    {{ASK_INITGROUPS, "whole", 1000}, false}, /* a local account of that name */
	    {{ASK_INITGROUPS, "half", 70001}, true},
	    {{ASK_GRNAM, "builders", 0}, true},
	};
	struct nss_source src = source(*state);
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct nss_answer a;

	make_users(&src, "whole", 0);
	write_contact(&src, 0);
	assert_int_not_equal(-1, watch);
	assert_int_not_equal(-1, inotify_add_watch(watch, src.freshness, IN_OPEN));
	for (size_t i = 0; i < N(rows); i++) {
		nss_ask(&src, &rows[i].q, &a);
		assert_row(rows[i].q.name, was_opened(watch) == rows[i].opens);
	}
	(void)close(watch);
}

static void
abuse_071_a_marked_member_that_group_5_cannot_hold_is_an_outage(void **state)
{
	static const char *const rows[] = {"a,b", "a:b", "x\nroot"};
	struct nss_source src = source(*state);
	struct nss_answer a;

	for (size_t i = 0; i < N(rows); i++) {
		make_users(&src, rows[i], 0);
		write_contact(&src, 0);
		nss_ask(&src, &(struct nss_question){ASK_GRNAM, "builders", 0}, &a);
		assert_row(rows[i], a.status == NSS_STATUS_UNAVAIL && a.text[0] == '\0');
	}
}

static void
a_room_that_is_too_small_for_marked_members_is_never_overrun(void **state)
{
	struct nss_source src = source(*state);
	char *buf;
	struct group gr;
	size_t enough = 0;
	int error;

	make_users(&src, "whole", 0);
	write_contact(&src, 0);
	for (size_t cap_b = 0; cap_b < 256; cap_b++) {
		enum nss_status status;

		buf = malloc(cap_b + 1);
		assert_non_null(buf);
		status = group_by_name(&src, "builders",
		    (struct place_room){.buf = buf, .cap_b = cap_b}, &gr, &error);
		if (status == NSS_STATUS_SUCCESS && enough == 0)
			enough = cap_b;
		assert_int_equal(status, enough == 0 ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS);
		if (enough != 0)
			assert_string_equal(gr.gr_mem[2], "whole");
		free(buf);
	}
	/* Four pointers, three members, the name, the x. */
	assert_int_equal(enough, 4 * sizeof(char *) + sizeof("none") + sizeof("half") +
				     sizeof("whole") + sizeof("builders") + sizeof("x"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_stale_directory_gives_no_groups_and_a_fresh_one_does),
	    TEST(a_freshness_file_that_is_missing_unsafe_or_damaged_is_stale),
	    TEST(abuse_101_a_clock_that_runs_behind_users_idx_makes_everything_stale),
	    TEST(without_marks_the_freshness_file_is_not_opened),
	    TEST(abuse_071_a_marked_member_that_group_5_cannot_hold_is_an_outage),
	    TEST(a_room_that_is_too_small_for_marked_members_is_never_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
