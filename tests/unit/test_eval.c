#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "pack.h"
#include "policy.h"
#include "role.h"
#include "testlib_alloc.h"
#include "testlib_random.h"

static const char example[] = "version: 1\n"
			      "spaces:\n"
			      "  production: {}\n"
			      "  production-eu: {parent: production}\n"
			      "  berlin: {parent: production-eu}\n"
			      "  staging: {}\n"
			      "roles:\n"
			      "  viewer: {services: [sshd]}\n"
			      "  editor: {services: [sshd, 'sudo*'], unix_groups: [editors]}\n"
			      "  admin: {services: ['*'], unix_groups: [admins]}\n"
			      "  empty: {unix_groups: [nobodies]}\n";

static struct image *
compiled(const char *text)
{
	struct settings settings;
	struct image *im = NULL;
	struct diag why = DIAG_INIT;

	settings_default(&settings);
	assert_err(why.text, AK_OK,
	    policy_compile(text, strlen(text), "/etc/p.yaml", &settings, &im, &why));
	return im;
}

/* A request's lists from texts with blanks between. */
struct lists {
	struct pack bindings, hosts;
};

static void
add_words(struct pack *p, const char *words)
{
	char copy[512], *save = NULL;

	assert_err(words, AK_OK, text_copy(copy, sizeof(copy), words));
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		pack_entry(p, w);
}

static struct policy_request
request(struct lists *l, const char *bindings, const char *hosts, const char *space)
{
	*l = (struct lists){.bindings = PACK_INIT, .hosts = PACK_INIT};
	add_words(&l->bindings, bindings);
	add_words(&l->hosts, hosts);
	return (struct policy_request){.login = "ci",
	    .bindings = pack_borrow_strv(&l->bindings),
	    .hosts = pack_borrow_strv(&l->hosts),
	    .space = space};
}

static void
lists_clear(struct lists *l)
{
	pack_clear(&l->bindings);
	pack_clear(&l->hosts);
}

/* The held roles' names, joined by blanks. */
static const char *
names_of(const struct image *im, const struct role_set *roles, char *buf, size_t cap)
{
	struct text t = text_over(buf, cap);

	role_set_for (roles, i) {
		assert_true(role_set_has(roles, i));
		text_add(&t, "%s%s", t.len == 0 ? "" : " ", image_role(im, i).name);
	}
	return buf;
}

static void
a_binding_holds_where_it_says(void **state)
{
	static const struct {
		const char *bindings, *hosts, *space, *held;
	} rows[] = {
	    {"", "h", "root", ""},
	    {"viewer", "h", "root", "viewer"},
	    {"viewer", "h", "berlin", "viewer"},
	    {"viewer", "", "staging", "viewer"},
	    {"viewer:spaces:production", "h", "production", "viewer"},
	    {"viewer:spaces:production", "h", "production-eu", "viewer"},
	    {"viewer:spaces:production", "h", "berlin", "viewer"},
	    {"viewer:spaces:production", "h", "staging", ""},
	    {"viewer:spaces:production", "h", "root", ""},
	    {"viewer:spaces:production-eu", "h", "production", ""},
	    {"viewer:spaces:berlin", "h", "production-eu", ""},
	    {"viewer:spaces:root", "h", "berlin", "viewer"},
	    {"viewer:spaces:root", "h", "root", "viewer"},
	    {"viewer:spaces:staging,berlin", "h", "berlin", "viewer"},
	    {"viewer:spaces:staging,berlin", "h", "staging", "viewer"},
	    {"viewer:hosts:h", "h", "staging", "viewer"},
	    {"viewer:hosts:h", "H.example.com H", "staging", "viewer"},
	    {"viewer:hosts:h", "h.example.com", "staging", ""},
	    {"viewer:hosts:a,b", "b", "root", "viewer"},
	    {"viewer:hosts:a,b", "", "root", ""},
	    {"viewer:hosts:staging", "h", "staging", ""},
	    {"viewer editor:spaces:staging", "h", "staging", "editor viewer"},
	    {"viewer editor:spaces:staging", "h", "root", "viewer"},
	    {"viewer:spaces:staging viewer", "h", "root", "viewer"},
	    {"viewer:hosts:x viewer:spaces:production admin:hosts:h", "h", "berlin",
		"admin viewer"},
	};
	struct image *im = compiled(example);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lists l;
		struct policy_request req =
		    request(&l, rows[i].bindings, rows[i].hosts, rows[i].space);
		struct policy_result res = POLICY_RESULT_INIT;
		char names[128], row[256];

		(void)snprintf(row, sizeof(row), "%s in %s", rows[i].bindings, rows[i].space);
		assert_err(row, AK_OK, policy_eval(im, &req, NULL, &res));
		assert_row(row,
		    strcmp(names_of(im, &res.roles, names, sizeof(names)), rows[i].held) == 0);
		policy_result_clear(&res);
		lists_clear(&l);
	}
	image_free(&im);
}

