#include "ref_compare.h"

#include <stdio.h>
#include <string.h>

#include "testlib_cmocka.h"

static void
compare_sets(
    struct ref_difference *d, const char *what, struct ref_set *wanted, struct ref_set *got)
{
	char w[1024], g[1024];

	if (!ref_set_same(wanted, got))
		text_add(&d->t, "%s: the reference says [%s], the image [%s]\n", what,
		    ref_set_text(wanted, w, sizeof(w)), ref_set_text(got, g, sizeof(g)));
}

static struct ref_set
roles_of(const struct image *im, const struct role_set *roles)
{
	struct ref_set set = {.items = NULL};

	role_set_for (roles, i) {
		ref_set_add(&set, image_role(im, i).name);
	}
	return set;
}

struct places {
	const char *role;
	struct ref_set set;
};

static void
take_place(void *ctx, bool is_host, const char *name)
{
	struct places *p = ctx;
	char text[512];

	(void)snprintf(text, sizeof(text), "%s%s %s", is_host ? "host:" : "", name, p->role);
	ref_set_add(&p->set, text);
}

struct ref_set
ref_anywhere(const struct image *im, const struct policy_result *res)
{
	struct places p = {.set = {.items = NULL}};

	for (uint32_t i = 0; i < res->n_held; i++) {
		p.role = image_role(im, res->held[i].role).name;
		policy_held_places(im, &res->held[i], take_place, &p);
	}
	return p.set;
}

struct ref_set
ref_here(const struct image *im, const struct policy_result *res)
{
	struct ref_set set = {.items = NULL};

	for (uint32_t i = 0; i < res->n_held; i++)
		if (res->held[i].here)
			ref_set_add(&set, image_role(im, res->held[i].role).name);
	return set;
}

static struct ref_set
fired_of(const struct image *im, const struct policy_request *req)
{
	struct ref_set set = {.items = NULL};

	for (uint32_t i = 0; i < image_count_rules(im, IMAGE_DENY_RULES); i++) {
		bool fires = false;

		assert_err(
		    "fires", AK_OK, policy_rule_fires(im, req, IMAGE_DENY_RULES, i, &fires));
		if (fires)
			ref_set_add(&set, image_rule(im, IMAGE_DENY_RULES, i).id);
	}
	return set;
}

static const enum policy_outcome outcomes[] = {[REF_REFUSED] = POLICY_REFUSED,
    [REF_NOT_ADMITTED] = POLICY_NOT_ADMITTED,
    [REF_NO_SPACE] = POLICY_NO_SPACE,
    [REF_NO_ROLE] = POLICY_NO_ROLE,
    [REF_PERMITTED] = POLICY_PERMITTED};

static bool
is_admitted(enum policy_outcome outcome)
{
	return outcome == POLICY_PERMITTED || outcome == POLICY_NO_ROLE;
}

/* Which denial is the first is the file's order. */
static void
compare_first(struct ref_difference *d, const struct image *im, const struct policy_result *res,
    const struct ref_answer *ref)
{
	const char *wanted = ref->verdict == REF_REFUSED ? ref->fired.items[0] : "";
	const char *got =
	    res->deny == IMAGE_NONE ? "" : image_rule(im, IMAGE_DENY_RULES, res->deny).id;

	if (strcmp(wanted, got) != 0)
		text_add(&d->t, "the first denial: the reference says %s, the image %s\n",
		    wanted, got);
}

static void
compare_held(struct ref_difference *d, const struct image *im, const struct policy_result *res,
    struct ref_answer *ref)
{
	struct ref_set none = {.items = NULL};
	struct ref_set held = roles_of(im, &res->roles), here = ref_here(im, res);
	struct ref_set anywhere = ref_anywhere(im, res);

	compare_sets(d, "roles held here, if admitted",
	    is_admitted(res->outcome) ? &ref->held : &none, &held);
	compare_sets(d, "roles held here", &ref->held, &here);
	compare_sets(d, "roles held anywhere", &ref->anywhere, &anywhere);
	ref_set_clear(&held);
	ref_set_clear(&here);
	ref_set_clear(&anywhere);
}

