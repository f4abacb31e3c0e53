/* A key as an LDAP entry's values, and back. */
#include <stdlib.h>
#include <string.h>

#include "dirtext.h"
#include "num.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define VERIFIER(id)                                                                           \
	"apikey-verifier-1:" id ":00112233445566778899aabbccddeeff:"                           \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SECRET "1 20261121223000Z never " VERIFIER("A123456789")

static void
times_are_read_as_rfc_4517_has_them(void **state)
{
	static const struct {
		const char *text;
		int64_t t; /* -1: none */
	} rows[] = {
	    {"19700101000000Z", 0},
	    {"20261121223000Z", 1795300200},
	    {"202611212230Z", 1795300200},
	    {"2026112122Z", 1795298400},
	    {"20261121223000.5Z", 1795300200},
	    {"20261121223000,123Z", 1795300200},
	    {"20261122003000+0200", 1795300200},
	    {"20261121173000-0500", 1795300200},
	    {"", -1},
	    {"20261121223000", -1},
	    {"20261121", -1},
	    {"2026112122300Z", -1},
	    {"20261321223000Z", -1},
	    {"20261121253000Z", -1},
	    {"20261121223000.Z", -1},
	    {"2026112122.5Z", -1},
	    {"20261121223000+02:00", -1},
	    {"20261121223000+2", -1},
	    {"20261121223000Zx", -1},
	    {" 20261121223000Z", -1},
	    {"2026-11-21T22:30:00Z", -1},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		int64_t t = -1;
		enum ak_err err = dirtext_parse_time(rows[i].text, &t);

		assert_err(rows[i].text, rows[i].t == -1 ? AK_ERR_INVALID : AK_OK, err);
		assert_row(rows[i].text, t == rows[i].t);
	}
}

static void
a_time_comes_back(void **state)
{
	struct rnd r = rnd_start("dirtext times");
	char buf[DIRTEXT_TIME_CAP];
	int64_t t, back;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		t = (int64_t)rnd_below(&r, UINT64_C(200000000000));
		assert_err("", AK_OK, dirtext_parse_time(dirtext_print_time(t, buf), &back));
		assert_int_equal(back, t);
	}
}

