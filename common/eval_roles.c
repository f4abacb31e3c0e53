#include <stdlib.h>

#include "diag.h"
#include "eval_run.h"
#include "role.h"

#define HELD_FIRST 8U

static enum ak_err
add_held(const struct eval *e, struct policy_held held)
{
	struct policy_result *out = e->out;
	struct policy_held *more;
	uint32_t cap;

	if (out->n_held == out->cap_held) {
		cap = out->cap_held == 0 ? HELD_FIRST : 2 * out->cap_held;
		if ((more = reallocarray(out->held, cap, sizeof(*more))) == NULL)
			return AK_ERR_NOMEM;
		out->held = more;
		out->cap_held = cap;
	}
	out->held[out->n_held++] = held;
	if (held.here)
		role_set_add(&out->roles, held.role);
	return AK_OK;
}

static void
tell(const struct eval *e, bool holds, bool undefined, uint32_t role, uint32_t rule,
    uint32_t line, const char *text)
{
	struct trace_line l = {.step = TRACE_ROLE,
	    .holds = holds,
	    .undefined = undefined,
	    .rule = rule,
	    .role = role,
	    .line = line,
	    .text = text};

	if (e->trace != NULL)
		eval_tell(e, &l);
}

static void
say_elsewhere(const struct eval *e, bool by_host, struct text *t)
{
	if (by_host)
		text_add(t, ": this host has another name");
	else if (e->req->space == NULL)
		text_add(t, ": this host stands nowhere");
	else
		text_add(t, ": this host stands in %s", e->req->space);
}

/* A role that may come through the directory; it is the host's settings that say so. */
static bool
may_grant(const struct eval *e, uint32_t role)
{
	struct image_role r = image_role(e->im, role);

	return settings_may_grant(
	    &image_borrow_settings(e->im)->directory, r.name, r.root_equivalent);
}

/* What the directory bounds: all that a key of its own holds, and what itself gives to others. */
static bool
is_bounded(const struct eval *e, uint32_t role, bool by_directory)
{
	return (by_directory || e->req->directory_key) && !may_grant(e, role);
}

/* Is what it says not to be given? */
static bool
is_silent(const struct eval *e)
{
	return (e->req->stale || e->req->unknown) && !e->req->favour;
}

static void
say_silent(const struct eval *e, struct text *t)
{
	text_add(t, "%s",
	    e->req->unknown ? ": what the directory says of the key is not known here"
			    : ": the directory was not heard for too long");
}

static void
say_bounded(struct text *t)
{
	text_add(t, ": may_grant in apikey.yaml does not name it");
}

/* A binding as text, looked up: the places that are not declared give nothing. */
struct found {
	uint32_t role;
	bool somewhere, here;
	const char *unknown; /* a space that is not declared; NULL: none */
};

static struct found
look_up(const struct eval *e, const struct binding *b)
{
	struct found f = {.role = image_find_role(e->im, b->role)};

	if (b->scope == ROLE_GLOBAL)
		f.somewhere = f.here = true;
	strv_for (binding_borrow_names(b), name) {
		uint32_t space;

		if (b->scope == ROLE_HOSTS) {
			f.somewhere = true;
			strv_for (e->req->hosts, host) {
				f.here = f.here || net_same_host(name, host);
			}
			continue;
		}
		if ((space = image_find_space(e->im, name)) == IMAGE_NONE) {
			f.unknown = name;
			continue;
		}
		f.somewhere = true;
		f.here = f.here || image_space_holds(e->im, space, e->space);
	}
	f.somewhere = f.somewhere && f.role != IMAGE_NONE;
	f.here = f.here && f.role != IMAGE_NONE;
	return f;
}

/* One that is written as text: on the key, or in the directory. */
struct written {
	const char *text;
	enum policy_source source;
	bool counts; /* the strategy lets it */
	bool silent, bounded; /* see above */
};

