#include "records.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "rundir.h"
#include "text.h"

#define FOLDER "sessions"
#define RECORD_EVENTS                                                                          \
	(IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW)

/* What a writer has not finished begins with a dot (rundir.c). */
static bool
matters(const struct records *r, const struct inotify_event *e)
{
	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return true;
	if (e->wd != r->wd) /* of a folder that had the name before */
		return false;
	return e->len == 0 || e->name[0] != '.';
}

static void
read_events(void *ctx, short revents)
{
	struct records *r = ctx;
	union {
		struct inotify_event align;
		char bytes[16384];
	} buf;
	bool changed = false;
	ssize_t n;

	(void)revents;
	while ((n = read(r->fd, buf.bytes, sizeof(buf.bytes))) > 0)
		for (size_t at = 0; at < (size_t)n;) {
			const struct inotify_event *e =
			    (const struct inotify_event *)(const void *)(buf.bytes + at);

			changed |= matters(r, e);
			at += sizeof(*e) + e->len;
		}
	if (changed)
		r->changed(r->ctx);
}

enum ak_err
records_open(struct records *r, struct loop *loop, const struct paths *p,
    void (*changed)(void *ctx), void *ctx, struct diag *why)
{
	*r = (struct records){
	    .loop = loop, .paths = p, .fd = -1, .wd = -1, .changed = changed, .ctx = ctx};
	r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->fd == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "records of sessions cannot be watched: %s "
		    "(fs.inotify.max_user_instances may be too low)",
		    strerror(errno));
	return loop_add(loop, r->fd, POLLIN, read_events, r);
}

void
records_close(struct records *r)
{
	if (r->fd == -1)
		return;
	loop_remove(r->loop, r->fd);
	(void)close(r->fd);
	*r = RECORDS_CLOSED;
}

/* One that is watched already keeps its number. */
static enum ak_err
watch(struct records *r, const char *path, struct diag *why)
{
	int wd = inotify_add_watch(r->fd, path, RECORD_EVENTS);
	int e = errno;

	if (r->wd != -1 && wd != r->wd)
		(void)inotify_rm_watch(r->fd, r->wd);
	r->wd = wd;
	return wd != -1 ? AK_OK
			: diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0, "cannot be watched: %s",
			      strerror(e));
}

enum ak_err
records_follow(struct records *r, struct diag *why)
{
	char path[PATH_CAP + sizeof(FOLDER) + 1];
	struct text t = text_over(path, sizeof(path));
	int folder = -1;
	enum ak_err err = rundir_open(r->paths->run, FOLDER, r->paths->owner, &folder);

	text_add(&t, "%s/" FOLDER, r->paths->run);
	if (err == AK_ERR_UNSAFE)
		return diag_say(why, err, path, 0, 0,
		    "must be a folder of uid %u that nobody else may enter",
		    (unsigned)r->paths->owner);
	if (err != AK_OK)
		return diag_say(why, err, path, 0, 0, "%s", ak_strerror(err));
	/* Once: what was killed in the middle of a record is an apikeyd before this one, or long ago. */
	if (r->wd == -1)
		rundir_sweep(folder);
	(void)close(folder);
	return watch(r, path, why);
}
