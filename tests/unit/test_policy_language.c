#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "num.h"
#include "policy.h"
#include "policy_header.h"
#include "testlib_alloc.h"
#include "testlib_random.h"
#include "zone.h"

static enum ak_err
compile(const char *text, struct image **out, struct diag *why)
{
	struct settings settings;

	policy_header_settings(text, &settings);
	return policy_compile(text, strlen(text), "p.yaml", &settings, out, why);
}

static struct image *
compiled(const char *text)
{
	struct diag why = DIAG_INIT;
	struct image *im = NULL;
	enum ak_err err = compile(text, &im, &why);

	if (err != AK_OK)
		fail_msg("%u:%u: %s\n%s", why.line, why.col, why.text, text);
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

		assert_err(rows[i].text, AK_ERR_INVALID, compile(rows[i].text, &im, &why));
		assert_null(im);
		(void)diag_print(&why, row, sizeof(row));
		assert_row(row, why.line == rows[i].line && why.col == rows[i].col);
		assert_row(row, strstr(why.text, rows[i].says) != NULL);
	}
}

#define CHECK_REFUSALS(rows) check_refusals((rows), sizeof(rows) / sizeof((rows)[0]))

static void
what_the_language_does_not_say_is_refused_at_its_place(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nstrategy: all\n", 2, 11, "direct, policy or both, not `all'"},
	    {"version: 1\naccounts: {root: {}}\n", 2, 12, "root is never entered"},
	    {"version: 1\naccounts: {'a*': {}}\n", 2, 12, "no name of a local account"},
	    {"version: 1\naccounts: {a: {only_keys: yes}}\n", 2, 27, "true or false"},
	    {"version: 1\ngroups: {g: [{role: r}]}\n", 2, 21, "role `r' is not declared"},
	    {"version: 1\nroles: {r: {}}\ngroups: {g: r}\n", 3, 13, "is a list of roles"},
	    {"version: 1\nroles: {r: {}}\ngroups: {g: [{role: r, in: x}]}\n", 3, 28,
		"space `x' is not declared"},
	    {"version: 1\nroles: {r: {}}\ngroups: {g: [{role: r, in: root, hosts: h}]}\n", 3,
		41, "exclude each other"},
	    {"version: 1\nroles: {r: {}}\ngroups: {g: [{in: root}]}\n", 3, 14,
		"`role: NAME' is missing"},
	    {"version: 1\nroles: {r: {}}\ngrant: [{role: r}]\n", 3, 9,
		"no condition: write `always: true'"},
	    {"version: 1\nroles: {r: {}}\ngrant: [{role: r, in: [], login: a}]\n", 3, 23,
		"empty list"},
	    {"version: 1\nroles: {r: {}}\ngrant: [{role: r, in: ['*'], login: a}]\n", 3, 24,
		"stands alone"},
	    {"version: 1\nroles: {r: {}}\ngrant: [{role: r, in: [root, root], login: a}]\n", 3,
		30, "given twice"},
	    {"version: 1\nroles: {r: {}}\ngrant: [{role: r, hosts: 'a b', login: a}]\n", 3, 26,
		"is not a host's name"},
	    {"version: 1\nallow: {login: a}\n", 2, 8, "begin each of its items with `- '"},
	    {"version: 1\nallow: [{}]\n", 2, 9, "an allow rule has no condition"},
	    {"version: 1\nallow: [{login: []}]\n", 2, 17, "login has an empty list"},
	    {"version: 1\nallow: [{login: }]\n", 2, 17, "login has no value"},
	    {"version: 1\nallow: [{login: 'a b'}]\n", 2, 17, "`a b' is not a name"},
	    {"version: 1\nallow: [{login: [a, a]}]\n", 2, 21, "given twice"},
	    {"version: 1\nallow: [{always: false}]\n", 2, 18, "always is true, or is not there"},
	    {"version: 1\nallow: [{any: []}]\n", 2, 15, "any has an empty list"},
	    {"version: 1\nallow: [{not: {}}]\n", 2, 15, "a condition has no condition"},
	    {"version: 1\nallow: [{is: x}]\n", 2, 14, "definition `x' is not declared"},
	    {"version: 1\nallow: [{from: 10.0.0.1/8}]\n", 2, 16, "without host bits"},
	    {"version: 1\nallow: [{from: host}]\n", 2, 16, "is not a network"},
	    {"version: 1\nallow: [{member: maybe}]\n", 2, 18, "true or false"},
	    {"version: 1\nallow: [{percent: 5}]\n", 2, 10, "no key `percent'"},
	    {"version: 1\nsample: [{percent: 101}]\n", 2, 20, "from 0 to 100"},
	    {"version: 1\nsample: [{decision: maybe}]\n", 2, 21, "allow or deny"},
	    {"version: 1\ndeny: [{login: a, reason: r}]\n", 2, 8, "needs `id'"},
	    {"version: 1\ndeny: [{login: a, id: i}]\n", 2, 8, "needs `reason'"},
	    {"version: 1\ndeny: [{login: a, id: I, reason: r}]\n", 2, 23, "not a rule's name"},
	    {"version: 1\ndeny:\n- {id: i, reason: r, login: a}\n- {id: j, reason: r, login: "
	     "a}\n- {id: i, reason: r, login: a}\n",
		5, 8, "id `i' is given twice (first at line 3)"},
	    {"version: 1\nallow: [{time: {days: Monday}}]\n", 2, 23, "none of Mon"},
	    {"version: 1\nallow: [{time: {days: [Mon, Mon]}}]\n", 2, 29, "given twice"},
	    {"version: 1\nallow: [{time: {hours: '2:00-05:00'}}]\n", 2, 24, "no span of a day"},
	    {"version: 1\nallow: [{time: {hours: '02:60-05:00'}}]\n", 2, 24, "no span of a day"},
	    {"version: 1\nallow: [{time: {hours: '02:00-24:01'}}]\n", 2, 24, "no span of a day"},
	    {"version: 1\nallow: [{time: {hours: '24:00-24:00'}}]\n", 2, 24, "no span of a day"},
	    {"version: 1\nallow: [{time: {hours: '22:00-06:00'}}]\n", 2, 24,
		"over midnight is two"},
	    {"version: 1\nallow: [{time: {hours: '06:00-06:00'}}]\n", 2, 24,
		"ends before it begins"},
	    {"version: 1\nallow: [{time: {dates: '2025-01-01'}}]\n", 2, 24, "dates is a pair"},
	    {"version: 1\nallow: [{time: {dates: ['2025-01-01', '2025-02-29']}}]\n", 2, 39,
		"is no day"},
	    {"version: 1\nallow: [{time: {dates: ['2025-01-02', '2025-01-02']}}]\n", 2, 24,
		"end before they begin"},
	    {"version: 1\nallow: [{time: {zone: ../etc/passwd}}]\n", 2, 23,
		"no name of a time zone"},
	    {"version: 1\nallow: [{time: {zone: localtime}}]\n", 2, 23,
		"no name of a time zone"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_053_cycles_of_definitions_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\ndefine:\n  a: {is: a}\n", 3, 3, "`a' is defined by itself"},
	    {"version: 1\ndefine:\n  z: {is: m}\n  m: {any: [{login: x}, {not: {is: a}}]}\n"
	     "  a: {all: {is: [ok, z]}}\n  ok: {login: a}\n",
		3, 3, "`z' is defined by itself, through `m'"},
	    {"version: 1\ndefine: {a: {is: b}, b: {is: c}, c: {is: b}}\n", 2, 22,
		"`b' is defined by itself, through `c'"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static enum ak_err
uid_of(void *ctx, const char *account, uint32_t *uid)
{
	(void)ctx;
	*uid = strcmp(account, "toor") == 0 ? 0 : 1000;
	return strcmp(account, "nobody") == 0 ? AK_ERR_NOT_FOUND : AK_OK;
}

static enum ak_err
has_zone(void *ctx, const char *zone)
{
	(void)ctx;
	return strcmp(zone, "Europe/Berlin") == 0 || strcmp(zone, "UTC") == 0
		   ? AK_OK
		   : AK_ERR_NOT_FOUND;
}

static void
what_only_the_host_knows_is_refused_at_its_place(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\naccounts:\n  a: {}\n  toor: {only_keys: true}\n", 4, 3,
		"account `toor' has uid 0"},
	    {"version: 1\nallow:\n- {time: {zone: Europe/Berlin}}\n"
	     "- {time: {zone: Europe/Bonn}}\n- {time: {zone: Europe/Bonn}}\n",
		4, 17, "knows no time zone `Europe/Bonn'"},
	};
	const struct policy_host host = {.uid_of = uid_of, .has_zone = has_zone};
	struct image *im;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag why = DIAG_INIT;

		im = compiled(rows[i].text);
		assert_err(rows[i].text, AK_ERR_INVALID, policy_check_host(im, &host, &why));
		assert_row(why.text, why.line == rows[i].line && why.col == rows[i].col);
		assert_row(why.text, strstr(why.text, rows[i].says) != NULL);
		assert_err("nobody asked", AK_OK,
		    policy_check_host(im, &(struct policy_host){.ctx = NULL}, NULL));
		image_free(&im);
	}
	im = compiled("version: 1\naccounts: {nobody: {}, a: {only_keys: true}}\n"
		      "allow: [{time: {days: Mon}}]\n");
	assert_err("", AK_OK, policy_check_host(im, &host, NULL));
	assert_true(image_is_only_keys(im, "a"));
	assert_false(image_is_only_keys(im, "nobody"));
	assert_false(image_is_only_keys(im, "b"));
	assert_false(image_asks_address(im));
	image_free(&im);
}

