/* What LDAP's entries come to on this host: rules, one by one. */
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "testlib_cmocka.h"
#include "testlib_ldap.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define V(...) ((const struct ldap_value[]){__VA_ARGS__, {0, NULL}})
#define KEY(name, id, uid)                                                                     \
	V({SLOT_NAME, name}, {SLOT_KEY_ID, id}, {SLOT_KEY_UID, uid}, {SLOT_KEY_STATE, "active"})

static struct model_changes
settle(struct model *m, struct ldap_host *h)
{
	struct model_changes changes;

	assert_err("", AK_OK, model_settle(m, ldap_host_look(h), &changes));
	return changes;
}

static enum ak_err
count_key(void *ctx, const struct key_record *k)
{
	size_t *n = ctx;

	(void)k;
	(*n)++;
	return AK_OK;
}

static size_t
count_served(const struct model *m)
{
	size_t n = 0;

	assert_err("", AK_OK, model_each_key(m, count_key, &n));
	return n;
}

static void
what_is_not_served_is_told_once_and_why(void **state)
{
	static const struct {
		const char *name, *id, *uid, *why; /* why NULL: served */
	} rows[] = {
	    {"dora", "A000000001", "1879048193", NULL},
	    {"dora", "A000000001", "1879048198",
		"its uid 1879048198 is not in directory.uid_range"},
	    {"dora", "A000000001", "70005", "its uid 70005 is not in directory.uid_range"},
	    {"dora", "A000000001", "0", "apikeyUid"},
	    {"dora", "A000000001", "65534", "apikeyUid"},
	    {"Dora", "A000000001", "1879048193", "apikeyName"},
	    {"dora", "x", "1879048193", "apikeyId"},
	    {"anna", "A000000001", "1879048193", "a key of this host has the name anna"},
	    {"dora", "L000000000", "1879048193", "a key of this host has the id L000000000"},
	    {"dora", "A000000001", "1879048196", "a key of this host has the uid 1879048196"},
	    {"www-data", "A000000001", "1879048193", "of this host has the name www-data"},
	    {"dora", "A000000001", "1879048197", "of this host has the id 1879048197"},
	    {"twin", "A000000001", "1879048193", "of the directory has the name twin too"},
	    {"dora", "T000000000", "1879048193", "of the directory has the id T000000000 too"},
	    {"dora", "A000000001", "1879048192", "of the directory has the uid 1879048192 too"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct model *m = model_new();
		bool served = rows[i].why == NULL;
		struct ldap_host h;

		ldap_host_start(&h);
		ldap_host_local(&h, 0, "anna", FIRST_UID + 4, "L000000000");
		h.taken_name = "www-data";
		h.taken_id = FIRST_UID + 5;
		assert_err("", AK_OK,
		    ldap_put(m, DIRECTORY_KEYS, 1, "cn=twin",
			KEY("twin", "T000000000", "1879048192")));
		(void)settle(m, &h);
		assert_int_equal(h.n_skipped, 0);
		assert_err("", AK_OK,
		    ldap_put(m, DIRECTORY_KEYS, 2, "cn=it",
			KEY(rows[i].name, rows[i].id, rows[i].uid)));
		(void)settle(m, &h);
		assert_row(rows[i].name, served == (model_count_skipped(m) == 0));
		if (!served && strstr(h.skipped_why, rows[i].why) == NULL && h.n_skipped == 1)
			fail_msg("`%s' is not `%s'", h.skipped_why, rows[i].why);
		/* Two that share something are two sentences; at the next call none. */
		assert_row(rows[i].why == NULL ? "" : rows[i].why,
		    h.n_skipped == (served ? 0 : 1 + (strstr(rows[i].why, "too") != NULL)));
		assert_true(served || h.n_skipped == 2 || strcmp(h.skipped_dn, "cn=it") == 0);
		h.n_skipped = 0;
		(void)settle(m, &h);
		assert_row(rows[i].name, h.n_skipped == 0);
		model_free(&m);
		ldap_host_end(&h);
	}
}

static void
a_local_key_ends_one_of_ldap_of_its_name(void **state)
{
	struct model *m = model_new();
	struct model_changes changes;
	struct ldap_host h;

	(void)state;
	ldap_host_start(&h);
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_KEYS, 1, "cn=dora", KEY("dora", "A000000001", "1879048192")));
	changes = settle(m, &h);
	assert_int_equal(changes.n_uids, 1);
	assert_int_equal(count_served(m), 1);
	ldap_host_local(&h, 0, "dora", 70000, "L000000000");
	changes = settle(m, &h);
	assert_int_equal(count_served(m), 0);
	assert_int_equal(changes.n_uids, 2);
	assert_true(changes.keys);
	ldap_host_end(&h);
	model_free(&m);
}

