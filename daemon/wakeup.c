#include "wakeup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Stands for never: a timer that is not armed does not tell that the clock was set. In the year 2200. */
#define FAR_S INT64_C(7258118400)

static void
come(void *ctx, short revents)
{
	struct wakeup *w = ctx;
	uint64_t times;

	(void)revents;
	/* ECANCELED: the clock was set. */
	if (read(w->fd, &times, sizeof(times)) == -1 && errno == EAGAIN)
		return;
	w->due(w->ctx);
}

enum ak_err
wakeup_open(
    struct wakeup *w, struct loop *loop, void (*due)(void *ctx), void *ctx, struct diag *why)
{
	*w = (struct wakeup){.loop = loop, .fd = -1, .due = due, .ctx = ctx};
	w->missed = (struct loop_timer){.due = due, .ctx = ctx};
	w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->fd == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "no timer: %s", strerror(errno));
	return loop_add(loop, w->fd, POLLIN, come, w);
}

void
wakeup_close(struct wakeup *w)
{
	if (w->fd == -1)
		return;
	loop_disarm(w->loop, &w->missed);
	loop_remove(w->loop, w->fd);
	(void)close(w->fd);
	w->fd = -1;
}

void
wakeup_set(struct wakeup *w, int64_t at)
{
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at < FAR_S ? at : FAR_S)}};

	/* 0 would disarm it. */
	if (when.it_value.tv_sec <= 0)
		when.it_value.tv_sec = 1;
	/* It is armed after ECANCELED too, but that the clock was set is told by this alone. */
	if (timerfd_settime(w->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) ==
	    -1)
		loop_arm(w->loop, &w->missed, 0);
}
