#include "logfollow.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "paths.h"
#include "text.h"

#define EVENTS                                                                                 \
	(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)

static enum ak_err
say_errno(struct diag *why)
{
	return diag_because(why, AK_ERR_UNAVAILABLE,
	    "the log cannot be followed: %s (fs.inotify.max_user_instances or "
	    "max_user_watches may be too low)",
	    strerror(errno));
}

enum ak_err
logfollow_open(const char *path, struct logfollow *out, struct diag *why)
{
	char folder[PATH_CAP];
	const char *slash = strrchr(path, '/');

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	(void)!text_copy(out->name, sizeof(out->name), slash + 1);
	if ((out->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) == -1)
		return say_errno(why);
	if (inotify_add_watch(out->fd, folder, EVENTS) != -1)
		return AK_OK;
	(void)say_errno(why);
	logfollow_close(out);
	return AK_ERR_UNAVAILABLE;
}

void
logfollow_close(struct logfollow *f)
{
	if (f->fd != -1)
		(void)close(f->fd);
	f->fd = -1;
}

/* Is one of the events about the file? */
static enum ak_err
read_events(const struct logfollow *f, bool *changed, struct diag *why)
{
	union {
		struct inotify_event align;
		char bytes[16384];
	} buf;
	const struct inotify_event *e;
	ssize_t n;

	while ((n = read(f->fd, buf.bytes, sizeof(buf.bytes))) > 0)
		for (size_t at = 0; at < (size_t)n; at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(const void *)(buf.bytes + at);
			if ((e->mask & GONE) != 0)
				return diag_because(why, AK_ERR_UNAVAILABLE,
				    "the log's folder is gone: start again when it is back");
			if ((e->mask & IN_Q_OVERFLOW) != 0 ||
			    (e->len > 0 && strcmp(e->name, f->name) == 0))
				*changed = true;
		}
	return AK_OK;
}

enum ak_err
logfollow_wait(const struct logfollow *f, int out, struct diag *why)
{
	/* What is asked of out is nothing: that its other end was closed is told anyway. */
	struct pollfd ends[2] = {{.fd = f->fd, .events = POLLIN}, {.fd = out}};
	enum ak_err err = AK_OK;

	for (bool changed = false; err == AK_OK && !changed;) {
		if (poll(ends, 2, -1) == -1 && errno != EINTR)
			return say_errno(why);
		if ((ends[1].revents & (POLLERR | POLLHUP)) != 0)
			return AK_ERR_NOT_FOUND;
		err = read_events(f, &changed, why);
	}
	return err;
}
