/* Names and ids of /etc/passwd and /etc/group. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "etcfile.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "bob:x:1000:1000::/home/bob:/bin/sh\n"
			     "bob:x:1001:1001::/:\n"
			     "short:x:5\n"
			     "many:x:junk:0:\n"
			     "minus:x:-1:0:\n"
			     "+nis::0:0\n"
			     "UPPER:x:1002:0:\n"
			     ":x:1003:0:\n"
			     "a-name-longer-than-any-key-could-have:x:1004:0:\n"
			     "last:x:1005:0:";

static void
the_first_line_of_a_name_gives_its_id(void **state)
{
	static const struct {
		const char *name;
		enum ak_err err;
		uint32_t id;
	} rows[] = {{"root", AK_OK, 0}, {"bob", AK_OK, 1000}, {"last", AK_OK, 1005},
	    {"UPPER", AK_OK, 1002}, {"short", AK_ERR_NOT_FOUND, 7},
	    {"many", AK_ERR_NOT_FOUND, 7}, {"minus", AK_ERR_NOT_FOUND, 7},
	    {"bo", AK_ERR_NOT_FOUND, 7}, {"nobody", AK_ERR_NOT_FOUND, 7}};
	const char *path = tmp_path(*state, "passwd");

	file_write(path, passwd, sizeof(passwd) - 1, 0644);
	for (size_t i = 0; i < N(rows); i++) {
		uint32_t id = 7;

		assert_err(rows[i].name, rows[i].err, etcfile_find_id(path, rows[i].name, &id));
		assert_row(rows[i].name, id == rows[i].id);
	}
}

static void
a_file_that_is_not_there_has_nobody_and_one_that_cannot_be_read_is_an_outage(void **state)
{
	struct etcfile_set set = {.names = NULL};
	uint32_t id;

	assert_err("", AK_ERR_NOT_FOUND, etcfile_find_id(tmp_path(*state, "no"), "root", &id));
	assert_err("", AK_OK, etcfile_set_add(&set, tmp_path(*state, "no")));
	assert_false(etcfile_set_has_name(&set, "root"));
	assert_false(etcfile_set_has_id(&set, 0));
	assert_err("", AK_ERR_UNAVAILABLE, etcfile_find_id(tmp_path(*state, "."), "root", &id));
	assert_err("", AK_ERR_UNAVAILABLE, etcfile_set_add(&set, tmp_path(*state, ".")));
	assert_int_equal(mkfifo(tmp_path(*state, "pipe"), 0600), 0);
	assert_err("a pipe keeps nobody waiting", AK_ERR_UNAVAILABLE,
	    etcfile_find_id(tmp_path(*state, "pipe"), "root", &id));
	etcfile_set_clear(&set);
}

static void
a_set_has_the_names_and_ids_of_all_its_files(void **state)
{
	static const char *const names[] = {"root", "bob", "last", "wheel"},
				 *const others[] = {"", "short", "many", "UPPER", "ro", "roott",
				     "a-name-longer-than-any-key-could-have"};
	static const uint32_t ids[] = {0, 1000, 1001, 1002, 1004, 1005, 10}, no_ids[] = {5, 11};
	static const char group[] = "wheel:x:10:root\n";
	struct etcfile_set set = {.names = NULL};

	file_write(tmp_path(*state, "passwd"), passwd, sizeof(passwd) - 1, 0644);
	file_write(tmp_path(*state, "group"), group, sizeof(group) - 1, 0644);
	assert_err("", AK_OK, etcfile_set_add(&set, tmp_path(*state, "passwd")));
	assert_false(etcfile_set_has_name(&set, "wheel"));
	assert_err("", AK_OK, etcfile_set_add(&set, tmp_path(*state, "group")));
	for (size_t i = 0; i < N(names); i++)
		assert_row(names[i], etcfile_set_has_name(&set, names[i]));
	for (size_t i = 0; i < N(others); i++)
		assert_row(others[i], !etcfile_set_has_name(&set, others[i]));
	for (size_t i = 0; i < N(ids); i++)
		assert_true(etcfile_set_has_id(&set, ids[i]));
	for (size_t i = 0; i < N(no_ids); i++)
		assert_false(etcfile_set_has_id(&set, no_ids[i]));
	etcfile_set_clear(&set);
}

static void
a_set_grows_with_its_files(void **state)
{
	struct etcfile_set set = {.names = NULL};
	const char *path = tmp_path(*state, "passwd");
	FILE *f = fopen(path, "we");
	char name[16];

	assert_non_null(f);
	for (unsigned i = 0; i < 5000; i++)
		(void)fprintf(f, "u%u:x:%u:0:::\n", i, 100000 + i);
	assert_int_equal(fclose(f), 0);
	assert_err("", AK_OK, etcfile_set_add(&set, path));
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "u%u", i);
		assert_true(etcfile_set_has_name(&set, name));
		assert_true(etcfile_set_has_id(&set, 100000 + i));
	}
	assert_false(etcfile_set_has_id(&set, 105000));
	etcfile_set_clear(&set);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_first_line_of_a_name_gives_its_id),
	    T(a_file_that_is_not_there_has_nobody_and_one_that_cannot_be_read_is_an_outage),
	    T(a_set_has_the_names_and_ids_of_all_its_files),
	    T(a_set_grows_with_its_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
