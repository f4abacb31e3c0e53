#include "fuzz_ask.h"

#include <string.h>

#include "eval.h"
#include "fuzz_check.h"
#include "moments.h"

/* Read, so that a sanitizer sees it. */
static volatile size_t seen;

static void
look(const char *s)
{
	seen += strlen(s);
}

static void
look_list(struct strv v)
{
	strv_for (v, entry) {
		look(entry);
	}
}

static void
read_binding(const struct image *im, const struct image_binding *b)
{
	look(image_role(im, b->role).name);
	for (uint32_t i = 0; i < b->n_spaces && b->scope == IMAGE_IN_SPACES; i++)
		look(image_space(im, image_bound_space(im, b->first_space + i)).name);
	look_list(b->hosts);
	(void)image_binding_is_here(im, b, IMAGE_NONE, b->hosts);
}

static void
read_names(const struct image *im)
{
	look(image_policy(im).file);
	look(image_borrow_settings(im)->space);
	for (uint32_t i = 0; i < image_count_roles(im); i++) {
		struct image_role role = image_role(im, i);

		look(role.description);
		look_list(role.services);
		look_list(role.accounts);
		look_list(role.unix_groups);
		fuzz_check(image_find_role(im, role.name) == i, "a role is found by its name");
	}
	for (uint32_t i = 0; i < image_count_spaces(im); i++) {
		struct image_space space = image_space(im, i);

		fuzz_check(
		    image_find_space(im, space.name) == i, "a space is found by its name");
		fuzz_check(image_space_holds(im, image_find_space(im, "root"), i),
		    "root is every space's ancestor");
	}
	for (uint32_t i = 0; i < image_count_accounts(im); i++) {
		struct image_account account = image_account(im, i);

		fuzz_check(image_is_only_keys(im, account.name) == account.only_keys,
		    "an account is found by its name");
	}
	for (uint32_t i = 0; i < image_count_zones(im); i++)
		look(image_zone(im, i).name);
}

static void
read_groups(const struct image *im)
{
	for (uint32_t i = 0; i < image_count_groups(im); i++) {
		struct image_group group = image_group(im, i);

		fuzz_check(
		    image_find_group(im, group.name) == i, "a group is found by its name");
		for (uint32_t j = 0; j < group.n; j++) {
			struct image_binding b = image_group_binding(im, group.first + j);

			read_binding(im, &b);
		}
	}
}

static void
read_condition(const struct image *im, const struct image_condition *c)
{
	for (uint32_t i = c->first; i < c->end; i++) {
		struct image_node node = image_node(im, i);

		look(image_op_name(node.op));
		look_list(node.globs);
		fuzz_check(node.end > i && node.end <= c->end, "a node ends within its parent");
		if (node.op == IMAGE_OP_FROM || node.op == IMAGE_OP_CREATOR_FROM)
			for (uint32_t b = 0; b < node.n; b++)
				seen += image_block(im, node.number + b).prefix;
		if (node.op == IMAGE_OP_TIME)
			look(image_zone(im, image_time(im, node.number).zone).name);
		if (node.op == IMAGE_OP_IS)
			look(image_definition(im, node.number).name);
	}
}

static void
read_lists(const struct image *im, enum image_rules kind, const char *login)
{
	struct image_rule_list lists[IMAGE_LISTS_MAX];
	uint32_t n = image_rules_of(im, kind, login, lists);

	fuzz_check(n <= IMAGE_LISTS_MAX, "a login of a key's length has its lists");
	for (uint32_t l = 0; l < n; l++)
		for (uint32_t i = 0; i < lists[l].n; i++)
			fuzz_check(image_listed_rule(im, lists[l].first + i) <
				       image_count_rules(im, kind),
			    "a listed rule is one");
}

