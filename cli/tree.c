#include "tree.h"

#include <string.h>

#include "missing.h"
#include "num.h"

static const struct {
	const char *word, *heading, *holds, *fails;
} steps[] = {
    [TRACE_GATE] = {"gate", "gates", "pass", "fail"},
    [TRACE_DENY] = {"deny", "deny rules", "fires", "no"},
    [TRACE_ALLOW] = {"allow", "allow rules", "fires", "no"},
    [TRACE_ROLE] = {"role", "roles", "held", "no"},
    [TRACE_REQUEST] = {"request", "the request", "yes", "no"},
    [TRACE_DECISION] = {"decision", "the decision", "allow", "deny"},
};

struct tree
tree_for(FILE *f, struct out_json *json, const struct decide_request *req)
{
	return (struct tree){.f = f, .json = json, .req = req};
}

/* What an undefined rule lacks. */
static void
find_missing(const struct tree *t, const struct trace_line *line, struct pack *out)
{
	struct policy_request ask;
	enum image_rules kind = IMAGE_GRANT_RULES;

	if (!line->undefined || line->rule == IMAGE_NONE || t->req->policy == NULL)
		return;
	if (line->step == TRACE_DENY)
		kind = IMAGE_DENY_RULES;
	else if (line->step == TRACE_ALLOW)
		kind = IMAGE_ALLOW_RULES;
	ask = decide_policy_request(t->req);
	missing_inputs(t->req->policy, &ask, kind, line->rule, out);
}

static void
add_json(struct out_json *j, const struct tree *t, const struct trace_line *line,
    struct strv missing)
{
	const struct image *im = t->req->policy;

	out_object(j, NULL);
	out_text(j, "step", steps[line->step].word);
	out_bool(j, "holds", line->holds);
	out_bool(j, "undefined", line->undefined);
	out_strv(j, "missing", missing);
	out_text(j, "id", line->id);
	out_text(j, "role",
	    line->role == IMAGE_NONE || im == NULL ? NULL : image_role(im, line->role).name);
	out_text(j, "text", line->text);
	out_text(j, "file", line->file);
	if (line->file == NULL)
		out_text(j, "line", NULL);
	else
		out_number(j, "line", line->line);
	out_close(j);
}

static void
print_plain(FILE *f, const char *s)
{
	for (; *s != '\0'; s++)
		(void)fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, f);
}

static void
print_line(struct tree *t, const struct trace_line *line, struct strv missing)
{
	const char *outcome = line->holds ? steps[line->step].holds : steps[line->step].fails;
	const char *between = ": missing: ";

	if (line->undefined && !line->holds)
		outcome = "undefined";
	if (!t->begun || t->step != line->step)
		(void)fprintf(t->f, "%s\n", steps[line->step].heading);
	(void)fprintf(t->f, "  %-10s ", outcome);
	print_plain(t->f, line->text);
	strv_for (missing, word) {
		(void)fprintf(t->f, "%s%s", between, word);
		between = ", ";
	}
	if (line->file != NULL)
		(void)fprintf(t->f, "  (%s:%u)", line->file, line->line);
	(void)fputc('\n', t->f);
}

static void
take_line(void *ctx, const struct trace_line *line)
{
	struct tree *t = ctx;
	struct pack missing = PACK_INIT;

	if (line->step == TRACE_DECISION)
		return;
	find_missing(t, line, &missing);
	if (t->f == NULL)
		add_json(t->json, t, line, pack_borrow_strv(&missing));
	else
		print_line(t, line, pack_borrow_strv(&missing));
	t->begun = true;
	t->step = line->step;
	pack_clear(&missing);
}

/* A group of the key's own list is the key's own, though LDAP has it too. */
static bool
is_through_directory(const struct decide_request *req, const struct policy_held *h)
{
	return h->source == POLICY_FROM_DIRECTORY ||
	       (h->source == POLICY_FROM_GROUP && !strv_has(req->key->groups, h->name));
}

/* Roles that rest on LDAP, and as of when that is known. */
static void
print_through_directory(const struct tree *t, const struct verdict *v)
{
	const struct decide_request *req = t->req;
	char at[NUM_TIME_CAP];

	for (uint32_t i = 0; i < v->policy.n_held; i++) {
		const struct policy_held *h = &v->policy.held[i];

		if (!is_through_directory(req, h))
			continue;
		(void)fprintf(t->f, "role %s: through the directory's %s ",
		    image_role(req->policy, h->role).name,
		    h->source == POLICY_FROM_GROUP ? "group" : "binding");
		print_plain(t->f, h->name);
		(void)fprintf(t->f, ", as of %s\n", num_print_time(req->contact_at, at));
	}
}

static void
add_held(struct out_json *j, const struct decide_request *req, const struct policy_held *h)
{
	const struct image *im = req->policy;
	static const char *const sources[] = {[POLICY_FROM_KEY] = "binding",
	    [POLICY_FROM_GROUP] = "group",
	    [POLICY_FROM_GRANT] = "grant",
	    [POLICY_FROM_DIRECTORY] = "directory"};

	out_object(j, NULL);
	out_text(j, "role", image_role(im, h->role).name);
	out_text(j, "source", sources[h->source]);
	out_text(j, "name", h->name);
	out_text(j, "file", h->line == 0 ? NULL : image_policy_file(im));
	if (h->line == 0)
		out_text(j, "line", NULL);
	else
		out_number(j, "line", h->line);
	out_bool(j, "here", h->here);
	out_bool(j, "through_directory", is_through_directory(req, h));
	out_close(j);
}

static void
finish_json(const struct tree *t, const struct verdict *v)
{
	const struct image *im = t->req->policy;
	struct out_json *j = t->json;

	out_text(j, "decision", v->reason == REASON_PERMITTED ? "allow" : "deny");
	out_text(j, "reason", reason_word(v->reason));
	out_text(j, "why", v->why);
	out_text(j, "rule",
	    v->reason != REASON_RULE ? NULL
				     : image_rule(im, IMAGE_DENY_RULES, v->policy.deny).id);
	out_list(j, "roles");
	role_set_for (&v->roles, i) {
		out_text(j, NULL, image_role(im, i).name);
	}
	out_close(j);
	out_list(j, "held");
	for (uint32_t i = 0; i < v->policy.n_held; i++)
		add_held(j, t->req, &v->policy.held[i]);
	out_close(j);
}

enum ak_err
tree_decide(struct tree *t, struct verdict *v)
{
	const struct trace trace = {.take = take_line, .ctx = t, .every_rule = true};
	enum ak_err err;

	out_list(t->json, "trace");
	err = decide(t->req, &trace, v);
	out_close(t->json);
	if (t->f == NULL) {
		finish_json(t, v);
		return err;
	}
	(void)fprintf(t->f, "\n%s: ", v->reason == REASON_PERMITTED ? "allow" : "deny");
	print_plain(t->f, v->why);
	(void)fputc('\n', t->f);
	if (v->roles_text[0] != '\0')
		(void)fprintf(t->f, "roles here: %s\n", v->roles_text);
	print_through_directory(t, v);
	return err;
}
