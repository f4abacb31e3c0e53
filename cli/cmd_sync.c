#include "control.h"
#include "out.h"
#include "verbs.h"

/* A directory of 100,000 keys over a slow line; the daemon gives up long before. */
#define REFRESH_S 600

static enum ak_err
print_reply(
    const struct cli *c, const struct args *a, const struct control_reply *r, bool accept)
{
	struct out_json *j;

	if (a->output != OUTPUT_JSON && accept && r->err == AK_OK)
		(void)fprintf(c->out, "accepted: %u session%s ended\n", r->ended,
		    r->ended == 1 ? " was" : "s were");
	else if (a->output != OUTPUT_JSON && accept)
		(void)fprintf(c->out, "nothing was held back\n");
	else if (a->output != OUTPUT_JSON)
		(void)fprintf(c->out,
		    "fetched from %s: %u keys (%u not served here), %u groups, %u principals\n",
		    r->uri, r->keys, r->skipped, r->groups, r->principals);
	if (a->output != OUTPUT_JSON)
		return AK_OK;
	j = out_json_new();
	out_object(j, NULL);
	out_text(j, "server", r->uri);
	out_time(j, "contact_at", r->contact_at);
	out_number(j, "key_entries", r->keys);
	out_number(j, "group_entries", r->groups);
	out_number(j, "principal_entries", r->principals);
	out_number(j, "skipped", r->skipped);
	out_number(j, "held_back", r->held_back);
	if (accept) {
		out_bool(j, "changed", r->err == AK_OK);
		out_number(j, "ended", r->ended);
	}
	return out_json_print(&j, OUT_INDENTED, c->out);
}

/* The sessions are the daemon's to tell; who let them go is this command's. */
static void
log_accepted(struct cli *c, const struct control_reply *r)
{
	struct audit line;

	audit_start(&line, "endings-accepted");
	audit_add_number(&line, "sessions", r->ended);
	cli_log_who(c, &line);
	cli_log(c, line.line);
}

static enum ak_err
sync_now(struct cli *c, const struct args *a, struct diag *why)
{
	bool accept = args_has(a, ARG_ACCEPT);
	struct control_reply reply;
	enum ak_err err;

	if (accept && args_has(a, ARG_NOW))
		return diag_because(why, AK_ERR_INVALID,
		    "--now fetches, --accept ends sessions: give one of them");
	err = control_call(
	    &c->paths, accept ? CONTROL_ACCEPT : CONTROL_SYNC, REFRESH_S, &reply, why);
	if (err == AK_ERR_NOT_FOUND) /* no daemon: a system that is not in order */
		return AK_ERR_UNAVAILABLE;
	if (err != AK_OK)
		return err;
	if (reply.err != AK_OK && !(accept && reply.err == AK_ERR_NOT_FOUND))
		return diag_because(why, reply.err, "%s",
		    reply.text[0] == '\0' ? ak_strerror(reply.err) : reply.text);
	if (accept && reply.err == AK_OK)
		log_accepted(c, &reply);
	return print_reply(c, a, &reply, accept);
}

int
cmd_sync(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	enum ak_err err = sync_now(c, a, &why);

	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