/* One attribute changed in an entry that is sound. */
static void
what_no_key_can_be_is_refused(void **state)
{
	static const struct {
		const char *row;
		enum directory_slot slot;
		const char *values; /* joined by newlines */
		bool good;
	} rows[] = {
	    {"as it is", SLOT_NAME, "ci-deploy", true},
	    {"no name", SLOT_NAME, "", false},
	    {"two names", SLOT_NAME, "ci-deploy\nother", false},
	    {"a name with a colon", SLOT_NAME, "ci:deploy", false},
	    {"root's own name is a name", SLOT_NAME, "root", true},
	    {"another case", SLOT_NAME, "CI", false},
	    {"no id", SLOT_KEY_ID, "", false},
	    {"a short id", SLOT_KEY_ID, "A12345678", false},
	    {"an id that its secret is not for", SLOT_KEY_ID, "B123456789", false},
	    {"abuse 156: uid 0", SLOT_KEY_UID, "0", false},
	    {"a system's uid", SLOT_KEY_UID, "999", false},
	    {"nobody", SLOT_KEY_UID, "65534", false},
	    {"-1", SLOT_KEY_UID, "4294967295", false},
	    {"no number", SLOT_KEY_UID, "1e9", false},
	    {"too large a number", SLOT_KEY_UID, "4294967296", false},
	    {"two uids", SLOT_KEY_UID, "1879048193\n1879048194", false},
	    {"no secret at all", SLOT_KEY_VERIFIER, "", true},
	    {"a secret of another shape", SLOT_KEY_VERIFIER, "x", false},
	    {"two secrets of one number", SLOT_KEY_VERIFIER, SECRET "\n" SECRET, false},
	    {"a secret number 0", SLOT_KEY_VERIFIER,
		"0 20261121223000Z never " VERIFIER("A123456789"), false},
	    {"another key's secret", SLOT_KEY_VERIFIER,
		"1 20261121223000Z never " VERIFIER("B123456789"), false},
	    {"disabled", SLOT_KEY_STATE, "disabled", true},
	    {"no such state", SLOT_KEY_STATE, "enabled", false},
	    {"an end", SLOT_KEY_EXPIRES, "20271121223000Z", true},
	    {"an end that is no time", SLOT_KEY_EXPIRES, "soon", false},
	    {"two ends", SLOT_KEY_EXPIRES, "20271121223000Z\n20281121223000Z", false},
	    {"a beginning that is no time", SLOT_KEY_NOT_BEFORE, "never", false},
	    {"a description", SLOT_KEY_DESCRIPTION, "Prüfung", true},
	    {"a binding", SLOT_BINDING, "viewer\neditor:spaces:a,b", true},
	    {"what is no binding", SLOT_BINDING, "viewer:x", false},
	    {"a group", SLOT_KEY_GROUP, "Cloud Operators", true},
	    {"a network", SLOT_KEY_FROM, "10.0.0.0/8", true},
	    {"a network that can't be read", SLOT_KEY_FROM, "10.0.0.1/8", false},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct directory_entry e = {.search = DIRECTORY_KEYS, .dn = "cn=x"};
		char values[1024];
		struct text t = text_over(values, sizeof(values));
		struct diag why = DIAG_INIT;
		struct key_record k;
		enum ak_err err;

		e.values[SLOT_NAME] = (struct strv){"ci-deploy", 10};
		e.values[SLOT_KEY_ID] = (struct strv){"A123456789", 11};
		e.values[SLOT_KEY_UID] = (struct strv){"1879048193", 11};
		e.values[SLOT_KEY_VERIFIER] = (struct strv){SECRET, sizeof(SECRET)};
		text_add(&t, "%s", rows[i].values);
		for (char *c = values; *c != '\0'; c++)
			if (*c == '\n')
				*c = '\0';
		e.values[rows[i].slot] =
		    (struct strv){values, rows[i].values[0] == '\0' ? 0 : t.len + 1};
		err = dirtext_key_of_entry(&e, &k, &why);
		assert_err(rows[i].row, rows[i].good ? AK_OK : AK_ERR_INVALID, err);
		assert_row(rows[i].row, (why.text[0] == '\0') == rows[i].good);
		assert_row(rows[i].row, strstr(why.text, "00112233") == NULL);
		assert_row(rows[i].row, rows[i].good || k.name[0] == '\0');
		key_record_clear(&k);
	}
}

/* That many values are no accident: a key has so many of none. */
static void
more_values_than_a_key_has_are_refused(void **state)
{
	static const struct {
		enum directory_slot slot;
		const char *value;
		unsigned most;
	} rows[] = {{SLOT_BINDING, "viewer", 256}, {SLOT_KEY_GROUP, "ops", 256},
	    {SLOT_KEY_FROM, "10.0.0.0/8", 256}, {SLOT_KEY_VERIFIER, SECRET, 1}};
	static char values[32768];

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		for (unsigned more = 0; more < 3; more++) {
			struct directory_entry e = {.search = DIRECTORY_KEYS, .dn = "cn=x"};
			size_t each_b = strlen(rows[i].value) + 1;
			struct diag why = DIAG_INIT;
			struct key_record k;

			for (unsigned v = 0; v < rows[i].most + more; v++)
				memcpy(values + v * each_b, rows[i].value, each_b);
			e.values[SLOT_NAME] = (struct strv){"ci-deploy", 10};
			e.values[SLOT_KEY_ID] = (struct strv){"A123456789", 11};
			e.values[SLOT_KEY_UID] = (struct strv){"1879048193", 11};
			e.values[rows[i].slot] =
			    (struct strv){values, (rows[i].most + more) * each_b};
			assert_err(rows[i].value, more == 0 ? AK_OK : AK_ERR_INVALID,
			    dirtext_key_of_entry(&e, &k, &why));
			assert_row(rows[i].value,
			    (strstr(why.text, "has more than") != NULL) ==
				(more > (rows[i].slot == SLOT_KEY_VERIFIER ? 1U : 0U)));
			key_record_clear(&k);
		}
}

