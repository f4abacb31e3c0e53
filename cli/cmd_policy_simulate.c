#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "keyopts.h"
#include "num.h"
#include "out.h"
#include "policyfile.h"
#include "samples.h"
#include "tree.h"
#include "verbs.h"

/* What is asked: a kept request or a made-up one, and the settings of the host that it is asked on. */
struct question {
	struct decide_request request; /* policy and when are filled in when it is asked */
	bool has_when;
	int64_t at_ms;
	struct settings settings;
	struct sample sample;
	bool is_sample;
	/* Made up: */
	struct key_record key;
	struct explain circumstances;
	struct keyopts opts;
	struct pack hosts;
};

/* What can differ between two answers. */
struct outcome {
	bool permitted;
	char reason[32], deny[POLICY_NAME_MAX + 1];
	struct pack roles;
};

#define OUTCOME_INIT ((struct outcome){.roles = PACK_INIT})

/* What the host's settings said then. Where they name no server today, any will do: none is asked. */
static enum ak_err
take_settings(const struct sample *sample, struct settings *out)
{
	struct directory_settings *d = &out->directory;

	if (sample->may_grant.len_b > sizeof(d->may_grant_bytes))
		return AK_ERR_CORRUPT;
	if (sample->may_grant.len_b > 0)
		memcpy(d->may_grant_bytes, sample->may_grant.bytes, sample->may_grant.len_b);
	d->may_grant = (struct strv){d->may_grant_bytes, sample->may_grant.len_b};
	d->present = sample->has_directory;
	if (d->uris.len_b == 0) {
		memcpy(d->uris_bytes, "ldapi://", sizeof("ldapi://"));
		d->uris = (struct strv){d->uris_bytes, sizeof("ldapi://")};
	}
	out->public_key_logins = sample->public_key_logins;
	return text_copy(out->space, sizeof(out->space), sample->space);
}

static enum ak_err
take_sample(const struct cli *c, const struct args *a, const char *id, struct question *q,
    struct diag *why)
{
	size_t others =
	    (args_has(a, ARG_POLICY) ? 1U : 0U) + (args_has(a, ARG_OUTPUT) ? 1U : 0U);
	enum ak_err err;

	if (a->n_seen != others + 1)
		return diag_because(why, AK_ERR_INVALID,
		    "--sample brings its own circumstances: give at most --policy with it");
	err = samples_load(&c->paths, id, &q->sample);
	if (err == AK_ERR_NOT_FOUND)
		return diag_because(
		    why, err, "there is no sample `%.40s': see `apikey policy samples`", id);
	if (err != AK_OK)
		return diag_because(
		    why, err, "sample %.40s cannot be read: %s", id, ak_strerror(err));
	q->is_sample = true;
	q->request = q->sample.request;
	q->has_when = q->sample.has_when;
	q->at_ms = q->sample.at_ms;
	return take_settings(&q->sample, &q->settings);
}

static enum ak_err
take_hosts(const struct args *a, struct question *q, struct diag *why)
{
	size_t at = 0;
	const char *host;

	while ((host = args_next(a, ARG_HOST, &at)) != NULL) {
		if (!net_is_host_name(host))
			return diag_because(
			    why, AK_ERR_INVALID, "--host `%.80s' is no name of a host", host);
		pack_entry(&q->hosts, host);
	}
	return q->hosts.err;
}

static enum ak_err
take_place(const struct args *a, const struct live *live, struct question *q, struct diag *why)
{
	const char *space = args_value(a, ARG_STANDS_IN);
	enum ak_err err = take_hosts(a, q, why);

	if (err != AK_OK)
		return err;
	q->request.hosts = q->hosts.len_b > 0 ? pack_borrow_strv(&q->hosts) : live->hosts;
	if (space == NULL)
		return AK_OK;
	if (!text_is_policy_name(space))
		return diag_because(
		    why, AK_ERR_INVALID, "--space `%.80s' is no name of a space", space);
	return text_copy(q->settings.space, sizeof(q->settings.space), space);
}

static enum ak_err
take_made_up(const struct cli *c, const struct args *a, const struct live *live,
    struct question *q, struct diag *why)
{
	const char *login = args_value(a, ARG_LOGIN);
	const struct explain *e = &q->circumstances;
	enum ak_err err;

