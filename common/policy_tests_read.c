#include "policy_tests_read.h"

#include <stddef.h>
#include <string.h>

#include "num.h"
#include "policy_section.h"
#include "role.h"

/* A place of expect.roles: a space's name, root, or host:NAME. */
#define PLACE_CAP (NET_HOST_MAX + 8)
static const char host_prefix[] = "host:";

void
policy_case_place(struct pack *p, bool is_host, const char *place, const char *role)
{
	char buf[PLACE_CAP + POLICY_NAME_MAX + 2];
	struct text t = text_over(buf, sizeof(buf));

	text_add(&t, "%s", is_host ? host_prefix : "");
	for (; *place != '\0'; place++)
		text_add(&t, "%c",
		    is_host && *place >= 'A' && *place <= 'Z' ? *place - 'A' + 'a' : *place);
	text_add(&t, " %s", role);
	pack_entry(p, buf);
}

static enum ak_err
read_text(
    const struct yamlread *r, const struct yaml_node *in, const char *key, const char **out)
{
	const struct yaml_node *node = yamlread_get(in, key);

	return node == NULL ? AK_OK : yamlread_text(r, node, key, out);
}

/* What is no literal address is missing, as in a login. */
static enum ak_err
read_address(const struct yamlread *r, const struct yaml_node *given, const char *key,
    struct net_addr *out, bool *has)
{
	const char *text = NULL;
	enum ak_err err;

	if ((err = read_text(r, given, key, &text)) != AK_OK || text == NULL)
		return err;
	*has = net_parse_addr(text, out) == AK_OK;
	return AK_OK;
}

static enum ak_err
read_flag(const struct yamlread *r, const struct yaml_node *given, const char *key, bool *out)
{
	const struct yaml_node *node = yamlread_get(given, key);

	return node == NULL ? AK_OK : yamlread_bool(r, node, key, out);
}

static bool
is_binding(const char *s)
{
	struct binding b;

	return binding_parse(s, &b, NULL) == AK_OK;
}

static enum ak_err
read_lists(const struct yamlread *r, const struct yaml_node *given, struct policy_case *c)
{
	const struct {
		const char *key, *shape;
		bool (*valid)(const char *);
		struct pack *out;
	} lists[] = {
	    {"groups", "a group's name: one line, without control characters", policy_is_group,
		&c->groups},
	    {"bindings", "a binding (ROLE, ROLE:spaces:A,B or ROLE:hosts:A,B)", is_binding,
		&c->bindings},
	    {"host", "a host's name", net_is_host_name, &c->hosts},
	};
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && err == AK_OK; i++) {
		const struct yaml_node *node = yamlread_get(given, lists[i].key);

		if (node != NULL)
			err = yamlread_list(r, node, lists[i].key, lists[i].valid,
			    lists[i].shape, lists[i].out);
	}
	return err;
}

static enum ak_err
read_moment(const struct yamlread *r, const struct yaml_node *given, struct policy_case *c)
{
	const char *text = NULL;
	enum ak_err err = read_text(r, given, "at", &text);

	if (err != AK_OK || text == NULL)
		return err;
	if (num_parse_time(text, &c->at) != AK_OK)
		return yamlread_refuse(r, yamlread_get(given, "at"),
		    "at: `%.80s' is no moment (as 2025-03-04T04:59:59Z)", text);
	c->has_at = true;
	return AK_OK;
}

static enum ak_err
read_given(const struct yamlread *r, const struct yaml_node *given, const struct image *im,
    struct policy_case *c)
{
	static const char *const known[] = {"login", "groups", "bindings", "member", "ip",
	    "creator_ip", "at", "service", "account", "host", "space", "stale", NULL};
	bool member = true;
	enum ak_err err;

	if (given == NULL)
		return AK_OK;
	if ((err = yamlread_keys(r, given, "given", known)) != AK_OK ||
	    (err = read_text(r, given, "login", &c->login)) != AK_OK ||
	    (err = read_text(r, given, "service", &c->service)) != AK_OK ||
	    (err = read_text(r, given, "account", &c->account)) != AK_OK ||
	    (err = read_text(r, given, "space", &c->space)) != AK_OK ||
	    (err = read_lists(r, given, c)) != AK_OK ||
	    (err = read_flag(r, given, "member", &member)) != AK_OK ||
	    (err = read_flag(r, given, "stale", &c->stale)) != AK_OK ||
	    (err = read_address(r, given, "ip", &c->address, &c->has_address)) != AK_OK ||
	    (err = read_address(r, given, "creator_ip", &c->origin, &c->has_origin)) != AK_OK ||
	    (err = read_moment(r, given, c)) != AK_OK)
		return err;
	c->not_member = !member;
	if (c->space != NULL && image_find_space(im, c->space) == IMAGE_NONE)
		return yamlread_refuse(
		    r, yamlread_get(given, "space"), "space `%.80s' is not declared", c->space);
	if (c->service != NULL && c->space == NULL)
		return yamlread_refuse(r, yamlread_get(given, "service"),
		    "whether a role permits the service depends on the host: give `space' too");
	return AK_OK;
}

static bool
is_role_name(const char *s)
{
	return s[0] != '\0';
}