static void
secrets_come_newest_first_whatever_the_server_says(void **state)
{
	static const char values[] = "1 20261121223000Z 20261122223000Z " VERIFIER(
	    "A123456789") "\0"
			  "2 20261121223000Z never " VERIFIER("A123456789");
	struct directory_entry e = {.search = DIRECTORY_KEYS, .dn = "cn=x"};
	struct key_record k;

	(void)state;
	e.values[SLOT_NAME] = (struct strv){"ci", 3};
	e.values[SLOT_KEY_ID] = (struct strv){"A123456789", 11};
	e.values[SLOT_KEY_UID] = (struct strv){"1879048193", 11};
	e.values[SLOT_KEY_VERIFIER] = (struct strv){values, sizeof(values)};
	assert_err("", AK_OK, dirtext_key_of_entry(&e, &k, NULL));
	assert_int_equal(k.n_secrets, 2);
	assert_int_equal(k.secrets[0].number, 2);
	assert_int_equal(k.secrets[0].not_after, NUM_NEVER);
	assert_int_equal(k.secrets[1].not_after, 1795300200 + 86400);
	assert_int_equal(k.secrets[1].salt[15], 0xff);
	key_record_clear(&k);
}

/* What the command writes is what the daemon reads. */
static void
a_key_comes_back(void **state)
{
	struct key_record k = KEY_RECORD_INIT, back;
	struct pack values[SLOT_COUNT], one = PACK_INIT, two = PACK_INIT;
	struct directory_entry e = {.search = DIRECTORY_KEYS, .dn = "cn=x"};

	(void)state;
	memset(values, 0, sizeof(values));
	memcpy(k.name, "ci", 3);
	memcpy(k.id, "A123456789", 11);
	k.uid = 1879048200;
	k.state = KEY_DISABLED;
	k.n_secrets = 2;
	k.secrets[0] = (struct key_secret){2, {1}, {2}, 1795300200, NUM_NEVER};
	k.secrets[1] = (struct key_secret){1, {3}, {4}, 1795300100, 1795400000};
	k.created_at = 1795300100;
	k.not_before = 1795300150;
	k.expires_at = 1895300200;
	k.created_by = "alice";
	k.description = "deploys";
	k.owner = "team";
	k.bindings = (struct strv){"viewer\0editor:spaces:a", 23};
	k.groups = (struct strv){"ops", 4};
	k.from = (struct strv){"10.0.0.0/8", 11};
	for (unsigned s = 1; s < SLOT_COUNT; s++) {
		dirtext_values_of_key(&k, s, &values[s]);
		assert_err("", AK_OK, values[s].err);
		e.values[s] = pack_borrow_strv(&values[s]);
		assert_true(values[s].len_b == 0 || dirtext_attribute(s) != NULL);
	}
	assert_err("", AK_OK, dirtext_key_of_entry(&e, &back, NULL));
	key_record_pack(&k, &one);
	key_record_pack(&back, &two);
	assert_int_equal(one.len_b, two.len_b);
	assert_memory_equal(one.bytes, two.bytes, one.len_b);
	pack_wipe(&one);
	pack_wipe(&two);
	key_record_clear(&back);
	for (unsigned s = 1; s < SLOT_COUNT; s++)
		pack_wipe(&values[s]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_read_as_rfc_4517_has_them),
	    cmocka_unit_test(a_time_comes_back),
	    cmocka_unit_test(what_no_key_can_be_is_refused),
	    cmocka_unit_test(more_values_than_a_key_has_are_refused),
	    cmocka_unit_test(secrets_come_newest_first_whatever_the_server_says),
	    cmocka_unit_test(a_key_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