static void
a_policy_asks_for_an_address_wherever_one_of_its_rules_does(void **state)
{
	static const struct {
		const char *rules;
		bool asks;
	} rows[] = {
	    {"", false},
	    {"allow: [{login: ci}]\n", false},
	    {"allow: [{from: 10.0.0.0/8}]\n", true},
	    {"deny: [{id: d, reason: r, not: {creator_from: 10.0.0.0/8}}]\n", true},
	    {"define: {office: {from: 10.0.0.0/8}}\nallow: [{is: office}]\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		struct image *im;

		(void)snprintf(text, sizeof(text), "version: 1\n%s", rows[i].rules);
		im = compiled(text);
		assert_row(text, image_asks_address(im) == rows[i].asks);
		image_free(&im);
	}
}

static void
a_clock_without_the_policys_zone_tells_no_time(void **state)
{
	struct image *im = compiled("version: 1\nallow: [{time: {}}]\n");
	struct moment monday = {.known = true};
	struct moments when = {.zones = &monday};
	struct policy_request req = {.login = "ci", .when = &when};
	struct policy_result res;

	(void)state;
	assert_err("no zone", AK_ERR_DENIED, policy_eval(im, &req, NULL, &res));
	assert_int_equal(res.outcome, POLICY_NOT_ADMITTED);
	policy_result_clear(&res);
	when.n_zones = 1;
	assert_err("its zone", AK_OK, policy_eval(im, &req, NULL, &res));
	policy_result_clear(&res);
	image_free(&im);
}

/* One condition, and a request. */
struct asked {
	const char *condition;
	char answer; /* T, F or U */
	const char *login, *groups, *service, *account, *address, *origin, *at;
	bool stale, not_member;
};

static struct strv
list_of(const char *words, char *buf, size_t cap)
{
	size_t len = 0;

	if (words == NULL)
		return STRV_EMPTY;
	assert_err("", AK_OK, text_copy(buf, cap, words));
	len = strlen(words);
	for (size_t i = 0; i < len; i++)
		if (buf[i] == ',')
			buf[i] = '\0';
	return (struct strv){.bytes = buf, .len_b = len + 1};
}

/* Allow and deny rules fire alike for true, and for undefined the other way about. */
static char
ask(const struct asked *a)
{
	char text[1024], groups[128];
	struct image *im;
	struct moments when = MOMENTS_INIT;
	struct net_addr address, origin;
	struct policy_request req = {.login = a->login == NULL ? "ci" : a->login,
	    .groups = a->stale ? STRV_EMPTY : list_of(a->groups, groups, sizeof(groups)),
	    .directory_groups =
		a->stale ? list_of(a->groups, groups, sizeof(groups)) : STRV_EMPTY,
	    .stale = a->stale,
	    .not_member = a->not_member,
	    .service = a->service,
	    .account = a->account};
	bool allow, deny;
	int64_t t;

	(void)snprintf(text, sizeof(text),
	    "version: 1\ndefine: {yes: {always: true}, no: {not: {always: true}}, maybe: "
	    "{from: 10.0.0.0/8}}\n"
	    "allow: [{%s}]\ndeny: [{id: d, reason: r, %s}]\n",
	    a->condition, a->condition);
	im = compiled(text);
	if (a->address != NULL && net_parse_addr(a->address, &address) == AK_OK)
		req.address = &address;
	if (a->origin != NULL && net_parse_addr(a->origin, &origin) == AK_OK)
		req.origin = &origin;
	if (a->at != NULL) {
		assert_err(a->at, AK_OK, num_parse_time(a->at, &t));
		assert_err("", AK_OK, moments_resolve(im, ZONE_DIR, t * 1000, &when));
		req.when = &when;
	}
	assert_err("", AK_OK, policy_rule_fires(im, &req, IMAGE_ALLOW_RULES, 0, &allow));
	assert_err("", AK_OK, policy_rule_fires(im, &req, IMAGE_DENY_RULES, 0, &deny));
	moments_clear(&when);
	image_free(&im);
	assert_row(a->condition, deny || !allow);
	return allow ? 'T' : deny ? 'U' : 'F';
}

static void
each_predicate_is_true_false_or_undefined(void **state)
{
	static const struct asked rows[] = {
	    {.condition = "login: ci", .answer = 'T'},
	    {.condition = "login: [x, 'c*']", .answer = 'T'},
	    {.condition = "login: CI", .answer = 'F'},
	    {.condition = "login: c", .answer = 'F'},
	    {.condition = "login: '*ci*'", .answer = 'T'},
	    {.condition = "group: ops", .answer = 'T', .groups = "dev,ops"},
	    {.condition = "group: 'o*'", .answer = 'T', .groups = "dev,ops"},
	    {.condition = "group: Ops", .answer = 'F', .groups = "dev,ops"},
	    {.condition = "group: ops", .answer = 'F'},
	    {.condition = "group: ' ops'", .answer = 'F', .groups = "ops"},
	    {.condition = "service: sudo", .answer = 'T', .service = "sudo"},
	    {.condition = "service: 'su*'", .answer = 'F', .service = "sshd"},
	    {.condition = "service: sudo", .answer = 'U'},
	    {.condition = "account: ci", .answer = 'T'},
	    {.condition = "account: deploy", .answer = 'F'},
	    {.condition = "account: deploy", .answer = 'T', .account = "deploy"},
	    {.condition = "member: true", .answer = 'T'},
	    {.condition = "member: false", .answer = 'F'},
	    {.condition = "member: true", .answer = 'F', .not_member = true},
	    {.condition = "member: false", .answer = 'T', .not_member = true},
	    {.condition = "always: true", .answer = 'T'},
	    {.condition = "from: 10.0.0.0/8", .answer = 'T', .address = "10.255.255.255"},
	    {.condition = "from: 10.0.0.0/8", .answer = 'T', .address = "::ffff:10.9.8.7"},
	    {.condition = "from: 10.0.0.0/8", .answer = 'F', .address = "11.0.0.0"},
	    {.condition = "from: 10.0.0.0/8", .answer = 'F', .address = "::10.1.2.3"},
	    {.condition = "from: ['192.0.2.1', '2001:db8::/32']",
		.answer = 'T',
		.address = "2001:db8::1"},
	    {.condition = "from: '::/0'", .answer = 'F', .address = "10.0.0.1"},
	    {.condition = "from: 10.0.0.0/8", .answer = 'U'},
	    {.condition = "from: 10.0.0.0/8", .answer = 'U', .address = "bastion"},
	    {.condition = "from: 10.0.0.0/8", .answer = 'T', .origin = "10.0.0.1"},
	    {.condition = "from: 10.0.0.0/8",
		.answer = 'F',
		.address = "11.0.0.1",
		.origin = "10.0.0.1"},
	    {.condition = "creator_from: 10.0.0.0/8",
		.answer = 'T',
		.address = "11.0.0.1",
		.origin = "10.0.0.1"},
	    {.condition = "creator_from: 10.0.0.0/8", .answer = 'U', .address = "10.0.0.1"},
	    {.condition = "creator_from: 10.0.0.0/8",
		.answer = 'U',
		.address = "10.0.0.1",
		.service = "sudo"},
	    {.condition = "creator_from: 10.0.0.0/8",
		.answer = 'T',
		.address = "10.0.0.1",
		.service = "sshd"},
	    {.condition = "time: {days: Tue}", .answer = 'T', .at = "2025-03-04T00:00:00Z"},
	    {.condition = "time: {days: Tue}", .answer = 'F', .at = "2025-03-05T00:00:00Z"},
	    {.condition = "time: {days: Tue}", .answer = 'U'},
	    {.condition = "time: {}", .answer = 'T', .at = "2025-03-05T00:00:00Z"},
	    {.condition = "time: {}", .answer = 'U'},
	    {.condition = "time: {hours: '02:00-05:00'}",
		.answer = 'T',
		.at = "2025-03-04T02:00:00Z"},
	    {.condition = "time: {hours: '02:00-05:00'}",
		.answer = 'F',
		.at = "2025-03-04T01:59:59Z"},
	    {.condition = "time: {hours: '02:00-05:00'}",
		.answer = 'T',
		.at = "2025-03-04T04:59:59Z"},
	    {.condition = "time: {hours: '02:00-05:00'}",
		.answer = 'F',
		.at = "2025-03-04T05:00:00Z"},
	    {.condition = "time: {hours: ['22:00-24:00', '00:00-06:00']}",
		.answer = 'T',
		.at = "2025-03-04T23:59:59Z"},
	    {.condition = "time: {hours: ['22:00-24:00', '00:00-06:00']}",
		.answer = 'T',
		.at = "2025-03-04T00:00:00Z"},
	    {.condition = "time: [{days: Mon}, {days: Tue}]",
		.answer = 'T',
		.at = "2025-03-04T00:00:00Z"},
	    {.condition = "time: {dates: ['2025-12-20', '2026-01-02']}",
		.answer = 'T',
		.at = "2026-01-01T23:59:59Z"},
	    {.condition = "time: {dates: ['2025-12-20', '2026-01-02']}",
		.answer = 'F',
		.at = "2026-01-02T00:00:00Z"},
	    {.condition = "time: {dates: ['2025-12-20', '2026-01-02']}",
		.answer = 'F',
		.at = "2025-12-19T23:59:59Z"},
	    /* One zone governs day, hour and date. */
	    {.condition = "time: {days: Wed, hours: '00:00-01:00', dates: ['2025-03-05', "
			  "'2025-03-06'], "
			  "zone: Asia/Tokyo}",
		.answer = 'T',
		.at = "2025-03-04T15:30:00Z"},
	    {.condition = "time: {days: Tue, zone: Asia/Tokyo}",
		.answer = 'F',
		.at = "2025-03-04T15:30:00Z"},
	    {.condition = "time: {zone: Europe/Nowhere}",
		.answer = 'U',
		.at = "2025-03-04T15:30:00Z"},
	    {.condition = "is: yes", .answer = 'T'},
	    {.condition = "is: [no, yes]", .answer = 'T'},
	    {.condition = "is: [no, maybe]", .answer = 'U'},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char answer = ask(&rows[i]);

		if (answer != rows[i].answer)
			fail_msg("row %zu, %s: wanted %c, got %c", i, rows[i].condition,
			    rows[i].answer, answer);
	}
}

/* A stale directory: as last known in deny, undefined elsewhere; so T and U fire in deny and T alone in allow. */
static void
a_stale_directory_counts_where_it_refuses(void **state)
{
	static const struct asked rows[] = {
	    {.condition = "group: ops", .answer = 'U', .groups = "ops", .stale = true},
	    {.condition = "group: ops", .answer = 'F', .groups = "dev", .stale = true},
	    {.condition = "not: {group: ops}", .answer = 'F', .groups = "ops", .stale = true},
	    {.condition = "not: {group: ops}", .answer = 'U', .groups = "dev", .stale = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ask(&rows[i]) != rows[i].answer)
			fail_msg("row %zu, %s", i, rows[i].condition);
}

/* Every way to put three values together, against Kleene's tables. */
static void
kleenes_logic_governs_all_any_and_not(void **state)
{
	static const char *const names[] = {"no", "maybe", "yes"};
	static const char letters[] = "FUT";

	(void)state;
	for (int x = 0; x < 3; x++)
		for (int y = 0; y < 3; y++) {
			char text[256];
			struct asked a = {.condition = text};

			(void)snprintf(text, sizeof(text), "all: [{is: %s}, {is: %s}]",
			    names[x], names[y]);
			assert_row(text, ask(&a) == letters[x < y ? x : y]);
			(void)snprintf(text, sizeof(text), "any: [{is: %s}, {is: %s}]",
			    names[x], names[y]);
			assert_row(text, ask(&a) == letters[x < y ? y : x]);
			(void)snprintf(
			    text, sizeof(text), "is: %s, not: {is: %s}", names[x], names[y]);
			assert_row(text, ask(&a) == letters[x < 2 - y ? x : 2 - y]);
			(void)snprintf(text, sizeof(text), "not: [{is: %s}, {is: %s}]",
			    names[x], names[y]);
			assert_row(text, ask(&a) == letters[2 - (x < y ? y : x)]);
		}
}

/* Depth comes from definitions, of which each adds to the one before. */
static void
abuse_042_a_chain_of_100000_definitions_is_evaluated(void **state)
{
	const unsigned n = 100000;
	size_t cap = 40 * (size_t)n + 256;
	char *text = malloc(cap);
	struct text t;
	struct image *im;
	struct policy_request req = {.login = "ci"};
	bool fires;

	(void)state;
	assert_non_null(text);
	t = text_over(text, cap);
	text_add(&t, "version: 1\nallow: [{is: d%u}]\ndefine:\n", n - 1);
	for (unsigned i = n; i-- > 1;)
		text_add(&t, "  d%u: {not: {is: d%u}}\n", i, i - 1);
	text_add(&t, "  d0: {login: x}\n");
	assert_false(t.cut);
	im = compiled(text);
	assert_true(image_depth(im) >= 2 * n);
	assert_err("", AK_OK, policy_rule_fires(im, &req, IMAGE_ALLOW_RULES, 0, &fires));
	assert_true(fires == (n % 2 == 0));
	image_free(&im);
	free(text);
}

/* 2^60 ways down, each taken once. */
static void
definitions_that_multiply_are_evaluated_once(void **state)
{
	char text[4096];
	struct text t = text_over(text, sizeof(text));
	struct policy_request req = {.login = "ci"};
	struct image *im;
	bool fires;

	(void)state;
	text_add(&t, "version: 1\nallow: [{is: d60}]\ndefine:\n  d0: {login: ci}\n");
	for (int i = 1; i <= 60; i++)
		text_add(&t, "  d%d: {all: [{is: d%d}, {is: d%d}]}\n", i, i - 1, i - 1);
	im = compiled(text);
	assert_err("", AK_OK, policy_rule_fires(im, &req, IMAGE_ALLOW_RULES, 0, &fires));
	assert_true(fires);
	image_free(&im);
}

#define DECISION_POLICY                                                                        \
	"version: 1\n"                                                                         \
	"spaces: {a: {}, b: {parent: a}}\n"                                                    \
	"roles: {viewer: {services: [sshd]}, deployer: {services: [sudo], accounts: [deploy, " \
	"'r*']}}\n"                                                                            \
	"groups: {team: [{role: viewer, in: a}]}\n"                                            \
	"allow: [{login: 'ci*'}, {group: team}]\n"                                             \
	"deny:\n"                                                                              \
	"- {id: one, reason: r1, login: ci-bad}\n"                                             \
	"- {id: two, reason: r2, login: 'ci-b*'}\n"                                            \
	"grant: [{role: deployer, in: '*', login: ci-x}]\n"

static void
deny_beats_allow_and_roles_beat_neither(void **state)
{
	static const struct {
		const char *name, *login, *groups, *service, *account;
		bool root;
		const char *space;
		enum policy_outcome outcome;
	} rows[] = {
	    {"admitted", "ci", NULL, NULL, NULL, false, NULL, POLICY_PERMITTED},
	    {"not admitted", "x", NULL, NULL, NULL, false, NULL, POLICY_NOT_ADMITTED},
	    {"by group", "x", "team", "sshd", NULL, false, "b", POLICY_PERMITTED},
	    {"group elsewhere", "x", "team", "sshd", NULL, false, "root", POLICY_NO_ROLE},
	    {"abuse 054: deny beats allow", "ci-bad", "team", "sshd", NULL, false, "a",
		POLICY_REFUSED},
	    {"no role", "ci", NULL, "sshd", NULL, false, "a", POLICY_NO_ROLE},
	    {"granted", "ci-x", NULL, "sudo", NULL, false, "b", POLICY_PERMITTED},
	    {"`*' is not root", "ci-x", NULL, "sudo", NULL, false, "root", POLICY_NO_ROLE},
	    {"account", "ci-x", NULL, "sudo", "deploy", false, "a", POLICY_PERMITTED},
	    {"systemd-user", "ci-x", NULL, "systemd-user", "deploy", false, "a",
		POLICY_PERMITTED},
	    {"other account", "ci-x", NULL, "sudo", "other", false, "a", POLICY_NO_ROLE},
	    {"abuse 022: root", "ci-x", NULL, "sudo", "root", false, "a", POLICY_NO_ROLE},
	    {"abuse 022: uid 0", "ci-x", NULL, "sudo", "rooty", true, "a", POLICY_NO_ROLE},
	    {"no such space", "ci-x", NULL, "sudo", NULL, false, "moon", POLICY_NO_SPACE},
	    {"own account by name", "ci-x", NULL, "sudo", "ci-x", false, "a", POLICY_PERMITTED},
	};
	struct image *im = compiled(DECISION_POLICY);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char groups[64];
		struct policy_request req = {.login = rows[i].login,
		    .groups = list_of(rows[i].groups, groups, sizeof(groups)),
		    .service = rows[i].service,
		    .account = rows[i].account,
		    .account_is_root = rows[i].root,
		    .space = rows[i].space};
		struct policy_result res;

		assert_err(rows[i].name,
		    rows[i].outcome == POLICY_PERMITTED ? AK_OK : AK_ERR_DENIED,
		    policy_eval(im, &req, NULL, &res));
		assert_row(rows[i].name, res.outcome == rows[i].outcome);
		assert_row(rows[i].name, (res.outcome == POLICY_REFUSED) == (res.deny == 0));
		assert_row(rows[i].name, res.outcome == POLICY_PERMITTED ||
					     res.outcome == POLICY_NO_ROLE ||
					     role_set_next(&res.roles, 0) == IMAGE_NONE);
		policy_result_clear(&res);
	}
	assert_true(policy_opens_account(im, "deploy"));
	assert_true(policy_opens_account(im, "rooty"));
	assert_false(policy_opens_account(im, "root"));
	assert_false(policy_opens_account(im, "x"));
	image_free(&im);
}

static void
an_allow_section_may_be_empty_or_absent(void **state)
{
	static const struct {
		const char *text;
		enum policy_outcome outcome;
	} rows[] = {
	    {"version: 1\n", POLICY_PERMITTED},
	    {"version: 1\nallow:\n", POLICY_NOT_ADMITTED},
	    {"version: 1\nallow: []\n", POLICY_NOT_ADMITTED},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct image *im = compiled(rows[i].text);
		struct policy_request req = {.login = "ci"};
		struct policy_result res;

		(void)!policy_eval(im, &req, NULL, &res);
		assert_row(rows[i].text, res.outcome == rows[i].outcome);
		policy_result_clear(&res);
		image_free(&im);
	}
}

/* What is held, as "viewer<viewer deployer<2": a role, and what gave it. */
static const char *
held_of(const struct image *im, const struct policy_result *res, char *buf, size_t cap)
{
	struct text t = text_over(buf, cap);

	for (uint32_t i = 0; i < res->n_held; i++) {
		const struct policy_held *h = &res->held[i];

		text_add(&t, "%s%s%s", t.len == 0 ? "" : " ", image_role(im, h->role).name,
		    h->here ? "<" : "-");
		if (h->source == POLICY_FROM_GRANT)
			text_add(&t, "%u", h->row);
		else
			text_add(
			    &t, "%s%s", h->source == POLICY_FROM_DIRECTORY ? "@" : "", h->name);
		if (h->source == POLICY_FROM_DIRECTORY)
			assert_true(h->row == IMAGE_NONE && h->line == 0);
	}
	return buf;
}

#define STRATEGY_POLICY                                                                        \
	"version: 1\nspaces: {a: {}, b: {}}\nroles: {d: {}, g: {}, p: {}, q: {}}\n"            \
	"groups: {team: [{role: g}, {role: q, in: b}]}\n"                                      \
	"grant: [{role: p, in: [b, a], login: ci}, {role: q, login: ci, from: 10.0.0.0/8}]\n"

static void
each_strategy_has_its_sources(void **state)
{
	static const struct {
		const char *text, *held, *unconditional;
	} rows[] = {
	    {STRATEGY_POLICY, "d<d:spaces:a d-d:hosts:h g<team q-team q-@q:spaces:b p<0 q<1",
		"d<d:spaces:a d-d:hosts:h g<team q-team q-@q:spaces:b p<0"},
	    {STRATEGY_POLICY "strategy: both\n",
		"d<d:spaces:a d-d:hosts:h g<team q-team q-@q:spaces:b p<0 q<1",
		"d<d:spaces:a d-d:hosts:h g<team q-team q-@q:spaces:b p<0"},
	    {STRATEGY_POLICY "strategy: direct\n",
		"d<d:spaces:a d-d:hosts:h g<team q-team q-@q:spaces:b",
		"d<d:spaces:a d-d:hosts:h g<team q-team q-@q:spaces:b"},
	    {STRATEGY_POLICY "strategy: policy\n", "p<0 q<1", "p<0"},
	};
	struct net_addr address;

	(void)state;
	assert_err("", AK_OK, net_parse_addr("10.1.1.1", &address));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image *im = compiled(rows[i].text);
		struct policy_request req = {.login = "ci",
		    .space = "a",
		    .service = "sshd",
		    .address = &address,
		    .bindings = {.bytes = "d:spaces:a\0d:hosts:h\0x\0d:spaces:moon",
			.len_b = 37},
		    .groups = {.bytes = "team", .len_b = 5},
		    .directory_bindings = {.bytes = "q:spaces:b", .len_b = 11}};
		struct policy_result res;
		char held[256];

		(void)!policy_eval(im, &req, NULL, &res);
		assert_string_equal(held_of(im, &res, held, sizeof(held)), rows[i].held);
		policy_result_clear(&res);
		assert_err("", AK_OK, policy_eval_unconditional(im, &req, &res));
		assert_string_equal(
		    held_of(im, &res, held, sizeof(held)), rows[i].unconditional);
		policy_result_clear(&res);
		image_free(&im);
	}
}