static void
a_request_needs_a_held_role_that_permits_its_service(void **state)
{
	static const struct {
		const char *bindings, *service, *account;
		enum ak_err err;
	} rows[] = {
	    {"viewer", "sshd", NULL, AK_OK},
	    {"viewer", "sudo", NULL, AK_ERR_DENIED},
	    {"viewer", "ssh", NULL, AK_ERR_DENIED},
	    {"viewer", "sshd2", NULL, AK_ERR_DENIED},
	    {"viewer", "SSHD", NULL, AK_ERR_DENIED},
	    {"viewer", "", NULL, AK_ERR_DENIED},
	    {"", "sshd", NULL, AK_ERR_DENIED},
	    {"editor", "sudo", NULL, AK_OK},
	    {"editor", "sudo-i", NULL, AK_OK},
	    {"editor", "su", NULL, AK_ERR_DENIED},
	    {"admin", "anything", NULL, AK_OK},
	    {"viewer:spaces:staging admin:spaces:staging", "sshd", NULL, AK_ERR_DENIED},
	    {"viewer editor:spaces:staging", "sudo", NULL, AK_ERR_DENIED},
	    {"viewer", "systemd-user", NULL, AK_OK},
	    {"admin", "systemd-user", NULL, AK_OK},
	    {"empty", "systemd-user", NULL, AK_ERR_DENIED},
	    {"empty", "sshd", NULL, AK_ERR_DENIED},
	    {"", "systemd-user", NULL, AK_ERR_DENIED},
	    {"viewer:spaces:staging", "systemd-user", NULL, AK_ERR_DENIED},
	    {"viewer", "sshd", "ci", AK_OK},
	    {"admin", "sshd", "root", AK_ERR_DENIED},
	    {"admin", "sshd", "deploy", AK_ERR_DENIED},
	    {"admin", "sshd", "", AK_ERR_DENIED},
	    {"admin", "systemd-user", "deploy", AK_ERR_DENIED},
	    {"admin", NULL, NULL, AK_OK},
	    {"", NULL, NULL, AK_OK},
	};
	struct image *im = compiled(example);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lists l;
		struct policy_request req = request(&l, rows[i].bindings, "h", "production");
		struct policy_result res = POLICY_RESULT_INIT;
		char row[256];

		req.service = rows[i].service;
		req.account = rows[i].account;
		(void)snprintf(row, sizeof(row), "%s: %s as %s", rows[i].bindings,
		    req.service == NULL ? "-" : req.service,
		    req.account == NULL ? "-" : req.account);
		assert_err(row, rows[i].err, policy_eval(im, &req, NULL, &res));
		policy_result_clear(&res);
		lists_clear(&l);
	}
	image_free(&im);
}

static void
a_host_in_an_undeclared_space_gives_no_role(void **state)
{
	static const char *const spaces[] = {"nowhere", "", "Production", "productio", "root "};
	struct image *im = compiled(example);

	(void)state;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		struct lists l;
		struct policy_request req = request(&l, "admin", "h", spaces[i]);
		struct policy_result res = POLICY_RESULT_INIT;

		req.service = "sshd";
		assert_err(spaces[i], AK_ERR_DENIED, policy_eval(im, &req, NULL, &res));
		assert_int_equal(res.outcome, POLICY_NO_SPACE);
		assert_int_equal(role_set_next(&res.roles, 0), IMAGE_NONE);
		policy_result_clear(&res);
		lists_clear(&l);
	}
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
	struct told *told = ctx;
	static const char *const steps[] = {
	    "gate", "deny", "allow", "role", "request", "decision"};

	text_add(&told->t, "%s %s %s:%u %s\n", steps[line->step], line->holds ? "yes" : "no",
	    line->file == NULL ? "-" : line->file, line->line, line->text);
}

