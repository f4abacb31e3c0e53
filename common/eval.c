#include "eval.h"

#include <stdlib.h>
#include <string.h>

#include "eval_run.h"

void
policy_result_clear(struct policy_result *r)
{
	role_set_clear(&r->roles);
	free(r->held);
	*r = POLICY_RESULT_INIT;
}

/* Everything that is not `unconditional` asks for the account, the key's own where no other is named. */
static enum ak_err
start(struct eval *e, const struct image *im, const struct policy_request *req)
{
	*e = (struct eval){.im = im,
	    .req = req,
	    .run = {.im = im, .req = req, .decision = -1},
	    .space = IMAGE_NONE};
	e->run.account = req->account != NULL ? req->account : req->login;
	return condition_start(&e->run);
}

static bool
find_host_space(struct eval *e)
{
	if (e->req->space == NULL)
		return true;
	e->space = image_find_space(e->im, e->req->space);
	return e->space != IMAGE_NONE;
}

void
eval_walk(const struct eval *e, enum image_rules kind, struct eval_walk *out)
{
	const char *login = e->req->login;

	/* A login that is missing makes of every rule that names one an undefined one. */
	if (login == NULL || (e->trace != NULL && e->trace->every_rule))
		out->n = IMAGE_NONE;
	else
		out->n = image_rules_of(e->im, kind, login, out->lists);
	out->next = 0;
	out->count = image_count_rules(e->im, kind);
}

static uint32_t
head_of(const struct eval *e, const struct image_rule_list *l)
{
	return l->n == 0 ? IMAGE_NONE : image_listed_rule(e->im, l->first);
}

uint32_t
eval_walk_next(const struct eval *e, struct eval_walk *w)
{
	uint32_t next = IMAGE_NONE;

	if (w->n == IMAGE_NONE)
		return w->next < w->count ? w->next++ : IMAGE_NONE;
	for (uint32_t i = 0; i < w->n; i++)
		if (head_of(e, &w->lists[i]) < next)
			next = head_of(e, &w->lists[i]);
	for (uint32_t i = 0; i < w->n && next != IMAGE_NONE; i++)
		if (head_of(e, &w->lists[i]) == next) {
			w->lists[i].first++;
			w->lists[i].n--;
		}
	return next;
}

static enum condition_mode
mode_of(enum image_rules kind)
{
	return kind == IMAGE_DENY_RULES ? CONDITION_DENY : CONDITION_PLAIN;
}

/* What is undefined refuses; for a session that is to go on it is the other way about. */
static bool
settle(const struct eval *e, enum image_rules kind, enum truth v)
{
	bool lenient = e->req->favour && kind != IMAGE_SAMPLE_RULES;

	if (v == TRUTH_UNDEFINED)
		return (kind == IMAGE_DENY_RULES) != lenient;
	return v == TRUTH_TRUE;
}

bool
eval_fires(
    const struct eval *e, enum image_rules kind, struct image_condition when, enum truth *v)
{
	*v = condition_eval(&e->run, when, mode_of(kind));
	return settle(e, kind, *v);
}

bool
eval_grants_alone(const struct eval *e, const struct image_rule *rule)
{
	return settle(
	    e, IMAGE_GRANT_RULES, condition_eval(&e->run, rule->when, CONDITION_BOUNDED));
}

void
eval_tell(const struct eval *e, struct trace_line *line)
{
	if (line->line != 0)
		line->file = image_policy_file(e->im);
	e->trace->take(e->trace->ctx, line);
}

/* The first of the predicates that settles it. */
void
eval_say_truth(const struct eval *e, enum image_rules kind, const struct image_rule *rule,
    enum truth v, struct text *t)
{
	uint32_t at = rule->when.first;
	struct image_node node;