static void
without_conditions_address_time_service_and_account_are_missing(void **state)
{
	struct image *im = compiled(
	    "version: 1\nroles: {a: {}, b: {}, c: {}, d: {}, e: {}, f: {}}\ngrant:\n"
	    "- {role: a, login: ci}\n- {role: b, service: sshd}\n- {role: c, account: ci}\n"
	    "- {role: d, time: {}}\n- {role: e, not: {from: 10.0.0.0/8}}\n"
	    "- {role: f, any: [{creator_from: 10.0.0.0/8}, {group: g}]}\n"
	    "deny: [{id: x, reason: r, always: true}]\n");
	struct moments when = MOMENTS_INIT;
	struct policy_request req = {.login = "ci",
	    .service = "sshd",
	    .when = &when,
	    .directory_groups = {.bytes = "g", .len_b = 2}};
	struct policy_result res;
	char held[64];

	(void)state;
	assert_err("", AK_OK, moments_resolve(im, ZONE_DIR, 0, &when));
	assert_err("", AK_OK, policy_eval_unconditional(im, &req, &res));
	assert_string_equal(held_of(im, &res, held, sizeof(held)), "a<0 f<5");
	assert_int_equal(res.outcome, POLICY_PERMITTED);
	policy_result_clear(&res);
	req.stale = true;
	assert_err("", AK_OK, policy_eval_unconditional(im, &req, &res));
	assert_string_equal(held_of(im, &res, held, sizeof(held)), "a<0");
	policy_result_clear(&res);
	req.space = "moon";
	assert_err("", AK_ERR_DENIED, policy_eval_unconditional(im, &req, &res));
	assert_int_equal(res.outcome, POLICY_NO_SPACE);
	policy_result_clear(&res);
	moments_clear(&when);
	image_free(&im);
}

