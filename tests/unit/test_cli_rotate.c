/* rotate: which tokens open a key before and after. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rotation.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* `check` with this token: the exit code. */
static int
check(struct cli_test *t, const char *tok)
{
	int code;

	t->input = tok;
	code = run(t, "check");
	t->input = NULL;
	return code;
}

static void
rotate_ends_the_old_token_at_once(void **state)
{
	struct cli_test t;
	char old[80], new[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", old);
	assert_int_equal(check(&t, old), CLI_DONE);
	assert_run(&t, CLI_DONE, NULL, "rotate", "a", "-q");
	(void)snprintf(new, sizeof(new), "%.*s", (int)TOKEN_LEN, t.out);
	assert_int_equal(strncmp(old, new, 17), 0); /* the same id */
	assert_int_equal(check(&t, old), CLI_REFUSED);
	assert_non_null(strstr(t.out, "but not its secret"));
	assert_int_equal(check(&t, new), CLI_DONE);
	assert_run(&t, CLI_DONE, NULL, "rotate", "a");
	assert_member(&t, "secrets.0.number", "3");
	assert_member(&t, "secrets.1", "(none)");
	assert_member(&t, "changed", "true");
	assert_non_null(strstr(t.log, "event=key-rotated key=a "));
	assert_null(strstr(t.log, "apikey_"));
	cli_test_clear(&t);
}

static void
rotate_with_overlap_lets_the_old_token_work_on(void **state)
{
	struct cli_test t;
	char old[80];

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", old);
	assert_run(&t, CLI_DONE, NULL, "rotate", "a", "--overlap", "24h");
	assert_member(&t, "secrets.0.not_after", "null");
	assert_member(&t, "secrets.1.number", "1");
	assert_member(&t, "secrets.1.not_after", "\"2027-01-16T08:00:00Z\"");
	t.now += 24 * 3600 - 1;
	assert_int_equal(check(&t, old), CLI_DONE);
	t.now++;
	assert_int_equal(check(&t, old), CLI_REFUSED);
	assert_non_null(strstr(t.out, "which is past"));
	assert_run(&t, CLI_USAGE, "is no duration", "rotate", "a", "--overlap", "never");
	assert_run(&t, CLI_REFUSED, "there is no key", "rotate", "b");
	cli_test_clear(&t);
}

static void
rotate_takes_a_verifier_of_the_keys_own_id(void **state)
{
	struct cli_test t;
	char tok[80], verifier[VERIFIER_CAP], id[KEY_ID_LEN + 1];
	json_t *j;

	cli_test_make(&t, state);
	cli_test_create(&t, "a", "viewer", tok);
	(void)snprintf(id, sizeof(id), "%.*s", KEY_ID_LEN, tok + 7);
	assert_run(&t, CLI_DONE, NULL, "token", "new", "--id", id, "-o", "json");
	j = cli_test_json(&t);
	(void)snprintf(tok, 80, "%s", json_string_value(json_object_get(j, "token")));
	(void)snprintf(verifier, sizeof(verifier), "%s",
	    json_string_value(json_object_get(j, "verifier")));
	json_decref(j);
	assert_run(&t, CLI_DONE, NULL, "rotate", "a", "--verifier", verifier);
	assert_member(&t, "token", "(none)");
	assert_member(&t, "secrets.0.number", "2");
	assert_int_equal(check(&t, tok), CLI_DONE);
	assert_run(&t, CLI_REFUSED, "is a's already", "rotate", "a", "--verifier", verifier);
	verifier[strlen("apikey-verifier-1:")] = id[0] == 'Z' ? 'A' : 'Z';
	assert_run(
	    &t, CLI_REFUSED, "the verifier is for", "rotate", "a", "--verifier", verifier);
	assert_run(&t, CLI_USAGE, "is no verifier", "rotate", "a", "--verifier", "x");
	cli_test_clear(&t);
}

static void
rotate_leaves_the_keys_end_alone_and_says_when_it_is_past(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--duration", "1h");
	assert_run(&t, CLI_DONE, NULL, "rotate", "a");
	assert_member(&t, "expires_at", "\"2027-01-15T09:00:00Z\"");
	t.now += 3600;
	assert_run(&t, CLI_DONE, "a has expired", "rotate", "a");
	assert_member(&t, "state", "\"expired\"");
	cli_test_clear(&t);
}

/* Which secrets stay: numbers and ends before, an overlap, and numbers and ends after. */
static void
rotation_keeps_at_most_one_old_secret_and_never_longer_than_before(void **state)
{
	static const struct {
		const char *what;
		int64_t ends[2];
		int64_t overlap_s;
		int64_t end_after; /* of the second */
		unsigned n, n_after;
	} rows[] = {
	    {"the first", {0, 0}, 100, 0, 0, 1},
	    {"no overlap", {NUM_NEVER, 0}, 0, 0, 1, 1},
	    {"overlap", {NUM_NEVER, 0}, 100, 1100, 1, 2},
	    {"an earlier end stays", {1050, 0}, 100, 1050, 1, 2},
	    {"a later end is cut", {1500, 0}, 100, 1100, 1, 2},
	    {"one that has ended goes", {1000, 0}, 100, 0, 1, 1},
	    {"the older of two goes", {NUM_NEVER, 1900}, 100, 1100, 2, 2},
	};
	const struct verifier v = {.salt = {7}, .digest = {8}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct key_record k = KEY_RECORD_INIT;

		k.n_secrets = rows[i].n;
		for (unsigned s = 0; s < rows[i].n; s++)
			k.secrets[s] =
			    (struct key_secret){.number = 5 - s, .not_after = rows[i].ends[s]};
		assert_err(rows[i].what, AK_OK, rotation_add(&k, &v, 1000, rows[i].overlap_s));
		assert_row(rows[i].what, k.n_secrets == rows[i].n_after);
		assert_row(rows[i].what, k.secrets[0].number == (rows[i].n == 0 ? 1U : 6U));
		assert_row(rows[i].what, k.secrets[0].not_after == NUM_NEVER);
		assert_row(rows[i].what, k.secrets[0].salt[0] == 7);
		assert_row(rows[i].what, rotation_has(&k, &v));
		if (k.n_secrets == 2)
			assert_row(
			    rows[i].what, k.secrets[1].number == 5 &&
					      k.secrets[1].not_after == rows[i].end_after);
	}
	{
		struct key_record k = KEY_RECORD_INIT;

		k.n_secrets = 1;
		k.secrets[0].number = UINT32_MAX;
		assert_err("", AK_ERR_FULL, rotation_add(&k, &v, 1000, 0));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(rotate_ends_the_old_token_at_once),
	    T(rotate_with_overlap_lets_the_old_token_work_on),
	    T(rotate_takes_a_verifier_of_the_keys_own_id),
	    T(rotate_leaves_the_keys_end_alone_and_says_when_it_is_past),
	    cmocka_unit_test(rotation_keeps_at_most_one_old_secret_and_never_longer_than_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
