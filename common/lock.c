#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
mask_signals(struct lock *l)
{
	sigset_t wait;

	(void)sigemptyset(&wait);
	(void)sigaddset(&wait, SIGTSTP);
	(void)sigaddset(&wait, SIGINT);
	(void)sigaddset(&wait, SIGTERM);
	(void)sigaddset(&wait, SIGHUP);
	l->masked = sigprocmask(SIG_BLOCK, &wait, &l->before) == 0;
}

/* Waits without the mask, so that who waits can give up. */
static int
set_lock(int fd, void (*waiting)(void *ctx, pid_t holder), void *ctx)
{
	struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, held = want;

	if (fcntl(fd, F_SETLK, &want) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return -1;
	if (waiting != NULL && fcntl(fd, F_GETLK, &held) == 0 && held.l_type != F_UNLCK)
		waiting(ctx, held.l_pid);
	while (fcntl(fd, F_SETLKW, &want) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

enum ak_err
lock_take(struct lock *l, const char *path, void (*waiting)(void *ctx, pid_t holder), void *ctx,
    struct diag *why)
{
	*l = LOCK_INIT;
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (l->fd == -1 || set_lock(l->fd, waiting, ctx) == -1) {
		int e = errno;

		lock_release(l);
		return diag_say(
		    why, AK_ERR_UNAVAILABLE, path, 0, 0, "cannot be locked: %s", strerror(e));
	}
	mask_signals(l);
	return AK_OK;
}

void
lock_release(struct lock *l)
{
	if (l->fd != -1)
		(void)close(l->fd);
	if (l->masked)
		(void)sigprocmask(SIG_SETMASK, &l->before, NULL);
	*l = LOCK_INIT;
}
