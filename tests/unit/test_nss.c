/* The name service: who is found, what is said of them, and what errno says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#include "initgroups.h"
#include "nss_ask.h"
#include "nss_fixture.h"
#include "paths.h"
#include "status.h"

#define SRC(t) ((struct nss_source){.path = tmp_path((t), "users.idx"), .owner = geteuid()})

static int
setup(void **state)
{
	int failed = tmp_setup(state);

	if (failed == 0)
		nss_fixture_usual(tmp_path(*state, "users.idx"));
	return failed;
}

struct row {
	struct nss_question q;
	enum nss_status status;
	const char *text;
};

static void
check_rows(struct tmp *t, const struct row *rows, size_t n)
{
	struct nss_source src = SRC(t);
	struct nss_answer a;
	char what[128];

	for (size_t i = 0; i < n; i++) {
		nss_ask(&src, &rows[i].q, &a);
		(void)snprintf(what, sizeof(what), "kind %d, \"%.40s\", %u", rows[i].q.kind,
		    rows[i].q.name == NULL ? "(null)" : rows[i].q.name, rows[i].q.id);
		assert_row(what, a.status == rows[i].status);
		assert_row(what, strcmp(a.text, rows[i].text) == 0);
		if (a.status == NSS_STATUS_NOTFOUND)
			assert_row(what, a.error == ENOENT);
	}
}

#define CHECK(state, rows) check_rows(*(state), (rows), sizeof(rows) / sizeof((rows)[0]))

static void
keys_are_users_by_name_and_by_uid(void **state)
{
	static const struct row rows[] = {
	    {{ASK_PWNAM, "ci", 0}, NSS_STATUS_SUCCESS, NSS_CI},
	    {{ASK_PWUID, NULL, 70000}, NSS_STATUS_SUCCESS, NSS_CI},
	    {{ASK_PWNAM, "from-ldap", 0}, NSS_STATUS_SUCCESS, NSS_LDAP},
	    {{ASK_PWUID, NULL, 1879048192}, NSS_STATUS_SUCCESS, NSS_LDAP},
	    {{ASK_PWNAM, "builders", 0}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_PWNAM, "c", 0}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_PWNAM, "CI", 0}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_PWUID, NULL, 70002}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_PWUID, NULL, 1000}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_PWUID, NULL, 27}, NSS_STATUS_NOTFOUND, ""},
	};

	CHECK(state, rows);
}

static void
groups_are_roles_groups_or_a_keys_own(void **state)
{
	static const struct row rows[] = {
	    {{ASK_GRNAM, "builders", 0}, NSS_STATUS_SUCCESS, NSS_BUILDERS},
	    {{ASK_GRGID, NULL, 100000}, NSS_STATUS_SUCCESS, NSS_BUILDERS},
	    {{ASK_GRNAM, "sudo", 0}, NSS_STATUS_SUCCESS, "sudo:x:27:\n"},
	    {{ASK_GRGID, NULL, 27}, NSS_STATUS_SUCCESS, "sudo:x:27:\n"},
	    {{ASK_GRNAM, "deploy", 0}, NSS_STATUS_SUCCESS, "deploy:x:70001:\n"},
	    {{ASK_GRGID, NULL, 70001}, NSS_STATUS_SUCCESS, "deploy:x:70001:\n"},
	    {{ASK_GRNAM, "nobody-s", 0}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_GRGID, NULL, 100001}, NSS_STATUS_NOTFOUND, ""},
	};

	CHECK(state, rows);
}

static void
a_roles_group_wins_over_a_keys_own_of_the_same_name(void **state)
{
	struct nss_fixture f;
	static const struct row rows[] = {
	    {{ASK_GRNAM, "ci", 0}, NSS_STATUS_SUCCESS, "ci:x:100005:\n"},
	    {{ASK_GRGID, NULL, 70000}, NSS_STATUS_SUCCESS, "ci:x:70000:\n"},
	};

	nss_fixture_begin(&f, 2, 0);
	nss_fixture_user(&f, "ci", 70000, NULL, 0);
	nss_fixture_group(&f, "ci", 100005, STRV_EMPTY);
	nss_fixture_end(&f, tmp_path(*state, "users.idx"));
	CHECK(state, rows);
}

static void
lists_go_by_number_and_groups_end_with_the_keys_own(void **state)
{
	static const struct row rows[] = {
	    {{ASK_PWENT, NULL, 0}, NSS_STATUS_NOTFOUND, NSS_CI NSS_DEPLOY NSS_LDAP},
	    {{ASK_GRENT, NULL, 0}, NSS_STATUS_NOTFOUND, NSS_ALL_GROUPS},
	};

	CHECK(state, rows);
}

static void
initgroups_gives_the_roles_groups_to_the_key_alone(void **state)
{
	static const struct row rows[] = {
	    {{ASK_INITGROUPS, "ci", 70000}, NSS_STATUS_SUCCESS, "100000\n27\n"},
	    {{ASK_INITGROUPS, "ci", UINT32_MAX}, NSS_STATUS_SUCCESS, "100000\n27\n"},
	    {{ASK_INITGROUPS, "deploy", 70001}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_INITGROUPS, "root", 0}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_INITGROUPS, NULL, 0}, NSS_STATUS_NOTFOUND, ""},
	};

	CHECK(state, rows);
}

static void
abuse_154_a_local_account_with_a_keys_name_gets_none_of_its_groups(void **state)
{
	static const struct row rows[] = {
	    {{ASK_INITGROUPS, "ci", 1000}, NSS_STATUS_NOTFOUND, ""},
	    {{ASK_INITGROUPS, "ci", 0}, NSS_STATUS_NOTFOUND, ""},
	};

	CHECK(state, rows);
}

static void
names_that_no_key_has_are_not_found_even_without_a_file(void **state)
{
	static char huge[1 << 20];
	static const struct {
		const char *row, *name;
	} rows[] = {
	    {"021 none", NULL},
	    {"021 empty", ""},
	    {"024 a dash before it", "-ci"},
	    {"024 a plus sign before it", "+ci"},
	    {"024 a dot", "."},
	    {"025 a colon", "a:b"},
	    {"025 a newline", "ci\n"},
	    {"025 a path", "/../"},
	    {"026 one too long", "an-account-name-that-is-one-too-long"},
	    {"026 a mebibyte", huge},
	    {"027 a filter of LDAP", "*)(uid=*"},
	    {"028 capitals", "CI"},
	    {"029 nought", "0"},
	    {"029 its uid", "70000"},
	    {"030 a realm behind it", "user@realm"},
	    {"031 letters that look alike", "\xd1\x81i"},
	    {"a blank behind it", "ci "},
	};
	struct nss_source src = SRC(*state);
	struct nss_answer a;

	memset(huge, 'a', sizeof(huge) - 1);
	assert_int_equal(0, unlink(src.path));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (enum nss_kind kind = ASK_PWNAM; kind <= ASK_INITGROUPS; kind++) {
			struct nss_question q = {.kind = kind, .id = 0, .name = rows[i].name};

			nss_ask(&src, &q, &a);
			assert_row(rows[i].row, a.status == NSS_STATUS_NOTFOUND);
		}
}

static void
abuse_071_ids_that_no_key_may_have_are_not_found_even_without_a_file(void **state)
{
	static const uint32_t ids[] = {
	    0, 1, 999, 60001, 61184, 65534, 65535, 524288, 1879048191, 2147483648U, UINT32_MAX};
	struct nss_source src = SRC(*state);
	struct nss_answer a;

	assert_int_equal(0, unlink(src.path));
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		nss_ask(&src, &(struct nss_question){.kind = ASK_PWUID, .id = ids[i]}, &a);
		assert_int_equal(NSS_STATUS_NOTFOUND, a.status);
	}
	nss_ask(&src, &(struct nss_question){.kind = ASK_PWUID, .id = 70000}, &a);
	assert_int_equal(NSS_STATUS_UNAVAIL, a.status);
}

static void
errno_is_left_alone_and_an_outage_has_the_systems_own(void **state)
{
	struct nss_source src = SRC(*state);
	char buf[1024];
	struct place_room room = {.buf = buf, .cap_b = sizeof(buf)};
	struct passwd pw;
	int error = 12345;

	errno = ECHILD;
	assert_int_equal(NSS_STATUS_SUCCESS, passwd_by_name(&src, "ci", room, &pw, &error));
	assert_int_equal(ECHILD, errno);
	assert_int_equal(12345, error);
	/* glibc passes &errno itself. */
	assert_int_equal(NSS_STATUS_NOTFOUND, passwd_by_name(&src, "no", room, &pw, &errno));
	assert_int_equal(ENOENT, errno);
	assert_int_equal(0, unlink(src.path));
	assert_int_equal(NSS_STATUS_UNAVAIL, passwd_by_name(&src, "ci", room, &pw, &errno));
	assert_int_equal(ENOENT, errno);
	assert_int_equal(0, symlink("/etc/passwd", src.path));
	assert_int_equal(NSS_STATUS_UNAVAIL, passwd_by_name(&src, "ci", room, &pw, &errno));
	assert_int_equal(EACCES, errno);
}

