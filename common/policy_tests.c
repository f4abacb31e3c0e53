#include "policy_tests.h"

#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "policy_tests_read.h"

struct tests_run {
	const char *file, *zone_dir;
	const struct image *im;
	policy_test_fn *take;
	void *ctx;
	uint32_t n_failed;
};

/* A set of places with roles, as texts: sorted, none twice. */
struct places {
	struct pack list;
	const char **sorted;
	size_t n;
	/* While it is filled: */
	const struct image *im;
	uint32_t role;
};

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
places_clear(struct places *p)
{
	pack_clear(&p->list);
	free(p->sorted);
	p->sorted = NULL;
}

static enum ak_err
places_sort(struct places *p, struct strv list)
{
	size_t n = 0;

	if ((p->sorted = calloc(strv_count(list) + 1, sizeof(*p->sorted))) == NULL)
		return AK_ERR_NOMEM;
	strv_for (list, entry) {
		p->sorted[n++] = entry;
	}
	qsort(p->sorted, n, sizeof(*p->sorted), compare_texts);
	for (size_t i = 0; i < n; i++)
		if (p->n == 0 || strcmp(p->sorted[p->n - 1], p->sorted[i]) != 0)
			p->sorted[p->n++] = p->sorted[i];
	return AK_OK;
}

static void
take_place(void *ctx, bool is_host, const char *name)
{
	struct places *p = ctx;

	policy_case_place(&p->list, is_host, name, image_role(p->im, p->role).name);
}

static enum ak_err
places_of_result(struct places *p, const struct image *im, const struct policy_result *res)
{
	p->im = im;
	for (uint32_t i = 0; i < res->n_held; i++) {
		p->role = res->held[i].role;
		policy_held_places(im, &res->held[i], take_place, p);
	}
	return p->list.err != AK_OK ? p->list.err : places_sort(p, pack_borrow_strv(&p->list));
}

static bool
places_equal(const struct places *a, const struct places *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->sorted[i], b->sorted[i]) != 0)
			return false;
	return true;
}

static void
say(struct pack *p, const char *s)
{
	pack_bytes(p, s, strlen(s));
}

/* {production: [deployer, viewer], root: [admin]}: a place's entries stand together. */
static void
say_places(struct pack *out, const struct places *p)
{
	size_t before = 0;

	say(out, ", roles {");
	for (size_t i = 0; i < p->n; i++) {
		size_t place = strcspn(p->sorted[i], " ");
		bool same = i > 0 && place == before &&
			    strncmp(p->sorted[i - 1], p->sorted[i], place) == 0;

		if (!same) {
			say(out, i == 0 ? "" : "], ");
			pack_bytes(out, p->sorted[i], place);
		}
		say(out, same ? ", " : ": [");
		say(out, p->sorted[i] + place + 1);
		before = place;
	}
	say(out, p->n == 0 ? "}" : "]}");
}

static void
say_decision(struct pack *out, const struct image *im, const struct policy_case *c,
    const struct policy_result *res, bool by_fired)
{
	say(out, res->outcome == POLICY_PERMITTED ? "allow" : "deny");
	switch (res->outcome) {
	case POLICY_REFUSED:
		say(out, " by ");
		say(out, by_fired ? c->by : image_rule(im, IMAGE_DENY_RULES, res->deny).id);
		break;
	case POLICY_NOT_ADMITTED:
		say(out, " (no allow rule fires)");
		break;
	case POLICY_NO_ROLE:
		say(out, " (no role permits ");
		say(out, c->service);
		if (c->account != NULL) {
			say(out, " as ");
			say(out, c->account);
		}
		say(out, ")");
		break;
	default:
		break;
	}
}

/* What was asked for, in the words that the answer has. */
static void
say_expected(struct pack *out, const struct policy_case *c, const struct places *roles)
{
	say(out, c->allow ? "allow" : "deny");
	if (c->by != NULL) {
		say(out, " by ");
		say(out, c->by);
	}
	if (c->has_roles)
		say_places(out, roles);
	pack_u8(out, 0);
}