static void
a_session_that_is_to_go_on_has_the_benefit_of_the_doubt(void **state)
{
	struct image *im =
	    compiled("version: 1\nroles: {a: {services: [sshd]}, g: {services: [cron]}}\n"
		     "groups: {team: [{role: g}]}\n"
		     "allow: [{from: 10.0.0.0/8}]\n"
		     "deny: [{id: d, reason: r, not: {from: 10.0.0.0/8}}]\n"
		     "grant: [{role: a, time: {days: Mon}}]\n");
	struct net_addr address;
	struct policy_request req = {.login = "ci",
	    .space = "root",
	    .service = "sshd",
	    .directory_groups = {.bytes = "team", .len_b = 5},
	    .stale = true};
	struct policy_result res;

	(void)state;
	assert_err("", AK_ERR_DENIED, policy_eval(im, &req, NULL, &res));
	assert_int_equal(res.outcome, POLICY_REFUSED);
	policy_result_clear(&res);
	req.favour = true;
	assert_err("", AK_OK, policy_eval(im, &req, NULL, &res));
	assert_true(role_set_has(&res.roles, 0) && role_set_has(&res.roles, 1));
	policy_result_clear(&res);
	/* What is known to be so still ends it. */
	assert_err("", AK_OK, net_parse_addr("11.1.1.1", &address));
	req.address = &address;
	assert_err("", AK_ERR_DENIED, policy_eval(im, &req, NULL, &res));
	policy_result_clear(&res);
	image_free(&im);
}