static void
assert_told(const char *policy, const char *bindings, const char *service, const char *account,
    const char *expected)
{
	struct told told;
	const struct trace trace = {.take = take_line, .ctx = &told};
	struct image *im = compiled(policy);
	struct lists l;
	struct policy_request req = request(&l, bindings, "h", "production");
	struct policy_result res = POLICY_RESULT_INIT;

	told.t = text_over(told.text, sizeof(told.text));
	req.service = service;
	req.account = account;
	(void)!policy_eval(im, &req, &trace, &res);
	assert_string_equal(told.text, expected);
	policy_result_clear(&res);
	lists_clear(&l);
	image_free(&im);
}

static void
every_binding_and_role_that_was_looked_at_is_told_with_its_line(void **state)
{
	(void)state;
	assert_told(example, "viewer:spaces:production editor:spaces:staging admin:hosts:x",
	    "sudo", NULL,
	    "role yes /etc/p.yaml:8 role viewer, bound directly as viewer:spaces:production\n"
	    "role no /etc/p.yaml:9 role editor, bound directly as editor:spaces:staging: this "
	    "host "
	    "stands in production\n"
	    "role no /etc/p.yaml:10 role admin, bound directly as admin:hosts:x: this host has "
	    "another name\n"
	    "request no /etc/p.yaml:8 role viewer does not permit sudo\n");
	assert_told(example, "viewer", "sshd", NULL,
	    "role yes /etc/p.yaml:8 role viewer, bound directly as viewer\n"
	    "request yes /etc/p.yaml:8 role viewer permits sshd\n");
	assert_told(example, "viewer", "sshd", "deploy",
	    "role yes /etc/p.yaml:8 role viewer, bound directly as viewer\n"
	    "request no /etc/p.yaml:8 role viewer does not permit sshd as deploy\n");
}

static void
what_the_policy_does_not_declare_gives_nothing_and_is_told(void **state)
{
	(void)state;
	assert_told(example,
	    "owner owner:spaces:production viewer:spaces:moon viewer:spaces:moon,production "
	    "owner:spaces:moon",
	    NULL, NULL,
	    "role no -:0 role owner, bound directly as owner: the policy declares no such "
	    "role\n"
	    "role no -:0 role owner, bound directly as owner:spaces:production: the policy "
	    "declares "
	    "no such role\n"
	    "role no /etc/p.yaml:8 role viewer, bound directly as viewer:spaces:moon: this "
	    "host "
	    "stands in production: the policy declares no space moon\n"
	    "role yes /etc/p.yaml:8 role viewer, bound directly as "
	    "viewer:spaces:moon,production: "
	    "the policy declares no space moon\n"
	    "role no -:0 role owner, bound directly as owner:spaces:moon: the policy declares "
	    "no "
	    "such role: the policy declares no space moon\n");
	assert_told("version: 1\nspaces: {production: {}}\n", "viewer", "sshd", NULL,
	    "role no -:0 role viewer, bound directly as viewer: the policy declares no such "
	    "role\n");
}

static void
a_malformed_binding_gives_nothing_and_is_told(void **state)
{
	(void)state;
	assert_told(example, "Viewer viewer:spaces: viewer", "sshd", NULL,
	    "role no -:0 `Viewer' is no name of a role: lower-case letters, digits, - and _\n"
	    "role no -:0 binding `viewer:spaces:' has an empty place in its list of spaces\n"
	    "role yes /etc/p.yaml:8 role viewer, bound directly as viewer\n"
	    "request yes /etc/p.yaml:8 role viewer permits sshd\n");
}

/* The longest binding, told whole. */
static void
a_binding_of_1023_bytes_is_evaluated_and_told(void **state)
{
	char binding[BINDING_CAP];
	struct told told;
	const struct trace trace = {.take = take_line, .ctx = &told};
	struct image *im = compiled(example);
	struct policy_request req = {.login = "ci", .space = "staging"};
	struct policy_result res = POLICY_RESULT_INIT;
	struct text t = text_over(binding, sizeof(binding));

	(void)state;
	text_add(&t, "viewer:spaces:staging");
	for (unsigned i = 0; !t.cut; i++)
		text_add(&t, ",moon%u", i);
	req.bindings = (struct strv){.bytes = binding, .len_b = strlen(binding) + 1};
	told.t = text_over(told.text, sizeof(told.text));
	assert_err("", AK_OK, policy_eval(im, &req, &trace, &res));
	assert_true(role_set_has(&res.roles, image_find_role(im, "viewer")));
	assert_non_null(strstr(told.text, binding));
	policy_result_clear(&res);
	image_free(&im);
}

