#include "daemon_impl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "text.h"

static int64_t
clock_now(void *ctx)
{
	struct timespec t = {.tv_sec = 0};

	(void)ctx;
	/* Not time(2), which stays behind for a moment: a timer's second may not have come there yet. */
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec;
}

static enum ak_err
check_id(void *ctx, uint32_t id)
{
	(void)ctx;
	return accounts_check_id(id);
}

static void
say_status(struct daemon *d)
{
	const char *problem =
	    d->publish_problem[0] != '\0' ? d->publish_problem : d->rules.told_problem;

	notify_say(&d->notify, "STATUS=%s",
	    problem[0] != '\0' ? problem : "settings and policy are in force");
}

static void
rules_moved(void *ctx, enum rules_news news)
{
	struct daemon *d = ctx;
	const struct rules *r = &d->rules;

	/* Broken settings: the last good ones stay in force for the directory. */
	if (r->live.settings_ok)
		mirror_configure(&d->mirror, &r->live.settings, false);
	if (news == RULES_LOADED)
		log_event(&d->how->log, EVENT_POLICY_LOADED, "file",
		    image_policy_file(r->live.image), NULL);
	else
		log_event(&d->how->log,
		    r->live.settings_ok ? EVENT_POLICY_BROKEN : EVENT_SETTINGS_BROKEN,
		    "problem", r->told_problem, NULL);
}

static enum ak_err
prepare(void *ctx, struct diag *why)
{
	struct daemon *d = ctx;
	enum ak_err err = mirror_prepare(&d->mirror, why);

	enforcer_expect(&d->enforcer);
	return err;
}

static bool
behind(void *ctx, struct diag *why)
{
	return mirror_is_behind(&((struct daemon *)ctx)->mirror, why);
}

static void
sources(void *ctx, struct source_id *keys, struct source_id *groups)
{
	const struct daemon *d = ctx;

	*keys = d->mirror.snapshot.keys;
	*groups = d->mirror.snapshot.groups;
}

static bool
judges(void *ctx)
{
	const struct daemon *d = ctx;

	return d->rules.live.settings_ok && d->rules.live.image != NULL;
}

static enum ak_err
note(void *ctx, struct store *s)
{
	return mirror_note(&((struct daemon *)ctx)->mirror, s);
}

static void
unread(void *ctx, bool keys, bool groups)
{
	mirror_rewrite(&((struct daemon *)ctx)->mirror, keys, groups);
}

static void
directory_moved(void *ctx)
{
	publisher_want_paced(&((struct daemon *)ctx)->publisher);
}

static void
synced(void *ctx, enum ak_err err, const char *text)
{
	server_done(&((struct daemon *)ctx)->server, CONTROL_SYNC, err, text, 0);
}

static void
sync_asked(void *ctx)
{
	mirror_sync(&((struct daemon *)ctx)->mirror);
}

static void
accept_asked(void *ctx)
{
	enforcer_accept(&((struct daemon *)ctx)->enforcer);
}

static void
accepted(void *ctx, enum ak_err err, const char *text, unsigned ended)
{
	server_done(&((struct daemon *)ctx)->server, CONTROL_ACCEPT, err, text, ended);
}

static void
status(void *ctx, struct control_reply *out)
{
	const struct daemon *d = ctx;

	out->pid = (uint32_t)getpid();
	out->started_at = d->started_at;
	(void)!text_copy(
	    out->policy_problem, sizeof(out->policy_problem), d->rules.told_problem);
	mirror_status(&d->mirror, out);
	out->held_back = d->enforcer.held_back;
}

static void
log_published(const struct daemon *d, const struct publish_result *res)
{
	char users[16], groups[16];

	(void)snprintf(users, sizeof(users), "%u", res->users);
	(void)snprintf(groups, sizeof(groups), "%u", res->groups);
	log_event(&d->how->log, EVENT_PUBLISHED, "users", users, "groups", groups, "whole",
	    res->whole ? "yes" : "no", "policy", res->without_policy ? "none" : "", NULL);
}

static void
published(void *ctx, enum ak_err err, const struct publish_result *res, const struct diag *why)
{
	struct daemon *d = ctx;
	char problem[DIAG_PRINT_CAP] = "";

	if (res != NULL)
		log_published(d, res);
	(void)diag_print(why, problem, sizeof(problem));
	if (err != AK_OK && problem[0] == '\0')
		(void)!text_copy(problem, sizeof(problem), ak_strerror(err));
	if (problem[0] != '\0' && strcmp(problem, d->publish_problem) != 0)
		log_event(&d->how->log, EVENT_PUBLISH_FAILED, "problem", problem, NULL);
	(void)!text_copy(d->publish_problem, sizeof(d->publish_problem), problem);
	/* Logins obey; now what was let in before. Whoever waits for a refresh hears of it after that. */
	enforcer_run(&d->enforcer);
	mirror_published(&d->mirror, err, problem);
	say_status(d);
}

void
daemon_files_moved(void *ctx, unsigned files)
{
	struct daemon *d = ctx;

	bool reload_rules = (files & (WATCH_CONFIG | WATCH_POLICY | WATCH_GROUP)) != 0;

	d->mirror.accounts_moved |= (files & (WATCH_PASSWD | WATCH_GROUP)) != 0;
	d->mirror.keys_moved |= (files & WATCH_LOCAL) != 0;
	publisher_want(&d->publisher, reload_rules);
	if (reload_rules)
		loop_arm(&d->loop, &d->settled, SETTLED_MS);
}

void
daemon_files_settled(void *ctx)
{
	struct daemon *d = ctx;

	publisher_run(&d->publisher, true);
	if (d->rules.live.settings_ok)
		mirror_configure(&d->mirror, &d->rules.live.settings, true);
	/* What could not be read says nothing of what the files have come to. */
	if (live_is_lost(&d->rules.live))
		loop_arm(&d->loop, &d->settled, SETTLED_MS);
	publisher_want(&d->publisher, false);
}

struct publisher_host
daemon_publisher_host(struct daemon *d)
{
	return (struct publisher_host){.now = clock_now,
	    .check_id = check_id,
	    .news = rules_moved,
	    .prepare = prepare,
	    .behind = behind,
	    .sources = sources,
	    .note = note,
	    .unread = unread,
	    .done = published,
	    .ctx = d};
}

struct mirror_host
daemon_mirror_host(struct daemon *d)
{
	return (struct mirror_host){
	    .now = clock_now, .changed = directory_moved, .synced = synced, .ctx = d};
}

struct server_host
daemon_server_host(struct daemon *d)
{
	return (struct server_host){
	    .status = status, .sync = sync_asked, .accept = accept_asked, .ctx = d};
}

struct enforcer_host
daemon_enforcer_host(struct daemon *d)
{
	return (struct enforcer_host){.now = clock_now,
	    .run = enforce_run,
	    .sources = sources,
	    .judges = judges,
	    .accepted = accepted,
	    .ctx = d};
}