/* `production: [deployer]`: one place, and its roles. */
static enum ak_err
read_place(const struct yamlread *r, const struct yaml_node *key, const struct image *im,
    struct policy_case *c)
{
	const size_t prefix = sizeof(host_prefix) - 1;
	bool is_host = strncmp(key->text, host_prefix, prefix) == 0;
	const char *place = is_host ? key->text + prefix : key->text;
	struct pack roles = PACK_INIT;
	enum ak_err err;

	if (is_host ? !net_is_host_name(place) : image_find_space(im, place) == IMAGE_NONE)
		return yamlread_refuse(r, key, "%s `%.80s' is not %s",
		    is_host ? "host" : "space", place, is_host ? "a host's name" : "declared");
	err = yamlread_list(r, key->next, "roles", is_role_name, "a role", &roles);
	strv_for (pack_borrow_strv(&roles), role) {
		if (err == AK_OK && image_find_role(im, role) == IMAGE_NONE)
			err =
			    yamlread_refuse(r, key->next, "role `%.80s' is not declared", role);
		if (err == AK_OK)
			policy_case_place(&c->roles, is_host, place, role);
	}
	pack_clear(&roles);
	return err;
}

static enum ak_err
read_by(const struct yamlread *r, const struct yaml_node *expect, const struct image *im,
    struct policy_case *c)
{
	const struct yaml_node *by = yamlread_get(expect, "by");
	enum ak_err err;

	if ((err = read_text(r, expect, "by", &c->by)) != AK_OK || c->by == NULL)
		return err;
	if (c->allow)
		return yamlread_refuse(
		    r, by, "by names the deny rule that fires: the decision is deny then");
	if (image_find_deny(im, c->by) == IMAGE_NONE)
		return yamlread_refuse(r, by, "no deny rule has the id `%.80s'", c->by);
	return AK_OK;
}

static enum ak_err
read_expect(const struct yamlread *r, const struct yaml_node *test, const struct image *im,
    struct policy_case *c)
{
	static const char *const known[] = {"decision", "roles", "by", NULL};
	const struct yaml_node *expect = yamlread_get(test, "expect"), *roles;
	const char *decision = NULL;
	enum ak_err err;

	if (expect == NULL)
		return yamlread_refuse(r, test, "a test needs `expect'");
	if ((err = yamlread_keys(r, expect, "expect", known)) != AK_OK ||
	    (err = read_text(r, expect, "decision", &decision)) != AK_OK)
		return err;
	if (decision == NULL ||
	    (strcmp(decision, "allow") != 0 && strcmp(decision, "deny") != 0))
		return yamlread_refuse(r,
		    decision == NULL ? expect : yamlread_get(expect, "decision"),
		    "expect needs `decision: allow' or `decision: deny'");
	c->allow = decision[0] == 'a';
	if ((err = read_by(r, expect, im, c)) != AK_OK)
		return err;
	roles = yamlread_get(expect, "roles");
	c->has_roles = roles != NULL || c->allow;
	if (roles == NULL)
		return AK_OK;
	err = yamlread_mapping(r, roles, "`roles'");
	for (const struct yaml_node *k = roles->first; k != NULL && err == AK_OK;
	     k = k->next->next)
		err = read_place(r, k, im, c);
	return err;
}

static enum ak_err
read_case(const struct yamlread *r, const struct yaml_node *test, const struct image *im,
    struct policy_case *c)
{
	static const char *const known[] = {"name", "given", "expect", NULL};
	const struct yaml_node *name = yamlread_get(test, "name");
	enum ak_err err;

	if ((err = yamlread_keys(r, test, "a test", known)) != AK_OK)
		return err;
	if (name == NULL)
		return yamlread_refuse(r, test, "a test needs a `name'");
	if ((err = yamlread_text(r, name, "name", &c->name)) != AK_OK)
		return err;
	if (!policy_is_line(c->name))
		return yamlread_refuse(r, name, "name: one line, without control characters");
	if ((err = read_given(r, yamlread_get(test, "given"), im, c)) != AK_OK ||
	    (err = read_expect(r, test, im, c)) != AK_OK)
		return err;
	if (c->groups.err != AK_OK || c->bindings.err != AK_OK || c->hosts.err != AK_OK ||
	    c->roles.err != AK_OK)
		return yamlread_no_memory(r);
	return AK_OK;
}

enum ak_err
policy_tests_each(const struct yamlread *r, const struct yaml_node *root,
    const struct image *im, policy_case_fn *take, void *ctx)
{
	const struct yaml_node *list = yamlread_get(root, "tests");
	enum ak_err err = AK_OK;

	if (list == NULL || yamlread_is_empty(list))
		return AK_OK;
	if (list->kind != YAML_SEQUENCE)
		return yamlread_refuse(
		    r, list, "`tests' is a list: begin each of its items with `- '");
	for (const struct yaml_node *n = list->first; n != NULL && err == AK_OK; n = n->next) {
		struct policy_case c = {.node = n};

		if ((err = read_case(r, n, im, &c)) == AK_OK)
			err = take(ctx, &c);
		pack_clear(&c.groups);
		pack_clear(&c.bindings);
		pack_clear(&c.hosts);
		pack_clear(&c.roles);
	}
	return err;
}

static enum ak_err
take_none(void *ctx, const struct policy_case *c)
{
	(void)ctx;
	(void)c;
	return AK_OK;
}

enum ak_err
policy_tests_check(
    const struct yamlread *r, const struct yaml_node *root, const struct image *im)
{
	return policy_tests_each(r, root, im, take_none, NULL);
}