static void
samples_keep_what_they_say(void **state)
{
	static const struct {
		const char *login;
		bool permitted, keep;
		int64_t now_ms;
	} rows[] = {
	    {"x", false, true, 0},
	    {"x", true, false, 0},
	    {"ci-x", true, true, 1700000000009},
	    {"ci-x", true, false, 1700000000010},
	    {"ci-x", true, true, -91},
	    {"ci-x", true, false, -90},
	    {"all", true, true, 99},
	};
	struct image *im = compiled("version: 1\nsample:\n- {decision: deny}\n"
				    "- {login: 'ci-*', percent: 10}\n"
				    "- {login: all, percent: 100}\n- {percent: 0}\n");
	struct policy_request req = {.login = "ci-x"};
	bool keep;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct moments when = {.now_ms = rows[i].now_ms};

		req.login = rows[i].login;
		req.when = &when;
		assert_err("", AK_OK, policy_samples(im, &req, rows[i].permitted, &keep));
		if (keep != rows[i].keep)
			fail_msg("row %zu", i);
	}
	req.when = NULL;
	req.login = "ci-x";
	assert_err("", AK_OK, policy_samples(im, &req, true, &keep));
	assert_false(keep);
	image_free(&im);
}

/* Trace lines as text, one below the other. */
struct told {
	char text[4096];
	struct text t;
};