static void
read_rules(const struct image *im)
{
	for (unsigned kind = 0; kind < IMAGE_N_RULES; kind++) {
		for (uint32_t i = 0; i < image_count_rules(im, kind); i++) {
			struct image_rule rule = image_rule(im, kind, i);

			look(rule.id);
			look(rule.reason);
			read_condition(im, &rule.when);
			if (kind == IMAGE_GRANT_RULES)
				read_binding(im, &rule.grants);
			if (kind == IMAGE_DENY_RULES)
				fuzz_check(image_find_deny(im, rule.id) != IMAGE_NONE,
				    "a denial is found by its id");
		}
		read_lists(im, kind, "");
		read_lists(im, kind, "ci");
		read_lists(im, kind, "ci-deploy-0123456789-0123456789");
	}
	for (uint32_t i = 0; i < image_count_definitions(im); i++) {
		struct image_definition d = image_definition(im, i);

		look(d.name);
		read_condition(im, &d.when);
	}
}

void
fuzz_read(const struct image *im)
{
	read_names(im);
	read_groups(im);
	read_rules(im);
	seen += image_depth(im);
}

static void
take_place(void *ctx, bool is_host, const char *name)
{
	(void)ctx;
	(void)is_host;
	look(name);
}

static void
take_line(void *ctx, const struct trace_line *line)
{
	(void)ctx;
	look(line->text);
}

static bool
is_the_same(const struct image *im, const struct policy_result *a, const struct policy_result *b)
{
	for (uint32_t i = 0; i < image_count_roles(im); i++)
		if (role_set_has(&a->roles, i) != role_set_has(&b->roles, i))
			return false;
	return a->outcome == b->outcome && a->deny == b->deny && a->allow == b->allow &&
	       a->permits == b->permits && a->n_held == b->n_held;
}

/* Asked twice, once with every rule looked at and told. */
static void
ask_one(const struct image *im, const struct policy_request *req, bool compiled)
{
	const struct trace trace = {.take = take_line, .every_rule = true};
	struct policy_result res = POLICY_RESULT_INIT, told = POLICY_RESULT_INIT;
	enum ak_err err = policy_eval(im, req, NULL, &res);
	enum ak_err again = policy_eval(im, req, &trace, &told);
	bool keep;

	fuzz_check((err == AK_OK) == (res.outcome == POLICY_PERMITTED), "AK_OK is permitted");
	fuzz_check(!compiled || (err == again && is_the_same(im, &res, &told)),
	    "looking at every rule changes the answer");
	for (uint32_t i = 0; i < res.n_held; i++)
		policy_held_places(im, &res.held[i], take_place, NULL);
	(void)!policy_samples(im, req, err == AK_OK, &keep);
	policy_result_clear(&res);
	policy_result_clear(&told);
	(void)!policy_eval_unconditional(im, req, &res);
	policy_result_clear(&res);
}

void
fuzz_ask(const struct image *im, bool compiled)
{
	static const char bindings[] =
	    "viewer\0deployer:spaces:production,staging\0r:hosts:h\0r:spaces:a\0what?";
	static const char groups[] = "staff\0platform-team\0Ops Team";
	static const char hosts[] = "h\0bastion-1";
	const struct net_addr address = {
	    .bytes = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 9, [14] = 8, [15] = 7}};
	const struct net_addr origin = {.bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct policy_request req = {.login = "ci-cd-monitoring",
	    .bindings = {.bytes = bindings, .len_b = sizeof(bindings)},
	    .groups = {.bytes = groups, .len_b = sizeof("staff")},
	    .directory_groups = {.bytes = groups, .len_b = sizeof(groups)},
	    .hosts = {.bytes = hosts, .len_b = sizeof(hosts)},
	    .space = image_space(im, image_count_spaces(im) - 1).name,
	    .service = "sshd"};
	struct moments when = MOMENTS_INIT;

	ask_one(im, &req, compiled);
	if (moments_resolve(im, ZONE_DIR, INT64_C(1741057199123), &when) == AK_OK)
		req.when = &when;
	req.address = &address;
	req.origin = &origin;
	req.account = "deploy";
	ask_one(im, &req, compiled);
	req.stale = true;
	req.service = "sudo";
	req.login = "k";
	ask_one(im, &req, compiled);
	req.favour = true;
	req.login = NULL;
	req.space = NULL;
	req.service = NULL;
	ask_one(im, &req, compiled);
	moments_clear(&when);
	(void)policy_opens_account(im, "deploy");
}
