#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parents.h"
#include "policy.h"
#include "testlib_alloc.h"
#include "testlib_random.h"

static enum ak_err
compile(const char *text, struct image **out, struct diag *why)
{
	struct settings settings;

	settings_default(&settings);
	return policy_compile(text, strlen(text), "policy.yaml", &settings, out, why);
}

static struct image *
compiled(const char *text)
{
	struct diag why = DIAG_INIT;
	struct image *im = NULL;
	enum ak_err err = compile(text, &im, &why);

	assert_err(why.text, AK_OK, err);
	assert_non_null(im);
	return im;
}

struct refusal {
	const char *text;
	unsigned line, col;
	const char *says;
};

static void
check_refusals(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct image *im = NULL;
		struct diag why = DIAG_INIT;
		char row[1024];
		enum ak_err err = compile(rows[i].text, &im, &why);

		assert_err(rows[i].text, AK_ERR_INVALID, err);
		assert_null(im);
		(void)diag_print(&why, row, sizeof(row));
		assert_row(row, strcmp(why.file, "policy.yaml") == 0);
		assert_row(row, why.line == rows[i].line && why.col == rows[i].col);
		assert_row(row, strstr(why.text, rows[i].says) != NULL);
	}
}

#define CHECK_REFUSALS(rows) check_refusals((rows), sizeof(rows) / sizeof((rows)[0]))

static const char example[] = "version: 1\n"
			      "spaces:\n"
			      "  production: {}\n"
			      "  production-eu: {parent: production}\n"
			      "  staging:\n"
			      "roles:\n"
			      "  viewer:   {services: [sshd]}\n"
			      "  deployer: {services: [sshd, sudo], unix_groups: [deployers]}\n"
			      "  admin:    {services: ['*'], unix_groups: [operators, _x], "
			      "root_equivalent: true, description: "
			      "on-call operators}\n"
			      "  nothing:\n";

static void
roles_and_spaces_are_found_by_name(void **state)
{
	struct image *im = compiled(example);
	struct image_role role;

	(void)state;
	assert_int_equal(image_count_roles(im), 4);
	role = image_role(im, image_find_role(im, "admin"));
	assert_string_equal(role.name, "admin");
	assert_string_equal(role.description, "on-call operators");
	assert_int_equal(strv_count(role.services), 1);
	assert_true(strv_has(role.services, "*"));
	assert_int_equal(strv_count(role.unix_groups), 2);
	assert_true(strv_has(role.unix_groups, "operators"));
	assert_true(role.root_equivalent);
	assert_int_equal(role.line, 9);
	assert_int_equal(role.col, 3);
	role = image_role(im, image_find_role(im, "nothing"));
	assert_int_equal(role.services.len_b, 0);
	assert_int_equal(role.unix_groups.len_b, 0);
	assert_string_equal(role.description, "");
	assert_false(role.root_equivalent);
	assert_int_equal(image_find_role(im, "editor"), IMAGE_NONE);
	assert_int_equal(image_find_role(im, ""), IMAGE_NONE);
	assert_string_equal(image_policy_file(im), "policy.yaml");
	image_free(&im);
}

static void
root_is_every_spaces_last_ancestor(void **state)
{
	struct image *im = compiled(example);
	uint32_t root = image_find_space(im, "root");
	struct image_space s;

	(void)state;
	assert_int_equal(image_count_spaces(im), 4);
	assert_int_not_equal(root, IMAGE_NONE);
	assert_int_equal(image_space(im, root).parent, IMAGE_NONE);
	assert_int_equal(image_space(im, root).line, 0);
	s = image_space(im, image_find_space(im, "production-eu"));
	assert_int_equal(s.parent, image_find_space(im, "production"));
	assert_int_equal(s.line, 4);
	assert_int_equal(image_space(im, s.parent).parent, root);
	assert_int_equal(image_space(im, image_find_space(im, "staging")).parent, root);
	image_free(&im);
}

static void
root_may_be_named_and_have_no_parent(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspaces:\n  a: {}\n  root: {parent: a}\n", 4, 18,
		"`root' has no parent"},
	    {"version: 1\nspaces:\n  root: {parent: root}\n", 3, 18, "`root' has no parent"},
	};
	struct image *im =
	    compiled("version: 1\nspaces: {z: {}, root: {}, a: {parent: root}}\n");

	(void)state;
	assert_int_equal(image_count_spaces(im), 3);
	assert_int_equal(image_space(im, image_find_space(im, "root")).line, 2);
	image_free(&im);
	CHECK_REFUSALS(rows);
}