static void
take_line(void *ctx, const struct trace_line *line)
{
	static const char *const steps[] = {
	    "gate", "deny", "allow", "role", "request", "decision"};
	struct told *told = ctx;

	text_add(&told->t, "%s %s :%u %s\n", steps[line->step], line->holds ? "yes" : "no",
	    line->line, line->text);
}

static const char traced[] = "version: 1\n"
			     "spaces: {a: {}}\n"
			     "roles: {r: {services: [sshd]}}\n"
			     "groups:\n"
			     "  team: [{role: r, in: root}]\n"
			     "define: {maybe: {from: 10.0.0.0/8}}\n"
			     "deny:\n"
			     "- {id: one, reason: r1, login: other}\n"
			     "- {id: two, reason: r2, login: 'o*'}\n"
			     "- {id: three, reason: r3, login: ci, from: 10.0.0.0/8}\n"
			     "allow:\n"
			     "- {member: true}\n"
			     "- {is: maybe}\n"
			     "grant:\n"
			     "- {role: r, in: a, time: {days: Mon}}\n"
			     "- {role: r, login: other}\n"
			     "- {role: r, hosts: [h, i], login: ci}\n"
			     "- {role: r, in: '*', always: true}\n";

static void
every_rule_that_was_looked_at_is_told_with_its_line(void **state)
{
	static const char expected[] =
	    "deny yes :10 deny three (r3) fires: `from' is undefined\n"
	    "allow yes :12 allow rule 1 fires\n"
	    "allow no :13 allow rule 2 does not fire: `is maybe' is undefined\n"
	    "role yes :5 role r, through group team in root\n"
	    "role no :15 role r, granted in a: `time' is undefined\n"
	    "role no :17 role r, granted on h, i: this host has another name\n"
	    "role no :18 role r, granted in every space: this host stands in root\n";
	struct image *im = compiled(traced);
	struct told told = {.t = text_over(told.text, sizeof(told.text))};
	struct trace trace = {.take = take_line, .ctx = &told};
	struct policy_request req = {.login = "ci",
	    .space = "root",
	    .service = "sshd",
	    .groups = {.bytes = "team", .len_b = 5}};
	struct policy_result res;

	(void)state;
	(void)!policy_eval(im, &req, &trace, &res);
	assert_string_equal(told.text, expected);
	policy_result_clear(&res);
	told.t = text_over(told.text, sizeof(told.text));
	trace.every_rule = true;
	(void)!policy_eval(im, &req, &trace, &res);
	assert_non_null(strstr(told.text, "deny no :8 deny one (r1) does not fire: `login' is "
					  "false\ndeny no :9"));
	assert_non_null(strstr(told.text, "role no :16 role r, granted: `login' is false\n"));
	policy_result_clear(&res);
	image_free(&im);
}