/* n roles r0, r1, …; every third permits `sshd`. */
static struct image *
many_roles(unsigned n)
{
	size_t cap = 64 * (size_t)n + 64;
	char *text = malloc(cap);
	struct text t;
	struct image *im;

	assert_non_null(text);
	t = text_over(text, cap);
	text_add(&t, "version: 1\nroles:\n");
	for (unsigned i = 0; i < n; i++)
		text_add(&t, "  r%u: {services: [%s]}\n", i, i % 3 == 0 ? "sshd" : "x");
	assert_false(t.cut);
	im = compiled(text);
	free(text);
	return im;
}

static void
sets_of_any_size_give_their_roles_in_order(void **state)
{
	static const unsigned sizes[] = {1, 63, 64, 65, 127, 128, 129, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct image *im = many_roles(sizes[i]);
		struct policy_request req = {.login = "ci", .space = "root"};
		struct policy_result res = POLICY_RESULT_INIT;
		struct pack p = PACK_INIT;
		uint32_t n = 0;

		for (unsigned k = 0; k < sizes[i]; k++) {
			char name[16];

			(void)snprintf(name, sizeof(name), "r%u", k);
			pack_entry(&p, name);
		}
		req.bindings = pack_borrow_strv(&p);
		assert_err("", AK_OK, policy_eval(im, &req, NULL, &res));
		role_set_for (&res.roles, role) {
			assert_int_equal(role, n++);
		}
		assert_int_equal(n, sizes[i]);
		assert_false(role_set_has(&res.roles, sizes[i]));
		assert_false(role_set_has(&res.roles, IMAGE_NONE));
		policy_result_clear(&res);
		pack_clear(&p);
		image_free(&im);
	}
}

static void
a_set_takes_no_role_beyond_its_end(void **state)
{
	static const uint32_t sizes[] = {0, 1, 63, 64, 65};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct role_set s;

		assert_err("", AK_OK, role_set_init(&s, sizes[i]));
		role_set_add(&s, sizes[i]);
		assert_false(role_set_has(&s, sizes[i]));
		assert_int_equal(role_set_next(&s, 0), UINT32_MAX);
		role_set_clear(&s);
	}
}

static void
a_role_far_from_the_others_is_found(void **state)
{
	static const uint32_t held[] = {0, 63, 64, 300, 511};
	struct role_set s;
	size_t n = 0;

	(void)state;
	assert_err("", AK_OK, role_set_init(&s, 512));
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		role_set_add(&s, held[i]);
	role_set_for (&s, role) {
		assert_true(n < sizeof(held) / sizeof(held[0]));
		assert_int_equal(role, held[n++]);
	}
	assert_int_equal(n, sizeof(held) / sizeof(held[0]));
	role_set_clear(&s);
}

#define N_SPACES 8U
#define N_ROLES 5U
#define N_BINDINGS 6U

/* A policy and bindings at random, and what holds of them by the definition itself. */
struct model {
	unsigned parent[N_SPACES]; /* N_SPACES: root */
	struct {
		unsigned role; /* N_ROLES: undeclared */
		enum role_scope scope;
		unsigned name; /* a space, N_SPACES: undeclared; or a host, 0 or 1 */
	} bindings[N_BINDINGS];
	unsigned stands; /* N_SPACES: root */
};

static struct model
model_draw(struct rnd *r)
{
	struct model m;

	for (unsigned i = 0; i < N_SPACES; i++)
		m.parent[i] =
		    rnd_below(r, 3) == 0 || i == 0 ? N_SPACES : (unsigned)rnd_below(r, i);
	for (unsigned i = 0; i < N_BINDINGS; i++) {
		m.bindings[i].role = (unsigned)rnd_below(r, N_ROLES + 1);
		m.bindings[i].scope = (enum role_scope)rnd_below(r, 3);
		m.bindings[i].name = (unsigned)rnd_below(
		    r, m.bindings[i].scope == ROLE_HOSTS ? 2 : N_SPACES + 1);
	}
	m.stands = (unsigned)rnd_below(r, N_SPACES + 1);
	return m;
}