/* may_grant is a host's, and the test is the policy's: only where `stale` is asked do groups come from the directory. */
static struct policy_request
request_of(const struct policy_case *c, const struct moments *when)
{
	struct strv groups = pack_borrow_strv(&c->groups);

	return (struct policy_request){.login = c->login,
	    .bindings = pack_borrow_strv(&c->bindings),
	    .groups = c->stale ? STRV_EMPTY : groups,
	    .directory_groups = c->stale ? groups : STRV_EMPTY,
	    .stale = c->stale,
	    .not_member = c->not_member,
	    .address = c->has_address ? &c->address : NULL,
	    .origin = c->has_origin ? &c->origin : NULL,
	    .when = c->has_at ? when : NULL,
	    .hosts = pack_borrow_strv(&c->hosts),
	    .space = c->space,
	    .service = c->service,
	    .account = c->account};
}

/* What one test came to. */
struct answer {
	struct moments when;
	struct policy_result res;
	struct places expected, got;
	bool by_fired;
	struct pack expected_text, got_text;
};

static enum ak_err
ask(const struct tests_run *run, const struct policy_case *c, struct answer *a)
{
	struct policy_request req = request_of(c, &a->when);
	enum ak_err err = AK_OK;

	if (c->has_at)
		err = moments_resolve(run->im, run->zone_dir, c->at * 1000, &a->when);
	if (err == AK_OK)
		err = policy_eval(run->im, &req, NULL, &a->res);
	if (err == AK_ERR_DENIED)
		err = AK_OK;
	if (err == AK_OK && c->by != NULL)
		err = policy_rule_fires(run->im, &req, IMAGE_DENY_RULES,
		    image_find_deny(run->im, c->by), &a->by_fired);
	if (err == AK_OK)
		err = places_of_result(&a->got, run->im, &a->res);
	if (err == AK_OK)
		err = places_sort(&a->expected, pack_borrow_strv(&c->roles));
	return err;
}

static enum ak_err
tell(struct tests_run *run, const struct policy_case *c, struct answer *a)
{
	struct policy_test t = {
	    .name = c->name, .file = run->file, .line = c->node->line, .col = c->node->col};

	say_expected(&a->expected_text, c, &a->expected);
	say_decision(&a->got_text, run->im, c, &a->res, a->by_fired);
	say_places(&a->got_text, &a->got);
	pack_u8(&a->got_text, 0);
	if (a->expected_text.err != AK_OK || a->got_text.err != AK_OK)
		return AK_ERR_NOMEM;
	t.expected = (const char *)a->expected_text.bytes;
	t.got = (const char *)a->got_text.bytes;
	t.passed = (a->res.outcome == POLICY_PERMITTED) == c->allow &&
		   (c->by == NULL || a->by_fired) &&
		   (!c->has_roles || places_equal(&a->expected, &a->got));
	run->n_failed += t.passed ? 0 : 1;
	run->take(run->ctx, &t);
	return AK_OK;
}

static enum ak_err
run_case(void *ctx, const struct policy_case *c)
{
	struct tests_run *run = ctx;
	struct answer a = {.when = MOMENTS_INIT, .res = POLICY_RESULT_INIT};
	enum ak_err err = ask(run, c, &a);

	if (err == AK_OK)
		err = tell(run, c, &a);
	moments_clear(&a.when);
	policy_result_clear(&a.res);
	places_clear(&a.expected);
	places_clear(&a.got);
	pack_clear(&a.expected_text);
	pack_clear(&a.got_text);
	return err;
}

enum ak_err
policy_tests_run(const char *bytes, size_t len_b, const char *file, const struct image *im,
    const char *zone_dir, policy_test_fn *take, void *ctx, uint32_t *n_failed, struct diag *why)
{
	struct tests_run run = {
	    .file = file, .zone_dir = zone_dir, .im = im, .take = take, .ctx = ctx};
	const struct yamlread r = {.file = file, .why = why};
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	*n_failed = 0;
	if ((err = yamltree_parse(bytes, len_b, file, &doc, why)) == AK_OK)
		err = policy_tests_each(&r, yamltree_root_borrow(doc), im, run_case, &run);
	yamltree_free(&doc);
	*n_failed = run.n_failed;
	return err == AK_ERR_NOMEM ? yamlread_no_memory(&r) : err;
}