static void
a_uid_is_no_other_keys_while_its_first_ones_entry_is_there(void **state)
{
	struct model *m = model_new();
	const unsigned char uuid[DIRECTORY_UUID_B] = {
	    DIRECTORY_KEYS, [DIRECTORY_UUID_B - 1] = 1};
	struct ldap_host h;

	(void)state;
	ldap_host_start(&h);
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_KEYS, 1, "cn=dora", KEY("dora", "A000000001", "1879048192")));
	(void)settle(m, &h);
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_KEYS, 1, "cn=dora", KEY("dora", "A000000001", "1879048193")));
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_KEYS, 2, "cn=emil", KEY("emil", "A000000002", "1879048192")));
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 1);
	assert_non_null(strstr(h.skipped_why, "was that of the key A000000001"));
	assert_err("", AK_OK, model_gone(m, DIRECTORY_KEYS, uuid, 1));
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 1);
	assert_int_equal(model_count_skipped(m), 0);
	ldap_host_end(&h);
	model_free(&m);
}

static void
what_a_group_cannot_use_is_told_and_the_rest_counts(void **state)
{
	const struct {
		const char *row;
		const struct ldap_value *v;
		const char *why;
	} rows[] = {
	    {"no name", V({SLOT_MEMBER_NAME, "anna"}), "the group has no name"},
	    {"name of two lines", V({SLOT_NAME, "a\nb"}, {SLOT_NAME, "g"}), "one line of UTF-8"},
	    {"name not UTF-8", V({SLOT_NAME, "\xff"}, {SLOT_NAME, "g"}), "one line of UTF-8"},
	    {"binding", V({SLOT_NAME, "g"}, {SLOT_BINDING, "No Role"}), "a role of the group"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct model *m = model_new();
		struct ldap_host h;

		ldap_host_start(&h);
		assert_err("", AK_OK, ldap_put(m, DIRECTORY_GROUPS, 1, "cn=g", rows[i].v));
		(void)settle(m, &h);
		assert_row(rows[i].row, strstr(h.skipped_why, rows[i].why) != NULL);
		assert_row(rows[i].row, h.n_skipped == 1);
		(void)settle(m, &h);
		assert_row(rows[i].row, h.n_skipped == 1);
		model_free(&m);
		ldap_host_end(&h);
	}
}

static void
two_principals_of_one_local_key_are_told_and_those_of_nobody_are_not(void **state)
{
	struct model *m = model_new();
	struct ldap_host h;

	(void)state;
	ldap_host_start(&h);
	ldap_host_local(&h, 0, "anna", 70000, "L000000000");
	for (unsigned i = 1; i <= 2; i++) {
		assert_err("", AK_OK,
		    ldap_put(m, DIRECTORY_PRINCIPALS, i, "cn=anna", V({SLOT_NAME, "Anna"})));
		assert_err("", AK_OK,
		    ldap_put(m, DIRECTORY_PRINCIPALS, i + 2, "cn=b", V({SLOT_NAME, "bert"})));
	}
	(void)settle(m, &h);
	assert_int_equal(h.n_skipped, 2);
	assert_string_equal(h.skipped_dn, "cn=anna");
	ldap_host_local(&h, 1, "bert", 70001, "L000000001");
	(void)settle(m, &h);
	assert_int_equal(h.n_skipped, 4);
	assert_string_equal(h.skipped_dn, "cn=b");
	ldap_host_end(&h);
	model_free(&m);
}

/* Of dora: her groups and bindings, packed. */
static enum ak_err
note_membership(void *ctx, const char *name, struct strv groups, struct strv bindings)
{
	(void)bindings;
	if (strcmp(name, "dora") == 0)
		return text_copy(
		    ctx, 64, strv_count(groups) == 1 ? strv_next(groups, NULL) : "");
	return AK_OK;
}

static void
each_change_of_a_group_reaches_the_keys_below_it(void **state)
{
	static const struct {
		const char *row, *dn, *name, *lists,
		    *in; /* the group `inner`; dora's only group then */
	} rows[] = {
	    {"a member", "cn=inner", "inner", "cn=dora", ""},
	    {"renamed", "cn=inner", "other", "cn=dora", ""},
	    {"moved away", "cn=moved", "other", "cn=dora", "other"},
	    {"moved back", "cn=inner", "other", "cn=dora", ""},
	    {"struck off", "cn=inner", "other", "cn=nobody", ""},
	};
	struct model *m = model_new();
	char got[64];
	struct ldap_host h;
	unsigned n = 0;

	(void)state;
	ldap_host_start(&h);
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_KEYS, 1, "cn=dora", KEY("dora", "A000000001", "1879048192")));
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_GROUPS, 1, "cn=outer",
		V({SLOT_NAME, "outer"}, {SLOT_MEMBER_DN, "cn=inner"})));
	(void)settle(m, &h);
	for (size_t i = 0; i < N(rows); i++) {
		struct model_changes changes;

		assert_err(rows[i].row, AK_OK,
		    ldap_put(m, DIRECTORY_GROUPS, 2, rows[i].dn,
			V({SLOT_NAME, rows[i].name}, {SLOT_MEMBER_DN, rows[i].lists})));
		changes = settle(m, &h);
		n += changes.n_uids == 1 && changes.groups && !changes.keys;
		assert_err("", AK_OK, model_each_membership(m, note_membership, got));
		assert_row(rows[i].row, strcmp(got, rows[i].in) == 0);
	}
	assert_int_equal(n, N(rows));
	ldap_host_end(&h);
	model_free(&m);
}

