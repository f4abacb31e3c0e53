#include "explain.h"

#include <errno.h>
#include <sys/stat.h>

#include "decide.h"
#include "live.h"
#include "num.h"
#include "out.h"

enum ak_err
explain_parse(const struct args *a, struct explain *out, struct diag *why)
{
	const char *at = args_value(a, ARG_AT), *service = args_value(a, ARG_SERVICE);

	*out = (struct explain){.service = service == NULL ? "sshd" : service,
	    .account = args_value(a, ARG_ACCOUNT),
	    .rhost = args_value(a, ARG_RHOST),
	    .has_at = at != NULL};
	if (out->rhost != NULL && net_parse_addr(out->rhost, &out->address) != AK_OK)
		return diag_because(why, AK_ERR_INVALID,
		    "--rhost `%.80s' is no address: names are never resolved", out->rhost);
	if (at != NULL && num_parse_time(at, &out->at) != AK_OK)
		return diag_because(why, AK_ERR_INVALID,
		    "--at `%.40s' is no moment: write 2026-03-04T05:06:07Z", at);
	if (*out->service == '\0' || (out->account != NULL && *out->account == '\0'))
		return diag_because(
		    why, AK_ERR_INVALID, "--service and --account can't be empty");
	return AK_OK;
}

static const char *const steps[] = {[TRACE_GATE] = "gate",
    [TRACE_DENY] = "deny",
    [TRACE_ALLOW] = "allow",
    [TRACE_ROLE] = "role",
    [TRACE_REQUEST] = "request",
    [TRACE_DECISION] = "decision"};

/* The trace as it comes: into both, of which one is printed. */
struct taken {
	struct out_json *json;
	struct out_table table;
};

static void
take_line(void *ctx, const struct trace_line *line)
{
	struct taken *t = ctx;
	char where[PATH_CAP + 16];

	out_object(t->json, NULL);
	out_text(t->json, "step", steps[line->step]);
	out_bool(t->json, "holds", line->holds);
	out_text(t->json, "text", line->text);
	out_text(t->json, "file", line->file);
	if (line->file == NULL)
		out_text(t->json, "line", NULL);
	else
		out_number(t->json, "line", line->line);
	out_close(t->json);

	(void)snprintf(
	    where, sizeof(where), "%s:%u", line->file == NULL ? "" : line->file, line->line);
	out_cell(&t->table, steps[line->step]);
	out_cell(&t->table, line->holds ? "yes" : "no");
	out_cell(&t->table, line->text);
	out_cell(&t->table, line->file == NULL ? "" : where);
}

/* As PAM looks at it: any answer but "there is none" counts as on. */
static bool
is_locked_down(const struct paths *p)
{
	struct stat st;

	return lstat(p->lockdown, &st) == 0 || errno != ENOENT;
}

/* Is what NSS serves made from what holds now? */
static bool
is_published(const struct keys *keys, const struct live *live)
{
	const struct users_extra *u = &keys->ring.users;

	return keyring_is_published(&keys->ring) && u->policy == live->policy_id &&
	       u->config == live->settings_id && u->group == live->group_id;
}

static void
add_roles(struct out_json *j, const struct image *im, const struct role_set *roles)
{
	out_list(j, "roles");
	for (uint32_t i = 0; im != NULL && i < roles->n_roles; i++)
		if (role_set_has(roles, i))
			out_text(j, NULL, image_role(im, i).name);
	out_close(j);
}

static void
finish_json(struct out_json *j, const struct decide_request *req, const struct verdict *v,
    bool published)
{
	bool permitted = v->reason == REASON_PERMITTED;

	out_close(j); /* the trace */
	out_text(j, "decision", permitted ? "allow" : "deny");
	out_text(j, "reason", reason_word(v->reason));
	out_text(j, "why", v->why);
	add_roles(j, req->policy, &v->roles);
	out_bool(j, "published", published);
}