	if (login == NULL)
		return diag_because(why, AK_ERR_INVALID,
		    "simulate needs --sample ID, or the --login of a key that is made up");
	if (!text_is_key_name(login))
		return diag_because(why, AK_ERR_INVALID, "--login `%.80s' is no name of a key",
		    cli_shown(login));
	if ((err = keyopts_parse(a, &q->opts, why)) != AK_OK ||
	    (err = explain_parse(a, &q->circumstances, why)) != AK_OK ||
	    (err = take_place(a, live, q, why)) != AK_OK ||
	    (err = text_copy(q->key.name, sizeof(q->key.name), login)) != AK_OK)
		return err;
	q->key.state = KEY_ACTIVE;
	q->key.bindings = pack_borrow_strv(&q->opts.roles);
	q->key.groups = pack_borrow_strv(&q->opts.groups);
	q->request.key = &q->key;
	q->request.service = e->service;
	q->request.account = e->account;
	q->request.address = e->rhost == NULL ? NULL : &e->address;
	q->request.origin = e->origin == NULL ? NULL : &e->origin_address;
	q->request.without_token = e->without_token;
	q->request.now = e->has_at ? e->at : c->host.now(c->host.ctx);
	q->at_ms = q->request.now * 1000;
	q->has_when = true;
	return AK_OK;
}

static void
question_clear(struct question *q)
{
	sample_clear(&q->sample);
	keyopts_clear(&q->opts);
	pack_clear(&q->hosts);
}

static enum ak_err
outcome_of(const struct image *im, const struct verdict *v, struct outcome *out)
{
	enum ak_err err;

	out->permitted = v->reason == REASON_PERMITTED;
	if ((err = text_copy(out->reason, sizeof(out->reason), reason_word(v->reason))) != AK_OK)
		return err;
	role_set_for (&v->roles, i) {
		pack_entry(&out->roles, image_role(im, i).name);
	}
	if (v->reason == REASON_RULE)
		err = text_copy(out->deny, sizeof(out->deny),
		    image_rule(im, IMAGE_DENY_RULES, v->policy.deny).id);
	return err == AK_OK ? out->roles.err : err;
}

/* As it was kept. */
static enum ak_err
outcome_kept(const struct sample *s, struct outcome *out)
{
	enum ak_err err;

	out->permitted = s->permitted;
	pack_bytes(&out->roles, s->roles.bytes, s->roles.len_b);
	if ((err = text_copy(out->reason, sizeof(out->reason), s->reason)) == AK_OK)
		err = text_copy(out->deny, sizeof(out->deny), s->deny);
	return err == AK_OK ? out->roles.err : err;
}

/* im NULL: there is no policy. show NULL: nobody looks on. */
static enum ak_err
ask(const struct question *q, const struct image *im, const struct tree *show,
    struct outcome *out)
{
	struct decide_request req = q->request;
	struct tree t = {.f = NULL};
	struct moments when = MOMENTS_INIT;
	struct verdict v;
	enum ak_err err = AK_OK;

	req.policy = im;
	if (im != NULL && q->has_when)
		err = moments_resolve(im, ZONE_DIR, q->at_ms, &when);
	if (err != AK_OK)
		return err;
	if (q->has_when && im != NULL)
		req.when = &when;
	if (show != NULL)
		t = tree_for(show->f, show->json, &req);
	err = show != NULL ? tree_decide(&t, &v) : decide(&req, NULL, &v);
	if (err == AK_OK || err == AK_ERR_DENIED)
		err = outcome_of(im, &v, out);
	verdict_clear(&v);
	moments_clear(&when);
	return err;
}

static bool
same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->permitted == b->permitted && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->deny, b->deny) == 0 && a->roles.len_b == b->roles.len_b &&
	       (a->roles.len_b == 0 ||
		   memcmp(a->roles.bytes, b->roles.bytes, a->roles.len_b) == 0);
}

static void
print_outcome(FILE *f, const char *label, const struct outcome *o)
{
	const char *between = "; roles ";

	(void)fprintf(f, "  %-5s %s (%s%s%s)", label, o->permitted ? "allow" : "deny",
	    o->reason, o->deny[0] == '\0' ? "" : " ", o->deny);
	strv_for (pack_borrow_strv(&o->roles), role) {
		(void)fprintf(f, "%s%s", between, role);
		between = ", ";
	}
	(void)fputc('\n', f);
}

static void
add_outcome(struct out_json *j, const char *name, const struct outcome *o)
{
	out_object(j, name);
	out_text(j, "decision", o->permitted ? "allow" : "deny");
	out_text(j, "reason", o->reason);
	out_text(j, "rule", o->deny[0] == '\0' ? NULL : o->deny);
	out_strv(j, "roles", pack_borrow_strv(&o->roles));
	out_close(j);
}

/* One simulation. */
struct run {
	const struct cli *c;
	const struct args *a;
	struct question q;
	struct policyfile file; /* the policy that is asked */
	struct outcome was, is;
	const char *compared; /* "kept", "live"; NULL: with nothing */
	bool differs;
};

static void
add_question(struct out_json *j, const struct run *r)
{
	out_text(j, "login", r->q.request.key->name);
	out_text(j, "service", r->q.request.service);
	out_text(j, "account",
	    r->q.request.account == NULL ? r->q.request.key->name : r->q.request.account);
	out_text(j, "space", r->q.settings.space);
	out_time(j, "at", r->q.at_ms / 1000);
	out_text(j, "sample", r->q.is_sample ? r->q.sample.id : NULL);
	out_text(j, "policy", r->file.name);
}

