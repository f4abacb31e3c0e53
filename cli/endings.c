#include "endings.h"

#include <stdlib.h>
#include <string.h>

#include "enforce_audit.h"

/* How soon it is looked at again whether those who were told to end are gone. */
#define STEP_MS 200
/* A policy is trusted after two seconds, and who then is told to end has ENFORCE_GRACE_MS. */
#define LIMIT_MS (2000 + ENFORCE_GRACE_MS + 1000)

struct run {
	struct cli *c;
	struct endings *out;
	char who[64];
	bool uncounted; /* one has ended for which there was no memory */
};

enum ak_err
endings_add(struct endings *e, const struct ending *one)
{
	struct ending *grown;

	/* Told to end by the clock, and then revoked: it ends once. */
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->v[i].id, one->id) == 0)
			return AK_OK;
	if ((grown = reallocarray(e->v, e->n + 1, sizeof(*grown))) == NULL)
		return AK_ERR_NOMEM;
	e->v = grown;
	e->v[e->n++] = *one;
	return AK_OK;
}

static void
take_ended(void *ctx, const struct enforce_ended *ended)
{
	struct run *r = ctx;
	const struct session *s = ended->session;
	struct ending one = {.uid = s->uid, .reason = ended->reason, .gently = ended->gently};
	struct audit line;

	enforce_audit(&line, ended, r->who);
	cli_log(r->c, line.line);
	(void)!text_copy(one.id, sizeof(one.id), s->id);
	(void)!text_copy(one.key, sizeof(one.key), s->key);
	(void)!text_copy(one.account, sizeof(one.account), s->account);
	(void)!text_copy(one.service, sizeof(one.service), s->service);
	(void)!text_copy(one.address, sizeof(one.address), s->address);
	(void)!text_copy(one.why, sizeof(one.why), ended->why);
	if (endings_add(r->out, &one) != AK_OK)
		r->uncounted = true;
}

/* What was to end by name has ended with the first pass: a session that began since is no part of it. */
static void
name_nobody(struct enforce_how *how)
{
	how->end_id = NULL;
	how->end_uid = 0;
	how->end_all = false;
}

static enum ak_err
run_passes(struct run *r, struct enforce_how *how, struct enforce_result *res, struct diag *why)
{
	const struct cli_host *host = &r->c->host;
	int64_t step_ms, spent_ms = 0;
	enum ak_err err;

	for (;;) {
		how->now = host->now(host->ctx);
		err = host->enforce(host->ctx, how, res, why);
		if (err != AK_OK || res->again_in_ms < 0 || spent_ms >= LIMIT_MS)
			return err;
		step_ms = res->again_in_ms < STEP_MS ? res->again_in_ms + 1 : STEP_MS;
		host->wait(host->ctx, step_ms);
		spent_ms += step_ms;
		name_nobody(how);
	}
}

static void
say_unfinished(const struct cli *c, const struct enforce_result *res)
{
	if (res->left > 0)
		cli_warn(c,
		    "%u processes of ended sessions are there still, though they were killed: "
		    "the kernel holds them (state D in ps)",
		    res->left);
	if (res->again_in_ms >= 0)
		cli_warn(c,
		    "not every session is judged yet, or gone: run `apikey publish` once more");
}

void
endings_run(struct cli *c, const struct enforce_how *how, struct endings *out)
{
	struct run r = {.c = c, .out = out};
	struct enforce_how asked = *how;
	struct enforce_result res = {.again_in_ms = -1};
	struct diag why = DIAG_INIT;
	char said[DIAG_PRINT_CAP];
	enum ak_err err;

	c->host.who(c->host.ctx, r.who, sizeof(r.who));
	asked.paths = &c->paths;
	asked.ended = take_ended;
	asked.ctx = &r;
	/* What ends is logged within a pass, under its lock. */
	cli_hush(c);
	err = run_passes(&r, &asked, &res, &why);
	cli_speak(c);
	if (err != AK_OK)
		cli_warn(c,
		    "live sessions could not be judged, and may live on: %s: run `apikey "
		    "publish` "
		    "once that is mended",
		    why.text[0] == '\0' ? ak_strerror(err)
					: diag_print(&why, said, sizeof(said)));
	else
		say_unfinished(c, &res);
	if (r.uncounted)
		cli_warn(c, "not enough memory: more sessions were ended than are told of "
			    "here, the audit log has them all");
	if (err != AK_OK || res.left > 0 || res.again_in_ms >= 0 || r.uncounted)
		out->failed = true;
}

void
endings_tell(const struct cli *c, const struct endings *e)
{
	if (e->n == 1)
		cli_warn(c, "1 session was ended");
	else if (e->n > 1)
		cli_warn(c, "%zu sessions were ended", e->n);
}

void
endings_clear(struct endings *e)
{
	free(e->v);
	*e = ENDINGS_INIT;
}

size_t
endings_count(const struct endings *e, uint32_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		n += e->v[i].uid == uid ? 1 : 0;
	return n;
}

void
endings_json(struct out_json *j, const struct endings *e)
{
	out_list(j, "sessions");
	for (size_t i = 0; i < e->n; i++) {
		const struct ending *one = &e->v[i];

		out_object(j, NULL);
		out_text(j, "id", one->id);
		out_text(j, "key", one->key);
		out_text(j, "account", one->account);
		out_text(j, "service", one->service);
		out_text(j, "from", one->address[0] == '\0' ? NULL : one->address);
		out_text(j, "reason", reason_word(one->reason));
		out_text(j, "why", one->why);
		out_bool(j, "gently", one->gently);
		out_close(j);
	}
	out_close(j);
}
