#include "daemon_impl.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "rundir.h"
#include "text.h"

/* How long the command may take to ask, and a refresh that it waits for. */
#define ASK_MS 5000
#define WAIT_MS 60000

static void
say_alive(void *ctx)
{
	struct daemon *d = ctx;

	notify_say(&d->notify, "WATCHDOG=1");
	loop_arm(&d->loop, &d->watchdog, d->watchdog_ms);
}

static void
reload(void *ctx)
{
	struct daemon *d = ctx;
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
	const struct publisher_host host = daemon_publisher_host(d);

	*d = (struct daemon){.how = how,
	    .alone = LOCK_INIT,
	    .notify = NOTIFY_INIT,
	    .enforcer = ENFORCER_CLOSED,
	    .signals = SIGNALS_CLOSED};
	d->watch.fd = -1;
	loop_init(&d->loop);
	rules_init(&d->rules, &how->paths);
	publisher_init(&d->publisher, &d->loop, &how->paths, &d->rules, &host);
	d->settled = (struct loop_timer){.due = daemon_files_settled, .ctx = d};
	d->watchdog = (struct loop_timer){.due = say_alive, .ctx = d};
	d->watchdog_ms = notify_watchdog_ms(how->watchdog_usec, how->watchdog_pid, getpid());
}

static enum ak_err
serve(struct daemon *d, struct diag *why)
{
	const struct paths *p = &d->how->paths;
	const struct server_how how = {
	    .path = p->control, .peer = p->owner, .ask_ms = ASK_MS, .wait_ms = WAIT_MS};
	const struct server_host host = daemon_server_host(d);
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
	const struct mirror_host host = daemon_mirror_host(d);

	d->mirrors = true;
	return mirror_open(&d->mirror, &d->loop, &how, &host);
}

static enum ak_err
enforce(struct daemon *d, struct diag *why)
{
	const struct enforcer_host host = daemon_enforcer_host(d);

	return enforcer_open(&d->enforcer, &d->loop, &d->how->paths, &d->how->log, &host, why);
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
	if ((err = signals_open(&d->signals, &d->loop, reload, d, why)) != AK_OK)
		return err;
	err = watch_open(&d->watch, &d->loop, &d->how->paths, daemon_files_moved, d, why);
	if (err == AK_OK)
		err = mirror(d);
	if (err == AK_OK)
		err = enforce(d, why);
	if (err == AK_OK)
		err = serve(d, why);
	if (err != AK_OK)
		return err;
	d->started_at = (int64_t)time(NULL);
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
	enforcer_close(&d->enforcer);
	if (d->mirrors)
		mirror_close(&d->mirror);
	if (d->watch.fd != -1)
		watch_close(&d->watch);
	rules_clear(&d->rules);
	signals_close(&d->signals);
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
