#include "testlib_cmocka.h"

#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "policy.h"
#include "policy_header.h"
#include "testlib_alloc.h"
#include "testlib_random.h"
#include "zone.h"

#define NOW INT64_C(1700000000)
#define AFTER_2038 INT64_C(4000000000)

static const char example[] = "version: 1\n"
			      "spaces: {production: {}, staging: {}}\n"
			      "roles:\n"
			      "  viewer: {services: [sshd]}\n"
			      "  admin: {services: ['*']}\n";

static struct image *
compiled(const char *text, const char *space, bool public_keys)
{
	struct settings settings;
	struct image *im = NULL;

	settings_default(&settings);
	settings.public_key_logins = public_keys;
	assert_err("", AK_OK, text_copy(settings.space, sizeof(settings.space), space));
	assert_err(
	    "", AK_OK, policy_compile(text, strlen(text), "/etc/p.yaml", &settings, &im, NULL));
	return im;
}

#define STRV(s) ((struct strv){.bytes = (s), .len_b = sizeof(s)})

/* An active key that may see production, with a new secret and an old one in its overlap. */
static struct key_record
some_key(void)
{
	struct key_record k = KEY_RECORD_INIT;

	assert_int_equal(text_copy(k.name, sizeof(k.name), "ci"), AK_OK);
	k.uid = 70000;
	k.state = KEY_ACTIVE;
	k.n_secrets = 2;
	k.secrets[0] = (struct key_secret){.number = 3, .not_after = NUM_NEVER};
	k.secrets[1] = (struct key_secret){.number = 2, .not_after = NOW + 100};
	k.bindings = STRV("viewer:spaces:production");
	return k;
}

/* One change to a request that passes, and what then comes of it. */
struct row {
	const char *name;
	enum reason reason;
	const char *why; /* a part of the sentence */
	/* What the request changes. */
	bool lockdown, disabled, time_undefined, without_token, public_keys;
	uint32_t secret;
	int64_t not_before, expires_at, now; /* 0: as it was */
	struct strv from;
	const char *address, *service, *account;
	bool no_policy;
	const char *space;
};

static void
check_row(const struct row *row)
{
	struct image *im =
	    compiled(example, row->space == NULL ? "production" : row->space, row->public_keys);
	struct key_record key = some_key();
	struct net_addr address;
	struct verdict v;
	struct decide_request req = {.key = &key,
	    .policy = row->no_policy ? NULL : im,
	    .policy_problem = row->no_policy ? "line 3: what is\nthis" : NULL,
	    .hosts = STRV("h"),
	    .service = row->service == NULL ? "sshd" : row->service,
	    .account = row->account,
	    .now = row->now == 0 ? NOW : row->now,
	    .time_undefined = row->time_undefined,
	    .lockdown = row->lockdown,
	    .secret = row->secret,
	    .without_token = row->without_token};
	char text[512];

	key.from = row->from;
	key.not_before = row->not_before;
	if (row->disabled)
		key.state = KEY_DISABLED;
	if (row->expires_at != 0)
		key.expires_at = row->expires_at;
	if (row->address != NULL) {
		assert_err(row->address, AK_OK, net_parse_addr(row->address, &address));
		req.address = &address;
	}
	assert_err(row->name, row->reason == REASON_PERMITTED ? AK_OK : AK_ERR_DENIED,
	    decide(&req, NULL, &v));
	(void)snprintf(
	    text, sizeof(text), "%s: %s: %s", row->name, reason_word(v.reason), v.why);
	assert_row(text, v.reason == row->reason);
	assert_row(text, v.why[0] != '\0');
	assert_row(text, row->why == NULL || strstr(v.why, row->why) != NULL);
	assert_row(text, strchr(v.why, '\n') == NULL);
	verdict_clear(&v);
	assert_int_equal(v.reason, REASON_FAILED);
	image_free(&im);
}

#define CHECK_ROWS(rows)                                                                       \
	for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++)                       \
	check_row(&(rows)[i_])

