/* What a record must be before the name service hands it out, however sound its file is. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "freshness.h"
#include "keyring.h"
#include "pack.h"
#include "place.h"
#include "source.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

#define NOW 5000

int __real_clock_gettime(clockid_t which, struct timespec *out);
int __wrap_clock_gettime(clockid_t which, struct timespec *out);

int
__wrap_clock_gettime(clockid_t which, struct timespec *out)
{
	if (which != CLOCK_REALTIME)
		return __real_clock_gettime(which, out);
	*out = (struct timespec){.tv_sec = NOW};
	return 0;
}

/* One key of a record: its length before it, as in the file. */
struct laid {
	enum record_tag tag;
	const char *bytes;
	unsigned char len_b;
};

struct row {
	const char *name;
	unsigned n_keys;
	struct laid keys[3];
	enum ak_err err;
	bool elsewhere; /* in the other's order */
	uint32_t number;
};

#define ID_70000 "\x70\x11\x01\x00", 4

/* The keys on the heap, where a sanitizer sees who reads on behind them. */
static unsigned char *
lay_out(const struct row *row, struct index_view *v)
{
	unsigned char *bytes, *at;
	size_t len_b = 0;

	for (unsigned i = 0; i < row->n_keys; i++)
		len_b += 2U + row->keys[i].len_b;
	at = bytes = malloc(len_b);
	assert_non_null(bytes);
	for (unsigned i = 0; i < row->n_keys; i++) {
		*at++ = (unsigned char)(1 + row->keys[i].len_b);
		*at++ = (unsigned char)row->keys[i].tag;
		memcpy(at, row->keys[i].bytes, row->keys[i].len_b);
		at += row->keys[i].len_b;
	}
	v->keys = bytes;
	v->n_keys = row->n_keys;
	v->number = row->number == 0 ? 70000 : row->number;
	return bytes;
}

static void
a_user_has_the_two_keys_of_its_own_name_and_uid_and_no_others(void **state)
{
	static const struct row rows[] = {
	    {"its own", 2, {{RECORD_UID, ID_70000}, {RECORD_NAME, "ci", 2}}, .err = AK_OK},
	    {"turned round", 2, {{RECORD_NAME, "ci", 2}, {RECORD_UID, ID_70000}}, .err = AK_OK},
	    {"one more", 3,
		{{RECORD_UID, ID_70000}, {RECORD_NAME, "ci", 2}, {RECORD_NAME, "root", 4}},
		.err = AK_ERR_CORRUPT},
	    {"the name alone", 1, {{RECORD_NAME, "ci", 2}}, .err = AK_ERR_CORRUPT},
	    {"the name twice", 2, {{RECORD_NAME, "ci", 2}, {RECORD_NAME, "ci", 2}},
		.err = AK_ERR_CORRUPT},
	    {"the uid twice", 2, {{RECORD_UID, ID_70000}, {RECORD_UID, ID_70000}},
		.err = AK_ERR_CORRUPT},
	    {"another name", 2, {{RECORD_UID, ID_70000}, {RECORD_NAME, "cd", 2}},
		.err = AK_ERR_CORRUPT},
	    {"a longer name", 2, {{RECORD_UID, ID_70000}, {RECORD_NAME, "ci2", 3}},
		.err = AK_ERR_CORRUPT},
	    {"a shorter name", 2, {{RECORD_UID, ID_70000}, {RECORD_NAME, "c", 1}},
		.err = AK_ERR_CORRUPT},
	    {"a group's name", 2, {{RECORD_UID, ID_70000}, {RECORD_GROUP_NAME, "ci", 2}},
		.err = AK_ERR_CORRUPT},
	    {"a gid", 2, {{RECORD_GID, ID_70000}, {RECORD_NAME, "ci", 2}},
		.err = AK_ERR_CORRUPT},
	    {"another uid", 2, {{RECORD_UID, "\x71\x11\x01\x00", 4}, {RECORD_NAME, "ci", 2}},
		.err = AK_ERR_CORRUPT},
	    {"another number", 2, {{RECORD_UID, ID_70000}, {RECORD_NAME, "ci", 2}},
		.err = AK_ERR_CORRUPT, .number = 70001},
	    {"among the groups", 2, {{RECORD_UID, ID_70000}, {RECORD_NAME, "ci", 2}},
		.err = AK_ERR_CORRUPT, .elsewhere = true},
	};
	static const struct user_record ci = {.uid = 70000,
	    .name = "ci",
	    .gecos = "",
	    .home = "/",
	    .shell = "/bin/sh",
	    .gids = (const unsigned char *)""};
	const struct users_extra extra = {.uids = {65536, 99999}};
	struct pack value = PACK_INIT;

	(void)state;
	user_record_pack(&ci, &value);
	for (size_t i = 0; i < N(rows); i++) {
		struct index_view v = {.order = rows[i].elsewhere ? ORDER_GROUPS : ORDER_USERS,
		    .value = value.bytes,
		    .value_len_b = value.len_b};
		unsigned char *keys = lay_out(&rows[i], &v);
		struct user_record out;

		assert_err(rows[i].name, rows[i].err, source_user(&extra, &v, &out));
		free(keys);
	}
	pack_clear(&value);
}