static bool
model_holds(const struct model *m, unsigned role)
{
	for (unsigned i = 0; i < N_BINDINGS; i++) {
		unsigned at = m->stands;

		if (m->bindings[i].role != role)
			continue;
		if (m->bindings[i].scope == ROLE_GLOBAL ||
		    (m->bindings[i].scope == ROLE_HOSTS && m->bindings[i].name == 0))
			return true;
		if (m->bindings[i].scope != ROLE_SPACES)
			continue;
		for (; at != N_SPACES; at = m->parent[at])
			if (at == m->bindings[i].name)
				return true;
	}
	return false;
}

static struct image *
model_compile(const struct model *m)
{
	char text[2048];
	struct text t = text_over(text, sizeof(text));

	text_add(&t, "version: 1\nspaces:\n");
	for (unsigned i = N_SPACES; i-- > 0;)
		if (m->parent[i] == N_SPACES)
			text_add(&t, "  s%u: {}\n", i);
		else
			text_add(&t, "  s%u: {parent: s%u}\n", i, m->parent[i]);
	text_add(&t, "roles:\n");
	for (unsigned i = 0; i < N_ROLES; i++)
		text_add(&t, "  r%u: {services: [x%u]}\n", i, i);
	return compiled(text);
}

static void
model_bind(const struct model *m, const unsigned order[N_BINDINGS], struct pack *p)
{
	for (unsigned k = 0; k < N_BINDINGS; k++) {
		unsigned i = order[k];
		char text[64];

		if (m->bindings[i].scope == ROLE_GLOBAL)
			(void)snprintf(text, sizeof(text), "r%u", m->bindings[i].role);
		else
			(void)snprintf(text, sizeof(text), "r%u:%s%u", m->bindings[i].role,
			    m->bindings[i].scope == ROLE_SPACES ? "spaces:s" : "hosts:h",
			    m->bindings[i].name);
		pack_entry(p, text);
	}
}

static void
the_roles_are_the_union_whatever_the_order(void **state)
{
	struct rnd r = rnd_start("the_roles_are_the_union_whatever_the_order");

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct model m = model_draw(&r);
		struct image *im = model_compile(&m);
		unsigned order[N_BINDINGS] = {0, 1, 2, 3, 4, 5};
		char space[8] = "root";

		if (m.stands < N_SPACES)
			(void)snprintf(space, sizeof(space), "s%u", m.stands);
		for (int shuffle = 0; shuffle < 4; shuffle++) {
			struct pack p = PACK_INIT;
			struct policy_result res = POLICY_RESULT_INIT;
			struct policy_request req = {
			    .login = "ci", .space = space, .hosts = {.bytes = "h0", .len_b = 3}};

			for (unsigned i = N_BINDINGS - 1; i > 0; i--) {
				unsigned k = (unsigned)rnd_below(&r, i + 1), was = order[i];

				order[i] = order[k];
				order[k] = was;
			}
			model_bind(&m, order, &p);
			req.bindings = pack_borrow_strv(&p);
			assert_err("", AK_OK, policy_eval(im, &req, NULL, &res));
			for (unsigned i = 0; i < N_ROLES; i++)
				assert_int_equal(
				    role_set_has(&res.roles, i), model_holds(&m, i));
			policy_result_clear(&res);
			pack_clear(&p);
		}
		image_free(&im);
	}
}

static void
abuse_128_without_memory_nothing_is_held(void **state)
{
	struct image *im = compiled(example);
	struct policy_request req = {.login = "ci",
	    .space = "root",
	    .service = "sshd",
	    .bindings = {.bytes = "admin", .len_b = 6}};
	struct policy_result res;
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		enum ak_err err;

		alloc_fail_nth(n);
		err = policy_eval(im, &req, NULL, &res);
		if (!alloc_stop())
			break;
		assert_err("", AK_ERR_NOMEM, err);
		assert_int_equal(res.outcome, POLICY_FAILED);
		assert_int_equal(res.n_held, 0);
		assert_int_equal(role_set_next(&res.roles, 0), IMAGE_NONE);
		policy_result_clear(&res);
	}
	assert_true(n > 3);
	assert_int_equal(res.outcome, POLICY_PERMITTED);
	policy_result_clear(&res);
	image_free(&im);
}

