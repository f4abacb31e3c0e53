#include "ref_policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "testlib_cmocka.h"

void
ref_answer_clear(struct ref_answer *a)
{
	ref_set_clear(&a->fired);
	ref_set_clear(&a->held);
	ref_set_clear(&a->anywhere);
}

/* --- the roles ---------------------------------------------------------------------------- */

struct roles {
	const struct ref_scene *scene;
	struct ref_answer *out;
};

static bool
declares_role(const struct ref_scene *s, const char *name)
{
	return ref_get(ref_get(s->policy, "roles"), name) != NULL;
}

static bool
declares_space(const struct ref_scene *s, const char *name)
{
	return strcmp(name, "root") == 0 || ref_get(ref_get(s->policy, "spaces"), name) != NULL;
}

static const char *
parent_of(const struct ref_scene *s, const char *space)
{
	const struct yaml_node *parent =
	    ref_get(ref_get(ref_get(s->policy, "spaces"), space), "parent");

	if (strcmp(space, "root") == 0)
		return NULL;
	return parent == NULL ? "root" : parent->text;
}

static bool
host_is_in(const struct ref_scene *s, const char *space)
{
	for (const char *at = s->req->space; at != NULL; at = parent_of(s, at))
		if (strcmp(at, space) == 0)
			return true;
	return false;
}

static void
hold(const struct roles *r, const char *role, const char *kind, const char *place, bool here)
{
	char text[1200];

	if (here)
		ref_set_add(&r->out->held, role);
	(void)snprintf(text, sizeof(text), "%s%s %s", kind, place, role);
	ref_set_add(&r->out->anywhere, text);
}

static void
hold_global(const struct roles *r, const char *role)
{
	hold(r, role, "", "root", true);
}

static void
hold_in_space(const struct roles *r, const char *role, const char *space)
{
	if (declares_space(r->scene, space))
		hold(r, role, "", space, host_is_in(r->scene, space));
}

static void
hold_on_host(const struct roles *r, const char *role, const char *host)
{
	bool here = false;

	for (size_t i = 0; r->scene->req->hosts[i] != NULL; i++)
		here = here || strcasecmp(host, r->scene->req->hosts[i]) == 0;
	hold(r, role, "host:", host, here);
}