static void
a_group_has_the_two_keys_of_its_own_name_and_gid_and_no_others(void **state)
{
	static const struct row rows[] = {
	    {"its own", 2, {{RECORD_GID, ID_70000}, {RECORD_GROUP_NAME, "ops", 3}},
		.err = AK_OK},
	    {"one more", 3,
		{{RECORD_GID, ID_70000}, {RECORD_GROUP_NAME, "ops", 3},
		    {RECORD_GROUP_NAME, "root", 4}},
		.err = AK_ERR_CORRUPT},
	    {"another name", 2, {{RECORD_GID, ID_70000}, {RECORD_GROUP_NAME, "dev", 3}},
		.err = AK_ERR_CORRUPT},
	    {"a user's name", 2, {{RECORD_GID, ID_70000}, {RECORD_NAME, "ops", 3}},
		.err = AK_ERR_CORRUPT},
	    {"another number", 2, {{RECORD_GID, ID_70000}, {RECORD_GROUP_NAME, "ops", 3}},
		.err = AK_ERR_CORRUPT, .number = 70001},
	    {"among the users", 2, {{RECORD_GID, ID_70000}, {RECORD_GROUP_NAME, "ops", 3}},
		.err = AK_ERR_CORRUPT, .elsewhere = true},
	};
	static const struct group_record ops = {.gid = 70000, .name = "ops"};
	struct pack value = PACK_INIT;

	(void)state;
	group_record_pack(&ops, &value);
	for (size_t i = 0; i < N(rows); i++) {
		struct index_view v = {.order = rows[i].elsewhere ? ORDER_USERS : ORDER_GROUPS,
		    .value = value.bytes,
		    .value_len_b = value.len_b};
		unsigned char *keys = lay_out(&rows[i], &v);
		struct group_record out;

		assert_err(rows[i].name, rows[i].err, source_group(&v, &out));
		free(keys);
	}
	pack_clear(&value);
}

static void
abuse_101_users_idx_may_be_ahead_of_the_clock_by_its_slack(void **state)
{
	const struct nss_source src = {
	    .freshness = tmp_path(*state, "freshness"), .owner = geteuid()};
	const struct freshness f = {.contact_at = NOW, .max_age_s = 900, .keys_max_age_s = 900};

	assert_err("", AK_OK, freshness_write(src.freshness, &f, NULL));
	assert_true(source_directory_is_fresh(&src, NOW));
	assert_true(source_directory_is_fresh(&src, NOW + KEYRING_CLOCK_SLACK_S));
	assert_false(source_directory_is_fresh(&src, NOW + KEYRING_CLOCK_SLACK_S + 1));
}

static void
a_group_is_hopeless_when_its_record_alone_is_larger_than_the_room(void **state)
{
	static const struct {
		size_t value_b, room_b;
		bool hopeless;
	} rows[] = {{64, 0, false}, {65, 0, true}, {65, 64, true}, {65, 65, false},
	    {1000, 999, true}, {1000, 1000, false}, {1000, 2000, false}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_true(place_group_is_hopeless(rows[i].value_b,
				(struct place_room){NULL, rows[i].room_b}) == rows[i].hopeless);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_user_has_the_two_keys_of_its_own_name_and_uid_and_no_others),
	    cmocka_unit_test(a_group_has_the_two_keys_of_its_own_name_and_gid_and_no_others),
	    cmocka_unit_test_setup_teardown(
		abuse_101_users_idx_may_be_ahead_of_the_clock_by_its_slack, tmp_setup,
		tmp_teardown),
	    cmocka_unit_test(a_group_is_hopeless_when_its_record_alone_is_larger_than_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
