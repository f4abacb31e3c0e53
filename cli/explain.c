#include "explain.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "decide.h"
#include "directory_state.h"
#include "live.h"
#include "num.h"
#include "out.h"
#include "ownaddr.h"
#include "tree.h"

static enum ak_err
parse_address(const char *option, const char *text, struct net_addr *out, struct diag *why)
{
	if (text == NULL || net_parse_addr(text, out) == AK_OK)
		return AK_OK;
	return diag_because(why, AK_ERR_INVALID,
	    "%s `%.80s' is no address: names are never resolved", option, text);
}

enum ak_err
explain_parse(const struct args *a, struct explain *out, struct diag *why)
{
	const char *at = args_value(a, ARG_AT), *service = args_value(a, ARG_SERVICE);
	enum ak_err err;

	*out = (struct explain){.service = service == NULL ? "sshd" : service,
	    .account = args_value(a, ARG_ACCOUNT),
	    .rhost = args_value(a, ARG_RHOST),
	    .origin = args_value(a, ARG_ORIGIN),
	    .without_token = args_has(a, ARG_WITHOUT_TOKEN),
	    .has_at = at != NULL};
	if ((err = parse_address("--rhost", out->rhost, &out->address, why)) != AK_OK ||
	    (err = parse_address("--origin", out->origin, &out->origin_address, why)) != AK_OK)
		return err;
	if (at != NULL && num_parse_time(at, &out->at) != AK_OK)
		return diag_because(why, AK_ERR_INVALID,
		    "--at `%.40s' is no moment: write 2026-03-04T05:06:07Z", at);
	if (*out->service == '\0' || (out->account != NULL && *out->account == '\0'))
		return diag_because(
		    why, AK_ERR_INVALID, "--service and --account can't be empty");
	return AK_OK;
}

/* As PAM looks at it: any answer but "there is none" counts as on. */
static bool
is_locked_down(const struct paths *p)
{
	struct stat st;

	return lstat(p->lockdown, &st) == 0 || errno != ENOENT;
}

/* An address of this host says nothing about where somebody comes from: undefined, as in a login. */
static const struct net_addr *
address_or_none(const char *given, const struct net_addr *address)
{
	return given == NULL || ownaddr_has(address) ? NULL : address;
}

static bool
is_root(const struct cli *c, const char *account)
{
	uint32_t uid;

	return account != NULL && c->host.find_user(c->host.ctx, account, &uid) == AK_OK &&
	       uid == 0;
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
	    .account_is_root = is_root(c, e->account),
	    .address = address_or_none(e->rhost, &e->address),
	    .origin = address_or_none(e->origin, &e->origin_address),
	    .now = e->has_at ? e->at : now,
	    /* A moment that was made up is as good as any clock. */
	    .time_undefined = !e->has_at && keyring_time_undefined(&keys->ring, now),
	    .lockdown = is_locked_down(&c->paths),
	    .without_token = e->without_token,
	    .secret = secret};
}

static void
add_circumstances(
    struct out_json *j, const struct explain *e, const struct key_record *k, int64_t at)
{
	out_text(j, "key", k == NULL ? NULL : k->name);
	out_text(j, "id", k == NULL ? NULL : k->id);
	out_text(j, "service", e->service);
	out_text(j, "account", e->account != NULL || k == NULL ? e->account : k->name);
	out_text(j, "rhost", e->rhost);
	out_text(j, "origin", e->origin);
	out_time(j, "at", at);
}

static void
print_address(FILE *f, const char *how, const char *given, const struct net_addr *used)
{
	if (given != NULL)
		(void)fprintf(f, ", %s %s%s", how, given,
		    used == NULL ? " (an address of this host, and so undefined)" : "");
}

static void
print_circumstances(FILE *f, const struct explain *e, const struct decide_request *req)
{
	char at[NUM_TIME_CAP];

	(void)fprintf(f, "%s (%s): %s as %s", req->key->name, req->key->id, e->service,
	    e->account == NULL ? req->key->name : e->account);
	print_address(f, "from", e->rhost, req->address);
	print_address(f, "in a session from", e->origin, req->origin);
	(void)fprintf(f, ", at %s\n", num_print_time(req->now, at));
}

