#include "testlib_cmocka.h"

#include <stdio.h>
#include <string.h>

#include "policy.h"
#include "policy_header.h"
#include "policy_warn.h"
#include "testlib_alloc.h"

/* Warnings as text, one below the other. */
struct told {
	char text[4096];
	struct text t;
};

static void
take(void *ctx, const struct diag *warning)
{
	struct told *told = ctx;
	char line[DIAG_PRINT_CAP];

	text_add(&told->t, "%s\n", diag_print(warning, line, sizeof(line)));
}

static bool
is_bound(void *ctx, const char *role)
{
	(void)ctx;
	return strcmp(role, "bound") == 0;
}

static struct image *
compiled(const char *text)
{
	struct settings settings;
	struct diag why = DIAG_INIT;
	struct image *im = NULL;

	policy_header_settings(text, &settings);
	assert_err(why.text, AK_OK,
	    policy_compile(text, strlen(text), "p.yaml", &settings, &im, &why));
	return im;
}

static enum ak_err
warnings(const char *text, bool knows_bindings, struct told *told)
{
	const struct policy_warn warn = {
	    .take = take, .is_bound = knows_bindings ? is_bound : NULL, .ctx = told};
	struct image *im = compiled(text);
	enum ak_err err;

	told->t = text_over(told->text, sizeof(told->text));
	err = policy_warnings(text, strlen(text), "p.yaml", im, &warn, NULL);
	image_free(&im);
	return err;
}

struct row {
	const char *text, *told;
};

static void
check_rows(const struct row *rows, size_t n, bool knows_bindings)
{
	for (size_t i = 0; i < n; i++) {
		struct told told;

		assert_err(rows[i].text, AK_OK, warnings(rows[i].text, knows_bindings, &told));
		if (strcmp(told.text, rows[i].told) != 0)
			fail_msg(
			    "%s\nwanted\n%s\ngot\n%s", rows[i].text, rows[i].told, told.text);
	}
}

#define CHECK_ROWS(rows, knows) check_rows((rows), sizeof(rows) / sizeof((rows)[0]), (knows))

#define HEAD "version: 1\nroles: {r: {services: [sshd]}}\n"
#define DEAD ": this rule can never fire: its parts exclude each other\n"

static void
a_rule_that_can_never_fire_is_warned_of(void **state)
{
	static const struct row rows[] = {
	    {HEAD "deny:\n- {id: a, reason: r, not: {always: true}}\n", "p.yaml:4:3" DEAD},
	    {HEAD "grant:\n- {role: r, all: [{login: a}, {login: 'b*'}]}\n", "p.yaml:4:3" DEAD},
	    {HEAD "grant:\n- {role: r, login: a, not: {login: 'a*'}}\n", "p.yaml:4:3" DEAD},
	    {HEAD "define: {w: {time: {days: Mon}}}\n"
		  "grant:\n- {role: r, is: w, time: {days: [Tue, Wed]}}\n",
		"p.yaml:5:3" DEAD},
	    {HEAD "define: {us: {login: [a, b]}}\ngrant:\n- {role: r, is: us, login: c}\n",
		"p.yaml:5:3" DEAD},
	    {HEAD "grant:\n- {role: r, time: {hours: '01:00-02:00'}, all: {time: {hours: "
		  "'02:00-03:00'}}}\n",
		"p.yaml:4:3" DEAD},
	    {HEAD "grant:\n- {role: r, service: sshd, all: {service: [sudo, su]}}\n",
		"p.yaml:4:3" DEAD},
	    {HEAD "sample:\n- {percent: 0}\n", "p.yaml:4:3" DEAD},
	    {HEAD "sample:\n- {decision: allow, all: {decision: deny}}\n", "p.yaml:4:3" DEAD},
	    /* And those that can. */
	    {HEAD "deny:\n- {id: a, reason: r, time: {days: Mon}, all: {time: {days: Tue}}}\n",
		""},
	    {HEAD "grant:\n- {role: r, all: [{login: [a, b]}, {login: 'b*'}]}\n", ""},
	    {HEAD "grant:\n- {role: r, time: {days: Mon}, all: {time: {days: Tue, zone: "
		  "Asia/Tokyo}}}\n",
		""},
	    {HEAD "grant:\n- {role: r, any: [{time: {days: Mon}}, {time: {days: Tue}}]}\n", ""},
	    {HEAD "grant:\n- {role: r, login: a, not: {time: {days: Mon}}}\n", ""},
	};

	(void)state;
	CHECK_ROWS(rows, false);
}