static void
compare_samples(struct ref_difference *d, const struct image *im,
    const struct policy_request *req, const struct yaml_node *policy,
    const struct ref_request *own, bool permitted)
{
	bool kept = false;

	assert_err("samples", AK_OK, policy_samples(im, req, permitted, &kept));
	if (kept != ref_policy_samples(policy, own, permitted))
		text_add(&d->t, "the image %s it\n", kept ? "keeps" : "does not keep");
}

/* What NSS serves: the union with these inputs missing. */
static void
compare_unconditional(struct ref_difference *d, const struct image *im,
    const struct policy_request *req, const struct yaml_node *policy, struct ref_request q)
{
	struct policy_result res = POLICY_RESULT_INIT;
	enum ak_err err = policy_eval_unconditional(im, req, &res);
	struct ref_set held = roles_of(im, &res.roles), anywhere = ref_anywhere(im, &res);
	struct ref_answer ref;

	q.ip = q.creator_ip = q.service = q.account = NULL;
	q.has_time = q.account_is_root = q.favour = false;
	ref_policy_eval(policy, &q, &ref);
	if (err != (ref.verdict == REF_NO_SPACE ? AK_ERR_DENIED : AK_OK))
		text_add(&d->t, "unconditional: the image says %s\n", ak_strerror(err));
	compare_sets(d, "roles held unconditionally", &ref.held, &held);
	compare_sets(d, "roles held anywhere, unconditionally", &ref.anywhere, &anywhere);
	ref_set_clear(&held);
	ref_set_clear(&anywhere);
	ref_answer_clear(&ref);
	policy_result_clear(&res);
}

/* Every rule looked at and told, nothing changes. */
static void
take_nothing(void *ctx, const struct trace_line *line)
{
	if (line->step == TRACE_DENY && line->holds)
		ref_set_add(ctx, line->id);
}

static void
compare_traced(struct ref_difference *d, const struct image *im,
    const struct policy_request *req, struct ref_answer *ref)
{
	struct ref_set fired = {.items = NULL};
	const struct trace trace = {.take = take_nothing, .ctx = &fired, .every_rule = true};
	struct policy_result res = POLICY_RESULT_INIT;

	(void)!policy_eval(im, req, &trace, &res);
	if (res.outcome != outcomes[ref->verdict])
		text_add(&d->t, "traced, the outcome is %d\n", (int)res.outcome);
	compare_sets(d, "denials that were told", &ref->fired, &fired);
	compare_held(d, im, &res, ref);
	ref_set_clear(&fired);
	policy_result_clear(&res);
}

static void
compare_all(struct ref_difference *d, const struct image *im, const struct policy_request *req,
    const struct yaml_node *policy, const struct ref_request *own, struct ref_answer *ref)
{
	compare_traced(d, im, req, ref);
	if (ref->verdict != REF_NO_SPACE) {
		struct ref_set fired = fired_of(im, req);

		compare_sets(d, "denials that fire", &ref->fired, &fired);
		ref_set_clear(&fired);
	}
	/* What is in a session's favour is not sampled. */
	if (!own->favour)
		compare_samples(d, im, req, policy, own, ref->verdict == REF_PERMITTED);
	compare_unconditional(d, im, req, policy, *own);
}

void
ref_compare(struct ref_difference *d, const struct image *im, const struct yaml_node *policy,
    const struct ref_request *q, bool all)
{
	const struct directory_settings *directory = &image_borrow_settings(im)->directory;
	struct ref_request own = ref_own_account(q);
	struct policy_result res = POLICY_RESULT_INIT;
	struct ref_answer ref;
	struct ref_asked a;
	enum ak_err err;

	own.has_directory = directory->present;
	own.may_grant = directory->may_grant;
	ref_ask(im, q, &a);
	err = policy_eval(im, &a.req, NULL, &res);
	ref_policy_eval(policy, &own, &ref);
	if (res.outcome != outcomes[ref.verdict] ||
	    err != (ref.verdict == REF_PERMITTED ? AK_OK : AK_ERR_DENIED))
		text_add(&d->t, "the outcome: the reference says %d, the image %d (%s)\n",
		    (int)outcomes[ref.verdict], (int)res.outcome, ak_strerror(err));
	compare_first(d, im, &res, &ref);
	compare_held(d, im, &res, &ref);
	if (all)
		compare_all(d, im, &a.req, policy, &own, &ref);
	d->verdict = ref.verdict;
	policy_result_clear(&res);
	ref_answer_clear(&ref);
	ref_asked_clear(&a);
}
