#include <stdarg.h>
#include <stdio.h>

#include "keyopts.h"
#include "metrics.h"
#include "num.h"
#include "out.h"
#include "status.h"
#include "verbs.h"

/* What the daemon alone knows is null without it. */
static void
add_count(struct out_json *j, const struct status *s, const char *name, uint32_t n)
{
	if (s->daemon)
		out_number(j, name, n);
	else
		out_text(j, name, NULL);
}

static void
add_directory(struct out_json *j, const struct status *s)
{
	const struct control_reply *r = &s->reply;

	if (!s->live.settings.directory.present) {
		out_text(j, "directory", NULL);
		return;
	}
	out_object(j, "directory");
	out_text(j, "server", r->uri[0] == '\0' ? NULL : r->uri);
	out_text(j, "phase", s->daemon ? status_phase(s) : NULL);
	out_time(j, "contact_at", s->fresh.contact_at == 0 ? NUM_NEVER : s->fresh.contact_at);
	if (s->fresh.contact_at == 0)
		out_text(j, "contact_age_s", NULL);
	else
		out_number(j, "contact_age_s", s->now - s->fresh.contact_at);
	out_time(j, "directory_changed_at", r->changed_at == 0 ? NUM_NEVER : r->changed_at);
	out_bool(j, "stale", s->stale);
	out_bool(j, "keys_stale", s->keys_stale);
	add_count(j, s, "key_entries", r->keys);
	add_count(j, s, "group_entries", r->groups);
	add_count(j, s, "principal_entries", r->principals);
	add_count(j, s, "skipped", r->skipped);
	add_count(j, s, "held_back", r->held_back);
	out_text(j, "problem", r->problem[0] == '\0' ? NULL : r->problem);
	out_close(j);
}

static void
add_policy(struct out_json *j, const struct cli *c, const struct status *s)
{
	bool known = s->applied.at != 0;

	out_object(j, "policy");
	out_text(j, "file", c->paths.policy);
	out_bool(j, "valid", s->live.image != NULL);
	out_time(j, "changed_at", s->policy_at == 0 ? NUM_NEVER : s->policy_at);
	out_text(j, "by", known ? s->applied.by : NULL);
	out_text(j, "problem", s->policy_problem[0] == '\0' ? NULL : s->policy_problem);
	out_close(j);
}

static void
add_sessions(struct out_json *j, const struct status *s)
{
	if (!s->sessions_known) {
		out_text(j, "sessions", NULL);
		return;
	}
	out_object(j, "sessions");
	out_number(j, "live", s->sessions.live);
	out_number(j, "held_back", s->sessions.held_back);
	out_close(j);
}

static void
add_known(struct out_json *j, const struct status *s, const char *name, bool value)
{
	if (s->keys_known)
		out_bool(j, name, value);
	else
		out_text(j, name, NULL);
}

static void
add_keys(struct out_json *j, const struct status *s)
{
	if (!s->keys_known) {
		out_text(j, "keys", NULL);
		out_text(j, "uids_left", NULL);
		out_text(j, "gids_left", NULL);
		return;
	}
	out_object(j, "keys");
	out_number(j, "local", s->keys.local);
	out_number(j, "directory", s->keys.directory);
	out_number(j, "disabled", s->keys.disabled);
	out_number(j, "expired", s->keys.expired);
	out_close(j);
	out_number(j, "uids_left", s->uids_left);
	out_number(j, "gids_left", s->gids_left);
}

static enum ak_err
print_json(const struct cli *c, const struct status *s)
{
	struct out_json *j = out_json_new();

	out_object(j, NULL);
	add_keys(j, s);
	add_policy(j, c, s);
	add_directory(j, s);
	out_object(j, "daemon");
	out_bool(j, "running", s->daemon);
	add_count(j, s, "pid", s->reply.pid);
	out_time(j, "since", s->daemon ? s->reply.started_at : NUM_NEVER);
	out_close(j);
	add_sessions(j, s);
	out_bool(j, "lockdown", s->lockdown);
	out_bool(j, "audit_writable", s->audit_writable);
	add_known(j, s, "published", s->published);
	add_known(j, s, "time_undefined", s->time_undefined);
	out_strv(j, "attention", pack_borrow_strv(&s->attention));
	return out_json_print(&j, OUT_INDENTED, c->out);
}

