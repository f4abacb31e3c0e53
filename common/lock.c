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

static bool
set_at_once(int fd, pid_t *holder)
{
	struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, held = want;
	int saved;

	*holder = 0;
	if (fcntl(fd, F_SETLK, &want) == 0)
		return true;
	saved = errno;
	if (fcntl(fd, F_GETLK, &held) == 0 && held.l_type != F_UNLCK)
		*holder = held.l_pid;
	errno = saved;
	return false;
}

static bool
is_held(int e)
{
	return e == EACCES || e == EAGAIN;
}

/* Waits without the mask, so that who waits can give up. */
static int
set_lock(int fd, void (*waiting)(void *ctx, pid_t holder), void *ctx)
{
	struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	pid_t holder;

	if (set_at_once(fd, &holder))
		return 0;
	if (!is_held(errno))
		return -1;
	if (waiting != NULL && holder != 0)
		waiting(ctx, holder);
	while (fcntl(fd, F_SETLKW, &want) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

static int
open_lock(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

static enum ak_err
give_up(struct lock *l, const char *path, struct diag *why)
{
	int e = errno;

	lock_release(l);
	return diag_say(
	    why, AK_ERR_UNAVAILABLE, path, 0, 0, "cannot be locked: %s", strerror(e));
}

enum ak_err
lock_take(struct lock *l, const char *path, void (*waiting)(void *ctx, pid_t holder), void *ctx,
    struct diag *why)
{
	*l = LOCK_INIT;
	l->fd = open_lock(path);
	if (l->fd == -1 || set_lock(l->fd, waiting, ctx) == -1)
		return give_up(l, path, why);
	mask_signals(l);
	return AK_OK;
}

enum ak_err
lock_try(struct lock *l, const char *path, pid_t *holder, struct diag *why)
{
	pid_t who;

	*l = LOCK_INIT;
	l->fd = open_lock(path);
	if (holder == NULL)
		holder = &who;
	*holder = 0;
	if (l->fd == -1)
		return give_up(l, path, why);
	if (set_at_once(l->fd, holder)) {
		mask_signals(l);
		return AK_OK;
	}
	if (!is_held(errno))
		return give_up(l, path, why);
	lock_release(l);
	return AK_ERR_EXISTS;
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