/* What the name service serves: no service, account, address or moment is asked about. */
static void
the_roles_that_hold_whatever_is_asked_need_a_declared_space(void **state)
{
	static const struct {
		const char *bindings, *space, *held;
		enum ak_err err;
		enum policy_outcome outcome;
	} rows[] = {
	    {"viewer", "root", "viewer", AK_OK, POLICY_PERMITTED},
	    {"", "root", "", AK_OK, POLICY_PERMITTED},
	    {"editor:spaces:production", "berlin", "editor", AK_OK, POLICY_PERMITTED},
	    {"editor:spaces:production", "staging", "", AK_OK, POLICY_PERMITTED},
	    {"viewer", "nowhere", "", AK_ERR_DENIED, POLICY_NO_SPACE},
	};
	struct image *im = compiled(example);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lists l;
		struct policy_request req = request(&l, rows[i].bindings, "h", rows[i].space);
		struct policy_result res = POLICY_RESULT_INIT;
		char names[128];

		req.service = "no-service";
		assert_err(
		    rows[i].bindings, rows[i].err, policy_eval_unconditional(im, &req, &res));
		assert_row(rows[i].bindings, res.outcome == rows[i].outcome);
		assert_string_equal(
		    names_of(im, &res.roles, names, sizeof(names)), rows[i].held);
		policy_result_clear(&res);
		lists_clear(&l);
	}
	image_free(&im);
}

static void
without_memory_no_role_holds_whatever_is_asked(void **state)
{
	struct image *im = compiled(example);
	struct lists l;
	struct policy_request req = request(&l, "viewer editor", "h", "root");
	struct policy_result res = POLICY_RESULT_INIT;
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		enum ak_err err;

		alloc_fail_nth(n);
		err = policy_eval_unconditional(im, &req, &res);
		if (!alloc_stop())
			break;
		assert_err("", AK_ERR_NOMEM, err);
		assert_int_equal(res.outcome, POLICY_FAILED);
		assert_int_equal(role_set_next(&res.roles, 0), IMAGE_NONE);
		policy_result_clear(&res);
	}
	assert_true(n > 1);
	assert_int_equal(res.outcome, POLICY_PERMITTED);
	policy_result_clear(&res);
	lists_clear(&l);
	image_free(&im);
}

static void
an_account_is_opened_by_the_role_that_names_it_and_root_by_none(void **state)
{
	static const struct {
		const char *account;
		bool opens;
	} rows[] = {{"deploy", true}, {"web", true}, {"web1", true}, {"bob", false},
	    {"", false}, {"deploy2", false}, {"root", false}};
	struct image *im = compiled("version: 1\n"
				    "roles:\n"
				    "  none: {services: [sshd]}\n"
				    "  one: {services: [sshd], accounts: [deploy]}\n"
				    "  more: {services: [sshd], accounts: ['web*', 'roo*']}\n");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_row(rows[i].account,
		    policy_opens_account(im, rows[i].account) == rows[i].opens);
	image_free(&im);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_binding_holds_where_it_says),
	    cmocka_unit_test(a_request_needs_a_held_role_that_permits_its_service),
	    cmocka_unit_test(a_host_in_an_undeclared_space_gives_no_role),
	    cmocka_unit_test(every_binding_and_role_that_was_looked_at_is_told_with_its_line),
	    cmocka_unit_test(what_the_policy_does_not_declare_gives_nothing_and_is_told),
	    cmocka_unit_test(a_malformed_binding_gives_nothing_and_is_told),
	    cmocka_unit_test(a_binding_of_1023_bytes_is_evaluated_and_told),
	    cmocka_unit_test(sets_of_any_size_give_their_roles_in_order),
	    cmocka_unit_test(a_set_takes_no_role_beyond_its_end),
	    cmocka_unit_test(a_role_far_from_the_others_is_found),
	    cmocka_unit_test(the_roles_are_the_union_whatever_the_order),
	    cmocka_unit_test(abuse_128_without_memory_nothing_is_held),
	    cmocka_unit_test(the_roles_that_hold_whatever_is_asked_need_a_declared_space),
	    cmocka_unit_test(without_memory_no_role_holds_whatever_is_asked),
	    cmocka_unit_test(an_account_is_opened_by_the_role_that_names_it_and_root_by_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