static void row(struct out_table *t, const char *name, const char *fmt, ...) AK_PRINTF(3, 4);

static void
row(struct out_table *t, const char *name, const char *fmt, ...)
{
	char line[DIAG_PRINT_CAP];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	out_cell(t, name);
	out_cell(t, line);
}

static void
add_policy_row(struct out_table *t, const struct cli *c, const struct status *s)
{
	char at[NUM_TIME_CAP];

	if (s->policy_at == 0)
		row(t, "policy", "none in %s", c->paths.policy);
	else
		row(t, "policy", "%s, since %s, by %s%s", c->paths.policy,
		    num_print_time(s->policy_at, at),
		    s->applied.at != 0 ? s->applied.by : "an edit in place",
		    s->live.image != NULL ? "" : ": broken");
}

static void
add_directory_rows(struct out_table *t, const struct status *s)
{
	const struct control_reply *r = &s->reply;
	char at[NUM_TIME_CAP], age[NUM_TIME_CAP];

	if (!s->live.settings.directory.present) {
		row(t, "directory", "none");
		return;
	}
	if (s->daemon)
		row(t, "directory", "%s, %s", r->uri[0] == '\0' ? "no server" : r->uri,
		    status_phase(s));
	else
		row(t, "directory", "not followed: apikeyd does not run");
	if (s->fresh.contact_at == 0)
		row(t, "last contact", "never");
	else
		row(t, "last contact", "%s, %s ago%s", num_print_time(s->fresh.contact_at, at),
		    keyopts_print_duration(s->now - s->fresh.contact_at, age),
		    s->keys_stale || s->stale ? " (stale)" : "");
	if (s->daemon)
		row(t, "entries", "%u keys (%u not served here), %u groups, %u principals",
		    r->keys, r->skipped, r->groups, r->principals);
}

static enum ak_err
print_table(const struct cli *c, const struct status *s)
{
	struct out_table t = out_table_init(NULL, 2);
	char at[NUM_TIME_CAP];
	enum ak_err err;

	if (s->keys_known) {
		row(&t, "keys", "%u local, %u of the directory; %u disabled, %u expired",
		    s->keys.local, s->keys.directory, s->keys.disabled, s->keys.expired);
		row(&t, "ids left", "%u uids, %u gids", s->uids_left, s->gids_left);
	}
	add_policy_row(&t, c, s);
	add_directory_rows(&t, s);
	if (s->sessions_known)
		row(&t, "sessions", "%u live, %u held back", s->sessions.live,
		    s->sessions.held_back);
	if (s->lockdown)
		row(&t, "lockdown", "on");
	if (s->daemon)
		row(&t, "apikeyd", "process %u, since %s", s->reply.pid,
		    num_print_time(s->reply.started_at, at));
	else
		row(&t, "apikeyd", "not running");
	strv_for (pack_borrow_strv(&s->attention), line) {
		row(&t, "attention", "%s", line);
	}
	err = out_table_print(&t, c->out);
	out_table_clear(&t);
	return err;
}

int
cmd_status(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	bool metrics = args_has(a, ARG_PROMETHEUS);
	struct status s;
	int code = CLI_DONE;
	enum ak_err err;

	if (metrics && a->output != OUTPUT_DEFAULT)
		return cli_fail(c,
		    diag_because(&why, AK_ERR_INVALID,
			"--prometheus is a form of its own: leave out --output"),
		    &why);
	err = status_find(c, &s);
	if (err == AK_OK && metrics)
		metrics_print(&s, c->out);
	else if (err == AK_OK)
		err = a->output == OUTPUT_JSON ? print_json(c, &s) : print_table(c, &s);
	if (err != AK_OK)
		code = cli_fail(c, err, &(struct diag){.line = 0});
	else if (s.attention.len_b > 0)
		code = CLI_FAILED;
	status_clear(&s);
	return code;
}
