#include <stdio.h>

#include "live.h"
#include "num.h"
#include "out.h"
#include "samples.h"
#include "verbs.h"

struct list {
	const struct cli *c;
	struct out_table table;
	size_t n;
};

/* The moment to the second. */
static int64_t
at_of(const struct sample *s)
{
	return s->at_ms / 1000;
}

static enum ak_err
add_row(void *ctx, const struct sample *s)
{
	struct list *l = ctx;
	char at[NUM_TIME_CAP];

	out_cell(&l->table, s->id);
	out_cell(&l->table, num_print_time(at_of(s), at));
	out_cell(&l->table, s->key.name);
	out_cell(&l->table, s->request.service);
	out_cell(&l->table, s->permitted ? "allow" : "deny");
	out_cell(&l->table, s->permitted ? "" : s->deny[0] != '\0' ? s->deny : s->reason);
	return AK_OK;
}

static enum ak_err
print_json(void *ctx, const struct sample *s)
{
	struct list *l = ctx;
	struct out_json *j = out_json_new();
	char address[64];

	(void)fputs(l->n++ == 0 ? "\n" : ",\n", l->c->out);
	out_object(j, NULL);
	out_text(j, "id", s->id);
	out_time(j, "at", at_of(s));
	out_text(j, "key", s->key.name);
	out_text(j, "key_id", s->key.id);
	out_text(j, "service", s->request.service);
	out_text(j, "account", s->request.account == NULL ? s->key.name : s->request.account);
	out_text(j, "address",
	    s->request.address == NULL
		? NULL
		: net_print_addr(s->request.address, address, sizeof(address)));
	out_text(j, "decision", s->permitted ? "allow" : "deny");
	out_text(j, "reason", s->reason);
	out_text(j, "why", s->why);
	out_text(j, "rule", s->deny[0] == '\0' ? NULL : s->deny);
	out_strv(j, "roles", s->roles);
	return out_json_print(&j, OUT_ONE_LINE, l->c->out);
}

static enum ak_err
print_all(struct list *l, bool json, const struct settings *settings, int64_t now)
{
	static const char *const headings[] = {
	    "ID", "AT", "KEY", "SERVICE", "DECISION", "RULE", NULL};
	const struct paths *p = &l->c->paths;
	enum ak_err err;

	if (json) {
		(void)fputc('[', l->c->out);
		err = samples_each(p, settings, now, print_json, l);
		(void)fputs(l->n == 0 ? "]\n" : "\n]\n", l->c->out);
		return err;
	}
	l->table = out_table_init(headings, 0);
	err = samples_each(p, settings, now, add_row, l);
	if (err == AK_OK)
		err = out_table_print(&l->table, l->c->out);
	out_table_clear(&l->table);
	return err;
}

int
cmd_policy_samples(struct cli *c, const struct args *a)
{
	struct list l = {.c = c};
	struct diag why = DIAG_INIT;
	struct live live;
	enum ak_err err;

	live_load(&c->paths, &live);
	/* Which are kept, the settings say. */
	if (live.err == AK_ERR_NOMEM)
		err = live.err;
	else
		err = print_all(
		    &l, a->output == OUTPUT_JSON, &live.settings, c->host.now(c->host.ctx));
	live_clear(&live);
	if (err == AK_OK)
		return CLI_DONE;
	(void)diag_because(
	    &why, err, "%s/" SAMPLES_FOLDER ": %s", c->paths.state, ak_strerror(err));
	return cli_fail(c, err, &why);
}
