#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void
take(void *ctx, short revents)
{
	struct signals *s = ctx;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGHUP)
			s->reload(s->ctx);
		else
			s->loop->stop = true;
}

enum ak_err
signals_open(struct signals *s, struct loop *loop, void (*reload)(void *ctx), void *ctx,
    struct diag *why)
{
	sigset_t set;

	*s = (struct signals){.loop = loop, .fd = -1, .reload = reload, .ctx = ctx};
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "no signals: %s", strerror(errno));
	return loop_add(loop, s->fd, POLLIN, take, s);
}

void
signals_close(struct signals *s)
{
	if (s->fd == -1)
		return;
	loop_remove(s->loop, s->fd);
	(void)close(s->fd);
	s->fd = -1;
}
