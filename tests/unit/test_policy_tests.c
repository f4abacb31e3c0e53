#include "testlib_cmocka.h"

#include <stdio.h>
#include <string.h>

#include "policy.h"
#include "policy_tests.h"
#include "testlib_alloc.h"
#include "zone.h"

#define POLICY                                                                                 \
	"version: 1\n"                                                                         \
	"spaces: {production: {}, infrastructure: {}, staging: {}}\n"                          \
	"roles:\n"                                                                             \
	"  viewer: {services: [sshd]}\n"                                                       \
	"  deployer: {services: [sshd, sudo], accounts: [deploy]}\n"                           \
	"groups: {team: [{role: viewer, in: staging}]}\n"                                      \
	"define:\n"                                                                            \
	"  window: {time: {days: [Tue, Thu], hours: '02:00-05:00'}}\n"                         \
	"deny:\n"                                                                              \
	"- {id: contractors, reason: by day, group: contractors}\n"                            \
	"- {id: elsewhere, reason: from here, login: 'far-*', not: {from: 10.0.0.0/8}}\n"      \
	"grant:\n"                                                                             \
	"- {role: deployer, in: production, login: 'ci-cd-*'}\n"                               \
	"- {role: viewer, in: infrastructure, login: '*-monitoring'}\n"                        \
	"- {role: deployer, hosts: [H1, h2], login: on-hosts}\n"                               \
	"- {role: viewer, login: everywhere}\n"                                                \
	"- {role: deployer, in: production, login: scheduled, is: window}\n"                   \
	"tests:\n"

static struct image *
compiled(const char *text)
{
	struct settings settings;
	struct diag why = DIAG_INIT;
	struct image *im = NULL;
	enum ak_err err;

	settings_default(&settings);
	err = policy_compile(text, strlen(text), "p.yaml", &settings, &im, &why);
	assert_err(why.text, AK_OK, err);
	return im;
}

/* What was said of the last test. */
struct told {
	char name[64], expected[256], got[256];
	unsigned line, n;
	bool passed;
};

static void
take(void *ctx, const struct policy_test *test)
{
	struct told *told = ctx;

	assert_err("", AK_OK, text_copy(told->name, sizeof(told->name), test->name));
	assert_err("", AK_OK, text_copy(told->expected, sizeof(told->expected), test->expected));
	assert_err("", AK_OK, text_copy(told->got, sizeof(told->got), test->got));
	assert_string_equal(test->file, "p.yaml");
	told->line = test->line;
	told->passed = test->passed;
	told->n++;
}

struct row {
	const char *test; /* given and expect */
	bool passed;
	const char *got; /* NULL: not compared */
};

static void
check_row(const struct row *row)
{
	char text[4096];
	struct told told = {.n = 0};
	struct diag why = DIAG_INIT;
	struct image *im;
	uint32_t n_failed = 99;

	(void)snprintf(text, sizeof(text), POLICY "- {name: t, %s}\n", row->test);
	im = compiled(text);
	assert_err(row->test, AK_OK,
	    policy_tests_run(
		text, strlen(text), "p.yaml", im, ZONE_DIR, take, &told, &n_failed, &why));
	assert_row(row->test, told.n == 1 && told.line == 19);
	if (told.passed != row->passed)
		fail_msg("%s: wanted %s, got %s", row->test, told.expected, told.got);
	assert_int_equal(n_failed, row->passed ? 0 : 1);
	if (row->got != NULL && strcmp(row->got, told.got) != 0)
		fail_msg("%s: wanted to hear %s, got %s", row->test, row->got, told.got);
	image_free(&im);
}

#define ALLOW "expect: {decision: allow"
#define DENY "expect: {decision: deny"