static void
a_policy_for_nobody_is_a_policy(void **state)
{
	static const char *const rows[] = {"version: 1\n", "version: 1\nroles:\nspaces:\n",
	    "version: 1\nroles: {}\nspaces: {}\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image *im = compiled(rows[i]);

		assert_int_equal(image_count_roles(im), 0);
		assert_int_equal(image_count_spaces(im), 1);
		image_free(&im);
	}
}

static void
abuse_051_an_empty_policy_is_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"", 1, 1, "the policy is empty"},
	    {"# words\n", 1, 1, "the policy is empty"},
	    {"---\n", 1, 1, "the policy is empty"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_043_duplicate_keys_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nroles: {}\nroles: {}\n", 3, 1,
		"`roles' is given twice (first at line 2)"},
	    {"version: 1\nroles:\n  a: {}\n  a: {services: ['*']}\n", 4, 3,
		"`a' is given twice"},
	    {"version: 1\nroles:\n  a: {services: [x], services: [y]}\n", 3, 22, "`services'"},
	    {"version: 1\nspaces:\n  a: {}\n  a: {}\n", 4, 3, "`a' is given twice"},
	    {"version: 1\nroles:\n  a: {services: [sshd, x, sshd]}\n", 3, 27,
		"`sshd' is given twice"},
	    {"version: 1\nroles:\n  a: {unix_groups: [g, g]}\n", 3, 24, "`g' is given twice"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_044_unknown_keys_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nrole: {}\n", 2, 1, "did you mean `roles'?"},
	    {"version: 1\nrules: []\n", 2, 1, "no key `rules'"},
	    {"version: 1\ndenies: []\n", 2, 1, "no key `denies'"},
	    {"version: 1\ngrants: []\n", 2, 1, "did you mean `grant'?"},
	    {"version: 1\ndefine: {a: {logins: x}}\n", 2, 14, "did you mean `login'?"},
	    {"version: 1\ndefine: {a: {decision: allow}}\n", 2, 14, "no key `decision'"},
	    {"version: 1\nallow: [{reason: x}]\n", 2, 10, "an allow rule has no key `reason'"},
	    {"version: 1\nallow: [{not: {id: x}}]\n", 2, 16, "a condition has no key `id'"},
	    {"version: 1\naccounts: {a: {only_key: true}}\n", 2, 16,
		"did you mean `only_keys'?"},
	    {"version: 1\ngroups: {g: [{roles: a}]}\n", 2, 15, "did you mean `role'?"},
	    {"version: 1\nallow: [{time: {day: Mon}}]\n", 2, 17, "did you mean `days'?"},
	    {"version: 1\ntests: [{name: a, gives: {}}]\n", 2, 19, "no key `gives'"},
	    {"version: 1\nroles:\n  a: {service: [x]}\n", 3, 7, "a role has no key `service'"},
	    {"version: 1\nroles:\n  a: {unix-groups: [x]}\n", 3, 7,
		"did you mean `unix_groups'?"},
	    {"version: 1\nspaces:\n  a: {parents: root}\n", 3, 7, "did you mean `parent'?"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
a_file_that_is_not_plain_yaml_is_refused_whole(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nroles: &r {}\n", 2, 8, "anchors"},
	    {"version: 1\nroles: *r\n", 2, 8, "aliases"},
	    {"version: 1\nroles: {a: {services: [*]}}\n", 2, 24, "quote"},
	    {"version: 1\nroles:\n\ta: {}\n", 3, 1, "use spaces"},
	    {"\xef\xbb\xbfversion: 1\n", 1, 1, "byte order mark"},
	    {"version: !!int 1\n", 1, 10, "tags"},
	    {"version: 1\n---\nroles: {}\n", 2, 1, "second document"},
	    {"version: 1\nroles: {a: {services: [sshd]}\n", 3, 1, "line 2"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_049_values_are_typed_by_the_schema(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nroles: {a: {root_equivalent: yes}}\n", 2, 30,
		"true or false, not `yes'"},
	    {"version: 1\nroles: {a: {root_equivalent: on}}\n", 2, 30, "true or false"},
	    {"version: 1\nroles: {a: {root_equivalent: 1}}\n", 2, 30, "true or false"},
	    {"version: 1\nroles: {a: {root_equivalent: }}\n", 2, 30, "no value"},
	    {"version: 1\nroles: {a: yes}\n", 2, 12, "a role is a mapping"},
	    {"version: 1\nroles: {a: ''}\n", 2, 12, "a role is a mapping"},
	    {"version: 1\nroles: [a]\n", 2, 8, "`roles' is a mapping"},
	    {"version: 1\nspaces: a\n", 2, 9, "`spaces' is a mapping"},
	    {"version: 1\nspaces: [a]\n", 2, 9, "`spaces' is a mapping"},
	    {"version: 1\nspaces: {a: b}\n", 2, 13, "a space is a mapping"},
	    {"[]\n", 1, 1, "policy.yaml is a mapping"},
	};
	struct image *im = compiled("version: '1'\nspaces: {0777: {parent: yes}, yes: {}}\n"
				    "roles: {on: {services: [0777, 10:00]}}\n");

	(void)state;
	assert_int_not_equal(image_find_space(im, "0777"), IMAGE_NONE);
	assert_true(strv_has(image_role(im, 0).services, "10:00"));
	image_free(&im);
	CHECK_REFUSALS(rows);
}

static void
bad_names_and_values_are_refused_at_their_place(void **state)
{
	static const struct refusal rows[] = {
	    {"roles: {}\n", 1, 1, "`version: 1' is missing"},
	    {"version: 3\n", 1, 10, "reads version 1"},
	    {"version: 1\nroles: {Admin: {}}\n", 2, 9, "`Admin' is no name of a role"},
	    {"version: 1\nroles: {'': {}}\n", 2, 9, "`' is no name of a role"},
	    {"version: 1\nroles: {'a:b': {}}\n", 2, 9, "no name of a role"},
	    {"version: 1\nspaces: {a b: {}}\n", 2, 10, "no name of a space"},
	    {"version: 1\nspaces: {-a: {}}\n", 2, 10, "no name of a space"},
	    {"version: 1\nspaces: {a: {parent: [root]}}\n", 2, 22, "one text, not a list"},
	    {"version: 1\nspaces: {a: {parent: }}\n", 2, 22, "no value"},
	    {"version: 1\nroles: {a: {services: 'sshd, sudo'}}\n", 2, 23, "not a PAM service"},
	    {"version: 1\nroles: {a: {services: [sshd,sudo*,'s?hd']}}\n", 2, 35,
		"only wildcard"},
	    {"version: 1\nroles: {a: {services: ['s[a]']}}\n", 2, 24, "only wildcard"},
	    {"version: 1\nroles: {a: {services: ['/etc/pam.d/sshd']}}\n", 2, 24, "PAM service"},
	    {"version: 1\nroles: {a: {services: [\"a\\tb\"]}}\n", 2, 24, "PAM service"},
	    {"version: 1\nroles: {a: {services: ['']}}\n", 2, 24, "no value"},
	    {"version: 1\nroles: {a: {services: [[sshd]]}}\n", 2, 24, "one text, not a list"},
	    {"version: 1\nroles: {a: {services: {sshd: x}}}\n", 2, 23, "not a mapping"},
	    {"version: 1\nroles: {a: {unix_groups: ['*']}}\n", 2, 27, "a Unix group's name"},
	    {"version: 1\nroles: {a: {unix_groups: [Ops]}}\n", 2, 27, "a Unix group's name"},
	    {"version: 1\nroles: {a: {unix_groups: ['a:b']}}\n", 2, 27, "a Unix group's name"},
	    {"version: 1\nroles: {a: {description: \"a\\nb\"}}\n", 2, 26, "one line"},
	    {"version: 1\nroles: {a: {description: \"\\e[2J\"}}\n", 2, 26, "control characters"},
	    {"version: 1\nroles: {a: {description: \"\\u009b2J\"}}\n", 2, 26,
		"control characters"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
undeclared_parents_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspaces:\n  a: {parent: b}\n", 3, 15,
		"`a' is below `b', which is not declared"},
	    {"version: 1\nspaces:\n  a: {parent: Root}\n", 3, 15, "not declared"},
	    {"version: 1\nspaces:\n  a: {}\n  b: {parent: 'a '}\n", 4, 15, "not declared"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_053_cycles_of_spaces_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspaces:\n  a: {parent: a}\n", 3, 3, "`a' is its own parent"},
	    {"version: 1\nspaces:\n  z: {parent: a}\n  a: {parent: z}\n", 3, 3,
		"`z' is below itself, through its parent `a'"},
	    {"version: 1\nspaces:\n  out: {parent: b}\n  c: {parent: b}\n  a: {parent: c}\n  "
	     "b: {parent: a}\n",
		4, 3, "`c' is below itself, through its parent `b'"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

/* The longest chain that fits into the limits, closed into a ring or not. */
static void
a_chain_of_100000_spaces_is_a_tree_and_a_ring_is_not(void **state)
{
	const unsigned n = 100000;
	char *text = malloc(64 * (size_t)n), *at = text;
	struct image *im = NULL;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "version: 1\nspaces:\n  s0: {}\n");
	for (unsigned i = 1; i < n; i++)
		at += sprintf(at, "  s%u: {parent: s%u}\n", i, i - 1);
	im = compiled(text);
	assert_int_equal(image_count_spaces(im), n + 1);
	image_free(&im);
	at = text + sprintf(text, "version: 1\nspaces:\n  s0: {parent: s%u}\n", n - 1);
	for (unsigned i = 1; i < n; i++)
		at += sprintf(at, "  s%u: {parent: s%u}\n", i, i - 1);
	assert_err("ring", AK_ERR_INVALID, compile(text, &im, NULL));
	free(text);
}

static void
a_text_stands_for_a_list_of_one(void **state)
{
	struct image *im =
	    compiled("version: 1\nroles: {a: {services: sshd, unix_groups: ops}}\n");

	(void)state;
	assert_int_equal(strv_count(image_role(im, 0).services), 1);
	assert_true(strv_has(image_role(im, 0).services, "sshd"));
	assert_true(strv_has(image_role(im, 0).unix_groups, "ops"));
	image_free(&im);
}

/* Local groups: name to gid; "broken" can't be looked up. */
static enum ak_err
gid_of(void *ctx, const char *group, uint32_t *gid)
{
	static const struct {
		const char *name;
		uint32_t gid;
	} groups[] = {{"root", 0}, {"sudo", 27}, {"docker", 999}, {"staff", 1000}};

	++*(unsigned *)ctx;
	if (strcmp(group, "broken") == 0)
		return AK_ERR_UNAVAILABLE;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(groups[i].name, group) == 0) {
			*gid = groups[i].gid;
			return AK_OK;
		}
	return AK_ERR_NOT_FOUND;
}

static void
abuse_052_a_role_that_hands_out_a_system_group_must_say_root_equivalent(void **state)
{
	static const struct {
		const char *role;
		enum ak_err err;
		const char *says;
	} rows[] = {
	    {"{unix_groups: [sudo]}", AK_ERR_INVALID,
		"role `r' hands out the local group `sudo' (gid 27)"},
	    {"{unix_groups: [staff, docker]}", AK_ERR_INVALID, "`docker' (gid 999)"},
	    {"{unix_groups: [root]}", AK_ERR_INVALID, "`root' (gid 0)"},
	    {"{unix_groups: [sudo], root_equivalent: false}", AK_ERR_INVALID,
		"root_equivalent: true"},
	    {"{unix_groups: [sudo, docker], root_equivalent: true}", AK_OK, ""},
	    {"{unix_groups: [staff, elsewhere]}", AK_OK, ""},
	    {"{services: ['*']}", AK_OK, ""},
	    {"{unix_groups: [broken]}", AK_ERR_UNAVAILABLE,
		"can't look up the local group broken"},
	};
	unsigned calls = 0;
	const struct policy_host host = {.gid_of = gid_of, .ctx = &calls};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		struct diag why = DIAG_INIT;
		struct image *im;

		(void)snprintf(
		    text, sizeof(text), "version: 1\nroles:\n  r: %s\n", rows[i].role);
		im = compiled(text);
		assert_err(text, rows[i].err, policy_check_host(im, &host, &why));
		assert_row(why.text, strstr(why.text, rows[i].says) != NULL);
		if (rows[i].err == AK_ERR_INVALID) {
			assert_string_equal(why.file, "policy.yaml");
			assert_int_equal(why.line, 3);
			assert_int_equal(why.col, 3);
		}
		image_free(&im);
	}
	assert_int_not_equal(calls, 0);
}

/* Against a walk of n steps from each. */
static void
cycles_are_found_where_a_long_walk_finds_them(void **state)
{
	struct rnd r = rnd_start("cycles_are_found_where_a_long_walk_finds_them");

	(void)state;
	for (int round = 0; round < 5000; round++) {
		uint32_t parent[12], n = (uint32_t)rnd_below(&r, 12), member;
		bool cycle = false;

		for (uint32_t i = 0; i < n; i++)
			parent[i] =
			    rnd_below(&r, 3) == 0 ? PARENT_NONE : (uint32_t)rnd_below(&r, n);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t at = i;

			for (uint32_t k = 0; k <= n && at != PARENT_NONE; k++)
				at = parent[at];
			cycle = cycle || at != PARENT_NONE;
		}
		assert_err("", AK_OK, parents_find_cycle(parent, n, &member));
		assert_int_equal(member != PARENT_NONE, cycle);
		if (cycle) {
			uint32_t at = parent[member];

			for (uint32_t k = 0; k < n && at != member; k++)
				at = parent[at];
			assert_int_equal(at, member);
		}
	}
}

static void
the_same_policy_in_any_order_compiles_to_the_same_names(void **state)
{
	struct image *a = compiled("version: 1\nroles: {a: {}, b: {}, a-b: {}, a0: {}}\n");
	struct image *b = compiled("roles: {a0: {}, b: {}, a: {}, a-b: {}}\nversion: 1\n");

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_string_equal(image_role(a, i).name, image_role(b, i).name);
	image_free(&a);
	image_free(&b);
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct image *im = NULL;
		struct diag why = DIAG_INIT;
		enum ak_err err;

		alloc_fail_nth(n);
		err = compile(example, &im, &why);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			image_free(&im);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_string_not_equal(why.text, "");
		assert_null(im);
	}
}

static void
any_small_change_is_compiled_or_refused_with_a_place(void **state)
{
	struct rnd r = rnd_start("any_small_change_is_compiled_or_refused_with_a_place");
	char text[sizeof(example)];

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct image *im = NULL;
		struct diag why = DIAG_INIT;
		enum ak_err err;

		memcpy(text, example, sizeof(example));
		for (uint64_t n = rnd_below(&r, 4); n > 0; n--)
			text[rnd_below(&r, sizeof(example) - 1)] =
			    (char)(1 + rnd_below(&r, 127));
		err = compile(text, &im, &why);
		assert_row(text, err == AK_OK || err == AK_ERR_INVALID);
		assert_row(text, (err == AK_OK) == (im != NULL));
		assert_row(text, err == AK_OK || (why.text[0] != '\0' && why.line > 0));
		image_free(&im);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(roles_and_spaces_are_found_by_name),
	    cmocka_unit_test(root_is_every_spaces_last_ancestor),
	    cmocka_unit_test(root_may_be_named_and_have_no_parent),
	    cmocka_unit_test(a_policy_for_nobody_is_a_policy),
	    cmocka_unit_test(a_file_that_is_not_plain_yaml_is_refused_whole),
	    cmocka_unit_test(abuse_043_duplicate_keys_are_refused),
	    cmocka_unit_test(abuse_044_unknown_keys_are_refused),
	    cmocka_unit_test(abuse_049_values_are_typed_by_the_schema),
	    cmocka_unit_test(abuse_051_an_empty_policy_is_refused),
	    cmocka_unit_test(
		abuse_052_a_role_that_hands_out_a_system_group_must_say_root_equivalent),
	    cmocka_unit_test(abuse_053_cycles_of_spaces_are_refused),
	    cmocka_unit_test(bad_names_and_values_are_refused_at_their_place),
	    cmocka_unit_test(undeclared_parents_are_refused),
	    cmocka_unit_test(a_chain_of_100000_spaces_is_a_tree_and_a_ring_is_not),
	    cmocka_unit_test(a_text_stands_for_a_list_of_one),
	    cmocka_unit_test(cycles_are_found_where_a_long_walk_finds_them),
	    cmocka_unit_test(the_same_policy_in_any_order_compiles_to_the_same_names),
	    cmocka_unit_test(any_small_change_is_compiled_or_refused_with_a_place),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