/* viewer, editor:spaces:a,b, editor:hosts:a,b */
static void
hold_binding(const struct roles *r, const char *binding)
{
	char text[1024], *role = text, *scope = NULL, *names = NULL, *save = NULL;

	assert_true(strlen(binding) < sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", binding);
	if ((scope = strchr(role, ':')) != NULL) {
		*scope++ = '\0';
		names = strchr(scope, ':');
		assert_non_null(names);
		*names++ = '\0';
	}
	if (!declares_role(r->scene, role))
		return;
	if (scope == NULL)
		hold_global(r, role);
	else
		for (char *n = strtok_r(names, ",", &save); n != NULL;
		     n = strtok_r(NULL, ",", &save)) {
			if (strcmp(scope, "spaces") == 0)
				hold_in_space(r, role, n);
			else
				hold_on_host(r, role, n);
		}
}

/* {role: R}, with `in`, `hosts` or neither. */
static void
hold_item(const struct roles *r, const struct yaml_node *item)
{
	const char *role = ref_get(item, "role")->text;
	const struct yaml_node *in = ref_get(item, "in"), *hosts = ref_get(item, "hosts");
	const struct yaml_node *spaces = ref_get(r->scene->policy, "spaces");

	if (in == NULL && hosts == NULL)
		hold_global(r, role);
	each_item(hosts, h)
	{
		hold_on_host(r, role, h->text);
	}
	each_item(in, space)
	{
		if (strcmp(space->text, "*") != 0)
			hold_in_space(r, role, space->text);
		else if (spaces != NULL)
			for (const struct yaml_node *k = spaces->first; k != NULL;
			     k = k->next->next)
				hold_in_space(r, role, k->text);
	}
}

/* `*` is each role but those that make a root. */
static bool
may_come_from_directory(const struct ref_scene *s, const char *role)
{
	const struct yaml_node *root =
	    ref_get(ref_get(ref_get(s->policy, "roles"), role), "root_equivalent");

	strv_for (s->req->may_grant, name) {
		if (strcmp(name, role) == 0)
			return true;
		if (strcmp(name, "*") == 0 && (root == NULL || strcmp(root->text, "true") != 0))
			return true;
	}
	return false;
}

/* May the key have the role at all? May it by something that the directory said? */
static bool
may_have(const struct ref_scene *s, const char *role, bool by_directory)
{
	if (!by_directory && !s->req->directory_key)
		return true;
	return may_come_from_directory(s, role);
}

static void
hold_text(const struct roles *r, const char *binding, bool by_directory)
{
	char role[128];

	assert_true(strcspn(binding, ":") < sizeof(role));
	(void)snprintf(role, sizeof(role), "%.*s", (int)strcspn(binding, ":"), binding);
	if (may_have(r->scene, role, by_directory))
		hold_binding(r, binding);
}

static void
hold_of_group(const struct roles *r, const char *group, bool by_directory)
{
	const struct yaml_node *list = ref_get(ref_get(r->scene->policy, "groups"), group);

	each_item(list, item)
	{
		if (may_have(r->scene, ref_get(item, "role")->text, by_directory))
			hold_item(r, item);
	}
}

/* Does the directory give anything now? */
static bool
directory_gives(const struct ref_request *req)
{
	return req->favour || (!req->stale && !req->unknown);
}

static void
unite_direct(const struct roles *r)
{
	const struct ref_request *req = r->scene->req;

	for (size_t i = 0; req->bindings[i] != NULL; i++)
		hold_text(r, req->bindings[i], false);
	for (size_t i = 0; req->own_groups[i] != NULL; i++)
		hold_of_group(r, req->own_groups[i], false);
	if (!directory_gives(req))
		return;
	for (size_t i = 0; req->directory_groups[i] != NULL; i++)
		hold_of_group(r, req->directory_groups[i], true);
	for (size_t i = 0; req->directory_bindings[i] != NULL; i++)
		hold_text(r, req->directory_bindings[i], true);
}

/* A host that has no directory, and was told of none, can't owe it a grant. */
static bool
may_owe_directory(const struct ref_request *req)
{
	return req->has_directory || req->stale || req->unknown ||
	       req->directory_groups[0] != NULL;
}

static void
unite_grant(const struct roles *r, const struct yaml_node *item)
{
	const struct ref_scene *s = r->scene;
	const char *role = ref_get(item, "role")->text;

	if (!ref_fires(s, item) || !may_have(s, role, false))
		return;
	if (may_owe_directory(s->req) && !may_come_from_directory(s, role) &&
	    !ref_fires_without_directory(s, item))
		return;
	hold_item(r, item);
}

static void
unite(const struct roles *r)
{
	const struct ref_scene *s = r->scene;
	const struct yaml_node *node = ref_get(s->policy, "strategy");
	const char *strategy = node == NULL ? "both" : node->text;

	if (strcmp(strategy, "policy") != 0)
		unite_direct(r);
	if (strcmp(strategy, "direct") == 0)
		return;
	each_item(ref_get(s->policy, "grant"), item)
	{
		unite_grant(r, item);
	}
}

/* --- the decision ------------------------------------------------------------------------- */

static bool
permits(const struct ref_scene *s, const char *role)
{
	const struct ref_request *req = s->req;
	const struct yaml_node *def = ref_get(ref_get(s->policy, "roles"), role);
	const struct yaml_node *services = ref_get(def, "services");
	bool own = req->account == NULL ||
		   (req->login != NULL && strcmp(req->account, req->login) == 0);
	bool service = strcmp(req->service, "systemd-user") == 0
			   ? ref_items(services) != NULL
			   : ref_any_glob(services, req->service);

	return service && (own || ref_any_glob(ref_get(def, "accounts"), req->account));
}

static enum ref_verdict
decide_request(const struct ref_scene *s, const struct ref_set *held)
{
	if (s->req->account_is_root)
		return REF_NO_ROLE;
	for (size_t i = 0; i < held->n; i++)
		if (permits(s, held->items[i]))
			return REF_PERMITTED;
	return REF_NO_ROLE;
}

static bool
is_admitted(const struct ref_scene *s)
{
	const struct yaml_node *allow = ref_get(s->policy, "allow");

	if (allow == NULL)
		return true;
	each_item(allow, item)
	{
		if (ref_fires(s, item))
			return true;
	}
	return false;
}

void
ref_policy_eval(
    const struct yaml_node *policy, const struct ref_request *req, struct ref_answer *out)
{
	struct ref_scene s = {.policy = policy, .req = req, .in_deny = true};
	const struct roles r = {.scene = &s, .out = out};

	*out = (struct ref_answer){.verdict = REF_NO_SPACE};
	if (req->space != NULL && !declares_space(&s, req->space))
		return;
	each_item(ref_get(policy, "deny"), item)
	{
		if (ref_fires(&s, item))
			ref_set_add(&out->fired, ref_get(item, "id")->text);
	}
	s.in_deny = false;
	unite(&r);
	if (out->fired.n > 0)
		out->verdict = REF_REFUSED;
	else if (!is_admitted(&s))
		out->verdict = REF_NOT_ADMITTED;
	else if (req->service == NULL)
		out->verdict = REF_PERMITTED;
	else
		out->verdict = decide_request(&s, &out->held);
}

bool
ref_policy_samples(const struct yaml_node *policy, const struct ref_request *req, bool permitted)
{
	const struct ref_scene s = {.policy = policy, .req = req, .permitted = permitted};

	each_item(ref_get(policy, "sample"), item)
	{
		if (ref_fires(&s, item))
			return true;
	}
	return false;
}