static void
a_test_passes_when_decision_rule_and_roles_are_as_expected(void **state)
{
	static const struct row rows[] = {
	    {"given: {login: ci-cd-monitoring}, " ALLOW
	     ", roles: {production: [deployer], infrastructure: viewer}}",
		true, "allow, roles {infrastructure: [viewer], production: [deployer]}"},
	    {"given: {login: ci-cd-monitoring}, " ALLOW ", roles: {production: [deployer]}}",
		false, NULL},
	    {"given: {login: ci-cd-x}, " ALLOW "}", false, NULL},
	    {"given: {login: nobody}, " ALLOW "}", true, "allow, roles {}"},
	    {"given: {login: nobody}, " ALLOW ", roles: {}}", true, NULL},
	    {"given: {login: nobody}, " DENY "}", false, "allow, roles {}"},
	    {"given: {login: x, groups: contractors}, " DENY ", by: contractors}", true,
		"deny by contractors, roles {}"},
	    {"given: {login: x, groups: [contractors]}, " DENY ", by: elsewhere}", false, NULL},
	    {"given: {login: x, groups: [contractors, team]}, " DENY
	     ", roles: {staging: viewer}}",
		true, NULL},
	    {"given: {login: x, groups: [contractors, team]}, " DENY ", roles: {}}", false,
		NULL},
	    /* Two fire: either is a rule that did. */
	    {"given: {login: far-x, groups: contractors, ip: 192.0.2.1}, " DENY
	     ", by: elsewhere}",
		true, "deny by elsewhere, roles {}"},
	    {"given: {login: far-x, groups: contractors, ip: 192.0.2.1}, " DENY
	     ", by: contractors}",
		true, NULL},
	    {"given: {login: everywhere}, " ALLOW ", roles: {root: viewer}}", true, NULL},
	    {"given: {login: on-hosts}, " ALLOW
	     ", roles: {'host:h1': deployer, 'host:H2': [deployer]}}",
		true, "allow, roles {host:h1: [deployer], host:h2: [deployer]}"},
	    {"given: {login: x, bindings: ['viewer:spaces:root', viewer, "
	     "'nothing:spaces:moon', "
	     "'viewer:spaces:moon,staging']}, " ALLOW
	     ", roles: {root: viewer, staging: viewer}}",
		true, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void
with_a_service_the_whole_decision_is_asked(void **state)
{
	static const struct row rows[] = {
	    {"given: {login: ci-cd-x, service: sshd, space: production}, " ALLOW
	     ", roles: {production: deployer}}",
		true, NULL},
	    {"given: {login: ci-cd-x, service: cron, space: production}, " DENY "}", true,
		"deny (no role permits cron), roles {production: [deployer]}"},
	    {"given: {login: ci-cd-x, service: sshd, space: staging}, " DENY "}", true, NULL},
	    {"given: {login: ci-cd-x, service: sudo, space: production, account: "
	     "deploy}, " ALLOW ", roles: {production: deployer}}",
		true, NULL},
	    {"given: {login: ci-cd-x, service: sudo, space: production, account: other}, " DENY
	     "}",
		true, "deny (no role permits sudo as other), roles {production: [deployer]}"},
	    {"given: {login: on-hosts, service: sshd, space: root}, " DENY "}", true, NULL},
	    {"given: {login: on-hosts, service: sshd, space: root, host: h1}, " ALLOW
	     ", roles: {'host:h1': deployer, 'host:h2': deployer}}",
		true, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void
what_is_left_out_is_missing_and_never_taken_from_here(void **state)
{
	static const struct row rows[] = {
	    {"given: {login: scheduled, at: '2025-03-04T04:59:59Z'}, " ALLOW
	     ", roles: {production: deployer}}",
		true, NULL},
	    {"given: {login: scheduled, at: '2025-03-04T05:00:00Z'}, " ALLOW "}", true, NULL},
	    {"given: {login: scheduled}, " ALLOW "}", true, NULL},
	    {"given: {login: far-x, ip: '::ffff:10.9.8.7'}, " ALLOW "}", true, NULL},
	    {"given: {login: far-x, ip: bastion}, " DENY ", by: elsewhere}", true, NULL},
	    {"given: {login: far-x}, " DENY ", by: elsewhere}", true, NULL},
	    {"given: {login: far-x, creator_ip: 10.0.0.1}, " ALLOW "}", true, NULL},
	    {"given: {}, " DENY ", by: elsewhere}", true, NULL},
	    {DENY ", by: elsewhere}", true, NULL},
	    {"given: {login: x, groups: team, stale: true}, " ALLOW "}", true, NULL},
	    {"given: {login: x, groups: contractors, stale: true}, " DENY "}", true, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void
a_test_that_makes_no_sense_refuses_the_file(void **state)
{
	static const struct {
		const char *test, *says;
		unsigned col;
	} rows[] = {
	    {"given: {space: moon}, " ALLOW "}", "space `moon' is not declared", 28},
	    {"given: {service: sshd}, " ALLOW "}", "give `space' too", 30},
	    {"given: {at: yesterday}, " ALLOW "}", "`yesterday' is no moment", 25},
	    {"given: {bindings: 'a:b'}, " ALLOW "}", "is not a binding", 31},
	    {"given: {member: yes}, " ALLOW "}", "true or false", 29},
	    {"given: {login: [a]}, " ALLOW "}", "one text, not a list", 28},
	    {"expect: {}", "expect needs `decision", 21},
	    {"expect: {decision: maybe}", "expect needs `decision", 32},
	    {ALLOW ", by: contractors}", "the decision is deny then", 43},
	    {DENY ", by: nobody}", "no deny rule has the id `nobody'", 42},
	    {DENY ", roles: {moon: viewer}}", "space `moon' is not declared", 46},
	    {DENY ", roles: {root: owner}}", "role `owner' is not declared", 52},
	    {DENY ", roles: {'host:-x': viewer}}", "is not a host's name", 46},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[4096], row[DIAG_PRINT_CAP];
		struct settings settings;
		struct diag why = DIAG_INIT;
		struct image *im = NULL;

		settings_default(&settings);
		(void)snprintf(text, sizeof(text), POLICY "- {name: t, %s}\n", rows[i].test);
		assert_err(rows[i].test, AK_ERR_INVALID,
		    policy_compile(text, strlen(text), "p.yaml", &settings, &im, &why));
		assert_null(im);
		(void)diag_print(&why, row, sizeof(row));
		assert_row(row, strstr(row, rows[i].says) != NULL);
		assert_row(row, why.line == 19 && why.col == rows[i].col);
	}
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	static const char text[] =
	    POLICY "- {name: t, given: {login: everywhere, bindings: viewer, at: "
		   "'2025-03-04T05:00:00Z'}, " ALLOW ", roles: {root: viewer}}}\n";
	struct image *im = compiled(text);
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		struct told told = {.n = 0};
		uint32_t n_failed;
		enum ak_err err;

		alloc_fail_nth(n);
		err = policy_tests_run(
		    text, strlen(text), "p.yaml", im, ZONE_DIR, take, &told, &n_failed, NULL);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			assert_int_equal(n_failed, 0);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
	}
	assert_true(n > 10);
	image_free(&im);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_test_passes_when_decision_rule_and_roles_are_as_expected),
	    cmocka_unit_test(with_a_service_the_whole_decision_is_asked),
	    cmocka_unit_test(what_is_left_out_is_missing_and_never_taken_from_here),
	    cmocka_unit_test(a_test_that_makes_no_sense_refuses_the_file),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