static void
each_gate_and_the_policy_refuse_for_their_reason(void **state)
{
	static const struct row rows[] = {
	    {.name = "as it is", .reason = REASON_PERMITTED, .why = "a role permits sshd"},
	    {.name = "lockdown", .lockdown = true, .reason = REASON_LOCKDOWN, .why = "locked out"},
	    {.name = "abuse 020: disabled",
		.disabled = true,
		.reason = REASON_DISABLED,
		.why = "the key is disabled"},
	    {.name = "no policy",
		.no_policy = true,
		.reason = REASON_NO_POLICY,
		.why = "no valid policy: line 3: what is?this"},
	    {.name = "undeclared space",
		.space = "moon",
		.reason = REASON_SPACE,
		.why = "space `moon' is not declared"},
	    {.name = "another space",
		.space = "staging",
		.reason = REASON_ROLE,
		.why = "no role permits sshd: the key holds no role on this host"},
	    {.name = "another service",
		.service = "sudo",
		.reason = REASON_ROLE,
		.why = "no role permits sudo"},
	    {.name = "another account",
		.account = "deploy",
		.reason = REASON_ROLE,
		.why = "no role permits sshd as deploy"},
	    {.name = "its own account", .account = "ci", .reason = REASON_PERMITTED},
	    {.name = "root", .account = "root", .reason = REASON_ROLE},
	    {.name = "a service with a newline",
		.service = "a\nb",
		.reason = REASON_ROLE,
		.why = "no role permits a?b"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
abuse_005_018_a_secret_that_ended_is_refused(void **state)
{
	static const struct row rows[] = {
	    {.name = "none was presented", .secret = 0, .reason = REASON_PERMITTED},
	    {.name = "the new one", .secret = 3, .reason = REASON_PERMITTED},
	    {.name = "the old one in its overlap", .secret = 2, .reason = REASON_PERMITTED},
	    {.name = "its last second", .secret = 2, .now = NOW + 99, .reason = REASON_PERMITTED},
	    {.name = "the second of its end",
		.secret = 2,
		.now = NOW + 100,
		.reason = REASON_SECRET_ENDED,
		.why = "which is past"},
	    {.name = "later", .secret = 2, .now = AFTER_2038, .reason = REASON_SECRET_ENDED},
	    {.name = "the new one, later",
		.secret = 3,
		.now = AFTER_2038,
		.reason = REASON_PERMITTED},
	    {.name = "an older one",
		.secret = 1,
		.reason = REASON_SECRET_ENDED,
		.why = "secret 1 is no longer the key's"},
	    {.name = "one to come", .secret = 4, .reason = REASON_SECRET_ENDED},
	    {.name = "the highest number", .secret = UINT32_MAX, .reason = REASON_SECRET_ENDED},
	    {.name = "the old one without a clock",
		.secret = 2,
		.time_undefined = true,
		.reason = REASON_TIME_UNDEFINED},
	    {.name = "the new one without a clock",
		.secret = 3,
		.time_undefined = true,
		.reason = REASON_PERMITTED},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* What stands behind the last secret, or past the room for them, is none. */
static void
a_number_that_is_no_secret_of_the_key_is_refused(void **state)
{
	struct key_record key = some_key();
	struct decide_request req = {.key = &key, .now = NOW, .secret = 9, .favour = true};
	struct verdict v;

	(void)state;
	key.n_secrets = KEY_SECRETS_MAX;
	for (unsigned i = 0; i < KEY_SECRETS_MAX; i++)
		key.secrets[i] = (struct key_secret){.number = i + 1, .not_after = NUM_NEVER};
	assert_err("another", AK_ERR_DENIED, decide(&req, NULL, &v));
	assert_int_equal(v.reason, REASON_SECRET_ENDED);
	for (unsigned n = 0; n <= KEY_SECRETS_MAX; n++)
		for (req.secret = 1; req.secret <= KEY_SECRETS_MAX; req.secret++) {
			key.n_secrets = n;
			(void)!decide(&req, NULL, &v);
			assert_int_equal(
			    v.reason, req.secret <= n ? REASON_PERMITTED : REASON_SECRET_ENDED);
		}
	key.n_secrets = KEY_SECRETS_MAX + 1;
	req.secret = 9;
	assert_err("too many", AK_ERR_DENIED, decide(&req, NULL, &v));
	assert_int_equal(v.reason, REASON_SECRET_ENDED);
}

static void
abuse_144_without_a_token_only_what_never_asks_for_one_is_entered(void **state)
{
	static const struct row rows[] = {
	    {.name = "a public key",
		.without_token = true,
		.reason = REASON_NO_TOKEN,
		.why = "no token"},
	    {.name = "a public key, allowed",
		.without_token = true,
		.public_keys = true,
		.reason = REASON_PERMITTED},
	    {.name = "a public key, no policy",
		.without_token = true,
		.no_policy = true,
		.reason = REASON_NO_TOKEN},
	    {.name = "another service, allowed",
		.without_token = true,
		.public_keys = true,
		.service = "login",
		.reason = REASON_ROLE},
	    {.name = "sudo asks the policy",
		.without_token = true,
		.service = "sudo",
		.reason = REASON_ROLE,
		.why = "no role permits sudo"},
	    {.name = "systemd-user",
		.without_token = true,
		.service = "systemd-user",
		.reason = REASON_PERMITTED},
	    {.name = "nearly sudo",
		.without_token = true,
		.service = "sudoedit",
		.reason = REASON_NO_TOKEN},
	    {.name = "an allowed key that is disabled",
		.without_token = true,
		.public_keys = true,
		.disabled = true,
		.reason = REASON_DISABLED},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
abuse_006_007_104_105_a_key_holds_from_its_first_second_to_before_its_last(void **state)
{
	static const struct row rows[] = {
	    {.name = "a second before its end",
		.expires_at = NOW + 1,
		.reason = REASON_PERMITTED},
	    {.name = "the exact second of its end",
		.expires_at = NOW,
		.reason = REASON_EXPIRED,
		.why = "the key expired at 2023-11-14T22:13:20Z"},
	    {.name = "after its end", .expires_at = NOW - 1, .reason = REASON_EXPIRED},
	    {.name = "end in 1970", .expires_at = 1, .reason = REASON_EXPIRED},
	    {.name = "past 2038",
		.expires_at = AFTER_2038,
		.now = AFTER_2038 - 1,
		.reason = REASON_PERMITTED},
	    {.name = "ended past 2038",
		.expires_at = AFTER_2038,
		.now = AFTER_2038,
		.reason = REASON_EXPIRED},
	    {.name = "a negative end", .expires_at = -5, .reason = REASON_EXPIRED},
	    {.name = "a second too early",
		.not_before = NOW + 1,
		.reason = REASON_NOT_YET,
		.why = "valid from 2023-11-14T22:13:21Z on"},
	    {.name = "its first second", .not_before = NOW, .reason = REASON_PERMITTED},
	    {.name = "a clock in 1970", .not_before = NOW, .now = 5, .reason = REASON_NOT_YET},
	    {.name = "a clock before 1970", .not_before = 1, .now = -5, .reason = REASON_NOT_YET},
	    {.name = "both, too early",
		.not_before = NOW + 5,
		.expires_at = NOW + 9,
		.reason = REASON_NOT_YET},
	    {.name = "never valid",
		.not_before = NOW + 5,
		.expires_at = NOW,
		.reason = REASON_NOT_YET},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
a_clock_that_is_not_believed_stops_what_is_bound_in_time_alone(void **state)
{
	static const struct row rows[] = {
	    {.name = "unbound", .time_undefined = true, .reason = REASON_PERMITTED},
	    {.name = "expires",
		.time_undefined = true,
		.expires_at = AFTER_2038,
		.reason = REASON_TIME_UNDEFINED,
		.why = "clock can't be believed"},
	    {.name = "begins",
		.time_undefined = true,
		.not_before = 1,
		.reason = REASON_TIME_UNDEFINED},
	    {.name = "expired by a bad clock",
		.time_undefined = true,
		.expires_at = 5,
		.reason = REASON_TIME_UNDEFINED},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
abuse_152_a_key_with_networks_needs_an_address_in_one(void **state)
{
	static const struct row rows[] = {
	    {.name = "no list, no address", .reason = REASON_PERMITTED},
	    {.name = "no list", .address = "192.0.2.1", .reason = REASON_PERMITTED},
	    {.name = "in it",
		.from = STRV("10.0.0.0/8"),
		.address = "10.9.8.7",
		.reason = REASON_PERMITTED},
	    {.name = "mapped",
		.from = STRV("10.0.0.0/8"),
		.address = "::ffff:10.9.8.7",
		.reason = REASON_PERMITTED},
	    {.name = "not in it",
		.from = STRV("10.0.0.0/8"),
		.address = "11.9.8.7",
		.reason = REASON_FROM,
		.why = "in none of the key's networks"},
	    {.name = "undefined",
		.from = STRV("0.0.0.0/0\0::/0"),
		.reason = REASON_FROM,
		.why = "there is none here"},
	    {.name = "in the second",
		.from = STRV("10.0.0.0/8\0002001:db8::/32"),
		.address = "2001:db8::1",
		.reason = REASON_PERMITTED},
	    {.name = "an unreadable block has nothing",
		.from = STRV("10.0.0.1/8"),
		.address = "10.9.8.7",
		.reason = REASON_FROM},
	    {.name = "and hides no other",
		.from = STRV("junk\00010.0.0.0/8"),
		.address = "10.9.8.7",
		.reason = REASON_PERMITTED},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static unsigned n_doubts;

static bool
doubt(void *ctx)
{
	n_doubts++;
	return *(const bool *)ctx;
}

static void
an_address_is_doubted_by_whoever_needs_it_and_one_of_this_host_is_none(void **state)
{
	static const char head[] = "version: 1\nroles: {viewer: {services: [sshd]}}\n";
	static const struct {
		const char *policy;
		struct strv from;
		bool asks;
		enum reason not_own, own;
	} rows[] = {
	    {"", {.len_b = 0}, false, REASON_PERMITTED, REASON_PERMITTED},
	    {"", STRV("192.0.2.0/24"), true, REASON_PERMITTED, REASON_FROM},
	    {"deny: [{id: d, reason: r, login: other, from: 10.0.0.0/8}]\n", {.len_b = 0},
		false, REASON_PERMITTED, REASON_PERMITTED},
	    {"deny: [{id: d, reason: r, login: ci, from: 10.0.0.0/8}]\n", {.len_b = 0}, true,
		REASON_PERMITTED, REASON_RULE},
	    {"allow: [{from: 192.0.2.0/24}]\n", {.len_b = 0}, true, REASON_PERMITTED,
		REASON_NOT_ADMITTED},
	};
	static const bool answers[] = {false, true};
	struct net_addr address;

	(void)state;
	assert_err("", AK_OK, net_parse_addr("192.0.2.7", &address));
	for (size_t i = 0; i < 2 * (sizeof(rows) / sizeof(rows[0])); i++) {
		bool own = answers[i % 2];
		struct policy_doubt d = {doubt, &own};
		struct key_record key = some_key();
		struct decide_request req = {.key = &key,
		    .hosts = STRV("h"),
		    .service = "sshd",
		    .now = NOW,
		    .address = &address,
		    .doubt = &d};
		struct image *im;
		struct verdict v;
		char text[256];

		(void)snprintf(text, sizeof(text), "%s%s", head, rows[i / 2].policy);
		im = compiled(text, "root", false);
		req.policy = im;
		key.bindings = STRV("viewer");
		key.from = rows[i / 2].from;
		n_doubts = 0;
		(void)!decide(&req, NULL, &v);
		assert_row(text, v.reason == (own ? rows[i / 2].own : rows[i / 2].not_own));
		assert_row(text, (n_doubts > 0) == rows[i / 2].asks);
		verdict_clear(&v);
		image_free(&im);
	}
}

static void
the_first_gate_that_fails_is_the_reason(void **state)
{
	static const struct row rows[] = {
	    {.name = "all",
		.lockdown = true,
		.secret = 1,
		.disabled = true,
		.not_before = NOW + 1,
		.expires_at = NOW,
		.from = STRV("10.0.0.0/8"),
		.no_policy = true,
		.reason = REASON_LOCKDOWN},
	    {.name = "from the secret on",
		.secret = 1,
		.disabled = true,
		.not_before = NOW + 1,
		.expires_at = NOW,
		.from = STRV("10.0.0.0/8"),
		.no_policy = true,
		.reason = REASON_SECRET_ENDED},
	    {.name = "from the state on",
		.disabled = true,
		.not_before = NOW + 1,
		.expires_at = NOW,
		.from = STRV("10.0.0.0/8"),
		.no_policy = true,
		.reason = REASON_DISABLED},
	    {.name = "from not-before on",
		.not_before = NOW + 1,
		.expires_at = NOW,
		.from = STRV("10.0.0.0/8"),
		.no_policy = true,
		.reason = REASON_NOT_YET},
	    {.name = "from expiry on",
		.expires_at = NOW,
		.from = STRV("10.0.0.0/8"),
		.no_policy = true,
		.reason = REASON_EXPIRED},
	    {.name = "from the address on",
		.from = STRV("10.0.0.0/8"),
		.no_policy = true,
		.reason = REASON_FROM},
	    {.name = "from the policy on",
		.no_policy = true,
		.service = "sudo",
		.reason = REASON_NO_POLICY},
	    {.name = "from the space on",
		.space = "moon",
		.service = "sudo",
		.reason = REASON_SPACE},
	};

	(void)state;
	CHECK_ROWS(rows);
}

struct counted {
	unsigned lines[TRACE_DECISION + 1], failed[TRACE_DECISION + 1];
	char last[256];
};

static void
count_line(void *ctx, const struct trace_line *line)
{
	struct counted *c = ctx;

	c->lines[line->step]++;
	c->failed[line->step] += line->holds ? 0 : 1;
	(void)snprintf(c->last, sizeof(c->last), "%s", line->text);
}

static void
every_gate_is_told_though_one_fails_and_the_decision_is_told_last(void **state)
{
	struct counted c = {.last = ""};
	const struct trace trace = {.take = count_line, .ctx = &c};
	struct image *im = compiled(example, "production", false);
	struct key_record key = some_key();
	struct decide_request req = {.key = &key,
	    .policy = im,
	    .hosts = STRV("h"),
	    .service = "sshd",
	    .now = NOW,
	    .lockdown = true,
	    .secret = 9};
	struct verdict v;

	(void)state;
	assert_err("", AK_ERR_DENIED, decide(&req, &trace, &v));
	assert_int_equal(c.lines[TRACE_GATE], 6); /* the token and the directory say nothing */
	assert_int_equal(c.failed[TRACE_GATE], 2);
	assert_int_equal(c.lines[TRACE_ROLE], 0);
	assert_int_equal(c.failed[TRACE_DECISION], 1);
	assert_string_equal(c.last, v.why);
	assert_int_equal(role_set_next(&v.roles, 0), IMAGE_NONE);
	verdict_clear(&v);
	c = (struct counted){.last = ""};
	req.lockdown = false;
	req.secret = 3;
	assert_err("", AK_OK, decide(&req, &trace, &v));
	assert_int_equal(c.lines[TRACE_GATE], 6);
	assert_int_equal(c.failed[TRACE_GATE], 0);
	assert_int_equal(c.lines[TRACE_ROLE], 1);
	assert_int_equal(c.lines[TRACE_REQUEST], 1);
	assert_int_equal(c.lines[TRACE_DECISION], 1);
	assert_string_equal(c.last, v.why);
	verdict_clear(&v);
	image_free(&im);
}

static const char ldap_policy[] = "version: 1\n"
				  "roles: {viewer: {services: [sshd]}}\n"
				  "groups: {staff: [{role: viewer}]}\n";

/* A key that lives in LDAP, or has its one role by an LDAP group. */
struct ldap_row {
	const char *name;
	enum reason reason;
	const char *why, *never_says;
	bool directory_key, keys_stale, stale, unknown, favour, by_group, disabled, expired,
	    elsewhere, unadmitted;
	int64_t contact_at;
};

static void
check_ldap_row(const struct ldap_row *row)
{
	char policy[256], text[512];
	struct text t = text_over(policy, sizeof(policy));
	struct settings settings;
	struct image *im = NULL;
	struct key_record key = some_key();
	struct decide_request req = {.key = &key,
	    .directory_groups = row->by_group ? STRV("staff") : STRV_EMPTY,
	    .stale = row->stale,
	    .unknown = row->unknown,
	    .directory_key = row->directory_key,
	    .keys_stale = row->keys_stale,
	    .contact_at = row->contact_at,
	    .service = "sshd",
	    .now = NOW,
	    .favour = row->favour};
	struct verdict v;

	text_add(&t, "%s%s", ldap_policy,
	    row->unadmitted ? "allow: [{group: staff, service: su}]\n" : "");
	policy_header_settings("# may_grant: viewer\n", &settings);
	assert_err("", AK_OK, policy_compile(policy, t.len, "p", &settings, &im, NULL));
	req.policy = im;
	key.bindings = row->by_group ? STRV_EMPTY : STRV("viewer");
	key.from = row->elsewhere ? STRV("10.0.0.0/8") : STRV_EMPTY;
	key.expires_at = row->expired ? NOW : NUM_NEVER;
	key.state = row->disabled ? KEY_DISABLED : KEY_ACTIVE;
	assert_err(row->name, row->reason == REASON_PERMITTED ? AK_OK : AK_ERR_DENIED,
	    decide(&req, NULL, &v));
	(void)snprintf(
	    text, sizeof(text), "%s: %s: %s", row->name, reason_word(v.reason), v.why);
	assert_row(text, v.reason == row->reason);
	assert_row(text, row->why == NULL || strstr(v.why, row->why) != NULL);
	assert_row(text, row->never_says == NULL || strstr(v.why, row->never_says) == NULL);
	verdict_clear(&v);
	image_free(&im);
}

#define CHECK_LDAP_ROWS(rows)                                                                  \
	for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++)                       \
	check_ldap_row(&(rows)[i_])

static void
a_key_that_lives_in_ldap_is_refused_when_ldap_was_not_heard_for_too_long(void **state)
{
	static const struct ldap_row rows[] = {
	    {"heard", REASON_PERMITTED, .directory_key = true, .contact_at = NOW - 9},
	    {"not heard", REASON_DIRECTORY, "LDAP was last heard at 2023-11-14T22:13:20Z, which",
		.directory_key = true, .keys_stale = true, .contact_at = NOW},
	    {"never heard", REASON_DIRECTORY, "LDAP has never been heard",
		.directory_key = true, .keys_stale = true},
	    {"in a session's favour", REASON_PERMITTED, .directory_key = true,
		.keys_stale = true, .favour = true},
	    {"a local key", REASON_PERMITTED, .keys_stale = true},
	    {"not yet so long", REASON_PERMITTED, .directory_key = true, .stale = true},
	    {"an expired one", REASON_EXPIRED, .directory_key = true, .keys_stale = true,
		.expired = true},
	    {"one from elsewhere", REASON_DIRECTORY, .directory_key = true, .keys_stale = true,
		.elsewhere = true},
	    {"a disabled one", REASON_DISABLED, .directory_key = true, .keys_stale = true,
		.disabled = true},
	};

	(void)state;
	CHECK_LDAP_ROWS(rows);
}

static void
a_stale_directory_gives_no_roles_and_the_denial_says_so(void **state)
{
	static const struct ldap_row rows[] = {
	    {"heard", REASON_PERMITTED, .by_group = true},
	    {"abuse 072: stale", REASON_ROLE,
		"holds no role on this host; LDAP gives no roles: it has not been heard since "
		"2023-11-14T22:13:20Z",
		.by_group = true, .stale = true, .contact_at = NOW},
	    {"never heard", REASON_ROLE, "LDAP gives no roles: it has never been heard",
		.by_group = true, .stale = true},
	    {"unknown", REASON_ROLE,
		"LDAP gives no roles: what it says of this key is not known here",
		.by_group = true, .unknown = true, .contact_at = NOW},
	    {"in a session's favour", REASON_PERMITTED, .by_group = true, .stale = true,
		.favour = true},
	    {"not admitted", REASON_NOT_ADMITTED, NULL, "LDAP", .unadmitted = true},
	    {"not admitted, stale", REASON_NOT_ADMITTED,
		"admits the key; LDAP gives no roles: it has not been heard since",
		.unadmitted = true, .stale = true, .contact_at = NOW},
	    {"not admitted, in favour", REASON_NOT_ADMITTED, NULL, "LDAP", .unadmitted = true,
		.stale = true, .favour = true},
	};

	(void)state;
	CHECK_LDAP_ROWS(rows);
}

static void
what_the_directory_gives_reaches_the_policy(void **state)
{
	struct image *im = compiled(example, "production", false);
	struct key_record key = some_key();
	struct decide_request req = {.key = &key,
	    .policy = im,
	    .directory_groups = STRV("g"),
	    .directory_bindings = STRV("b"),
	    .unknown = true,
	    .directory_key = true};
	struct policy_request asked = decide_policy_request(&req);

	(void)state;
	assert_ptr_equal(asked.directory_groups.bytes, req.directory_groups.bytes);
	assert_ptr_equal(asked.directory_bindings.bytes, req.directory_bindings.bytes);
	assert_true(asked.unknown && asked.directory_key && !asked.stale);
	req = (struct decide_request){.key = &key, .policy = im, .stale = true};
	asked = decide_policy_request(&req);
	assert_true(asked.stale && !asked.unknown && !asked.directory_key);
	image_free(&im);
}

static void
the_held_roles_are_listed_also_when_the_service_is_refused(void **state)
{
	struct image *im = compiled(example, "production", false);
	struct key_record key = some_key();
	struct decide_request req = {
	    .key = &key, .policy = im, .hosts = STRV("h"), .service = "sudo", .now = NOW};
	struct verdict v;

	(void)state;
	assert_err("", AK_ERR_DENIED, decide(&req, NULL, &v));
	assert_string_equal(v.roles_text, "viewer");
	assert_true(role_set_has(&v.roles, image_find_role(im, "viewer")));
	verdict_clear(&v);
	key.bindings = STRV("viewer\0admin");
	assert_err("", AK_OK, decide(&req, NULL, &v));
	assert_string_equal(v.roles_text, "admin,viewer");
	verdict_clear(&v);
	req.service = NULL;
	key.bindings = STRV_EMPTY;
	assert_err("not asked", AK_OK, decide(&req, NULL, &v));
	assert_string_equal(v.roles_text, "");
	assert_string_equal(v.why, "the key is in order");
	verdict_clear(&v);
	image_free(&im);
}

static void
a_long_list_of_roles_is_cut_at_a_whole_name(void **state)
{
	char policy[8192], bindings[4096], last[80];
	struct text t = text_over(policy, sizeof(policy)),
		    b = text_over(bindings, sizeof(bindings));
	struct key_record key = some_key();
	struct image *im;
	struct verdict v;
	const char *tail;

	(void)state;
	text_add(&t, "version: 1\nroles:\n");
	for (unsigned i = 10; i < 60; i++) {
		text_add(&t, "  role-with-a-longer-name-%u: {services: ['*']}\n", i);
		text_add(&b, "role-with-a-longer-name-%u%c", i, '|');
	}
	for (size_t i = 0; i < b.len; i++)
		if (bindings[i] == '|')
			bindings[i] = '\0';
	im = compiled(policy, "root", false);
	key.bindings = (struct strv){.bytes = bindings, .len_b = b.len};
	assert_err("", AK_OK,
	    decide(
		&(struct decide_request){
		    .key = &key, .policy = im, .service = "sshd", .now = NOW},
		NULL, &v));
	assert_true(strlen(v.roles_text) > sizeof(v.roles_text) - 40);
	tail = strrchr(v.roles_text, ',');
	assert_non_null(tail);
	assert_err("", AK_OK, text_copy(last, sizeof(last), tail + 1));
	assert_int_not_equal(image_find_role(im, last), IMAGE_NONE);
	verdict_clear(&v);
	image_free(&im);
}

static void
abuse_128_without_memory_the_verdict_is_a_denial(void **state)
{
	struct image *im = compiled(example, "production", false);
	struct key_record key = some_key();
	struct decide_request req = {
	    .key = &key, .policy = im, .hosts = STRV("h"), .service = "sshd", .now = NOW};
	struct verdict v;

	(void)state;
	alloc_fail_nth(1);
	assert_err("", AK_ERR_NOMEM, decide(&req, NULL, &v));
	assert_true(alloc_stop());
	assert_int_equal(v.reason, REASON_FAILED);
	assert_string_equal(v.why, "no decision could be made");
	assert_int_equal(role_set_next(&v.roles, 0), IMAGE_NONE);
	verdict_clear(&v);
	image_free(&im);
}

static void
every_reason_has_a_word_and_a_text_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = REASON_PERMITTED; i <= REASON_BY_HAND; i++) {
		assert_string_not_equal(reason_word((enum reason)i), "unknown");
		assert_string_not_equal(reason_text((enum reason)i), "unknown");
		assert_null(strpbrk(reason_word((enum reason)i), " =\""));
		for (unsigned k = REASON_PERMITTED; k < i; k++)
			assert_string_not_equal(
			    reason_word((enum reason)i), reason_word((enum reason)k));
	}
	for (unsigned i = 0; i < 64; i++) {
		if (i >= REASON_PERMITTED && i <= REASON_BY_HAND)
			continue;
		assert_string_equal(reason_word((enum reason)i), "unknown");
		assert_string_equal(reason_text((enum reason)i), "unknown");
	}
}

/* Whatever the request, an answer of AK_OK and REASON_PERMITTED come together, and a failing gate always refuses. */
static void
no_request_is_permitted_past_a_gate(void **state)
{
	struct rnd r = rnd_start("no_request_is_permitted_past_a_gate");
	struct image *im = compiled(example, "production", false);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct key_record key = some_key();
		struct decide_request req = {.key = &key,
		    .policy = rnd_below(&r, 8) == 0 ? NULL : im,
		    .service = rnd_below(&r, 2) == 0 ? "sshd" : "sudo",
		    .now = NOW + (int64_t)rnd_below(&r, 5),
		    .time_undefined = rnd_below(&r, 4) == 0,
		    .lockdown = rnd_below(&r, 6) == 0,
		    .secret = (uint32_t)rnd_below(&r, 5)};
		struct verdict v;
		bool good;
		enum ak_err err;

		key.state = rnd_below(&r, 6) == 0 ? KEY_DISABLED : KEY_ACTIVE;
		key.not_before = rnd_below(&r, 2) == 0 ? 0 : NOW + (int64_t)rnd_below(&r, 3);
		key.expires_at =
		    rnd_below(&r, 2) == 0 ? NUM_NEVER : NOW + (int64_t)rnd_below(&r, 5);
		if (rnd_below(&r, 4) == 0)
			key.from = STRV("10.0.0.0/8");
		good = !req.lockdown && key.state == KEY_ACTIVE && key.from.len_b == 0 &&
		       (req.secret == 0 || req.secret == 3 ||
			   (req.secret == 2 && !req.time_undefined)) &&
		       (key.not_before == 0 ||
			   (!req.time_undefined && req.now >= key.not_before)) &&
		       (key.expires_at == NUM_NEVER ||
			   (!req.time_undefined && req.now < key.expires_at)) &&
		       req.policy != NULL && strcmp(req.service, "sshd") == 0;
		err = decide(&req, NULL, &v);
		assert_int_equal(err == AK_OK, good);
		assert_int_equal(v.reason == REASON_PERMITTED, good);
		verdict_clear(&v);
	}
	image_free(&im);
}

static const char rules[] =
    "version: 1\n"
    "roles: {viewer: {services: [sshd]}, d: {services: [sshd], accounts: ['*']}}\n"
    "groups: {ops: [{role: d}]}\n"
    "allow: [{group: [ops, dev]}]\n"
    "deny:\n"
    "- {id: far, reason: 'only from h\xc3\xa9re', login: ci, not: {from: 10.0.0.0/8}}\n"
    "- {id: night, reason: by day, time: {hours: '00:00-06:00'}}\n";

/* A request that the policy's rules decide. */
struct ruled {
	const char *name;
	enum reason reason;
	const char *why; /* the whole sentence */
	const char *address, *origin, *account, *own, *directory;
	int64_t now;
	bool stale, root, no_clock, favour, time_undefined;
};

static void
check_ruled(const struct ruled *row)
{
	struct image *im = compiled(rules, "root", false);
	struct key_record key = some_key();
	struct net_addr address, origin;
	struct moments when = MOMENTS_INIT;
	struct decide_request req = {.key = &key,
	    .policy = im,
	    .service = "sshd",
	    .account = row->account,
	    .account_is_root = row->root,
	    .stale = row->stale,
	    .favour = row->favour,
	    .time_undefined = row->time_undefined,
	    .now = row->now == 0 ? NOW : row->now};
	struct verdict v;

	key.bindings = STRV("viewer");
	key.groups = row->own == NULL
			 ? STRV_EMPTY
			 : (struct strv){.bytes = row->own, .len_b = strlen(row->own) + 1};
	if (row->directory != NULL)
		req.directory_groups =
		    (struct strv){.bytes = row->directory, .len_b = strlen(row->directory) + 1};
	if (row->address != NULL) {
		assert_err("", AK_OK, net_parse_addr(row->address, &address));
		req.address = &address;
	}
	if (row->origin != NULL) {
		assert_err("", AK_OK, net_parse_addr(row->origin, &origin));
		req.origin = &origin;
	}
	assert_err("", AK_OK, moments_resolve(im, ZONE_DIR, req.now * 1000, &when));
	req.when = row->no_clock ? NULL : &when;
	assert_err(row->name, row->reason == REASON_PERMITTED ? AK_OK : AK_ERR_DENIED,
	    decide(&req, NULL, &v));
	if (v.reason != row->reason || (row->why != NULL && strcmp(v.why, row->why) != 0))
		fail_msg("%s: %s: %s", row->name, reason_word(v.reason), v.why);
	assert_row(row->name,
	    v.reason == REASON_PERMITTED || v.reason == REASON_ROLE ||
		(role_set_next(&v.roles, 0) == IMAGE_NONE && v.roles_text[0] == '\0'));
	verdict_clear(&v);
	moments_clear(&when);
	image_free(&im);
}

static void
rules_refuse_with_their_reason(void **state)
{
	static const struct ruled rows[] = {
	    {.name = "in order",
		.reason = REASON_PERMITTED,
		.address = "10.1.1.1",
		.own = "dev",
		.why = "a role permits sshd"},
	    {.name = "deny",
		.reason = REASON_RULE,
		.address = "11.1.1.1",
		.own = "dev",
		.why = "deny rule far: only from h\xc3\xa9re"},
	    {.name = "no address", .reason = REASON_RULE, .own = "dev"},
	    {.name = "origin", .reason = REASON_PERMITTED, .origin = "10.1.1.1", .own = "dev"},
	    {.name = "the address comes first",
		.reason = REASON_RULE,
		.own = "dev",
		.address = "192.0.2.1",
		.origin = "10.1.1.1"},
	    {.name = "not admitted",
		.reason = REASON_NOT_ADMITTED,
		.address = "10.1.1.1",
		.why = "no allow rule of the policy admits the key"},
	    {.name = "by directory",
		.reason = REASON_PERMITTED,
		.address = "10.1.1.1",
		.directory = "dev"},
	    {.name = "stale directory",
		.reason = REASON_NOT_ADMITTED,
		.address = "10.1.1.1",
		.directory = "dev",
		.stale = true},
	    {.name = "own groups are never stale",
		.reason = REASON_PERMITTED,
		.address = "10.1.1.1",
		.own = "dev",
		.stale = true},
	    {.name = "at night",
		.reason = REASON_RULE,
		.address = "10.1.1.1",
		.own = "dev",
		.now = NOW + 6 * 3600},
	    {.name = "without a clock",
		.reason = REASON_RULE,
		.address = "10.1.1.1",
		.own = "dev",
		.no_clock = true,
		.why = "deny rule night: by day"},
	    {.name = "abuse 101: a clock not to be believed",
		.reason = REASON_RULE,
		.address = "10.1.1.1",
		.own = "dev",
		.time_undefined = true},
	    {.name = "other account",
		.reason = REASON_ROLE,
		.address = "10.1.1.1",
		.own = "dev",
		.account = "deploy",
		.why = "no role permits sshd as deploy"},
	    {.name = "other account by a group's role",
		.reason = REASON_PERMITTED,
		.address = "10.1.1.1",
		.own = "ops",
		.account = "deploy"},
	    {.name = "abuse 022: uid 0",
		.reason = REASON_ROLE,
		.address = "10.1.1.1",
		.own = "ops",
		.account = "toor",
		.root = true,
		.why = "no role permits sshd as toor: uid 0 is never entered with a key"},
	    {.name = "a session goes on",
		.reason = REASON_PERMITTED,
		.directory = "dev",
		.stale = true,
		.time_undefined = true,
		.favour = true},
	    {.name = "a session that is refused",
		.reason = REASON_RULE,
		.address = "11.1.1.1",
		.own = "dev",
		.favour = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_ruled(&rows[i]);
}

static void
a_rules_long_reason_is_cut_at_a_whole_character(void **state)
{
	static const struct {
		const char *name;
		size_t letters;
		const char *end;
		size_t said; /* bytes of the reason */
	} rows[] = {{"it just fits", 160, "", 160}, {"one more", 161, "", 160},
	    {"a character within", 157, "\xe2\x82\xac", 160},
	    {"a character across", 159, "\xe2\x82\xac", 159},
	    {"one that ends behind", 158, "\xe2\x82\xac", 158},
	    {"much more", 400, "\xe2\x82\xac", 160}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char policy[1024], want[512], letters[401];
		struct key_record key = some_key();
		struct decide_request req = {.key = &key, .service = "sshd", .now = NOW};
		struct image *im;
		struct verdict v;

		memset(letters, 'a', sizeof(letters));
		(void)snprintf(policy, sizeof(policy),
		    "version: 1\ndeny:\n- {id: d, reason: '%.*s%s', login: ci}\n",
		    (int)rows[i].letters, letters, rows[i].end);
		(void)snprintf(want, sizeof(want), "deny rule d: %.*s%s", (int)rows[i].letters,
		    letters, rows[i].end);
		want[strlen("deny rule d: ") + rows[i].said] = '\0';
		im = compiled(policy, "root", false);
		req.policy = im;
		assert_err(rows[i].name, AK_ERR_DENIED, decide(&req, NULL, &v));
		assert_string_equal(v.why, want);
		verdict_clear(&v);
		image_free(&im);
	}
}

static void
abuse_173_what_cannot_be_told_ends_no_session(void **state)
{
	struct key_record key = some_key();
	struct decide_request req = {
	    .key = &key, .service = "sshd", .secret = 2, .now = NOW, .time_undefined = true};
	struct verdict v;

	(void)state;
	key.expires_at = NOW - 1;
	key.not_before = NOW + 1;
	key.from = STRV("10.0.0.0/8");
	req.favour = true;
	assert_err("no policy, no clock, no address", AK_OK, decide(&req, NULL, &v));
	assert_int_equal(role_set_next(&v.roles, 0), IMAGE_NONE);
	verdict_clear(&v);
	key.state = KEY_DISABLED;
	assert_err("disabled", AK_ERR_DENIED, decide(&req, NULL, &v));
	assert_int_equal(v.reason, REASON_DISABLED);
	verdict_clear(&v);
	key.state = KEY_ACTIVE;
	req.secret = 1;
	assert_err("secret ended", AK_ERR_DENIED, decide(&req, NULL, &v));
	assert_int_equal(v.reason, REASON_SECRET_ENDED);
	verdict_clear(&v);
	req.secret = 0;
	req.without_token = true;
	assert_err("a public key, and no settings", AK_OK, decide(&req, NULL, &v));
	verdict_clear(&v);
	req.favour = false;
	assert_err("a login by one", AK_ERR_DENIED, decide(&req, NULL, &v));
	assert_int_equal(v.reason, REASON_NO_TOKEN);
	verdict_clear(&v);
}

static void
a_role_that_the_stack_asks_for_is_held_here_or_where_it_says(void **state)
{
	static const struct {
		const char *binding;
		bool held;
	} rows[] = {
	    {"viewer", true},
	    {"viewer:spaces:production", true},
	    {"viewer:spaces:staging", false},
	    {"viewer:spaces:staging,production", true},
	    {"viewer:spaces:moon", false},
	    {"admin", false},
	    {"admin:hosts:h", false},
	    {"admin:hosts:bastion", true},
	    {"admin:hosts:other,bastion", true},
	    {"viewer:hosts:other", true},
	    {"root", false},
	    {"", false},
	    {"viewer:nowhere:x", false},
	};
	struct image *im = compiled(example, "production", false);
	struct key_record key = some_key();
	struct decide_request req = {
	    .key = &key, .policy = im, .hosts = STRV("h"), .service = "sshd", .now = NOW};
	struct verdict v;

	(void)state;
	key.bindings = STRV("viewer:spaces:production\0admin:hosts:bastion");
	assert_err("", AK_OK, decide(&req, NULL, &v));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_row(
		    rows[i].binding, decide_holds(&req, &v, rows[i].binding) == rows[i].held);
	alloc_fail_nth(1);
	assert_false(decide_holds(&req, &v, rows[1].binding));
	assert_true(alloc_stop());
	req.favour = true;
	alloc_fail_nth(1);
	assert_true(decide_holds(&req, &v, rows[2].binding));
	assert_true(alloc_stop());
	req.policy = NULL;
	assert_false(decide_holds(&req, &v, "viewer"));
	verdict_clear(&v);
	image_free(&im);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_gate_and_the_policy_refuse_for_their_reason),
	    cmocka_unit_test(abuse_005_018_a_secret_that_ended_is_refused),
	    cmocka_unit_test(a_number_that_is_no_secret_of_the_key_is_refused),
	    cmocka_unit_test(abuse_144_without_a_token_only_what_never_asks_for_one_is_entered),
	    cmocka_unit_test(
		abuse_006_007_104_105_a_key_holds_from_its_first_second_to_before_its_last),
	    cmocka_unit_test(a_clock_that_is_not_believed_stops_what_is_bound_in_time_alone),
	    cmocka_unit_test(abuse_152_a_key_with_networks_needs_an_address_in_one),
	    cmocka_unit_test(
		an_address_is_doubted_by_whoever_needs_it_and_one_of_this_host_is_none),
	    cmocka_unit_test(the_first_gate_that_fails_is_the_reason),
	    cmocka_unit_test(every_gate_is_told_though_one_fails_and_the_decision_is_told_last),
	    cmocka_unit_test(
		a_key_that_lives_in_ldap_is_refused_when_ldap_was_not_heard_for_too_long),
	    cmocka_unit_test(a_stale_directory_gives_no_roles_and_the_denial_says_so),
	    cmocka_unit_test(what_the_directory_gives_reaches_the_policy),
	    cmocka_unit_test(the_held_roles_are_listed_also_when_the_service_is_refused),
	    cmocka_unit_test(a_long_list_of_roles_is_cut_at_a_whole_name),
	    cmocka_unit_test(every_reason_has_a_word_and_a_text_of_its_own),
	    cmocka_unit_test(no_request_is_permitted_past_a_gate),
	    cmocka_unit_test(abuse_128_without_memory_the_verdict_is_a_denial),
	    cmocka_unit_test(rules_refuse_with_their_reason),
	    cmocka_unit_test(a_rules_long_reason_is_cut_at_a_whole_character),
	    cmocka_unit_test(abuse_173_what_cannot_be_told_ends_no_session),
	    cmocka_unit_test(a_role_that_the_stack_asks_for_is_held_here_or_where_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