static enum ak_err
finish_json(struct run *r, struct out_json **j)
{
	out_text(*j, "compared_to", r->compared);
	if (r->compared != NULL)
		add_outcome(*j, "was", &r->was);
	else
		out_text(*j, "was", NULL);
	out_bool(*j, "differs", r->differs);
	return out_json_print(j, OUT_INDENTED, r->c->out);
}

static void
finish_text(const struct run *r)
{
	FILE *f = r->c->out;
	const char *with = r->compared != NULL && strcmp(r->compared, "kept") == 0
			       ? "what was kept"
			       : "the live policy";

	if (r->compared == NULL)
		return;
	(void)fprintf(f, "%s to %s\n", r->differs ? "\ndifference" : "no difference", with);
	if (!r->differs)
		return;
	print_outcome(f, "was:", &r->was);
	print_outcome(f, "is:", &r->is);
}

static enum ak_err
show(struct run *r)
{
	bool json = r->a->output == OUTPUT_JSON;
	struct out_json *j = json ? out_json_new() : NULL;
	struct tree t = tree_for(json ? NULL : r->c->out, j, NULL);
	char at[NUM_TIME_CAP];
	enum ak_err err;

	if (json) {
		out_object(j, NULL);
		add_question(j, r);
	} else {
		(void)fprintf(r->c->out, "%s by %s in space %s, at %s, asked of %s\n",
		    r->q.request.key->name, r->q.request.service, r->q.settings.space,
		    num_print_time(r->q.at_ms / 1000, at), r->file.name);
	}
	if ((err = ask(&r->q, r->file.image, &t, &r->is)) == AK_OK) {
		r->differs = r->compared != NULL && !same_outcome(&r->was, &r->is);
		if (json)
			err = finish_json(r, &j);
		else
			finish_text(r);
	}
	out_json_free(&j);
	return err;
}

/* The live text with the question's settings: they say where the host stands. */
static enum ak_err
read_live(const struct run *r, struct policyfile *out, struct diag *why)
{
	enum ak_err err = policyfile_read(r->c, r->c->paths.policy, out, why);

	if (err == AK_OK)
		err = policyfile_compile(r->c, &r->q.settings, out, why);
	/* No refusal of what was asked for: the host is not in order. */
	return err == AK_ERR_NOMEM || err == AK_OK ? err : AK_ERR_UNAVAILABLE;
}

/* What the answer is held against; a live policy that is broken permits nothing. */
static enum ak_err
find_baseline(struct run *r)
{
	struct policyfile live = POLICYFILE_INIT;
	enum ak_err err;

	if (r->q.is_sample) {
		r->compared = "kept";
		return outcome_kept(&r->q.sample, &r->was);
	}
	if (!args_has(r->a, ARG_POLICY))
		return AK_OK;
	r->compared = "live";
	err = read_live(r, &live, NULL);
	if (err != AK_ERR_NOMEM)
		err = ask(&r->q, live.image, NULL, &r->was);
	policyfile_clear(&live);
	return err;
}

static enum ak_err
prepare(struct run *r, const struct live *live, struct diag *why)
{
	const char *sample = args_value(r->a, ARG_SAMPLE), *file = args_value(r->a, ARG_POLICY);
	enum ak_err err;

	settings_copy(&r->q.settings, &live->settings);
	if (sample != NULL)
		err = take_sample(r->c, r->a, sample, &r->q, why);
	else
		err = take_made_up(r->c, r->a, live, &r->q, why);
	if (err != AK_OK || (err = policyfile_need_settings(live, why)) != AK_OK)
		return err;
	if (file == NULL)
		return read_live(r, &r->file, why);
	if ((err = policyfile_read(r->c, file, &r->file, why)) == AK_OK)
		err = policyfile_compile(r->c, &r->q.settings, &r->file, why);
	return err;
}

int
cmd_policy_simulate(struct cli *c, const struct args *a)
{
	struct run r = {.c = c,
	    .a = a,
	    .q = {.key = KEY_RECORD_INIT, .opts = KEYOPTS_INIT, .hosts = PACK_INIT},
	    .file = POLICYFILE_INIT,
	    .was = OUTCOME_INIT,
	    .is = OUTCOME_INIT};
	struct diag why = DIAG_INIT;
	struct live live;
	enum ak_err err;

	live_load(&c->paths, &live);
	if ((err = prepare(&r, &live, &why)) == AK_OK && (err = find_baseline(&r)) == AK_OK)
		err = show(&r);
	live_clear(&live);
	question_clear(&r.q);
	pack_clear(&r.was.roles);
	pack_clear(&r.is.roles);
	policyfile_clear(&r.file);
	if (err != AK_OK)
		return cli_fail(c, err, &why);
	return r.differs ? CLI_REFUSED : CLI_DONE;
}