	if (v == TRUTH_TRUE)
		return;
	for (node = image_node(e->im, at); node.end < rule->when.end;
	     node = image_node(e->im, at)) {
		struct image_condition one = {at, node.end};

		if (condition_eval(&e->run, one, mode_of(kind)) == v)
			break;
		at = node.end;
	}
	if (node.op == IMAGE_OP_ANY && node.n != 0)
		text_add(t, ": `%s", image_op_name((enum image_op)node.n));
	else
		text_add(t, ": `%s", image_op_name(node.op));
	if (node.op == IMAGE_OP_IS)
		text_add(t, " %s", image_definition(e->im, node.number).name);
	text_add(t, "' is %s", v == TRUTH_FALSE ? "false" : "undefined");
}

static void
tell_rule(const struct eval *e, enum image_rules kind, uint32_t number, enum truth v, bool fires)
{
	const struct image_rule rule = image_rule(e->im, kind, number);
	bool deny = kind == IMAGE_DENY_RULES;
	char buf[512];
	struct text t = text_over(buf, sizeof(buf));
	struct trace_line line = {.step = deny ? TRACE_DENY : TRACE_ALLOW,
	    .holds = fires,
	    .undefined = v == TRUTH_UNDEFINED,
	    .rule = number,
	    .role = IMAGE_NONE,
	    .id = deny ? rule.id : NULL,
	    .line = rule.line,
	    .text = buf};

	if (deny)
		text_add(&t, "deny %s (%.160s) %s", rule.id, rule.reason,
		    fires ? "fires" : "does not fire");
	else
		text_add(&t, "allow rule %u %s", number + 1, fires ? "fires" : "does not fire");
	eval_say_truth(e, kind, &rule, v, &t);
	eval_tell(e, &line);
}

/* The first rule that fires. Without anybody who wants to know, the others are not looked at. */
static uint32_t
first_that_fires(const struct eval *e, enum image_rules kind)
{
	struct eval_walk w;
	uint32_t first = IMAGE_NONE, i;

	eval_walk(e, kind, &w);
	while ((i = eval_walk_next(e, &w)) != IMAGE_NONE) {
		enum truth v;
		bool fires = eval_fires(e, kind, image_rule_when(e->im, kind, i), &v);

		if (e->trace != NULL)
			tell_rule(e, kind, i, v, fires);
		if (fires && first == IMAGE_NONE)
			first = i;
		if (first != IMAGE_NONE && e->trace == NULL)
			break;
	}
	return first;
}

/* Steps 2 and 3. */
static enum policy_outcome
admit(const struct eval *e)
{
	e->out->deny = first_that_fires(e, IMAGE_DENY_RULES);
	if (image_policy(e->im).has_allow)
		e->out->allow = first_that_fires(e, IMAGE_ALLOW_RULES);
	if (e->out->deny != IMAGE_NONE)
		return POLICY_REFUSED;
	if (image_policy(e->im).has_allow && e->out->allow == IMAGE_NONE)
		return POLICY_NOT_ADMITTED;
	return POLICY_PERMITTED;
}

/* systemd-user runs beside the services that log in: it comes with any of them. */
static bool
role_permits(const struct image_role *role, const char *service, const char *other)
{
	if (other != NULL && !strv_glob(role->accounts, other))
		return false;
	if (strcmp(service, "systemd-user") == 0)
		return role->services.len_b > 0;
	return strv_glob(role->services, service);
}

static void
tell_request(const struct eval *e, uint32_t number, const char *other, bool permits)
{
	char buf[512];
	struct text t = text_over(buf, sizeof(buf));
	struct trace_line line = {.step = TRACE_REQUEST,
	    .holds = permits,
	    .rule = IMAGE_NONE,
	    .role = number,
	    .text = buf};

	if (e->trace == NULL)
		return;
	if (number == IMAGE_NONE) {
		text_add(&t, "uid 0 is never entered with a key");
	} else {
		line.line = image_role(e->im, number).line;
		text_add(&t, "role %s %s %.120s", image_role(e->im, number).name,
		    permits ? "permits" : "does not permit", e->req->service);
	}
	if (other != NULL)
		text_add(&t, " as %.120s", other);
	eval_tell(e, &line);
}