/* The rules that name a login, and those that may concern any: the same answer as from all of them. */
static void
the_index_by_login_changes_no_answer(void **state)
{
	struct rnd r = rnd_start("the_index_by_login_changes_no_answer");

	(void)state;
	for (int round = 0; round < 300; round++) {
		char text[8192], held[1024], again[1024];
		struct text t = text_over(text, sizeof(text));
		struct told told;
		const struct trace trace = {.take = take_line, .ctx = &told, .every_rule = true};
		struct image *im;

		text_add(&t, "version: 1\nroles: {r: {services: [sshd]}}\nallow:\n");
		for (int kind = 0; kind < 3; kind++) {
			if (kind > 0)
				text_add(&t, "%s:\n", kind == 1 ? "deny" : "grant");
			for (unsigned i = 0; i < 12; i++) {
				text_add(&t, "- {%s", kind == 2 ? "role: r, " : "");
				if (kind == 1)
					text_add(&t, "id: i%u, reason: r, ", i);
				text_add(&t, "login: [l%u%s, m%u]", (unsigned)rnd_below(&r, 9),
				    rnd_below(&r, 4) == 0 ? "*" : "",
				    (unsigned)rnd_below(&r, 9));
				text_add(&t, "%s}\n",
				    kind == 1 ? ", from: 10.0.0.0/8, service: x" : "");
			}
		}
		assert_false(t.cut);
		im = compiled(text);
		for (unsigned i = 0; i < 18; i++) {
			char login[8];
			struct policy_request req = {.login = login,
			    .space = "root",
			    .service = i % 4 == 0 ? "x" : "sshd"};
			struct policy_result res, all;
			enum ak_err err;

			(void)snprintf(login, sizeof(login), "%c%u", i < 9 ? 'l' : 'm', i % 9);
			told.t = text_over(told.text, sizeof(told.text));
			err = policy_eval(im, &req, NULL, &res);
			assert_err(login, err, policy_eval(im, &req, &trace, &all));
			assert_int_equal(res.outcome, all.outcome);
			assert_int_equal(res.deny, all.deny);
			assert_int_equal(res.allow, all.allow);
			assert_string_equal(held_of(im, &res, held, sizeof(held)),
			    held_of(im, &all, again, sizeof(again)));
			policy_result_clear(&res);
			policy_result_clear(&all);
		}
		image_free(&im);
	}
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	static const char text[] =
	    DECISION_POLICY "accounts: {deploy: {only_keys: true}}\n"
			    "define: {d: {is: e}, e: {time: {zone: Asia/Tokyo}}}\n"
			    "sample: [{decision: deny}]\n"
			    "tests: [{name: t, given: {login: x, groups: team}, expect: "
			    "{decision: allow, roles: {a: viewer}}}]\n";
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		struct image *im = NULL;
		struct diag why = DIAG_INIT;
		enum ak_err err;

		alloc_fail_nth(n);
		err = compile(text, &im, &why);
		if (!alloc_stop()) {
			assert_err(why.text, AK_OK, err);
			image_free(&im);
			break;
		}
		assert_err(why.text, AK_ERR_NOMEM, err);
		assert_null(im);
	}
	assert_true(n > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_language_does_not_say_is_refused_at_its_place),
	    cmocka_unit_test(abuse_053_cycles_of_definitions_are_refused),
	    cmocka_unit_test(what_only_the_host_knows_is_refused_at_its_place),
	    cmocka_unit_test(a_policy_asks_for_an_address_wherever_one_of_its_rules_does),
	    cmocka_unit_test(a_clock_without_the_policys_zone_tells_no_time),
	    cmocka_unit_test(each_predicate_is_true_false_or_undefined),
	    cmocka_unit_test(a_stale_directory_counts_where_it_refuses),
	    cmocka_unit_test(kleenes_logic_governs_all_any_and_not),
	    cmocka_unit_test(abuse_042_a_chain_of_100000_definitions_is_evaluated),
	    cmocka_unit_test(definitions_that_multiply_are_evaluated_once),
	    cmocka_unit_test(deny_beats_allow_and_roles_beat_neither),
	    cmocka_unit_test(an_allow_section_may_be_empty_or_absent),
	    cmocka_unit_test(each_strategy_has_its_sources),
	    cmocka_unit_test(without_conditions_address_time_service_and_account_are_missing),
	    cmocka_unit_test(a_session_that_is_to_go_on_has_the_benefit_of_the_doubt),
	    cmocka_unit_test(samples_keep_what_they_say),
	    cmocka_unit_test(every_rule_that_was_looked_at_is_told_with_its_line),
	    cmocka_unit_test(the_index_by_login_changes_no_answer),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