static enum ak_err
print(const struct cli *c, const struct args *a, struct taken *t, const struct verdict *v)
{
	enum ak_err err;

	if (a->output == OUTPUT_JSON)
		return out_json_print(&t->json, OUT_INDENTED, c->out);
	if ((err = out_table_print(&t->table, c->out)) != AK_OK)
		return err;
	(void)fprintf(
	    c->out, "\n%s: %s\n", v->reason == REASON_PERMITTED ? "allow" : "deny", v->why);
	if (v->roles_text[0] != '\0')
		(void)fprintf(c->out, "roles here: %s\n", v->roles_text);
	return AK_OK;
}

/* The request, but for what live gives. */
static struct decide_request
request_for(const struct cli *c, const struct explain *e, const struct keys *keys,
    const struct key_record *k, uint32_t secret)
{
	int64_t now = c->host.now(c->host.ctx);

	return (struct decide_request){.key = k,
	    .service = e->service,
	    .account = e->account,
	    .address = e->rhost == NULL ? NULL : &e->address,
	    .now = e->has_at ? e->at : now,
	    /* A moment that was made up is as good as any clock. */
	    .time_undefined = !e->has_at && keyring_time_undefined(&keys->ring, now),
	    .lockdown = is_locked_down(&c->paths),
	    .secret = secret};
}

/* Up to the trace. */
static struct taken
taken_begin(const struct explain *e, const struct decide_request *req)
{
	static const char *const headings[] = {"STEP", "HOLDS", "WHAT", "WHERE", NULL};
	struct taken t = {.json = out_json_new(), .table = out_table_init(headings, 0)};

	out_object(t.json, NULL);
	out_text(t.json, "key", req->key->name);
	out_text(t.json, "id", req->key->id);
	out_text(t.json, "service", e->service);
	out_text(t.json, "account", e->account == NULL ? req->key->name : e->account);
	out_text(t.json, "rhost", e->rhost);
	out_time(t.json, "at", req->now);
	out_list(t.json, "trace");
	return t;
}

enum ak_err
explain_key(const struct cli *c, const struct args *a, const struct explain *e,
    const struct keys *keys, const struct key_record *k, uint32_t secret)
{
	struct decide_request req = request_for(c, e, keys, k, secret);
	struct taken t = taken_begin(e, &req);
	const struct trace trace = {.take = take_line, .ctx = &t};
	struct moments when = MOMENTS_INIT;
	struct verdict v;
	struct live live;
	enum ak_err err, printed;
	bool published;

	live_load(&c->paths, &live);
	req.policy = live.image;
	req.policy_problem = live.problem.text;
	req.hosts = live.hosts;
	if (live.image != NULL &&
	    moments_resolve(live.image, ZONE_DIR, req.now * 1000, &when) == AK_OK)
		req.when = &when;
	err = decide(&req, &trace, &v);
	published = is_published(keys, &live);
	finish_json(t.json, &req, &v, published);
	printed = print(c, a, &t, &v);
	if (!published)
		cli_warn(c, "groups are not published: run `apikey publish`");
	out_json_free(&t.json);
	out_table_clear(&t.table);
	verdict_clear(&v);
	moments_clear(&when);
	live_clear(&live);
	return printed == AK_OK ? err : printed;
}

enum ak_err
explain_wrong_token(const struct cli *c, const struct args *a, const struct explain *e,
    const struct key_record *k, const char *why)
{
	struct out_json *j;
	enum ak_err err;

	if (a->output != OUTPUT_JSON) {
		(void)fprintf(c->out, "deny: %s\n", why);
		return AK_ERR_DENIED;
	}
	j = out_json_new();
	out_object(j, NULL);
	out_text(j, "key", k == NULL ? NULL : k->name);
	out_text(j, "id", k == NULL ? NULL : k->id);
	out_text(j, "service", e->service);
	out_text(j, "account", e->account);
	out_text(j, "rhost", e->rhost);
	out_time(j, "at", e->has_at ? e->at : c->host.now(c->host.ctx));
	out_list(j, "trace");
	out_close(j);
	out_text(j, "decision", "deny");
	out_text(j, "reason", "wrong-token");
	out_text(j, "why", why);
	out_list(j, "roles");
	out_close(j);
	err = out_json_print(&j, OUT_INDENTED, c->out);
	return err == AK_OK ? AK_ERR_DENIED : err;
}
