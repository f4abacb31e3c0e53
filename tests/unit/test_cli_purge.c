/* purge: keys that expired long enough ago go for ever, and no others. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define DAY INT64_C(86400)

/* "old" ended 60 days ago, "late" 10 days, "just" this second; "alive" and "ever" did not. */
static void
make_keys(struct cli_test *t)
{
	static const struct {
		const char *name, *duration;
	} rows[] = {{"old", "10d"}, {"late", "60d"}, {"just", "70d"}, {"alive", "71d"},
	    {"ever", "never"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_run(t, CLI_DONE, "", "create", "--name", rows[i].name, "--role",
		    "viewer", "--duration", rows[i].duration);
	t->now += 70 * DAY;
	t->log[0] = '\0';
}

static void
purge_deletes_what_has_expired_and_nothing_else(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired");
	assert_string_equal(t.out, "old: deleted\nlate: deleted\njust: deleted\n");
	assert_non_null(strstr(t.log, "event=key-deleted key=old "));
	assert_null(strstr(t.log, "key=alive"));
	assert_int_equal(t.n_calls, 1);
	assert_int_equal(t.calls[0].n_uids, 3);
	assert_int_equal(t.calls[0].uids[2], 70002);
	assert_run(&t, CLI_DONE, NULL, "list", "-o", "json");
	assert_member(&t, "0.name", "\"alive\"");
	assert_member(&t, "1.name", "\"ever\"");
	assert_member(&t, "2", "(none)");
	assert_run(
	    &t, CLI_REFUSED, "was a deleted key's", "create", "--name", "n", "--uid", "70000");
	cli_test_clear(&t);
}

static void
older_spares_what_expired_lately(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--older", "61d", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--older", "60d", "-o", "json");
	assert_member(&t, "0.name", "\"old\"");
	assert_member(&t, "0.changed", "true");
	assert_member(&t, "1", "(none)");
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--older", "10d");
	assert_string_equal(t.out, "late: deleted\n");
	cli_test_clear(&t);
}

static void
a_dry_run_lists_them_and_leaves_them(void **state)
{
	struct cli_test t;
	uint64_t generation;

	cli_test_make(&t, state);
	make_keys(&t);
	generation = cli_test_generation(&t);
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--dry-run");
	assert_string_equal(
	    t.out, "old: would be deleted\nlate: would be deleted\njust: would be deleted\n");
	assert_run(&t, CLI_DONE, NULL, "purge", "--expired", "--dry-run", "-o", "json");
	assert_member(&t, "2.name", "\"just\"");
	assert_member(&t, "2.changed", "false");
	assert_int_equal(cli_test_generation(&t), generation);
	assert_string_equal(t.log, "");
	cli_test_clear(&t);
}

static void
what_they_leave_behind_is_told(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_int_equal(mkdir(t.crontabs, 0700), 0);
	assert_int_equal(mkdir(t.atjobs, 0700), 0);
	file_write(tmp_path(t.tmp, "crontabs/old"), "", 0, 0600);
	file_write(tmp_path(t.tmp, "crontabs/ever"), "", 0, 0600);
	file_write(tmp_path(t.tmp, "atjobs/a00001"), "", 0, 0600);
	if (geteuid() == 0)
		assert_int_equal(chown(tmp_path(t.tmp, "atjobs/a00001"), 70001, 70001), 0);
	assert_run(&t, CLI_DONE, "old left a crontab behind: ", "purge", "--expired");
	assert_null(strstr(t.err, "crontabs/ever"));
	if (geteuid() == 0)
		assert_non_null(strstr(t.err, "late left an at job behind: "));
	cli_test_clear(&t);
}

static void
purge_is_told_what_to_delete(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	make_keys(&t);
	assert_run(&t, CLI_USAGE, "purge needs --expired", "purge");
	assert_run(&t, CLI_USAGE, "purge needs --expired", "purge", "--older", "1d");
	assert_run(&t, CLI_USAGE, "is no duration", "purge", "--expired", "--older", "x");
	assert_run(&t, CLI_USAGE, "is no duration", "purge", "--expired", "--older", "never");
	assert_run(&t, CLI_USAGE, "purge takes no further", "purge", "--expired", "ever");
	assert_run(&t, CLI_DONE, NULL, "show", "old");
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(purge_deletes_what_has_expired_and_nothing_else),
	    T(older_spares_what_expired_lately),
	    T(a_dry_run_lists_them_and_leaves_them),
	    T(what_they_leave_behind_is_told),
	    T(purge_is_told_what_to_delete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
