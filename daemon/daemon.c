#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "lock.h"
#include "loop.h"
#include "mirror.h"
#include "notify.h"
#include "publisher.h"
#include "rules.h"
#include "rundir.h"
#include "server.h"
#include "text.h"
#include "watch.h"

/* An edit in place within the clock's grain shows no more: after this the image that is made is trusted (live.c). */
#define SETTLED_MS 2100
/* How long the command may take to ask, and a refresh that it waits for. */
#define ASK_MS 5000
#define WAIT_MS 60000

struct daemon {
	const struct daemon_how *how;
	struct lock alone;
	struct loop loop;
	struct notify notify;
	struct watch watch;
	struct rules rules;
	struct publisher publisher;
	struct mirror mirror;
	struct server server;
	bool serves, mirrors;
	int64_t started_at;
	struct loop_timer settled, watchdog;
	int signals;
	int64_t watchdog_ms;
	char publish_problem[DIAG_PRINT_CAP]; /* told last; "" when the last one went well */
};

static int64_t
clock_now(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

static bool
id_taken(void *ctx, uint32_t id)
{
	(void)ctx;
	return accounts_id_taken(id);
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
	return mirror_prepare(&((struct daemon *)ctx)->mirror, why);
}

static void
sources(void *ctx, struct source_id *keys, struct source_id *groups)
{
	const struct daemon *d = ctx;

	*keys = d->mirror.snapshot.keys;
	*groups = d->mirror.snapshot.groups;
}

static enum ak_err
note(void *ctx, struct store *s)
{
	return mirror_note(&((struct daemon *)ctx)->mirror, s);
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
status(void *ctx, struct control_reply *out)
{
	const struct daemon *d = ctx;

	out->pid = (uint32_t)getpid();
	out->started_at = d->started_at;
	(void)!text_copy(
	    out->policy_problem, sizeof(out->policy_problem), d->rules.told_problem);
	mirror_status(&d->mirror, out);
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
	if (err != AK_OK)
		(void)diag_print(why, problem, sizeof(problem));
	if (err != AK_OK && problem[0] == '\0')
		(void)!text_copy(problem, sizeof(problem), ak_strerror(err));
	if (err != AK_OK && strcmp(problem, d->publish_problem) != 0)
		log_event(&d->how->log, EVENT_PUBLISH_FAILED, "problem", problem, NULL);
	(void)!text_copy(d->publish_problem, sizeof(d->publish_problem), problem);
	mirror_published(&d->mirror, err, problem);
	say_status(d);
}

static void
files_moved(void *ctx, unsigned files)
{
	struct daemon *d = ctx;

	bool reload_rules = (files & (WATCH_CONFIG | WATCH_POLICY | WATCH_GROUP)) != 0;

	d->mirror.accounts_moved |= (files & (WATCH_PASSWD | WATCH_GROUP)) != 0;
	d->mirror.keys_moved |= (files & WATCH_LOCAL) != 0;
	publisher_want(&d->publisher, reload_rules);
	if (reload_rules)
		loop_arm(&d->loop, &d->settled, SETTLED_MS);
}

static void
files_settled(void *ctx)
{
	struct daemon *d = ctx;

	publisher_run(&d->publisher, true);
	if (d->rules.live.settings_ok)
		mirror_configure(&d->mirror, &d->rules.live.settings, true);
	publisher_want(&d->publisher, false);
}

static void
say_alive(void *ctx)
{
	struct daemon *d = ctx;

	notify_say(&d->notify, "WATCHDOG=1");
	loop_arm(&d->loop, &d->watchdog, d->watchdog_ms);
}

static void
reload(struct daemon *d)
{
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	notify_say(&d->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
	publisher_run(&d->publisher, true);
	/* Its certificates may have been renewed, by files that only it names. */
	if (d->rules.live.settings_ok)
		mirror_configure(&d->mirror, &d->rules.live.settings, true);
	notify_say(&d->notify, "READY=1");
}

static void
take_signal(void *ctx, short revents)
{
	struct daemon *d = ctx;
	struct signalfd_siginfo s;

	(void)revents;
	while (read(d->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo == SIGHUP)
			reload(d);
		else
			d->loop.stop = true;
}

static enum ak_err
take_signals(struct daemon *d, struct diag *why)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "no signals: %s", strerror(errno));
	return loop_add(&d->loop, d->signals, POLLIN, take_signal, d);
}

/* One daemon for these files. */
static enum ak_err
be_alone(struct daemon *d, struct diag *why)
{
	const struct paths *p = &d->how->paths;
	char path[PATH_CAP + 16];
	struct text t = text_over(path, sizeof(path));
	pid_t holder;
	enum ak_err err = rundir_make(p->run, p->owner);

	if (err != AK_OK)
		return diag_say(why, err, p->run, 0, 0,
		    "must be a folder of uid %u that nobody else may write to",
		    (unsigned)p->owner);
	text_add(&t, "%s/apikeyd.lock", p->run);
	err = lock_try(&d->alone, path, &holder, why);
	if (err == AK_ERR_EXISTS)
		return diag_because(
		    why, err, "apikeyd runs already, as process %ld", (long)holder);
	return err;
}

static void
init(struct daemon *d, const struct daemon_how *how)
{
	const struct publisher_host host = {.now = clock_now,
	    .id_taken = id_taken,
	    .news = rules_moved,
	    .prepare = prepare,
	    .sources = sources,
	    .note = note,
	    .done = published,
	    .ctx = d};

	*d = (struct daemon){
	    .how = how, .alone = LOCK_INIT, .notify = NOTIFY_INIT, .signals = -1};
	d->watch.fd = -1;
	loop_init(&d->loop);
	rules_init(&d->rules, &how->paths);
	publisher_init(&d->publisher, &d->loop, &how->paths, &d->rules, &host);
	d->settled = (struct loop_timer){.due = files_settled, .ctx = d};
	d->watchdog = (struct loop_timer){.due = say_alive, .ctx = d};
	d->watchdog_ms = notify_watchdog_ms(how->watchdog_usec, how->watchdog_pid, getpid());
}

static enum ak_err
serve(struct daemon *d, struct diag *why)
{
	const struct paths *p = &d->how->paths;
	const struct server_how how = {
	    .path = p->control, .peer = p->owner, .ask_ms = ASK_MS, .wait_ms = WAIT_MS};
	const struct server_host host = {.status = status, .sync = sync_asked, .ctx = d};
	enum ak_err err = server_open(&d->server, &d->loop, &how, &host, why);

	d->serves = err == AK_OK;
	return err;
}

static enum ak_err
mirror(struct daemon *d)
{
	const struct mirror_how how = {.paths = &d->how->paths,
	    .log = &d->how->log,
	    .engine = d->how->engine,
	    .engine_user = d->how->engine_user};
	const struct mirror_host host = {
	    .now = clock_now, .changed = directory_moved, .synced = synced, .ctx = d};

	d->mirrors = true;
	return mirror_open(&d->mirror, &d->loop, &how, &host);
}

/* Whoever waits hears no more of us, and the number stays taken. */
static void
say_ready(int fd)
{
	int null;

	if (fd == -1)
		return;
	(void)!write(fd, "", 1);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		(void)dup2(null, fd);
		(void)close(null);
	}
}

/* The files are watched before they are read: no change falls between. */
static enum ak_err
begin(struct daemon *d, struct diag *why)
{
	enum ak_err err;

	if ((err = be_alone(d, why)) != AK_OK)
		return err;
	/* Who can't be told runs all the same. */
	(void)!notify_open(&d->notify, d->how->notify_address);
	if ((err = take_signals(d, why)) != AK_OK)
		return err;
	err = watch_open(&d->watch, &d->loop, &d->how->paths, files_moved, d, why);
	if (err == AK_OK)
		err = mirror(d);
	if (err == AK_OK)
		err = serve(d, why);
	if (err != AK_OK)
		return err;
	d->started_at = clock_now(d);
	log_event(&d->how->log, EVENT_STARTED, NULL);
	publisher_run(&d->publisher, true);
	loop_arm(&d->loop, &d->settled, SETTLED_MS);
	notify_say(&d->notify, "READY=1");
	say_ready(d->how->ready);
	if (d->watchdog_ms > 0)
		say_alive(d);
	return AK_OK;
}

static void
end(struct daemon *d)
{
	publisher_stop(&d->publisher);
	loop_disarm(&d->loop, &d->settled);
	loop_disarm(&d->loop, &d->watchdog);
	if (d->serves)
		server_close(&d->server);
	if (d->mirrors)
		mirror_close(&d->mirror);
	if (d->watch.fd != -1)
		watch_close(&d->watch);
	rules_clear(&d->rules);
	if (d->signals != -1)
		(void)close(d->signals);
	notify_close(&d->notify);
	lock_release(&d->alone);
}

enum ak_err
daemon_run(const struct daemon_how *how, struct diag *why)
{
	struct daemon d;
	enum ak_err err;

	init(&d, how);
	err = begin(&d, why);
	if (err == AK_OK)
		err = loop_run(&d.loop);
	if (err == AK_OK) {
		notify_say(&d.notify, "STOPPING=1");
		log_event(&how->log, EVENT_STOPPING, NULL);
	}
	end(&d);
	return err;
}
