/* The name service on records that were forged with right checksums: what they say is not believed. */
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#include "nss_ask.h"
#include "nss_fixture.h"

#define SRC(t) ((struct nss_source){.path = tmp_path((t), "users.idx"), .owner = geteuid()})

static void
abuse_070_records_that_say_other_than_their_keys_are_outages(void **state)
{
	static const struct {
		const char *what, *key_name;
		uint32_t key_uid, number;
		struct user_record says;
	} rows[] = {
	    {"another name", "ci", 70000, 70000,
		{70000, "deploy", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"another uid", "ci", 70000, 70000, {70001, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"out of order", "ci", 70000, 70007, {70000, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"uid 0", "ci", 70000, 70000, {0, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"uid -1", "ci", 70000, 70000, {UINT32_MAX, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"uid 61184", "ci", 61184, 61184, {61184, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"uid 65534", "ci", 65534, 65534, {65534, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"out of the ranges", "ci", 1000, 1000,
		{1000, "ci", "", "/", "/bin/sh", 0, 0, NULL}},
	    {"colon", "ci", 70000, 70000, {70000, "ci", "a:b", "/", "/bin/sh", 0, 0, NULL}},
	    {"newline", "ci", 70000, 70000, {70000, "ci", "", "/\nroot::0:", "", 0, 0, NULL}},
	    {"bell", "ci", 70000, 70000, {70000, "ci", "", "/", "/bin/sh\a", 0, 0, NULL}},
	};
	struct nss_source src = SRC(*state);
	struct nss_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nss_fixture f;

		nss_fixture_begin(&f, 2, 0);
		nss_fixture_forged_user(
		    &f, rows[i].key_name, rows[i].key_uid, rows[i].number, &rows[i].says);
		nss_fixture_end(&f, src.path);
		for (enum nss_kind kind = ASK_PWNAM; kind <= ASK_GRENT; kind++) {
			struct nss_question q = {kind, "ci", 70000};

			/* Of an id that no key has there is nothing to be found. */
			if (rows[i].key_uid != 70000 && (kind == ASK_PWUID || kind == ASK_GRGID))
				continue;
			nss_ask(&src, &q, &a);
			assert_row(rows[i].what, a.status == NSS_STATUS_UNAVAIL);
			assert_row(rows[i].what, a.text[0] == '\0');
		}
	}
}

static void
abuse_070_a_record_under_a_second_name_is_an_outage_under_both(void **state)
{
	static const char *const names[] = {"ci", "other"};
	struct nss_source src = SRC(*state);
	struct nss_answer a;
	struct nss_fixture f;

	nss_fixture_begin(&f, 2, 0);
	nss_fixture_two_names(&f, "ci", "other", 70000);
	nss_fixture_end(&f, src.path);
	for (size_t i = 0; i < 2; i++)
		for (enum nss_kind kind = ASK_PWNAM; kind <= ASK_GRENT; kind++) {
			nss_ask(&src, &(struct nss_question){kind, names[i], 70000}, &a);
			assert_int_equal(NSS_STATUS_UNAVAIL, a.status);
		}
}

static void
abuse_071_group_records_that_no_role_may_have_are_outages(void **state)
{
	static const char bad_member[] = "ci\0a,b", bad_line[] = "x\nroot";
	static const struct {
		const char *what;
		uint32_t key_gid;
		struct group_record says;
	} rows[] = {
	    {"gid 0", 0, {0, "builders", {NULL, 0}, {NULL, 0}}},
	    {"gid -1", UINT32_MAX, {UINT32_MAX, "builders", {NULL, 0}, {NULL, 0}}},
	    {"another gid", 100000, {100001, "builders", {NULL, 0}, {NULL, 0}}},
	    {"another name", 100000, {100000, "sudo", {NULL, 0}, {NULL, 0}}},
	    {"a comma in a member", 100000,
		{100000, "builders", {bad_member, sizeof(bad_member)}, {NULL, 0}}},
	    {"a newline in a member", 100000,
		{100000, "builders", {bad_line, sizeof(bad_line)}, {NULL, 0}}},
	};
	struct nss_source src = SRC(*state);
	struct nss_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nss_fixture f;

		nss_fixture_begin(&f, 2, 0);
		nss_fixture_forged_group(
		    &f, "builders", rows[i].key_gid, rows[i].key_gid, &rows[i].says);
		nss_fixture_end(&f, src.path);
		nss_ask(&src, &(struct nss_question){ASK_GRNAM, "builders", 0}, &a);
		assert_row(rows[i].what, a.status == NSS_STATUS_UNAVAIL);
		nss_ask(&src, &(struct nss_question){ASK_GRENT, NULL, 0}, &a);
		assert_row(rows[i].what, a.status == NSS_STATUS_UNAVAIL && a.text[0] == '\0');
	}
}

static void
abuse_071_id_ranges_that_take_in_local_accounts_are_an_outage(void **state)
{
	static const struct id_range ranges[] = {{0, 99999}, {500, 2000}, {70000, 70}, {0, 0}};
	struct nss_source src = SRC(*state);
	struct nss_answer a;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct nss_fixture f;

		nss_fixture_begin(&f, 2, 0);
		f.extra.uids = ranges[i];
		nss_fixture_user(&f, "ci", 70000, NULL, 0);
		nss_fixture_end(&f, src.path);
		for (enum nss_kind kind = ASK_PWNAM; kind <= ASK_GRENT; kind++) {
			nss_ask(&src, &(struct nss_question){kind, "ci", 70000}, &a);
			assert_int_equal(NSS_STATUS_UNAVAIL, a.status);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(abuse_070_records_that_say_other_than_their_keys_are_outages),
	    TEST(abuse_070_a_record_under_a_second_name_is_an_outage_under_both),
	    TEST(abuse_071_group_records_that_no_role_may_have_are_outages),
	    TEST(abuse_071_id_ranges_that_take_in_local_accounts_are_an_outage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