static void
tell_binding(const struct eval *e, const struct binding *b, const struct written *w,
    const struct found *f)
{
	bool given = w->counts && !w->silent && !w->bounded;
	char buf[BINDING_CAP + 512];
	struct text t = text_over(buf, sizeof(buf));

	if (e->trace == NULL)
		return;
	text_add(&t, "role %s, bound %s as %s", b->role,
	    w->source == POLICY_FROM_KEY ? "directly" : "by the directory", w->text);
	if (f->role == IMAGE_NONE)
		text_add(&t, ": the policy declares no such role");
	else if (!w->counts)
		text_add(&t, ": with `strategy: policy' direct bindings do not count");
	else if (w->bounded)
		say_bounded(&t);
	else if (w->silent)
		say_silent(e, &t);
	else if (!f->here)
		say_elsewhere(e, b->scope == ROLE_HOSTS, &t);
	if (f->unknown != NULL)
		text_add(&t, ": the policy declares no space %s", f->unknown);
	tell(e, given && f->here, w->counts && w->silent && !w->bounded, f->role, IMAGE_NONE,
	    f->role == IMAGE_NONE ? 0 : image_role(e->im, f->role).line, buf);
}

static enum ak_err
take_binding(const struct eval *e, struct written w)
{
	bool by_directory = w.source == POLICY_FROM_DIRECTORY;
	struct diag why = DIAG_INIT;
	struct binding b;
	struct found f;

	if (binding_parse(w.text, &b, &why) != AK_OK) {
		tell(e, false, false, IMAGE_NONE, IMAGE_NONE, 0, why.text);
		return AK_OK;
	}
	f = look_up(e, &b);
	w.silent = by_directory && is_silent(e);
	w.bounded = f.role != IMAGE_NONE && is_bounded(e, f.role, by_directory);
	tell_binding(e, &b, &w, &f);
	if (!w.counts || !f.somewhere || w.silent || w.bounded)
		return AK_OK;
	return add_held(e, (struct policy_held){.role = f.role,
			       .source = w.source,
			       .name = w.text,
			       .row = IMAGE_NONE,
			       .here = f.here});
}

/* "in production, staging"; "on bastion-1"; nothing for a global one. */
static void
say_scope(const struct eval *e, const struct image_binding *b, struct text *t)
{
	const char *between = " on ";

	if (b->scope == IMAGE_IN_ALL_SPACES)
		text_add(t, " in every space");
	for (uint32_t i = 0; i < b->n_spaces; i++)
		text_add(t, "%s%s", i == 0 ? " in " : ", ",
		    image_space(e->im, image_bound_space(e->im, b->first_space + i)).name);
	strv_for (b->hosts, host) {
		text_add(t, "%s%s", between, host);
		between = ", ";
	}
}

static enum ak_err
take_group_binding(const struct eval *e, const char *group, uint32_t row, bool by_directory)
{
	struct image_binding b = image_group_binding(e->im, row);
	bool here = image_binding_is_here(e->im, &b, e->space, e->req->hosts);
	bool silent = by_directory && is_silent(e);
	bool bounded = is_bounded(e, b.role, by_directory);
	char buf[1024];
	struct text t = text_over(buf, sizeof(buf));

	if (e->trace != NULL) {
		text_add(
		    &t, "role %s, through group %.200s", image_role(e->im, b.role).name, group);
		say_scope(e, &b, &t);
		if (bounded)
			say_bounded(&t);
		else if (silent)
			say_silent(e, &t);
		else if (!here)
			say_elsewhere(e, b.scope == IMAGE_ON_HOSTS, &t);
		tell(e, here && !silent && !bounded, silent && !bounded, b.role, IMAGE_NONE,
		    b.line, buf);
	}
	if (silent || bounded)
		return AK_OK;
	return add_held(e, (struct policy_held){.role = b.role,
			       .source = POLICY_FROM_GROUP,
			       .name = group,
			       .row = row,
			       .line = b.line,
			       .here = here});
}