static void
initgroups_never_adds_the_primary_group(void **state)
{
	static const uint32_t gids[] = {100000, 70000};
	struct nss_source src = SRC(*state);
	struct nss_fixture f;
	long start = 0, size = 0;
	gid_t *got = NULL;
	int error;

	nss_fixture_begin(&f, 2, 0);
	nss_fixture_user(&f, "ci", 70000, gids, 2);
	nss_fixture_end(&f, src.path);
	assert_int_equal(
	    NSS_STATUS_SUCCESS, initgroups_add(&src, "ci", 70000,
				    (struct initgroups_list){&start, &size, &got, -1}, &error));
	assert_int_equal(1, start);
	assert_int_equal(100000, got[0]);
	free(got);
}

static void
an_outage_never_says_erange_which_would_ask_for_more_room(void **state)
{
	int error = 0;

	(void)state;
	errno = ERANGE;
	assert_int_equal(NSS_STATUS_UNAVAIL, status_end(0, AK_ERR_UNAVAILABLE, &error));
	assert_int_equal(EIO, error);
	errno = 0;
	assert_int_equal(NSS_STATUS_UNAVAIL, status_end(0, AK_ERR_UNAVAILABLE, &error));
	assert_int_equal(EIO, error);
}

static void
initgroups_refuses_a_record_that_gives_the_groups_0_or_minus_1(void **state)
{
	static const uint32_t bad[] = {0, UINT32_MAX};
	struct nss_source src = SRC(*state);
	struct nss_answer a;

	for (size_t i = 0; i < 2; i++) {
		uint32_t gids[] = {100000, bad[i]};
		struct nss_fixture f;

		nss_fixture_begin(&f, 2, 0);
		nss_fixture_user(&f, "ci", 70000, gids, 2);
		nss_fixture_end(&f, src.path);
		nss_ask(&src, &(struct nss_question){ASK_INITGROUPS, "ci", 70000}, &a);
		assert_int_equal(NSS_STATUS_UNAVAIL, a.status);
		assert_string_equal("", a.text);
	}
}