static void
a_refresh_that_brings_the_same_changes_nothing(void **state)
{
	struct model *m = model_new();
	struct model_changes changes;
	struct ldap_host h;

	(void)state;
	ldap_host_start(&h);
	for (unsigned i = 0; i < 2; i++) {
		assert_err("", AK_OK, model_begin(m, DIRECTORY_KEYS));
		assert_err("", AK_OK,
		    ldap_put(m, DIRECTORY_KEYS, 1, "cn=dora",
			KEY("dora", "A000000001", "1879048192")));
		assert_err("", AK_OK,
		    model_end(m, DIRECTORY_KEYS, true, (const unsigned char *)"c", 1));
		changes = settle(m, &h);
		assert_int_equal(changes.n_uids, i == 0);
		assert_true(changes.keys == (i == 0) && changes.groups == (i == 0));
	}
	assert_err(
	    "", AK_OK, model_set_cookie(m, DIRECTORY_KEYS, (const unsigned char *)"d", 1));
	changes = settle(m, &h);
	assert_true(!changes.keys && !changes.groups && changes.n_uids == 0);
	ldap_host_end(&h);
	model_free(&m);
}

static void
the_range_and_what_is_taken_here_are_looked_at_anew_when_they_differ(void **state)
{
	struct model *m = model_new();
	struct ldap_host h;

	(void)state;
	ldap_host_start(&h);
	assert_err("", AK_OK,
	    ldap_put(m, DIRECTORY_KEYS, 1, "cn=dora", KEY("dora", "A000000001", "1879048193")));
	(void)settle(m, &h);
	h.settings.directory.uids.max = FIRST_UID;
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 0);
	h.settings.directory.uids.max = FIRST_UID + 1;
	h.taken_name = "dora";
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 0);
	h.taken_name = "";
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 0);
	h.h.taken_version++;
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 1);
	h.h.taken_version = 0;
	(void)settle(m, &h);
	h.taken_id = FIRST_UID + 1;
	(void)settle(m, &h);
	assert_int_equal(count_served(m), 0);
	ldap_host_end(&h);
	model_free(&m);
}

static void
misuse_is_refused(void **state)
{
	static const unsigned char uuid[DIRECTORY_UUID_B];
	struct model *m = model_new();
	struct directory_entry e = {.search = DIRECTORY_KEYS, .dn = ""};

	(void)state;
	assert_err("", AK_ERR_INVALID, model_present(m, DIRECTORY_KEYS, uuid, 1));
	assert_err("", AK_ERR_INVALID, model_end(m, DIRECTORY_KEYS, true, NULL, 0));
	assert_err("", AK_OK, model_begin(m, DIRECTORY_KEYS));
	assert_err("", AK_ERR_INVALID, model_present(m, DIRECTORY_GROUPS, uuid, 1));
	model_abort(m);
	assert_err("", AK_ERR_INVALID, model_end(m, DIRECTORY_KEYS, true, NULL, 0));
	assert_err("", AK_ERR_INVALID, model_put(m, &e));
	e = (struct directory_entry){.search = 4, .dn = "cn=x"};
	assert_err("", AK_ERR_INVALID, model_put(m, &e));
	assert_err("", AK_ERR_INVALID, model_begin(m, 0));
	assert_err("", AK_ERR_INVALID, model_begin(m, 4));
	model_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_served_is_told_once_and_why),
	    cmocka_unit_test(a_local_key_ends_one_of_ldap_of_its_name),
	    cmocka_unit_test(a_uid_is_no_other_keys_while_its_first_ones_entry_is_there),
	    cmocka_unit_test(what_a_group_cannot_use_is_told_and_the_rest_counts),
	    cmocka_unit_test(
		two_principals_of_one_local_key_are_told_and_those_of_nobody_are_not),
	    cmocka_unit_test(each_change_of_a_group_reaches_the_keys_below_it),
	    cmocka_unit_test(a_refresh_that_brings_the_same_changes_nothing),
	    cmocka_unit_test(
		the_range_and_what_is_taken_here_are_looked_at_anew_when_they_differ),
	    cmocka_unit_test(misuse_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