/* What LDAP gives to the key, and as of when; nothing where this host has no directory. */
static void
add_directory(
    struct out_json *j, const struct directory_state *state, const struct decide_request *req)
{
	if (!state->present) {
		out_text(j, "directory", NULL);
		return;
	}
	out_object(j, "directory");
	out_time(j, "contact_at", req->contact_at == 0 ? NUM_NEVER : req->contact_at);
	out_bool(j, "stale", req->stale || req->keys_stale);
	out_bool(j, "known", !req->unknown);
	out_strv(j, "groups", req->directory_groups);
	out_strv(j, "bindings", req->directory_bindings);
	out_close(j);
}

static void
print_list(FILE *f, const char *what, struct strv v)
{
	const char *between = what;

	strv_for (v, entry) {
		(void)fprintf(f, "%s%s", between, entry);
		between = ", ";
	}
}

static void
print_directory(FILE *f, const struct directory_state *state, const struct decide_request *req)
{
	char at[NUM_TIME_CAP];

	if (!state->present)
		return;
	(void)fprintf(f, "directory, as of %s%s%s",
	    req->contact_at == 0 ? "never" : num_print_time(req->contact_at, at),
	    req->stale || req->keys_stale ? " (stale)" : "",
	    req->unknown ? ": nothing was ever known of this key" : "");
	print_list(f, ": groups ", req->directory_groups);
	print_list(f, "; its groups bind it to ", req->directory_bindings);
	(void)fputc('\n', f);
}

/* Advice that helps: publishing mends no policy. */
static void
warn(const struct cli *c, const struct live *live, bool published)
{
	char said[DIAG_PRINT_CAP];

	if (live->image == NULL)
		cli_warn(c, "no key may do anything: %s",
		    diag_print(&live->problem, said, sizeof(said)));
	else if (!published)
		cli_warn(c, "groups are not published: run `apikey publish`");
}

enum ak_err
explain_key(const struct cli *c, const struct args *a, const struct explain *e,
    const struct keys *keys, const struct key *k, uint32_t secret)
{
	struct decide_request req = request_for(c, e, keys, &k->rec, secret);
	bool json = a->output == OUTPUT_JSON;
	struct out_json *j = json ? out_json_new() : NULL;
	struct tree t = tree_for(json ? NULL : c->out, j, &req);
	struct moments when = MOMENTS_INIT;
	struct directory_state state;
	int64_t now = c->host.now(c->host.ctx);
	char problem[DIAG_PRINT_CAP];
	struct verdict v = {.reason = REASON_FAILED};
	struct live live;
	enum ak_err err, printed = AK_OK;
	bool published;

	live_load(&c->paths, &live);
	err = directory_state_load(
	    &c->paths, &live.settings.directory, k->rec.name, k->directory, &state);
	if (err != AK_OK)
		goto out;
	directory_state_fill(&state, now, keyring_time_undefined(&keys->ring, now), &req);
	req.policy = live.image;
	req.policy_problem = diag_print(&live.problem, problem, sizeof(problem));
	req.hosts = live.hosts;
	if (live.image != NULL &&
	    moments_resolve(live.image, ZONE_DIR, req.now * 1000, &when) == AK_OK)
		req.when = &when;
	published = keys_is_published(keys, &live);
	if (json) {
		out_object(j, NULL);
		add_circumstances(j, e, &k->rec, req.now);
		add_directory(j, &state, &req);
	} else {
		print_circumstances(c->out, e, &req);
		print_directory(c->out, &state, &req);
	}
	err = tree_decide(&t, &v);
	if (json) {
		out_bool(j, "published", published);
		printed = out_json_print(&j, OUT_INDENTED, c->out);
	}
	warn(c, &live, published);
out:
	out_json_free(&j);
	verdict_clear(&v);
	moments_clear(&when);
	directory_state_clear(&state);
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
	add_circumstances(j, e, k, e->has_at ? e->at : c->host.now(c->host.ctx));
	out_list(j, "trace");
	out_close(j);
	out_text(j, "decision", "deny");
	out_text(j, "reason", "wrong-token");
	out_text(j, "why", why);
	out_text(j, "rule", NULL);
	out_list(j, "roles");
	out_close(j);
	out_list(j, "held");
	out_close(j);
	err = out_json_print(&j, OUT_INDENTED, c->out);
	return err == AK_OK ? AK_ERR_DENIED : err;
}