static void
the_modules_own_path_is_the_one_that_everybody_writes(void **state)
{
	struct paths p = paths_installed();

	(void)state;
	assert_string_equal(p.users, NSS_USERS_PATH);
	assert_string_equal(p.freshness, NSS_FRESHNESS_PATH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_are_users_by_name_and_by_uid),
	    TEST(groups_are_roles_groups_or_a_keys_own),
	    TEST(a_roles_group_wins_over_a_keys_own_of_the_same_name),
	    TEST(lists_go_by_number_and_groups_end_with_the_keys_own),
	    TEST(initgroups_gives_the_roles_groups_to_the_key_alone),
	    TEST(abuse_154_a_local_account_with_a_keys_name_gets_none_of_its_groups),
	    TEST(names_that_no_key_has_are_not_found_even_without_a_file),
	    TEST(abuse_071_ids_that_no_key_may_have_are_not_found_even_without_a_file),
	    TEST(errno_is_left_alone_and_an_outage_has_the_systems_own),
	    TEST(initgroups_never_adds_the_primary_group),
	    TEST(an_outage_never_says_erange_which_would_ask_for_more_room),
	    TEST(initgroups_refuses_a_record_that_gives_the_groups_0_or_minus_1),
	    TEST(the_modules_own_path_is_the_one_that_everybody_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