/* Step 5: the request itself. */
static enum policy_outcome
ask_request(const struct eval *e)
{
	const char *account = e->run.account, *other = NULL;

	if (account != NULL && (e->req->login == NULL || strcmp(account, e->req->login) != 0))
		other = account;
	if (e->req->account_is_root || (account != NULL && strcmp(account, "root") == 0)) {
		tell_request(e, IMAGE_NONE, NULL, false);
		return POLICY_NO_ROLE;
	}
	role_set_for (&e->out->roles, i) {
		struct image_role role = image_role(e->im, i);
		bool permits = role_permits(&role, e->req->service, other);

		tell_request(e, i, other, permits);
		if (permits && e->out->permits == IMAGE_NONE)
			e->out->permits = i;
	}
	return e->out->permits == IMAGE_NONE ? POLICY_NO_ROLE : POLICY_PERMITTED;
}

static enum ak_err
run_steps(struct eval *e)
{
	struct policy_result *out = e->out;
	enum policy_outcome admitted;
	enum ak_err err;

	if (!find_host_space(e)) {
		out->outcome = POLICY_NO_SPACE;
		return AK_ERR_DENIED;
	}
	admitted = admit(e);
	if ((err = eval_roles(e)) != AK_OK)
		return err;
	if (admitted == POLICY_PERMITTED && e->req->service != NULL)
		out->outcome = ask_request(e);
	else
		out->outcome = admitted;
	if (admitted != POLICY_PERMITTED)
		role_set_clear(&out->roles);
	return out->outcome == POLICY_PERMITTED ? AK_OK : AK_ERR_DENIED;
}

enum ak_err
policy_eval(const struct image *im, const struct policy_request *req, const struct trace *trace,
    struct policy_result *out)
{
	struct eval e;
	enum ak_err err;

	*out = POLICY_RESULT_INIT;
	err = start(&e, im, req);
	e.trace = trace;
	e.out = out;
	if (err == AK_OK)
		err = run_steps(&e);
	condition_clear(&e.run);
	if (err == AK_ERR_NOMEM)
		policy_result_clear(out);
	return err;
}

enum ak_err
policy_eval_unconditional(
    const struct image *im, const struct policy_request *req, struct policy_result *out)
{
	struct policy_request bare = *req;
	struct eval e;
	enum ak_err err;

	*out = POLICY_RESULT_INIT;
	bare.address = bare.origin = NULL;
	bare.when = NULL;
	bare.service = bare.account = NULL;
	bare.favour = false;
	err = start(&e, im, &bare);
	e.run.account = NULL;
	e.out = out;
	if (err == AK_OK && !find_host_space(&e)) {
		out->outcome = POLICY_NO_SPACE;
		err = AK_ERR_DENIED;
	} else if (err == AK_OK && (err = eval_roles(&e)) == AK_OK) {
		out->outcome = POLICY_PERMITTED;
	}
	condition_clear(&e.run);
	if (err == AK_ERR_NOMEM)
		policy_result_clear(out);
	return err;
}

enum ak_err
policy_rule_fires(const struct image *im, const struct policy_request *req,
    enum image_rules kind, uint32_t rule, bool *fires)
{
	enum truth v;
	struct eval e;
	enum ak_err err = start(&e, im, req);

	*fires = err == AK_OK && eval_fires(&e, kind, image_rule_when(im, kind, rule), &v);
	condition_clear(&e.run);
	return err;
}

enum ak_err
policy_samples(
    const struct image *im, const struct policy_request *req, bool permitted, bool *keep)
{
	struct eval e;
	enum ak_err err = start(&e, im, req);

	e.run.decision = permitted ? 1 : 0;
	*keep = err == AK_OK && first_that_fires(&e, IMAGE_SAMPLE_RULES) != IMAGE_NONE;
	condition_clear(&e.run);
	return err;
}

bool
policy_opens_account(const struct image *im, const char *account)
{
	if (strcmp(account, "root") == 0)
		return false;
	for (uint32_t i = 0; i < image_count_roles(im); i++)
		if (strv_glob(image_role(im, i).accounts, account))
			return true;
	return false;
}