static void
globs_that_match_everything_or_nothing_are_warned_of(void **state)
{
	static const struct row rows[] = {
	    {HEAD "allow:\n- {login: '*'}\n",
		"p.yaml:4:11: login: `*' matches every one: leave it out, or say "
		"`always: true'\n"},
	    {HEAD "allow:\n- {not: {service: ['**', sshd]}}\n",
		"p.yaml:4:20: service: `**' matches every one: leave it out, or say "
		"`always: true'\n"},
	    {HEAD "allow:\n- {login: [ci, CI-*]}\n",
		"p.yaml:4:16: login: no key can be called `CI-*': lower-case letters, "
		"digits, - and _, 31 at most\n"},
	    {HEAD "define: {d: {login: a.b}}\nallow:\n- {is: d}\n",
		"p.yaml:3:21: login: no key can be called `a.b': lower-case letters, "
		"digits, - and _, 31 at most\n"},
	    {HEAD "allow:\n- {login: 'a*b*c-_1'}\n- {group: '*'}\n", ""},
	    {HEAD "allow:\n- {time: {zone: UTC}}\n",
		"p.yaml:4:10: time: without days, hours or dates it is always\n"},
	};

	(void)state;
	CHECK_ROWS(rows, false);
}

static void
what_nothing_uses_is_warned_of(void **state)
{
	static const struct row rows[] = {
	    {HEAD "define:\n  a: {always: true}\n  b: {is: a}\n",
		"p.yaml:2:9: role `r' is given to nobody\n"
		"p.yaml:5:3: definition `b' is not used\n"},
	    {"version: 1\nroles: {bound: {}, given: {}, by-group: {}, lone: {}}\n"
	     "groups: {g: [{role: by-group}]}\ngrant: [{role: given, login: x}]\n",
		"p.yaml:2:45: role `lone' is given to nobody\n"},
	    {"version: 1\nroles: {bound: {accounts: [root, deploy]}}\n"
	     "accounts: {deploy: {only_keys: true}, a: {}, b: {only_keys: true}}\n",
		"p.yaml:2:9: role `bound': root is never entered with a key: give it "
		"sudo instead\n"
		"p.yaml:3:39: account `a': no role opens it\n"
		"p.yaml:3:46: account `b': no role opens it, so nobody can enter "
		"it\n"},
	};

	(void)state;
	CHECK_ROWS(rows, true);
}

static void
sections_without_effect_are_warned_of(void **state)
{
	static const struct row rows[] = {
	    {HEAD "allow: []\n",
		"p.yaml:3:8: allow is empty, so every key is denied: remove it to "
		"admit them all\n"},
	    {HEAD "strategy: policy\ngroups: {g: [{role: r}]}\n",
		"p.yaml:4:9: groups give no role with `strategy: policy'\n"},
	    {HEAD "strategy: direct\ngrant: [{role: r, login: a}]\n",
		"p.yaml:4:8: grants give no role with `strategy: direct'\n"},
	    {HEAD "strategy: direct\ngroups: {g: [{role: r}]}\n", ""},
	    {HEAD, ""},
	    {"version: 1\n", ""},
	};

	(void)state;
	CHECK_ROWS(rows, false);
}

/* Each definition uses the one before it twice: 2^60 ways down. */
static void
definitions_that_multiply_cost_no_time(void **state)
{
	char text[4096];
	struct text t = text_over(text, sizeof(text));
	struct told told;

	(void)state;
	text_add(&t, HEAD "define:\n  d0: {time: {days: Mon}}\n");
	for (int i = 1; i <= 60; i++)
		text_add(&t, "  d%d: {all: [{is: d%d}, {is: d%d}]}\n", i, i - 1, i - 1);
	text_add(&t, "allow:\n- {is: d60}\n");
	assert_false(t.cut);
	assert_err("", AK_OK, warnings(text, false, &told));
	assert_string_equal(told.text, "");
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	static const char text[] =
	    HEAD "define: {d: {login: a}}\ndeny: [{id: a, reason: r, is: d}]\n";
	struct image *im = compiled(text);
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		struct told told = {.t = text_over(told.text, sizeof(told.text))};
		const struct policy_warn warn = {.take = take, .ctx = &told};
		struct diag why = DIAG_INIT;
		enum ak_err err;

		alloc_fail_nth(n);
		err = policy_warnings(text, strlen(text), "p.yaml", im, &warn, &why);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_string_equal(why.text, "out of memory");
	}
	assert_true(n > 5);
	image_free(&im);
}

static void
may_grant_that_names_no_role_is_warned_of(void **state)
{
	static const struct row rows[] = {
	    {"# may_grant: r rr *\n" HEAD,
		"p.yaml:3:8: may_grant in apikey.yaml names `rr', which is no role here\n"},
	    {"# may_grant: a\nversion: 1\n",
		"p.yaml:1:1: may_grant in apikey.yaml names `a', which is no role here\n"},
	    {"# may_grant: r\n" HEAD, ""},
	    {"# may_grant: *\nversion: 1\n", ""},
	};

	(void)state;
	CHECK_ROWS(rows, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_rule_that_can_never_fire_is_warned_of),
	    cmocka_unit_test(globs_that_match_everything_or_nothing_are_warned_of),
	    cmocka_unit_test(what_nothing_uses_is_warned_of),
	    cmocka_unit_test(sections_without_effect_are_warned_of),
	    cmocka_unit_test(may_grant_that_names_no_role_is_warned_of),
	    cmocka_unit_test(definitions_that_multiply_cost_no_time),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