static enum ak_err
take_groups(const struct eval *e, struct strv groups, bool by_directory)
{
	enum ak_err err = AK_OK;

	strv_for (groups, name) {
		uint32_t i = image_find_group(e->im, name);
		struct image_group g = {.n = 0};

		if (i != IMAGE_NONE)
			g = image_group(e->im, i);
		for (uint32_t k = 0; k < g.n && err == AK_OK; k++)
			err = take_group_binding(e, name, g.first + k, by_directory);
	}
	return err;
}

static enum ak_err
take_bindings(const struct eval *e, struct strv bindings, enum policy_source source, bool counts)
{
	enum ak_err err = AK_OK;

	strv_for (bindings, text) {
		struct written w = {.text = text, .source = source, .counts = counts};

		if (err == AK_OK)
			err = take_binding(e, w);
	}
	return err;
}

/* Can anything rest on a directory? */
static bool
has_directory(const struct eval *e)
{
	const struct policy_request *req = e->req;

	return image_borrow_settings(e->im)->directory.present || req->stale || req->unknown ||
	       req->directory_groups.len_b > 0;
}

/* A grant that fires, of a role outside may_grant: to a local key only if the directory has no part in it. */
static bool
grant_is_bounded(const struct eval *e, const struct image_rule *rule)
{
	if (e->req->directory_key)
		return !may_grant(e, rule->grants.role);
	return has_directory(e) && !may_grant(e, rule->grants.role) &&
	       !eval_grants_alone(e, rule);
}

static enum ak_err
take_grant(const struct eval *e, uint32_t number, enum truth v, bool fires)
{
	struct image_rule rule = image_rule(e->im, IMAGE_GRANT_RULES, number);
	struct image_binding *b = &rule.grants;
	bool bounded, here;
	char buf[1024];
	struct text t = text_over(buf, sizeof(buf));

	bounded = fires && grant_is_bounded(e, &rule);
	here = image_binding_is_here(e->im, b, e->space, e->req->hosts);
	if (e->trace != NULL) {
		text_add(&t, "role %s, granted", image_role(e->im, b->role).name);
		say_scope(e, b, &t);
		if (bounded)
			say_bounded(&t);
		else
			eval_say_truth(e, IMAGE_GRANT_RULES, &rule, v, &t);
		if (fires && !bounded && !here)
			say_elsewhere(e, b->scope == IMAGE_ON_HOSTS, &t);
		tell(e, fires && here && !bounded, v == TRUTH_UNDEFINED && !bounded, b->role,
		    number, rule.line, buf);
	}
	if (!fires || bounded)
		return AK_OK;
	return add_held(e, (struct policy_held){.role = b->role,
			       .source = POLICY_FROM_GRANT,
			       .row = number,
			       .line = rule.line,
			       .here = here});
}

static enum ak_err
take_grants(const struct eval *e)
{
	struct eval_walk w;
	enum ak_err err = AK_OK;
	uint32_t i;

	eval_walk(e, IMAGE_GRANT_RULES, &w);
	while (err == AK_OK && (i = eval_walk_next(e, &w)) != IMAGE_NONE) {
		enum truth v;
		bool fires = eval_fires(
		    e, IMAGE_GRANT_RULES, image_rule_when(e->im, IMAGE_GRANT_RULES, i), &v);

		if (fires || e->trace != NULL)
			err = take_grant(e, i, v, fires);
	}
	return err;
}

/* A union: order never matters. */
enum ak_err
eval_roles(const struct eval *e)
{
	enum image_strategy strategy = image_policy(e->im).strategy;
	bool direct = strategy != IMAGE_POLICY_ONLY;
	const struct policy_request *req = e->req;
	enum ak_err err = role_set_init(&e->out->roles, image_count_roles(e->im));

	if (err == AK_OK)
		err = take_bindings(e, req->bindings, POLICY_FROM_KEY, direct);
	if (err == AK_OK && direct)
		err = take_groups(e, req->groups, false);
	if (err == AK_OK && direct)
		err = take_groups(e, req->directory_groups, true);
	if (err == AK_OK)
		err = take_bindings(e, req->directory_bindings, POLICY_FROM_DIRECTORY, direct);
	if (err == AK_OK && strategy != IMAGE_DIRECT)
		err = take_grants(e);
	return err;
}
