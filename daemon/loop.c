#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

void
loop_init(struct loop *l)
{
	*l = (struct loop){.timers = NULL};
	for (size_t i = 0; i < LOOP_FDS; i++)
		l->slots[i].fd = -1;
}

int64_t
loop_now_ms(void)
{
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct loop_slot *
find(struct loop *l, int fd)
{
	for (size_t i = 0; i < LOOP_FDS; i++)
		if (l->slots[i].fd == fd)
			return &l->slots[i];
	return NULL;
}

enum ak_err
loop_add(
    struct loop *l, int fd, short events, void (*ready)(void *ctx, short revents), void *ctx)
{
	struct loop_slot *slot = find(l, -1);

	if (slot == NULL)
		return AK_ERR_FULL;
	*slot = (struct loop_slot){
	    .fd = fd, .events = events, .turn = ++l->turn, .ready = ready, .ctx = ctx};
	return AK_OK;
}

void
loop_want(struct loop *l, int fd, short events)
{
	struct loop_slot *slot = find(l, fd);

	if (slot != NULL)
		slot->events = events;
}

void
loop_remove(struct loop *l, int fd)
{
	struct loop_slot *slot = fd == -1 ? NULL : find(l, fd);

	if (slot != NULL)
		slot->fd = -1;
}

void
loop_disarm(struct loop *l, struct loop_timer *t)
{
	for (struct loop_timer **at = &l->timers; *at != NULL; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	t->armed = false;
}

void
loop_arm(struct loop *l, struct loop_timer *t, int64_t in_ms)
{
	struct loop_timer **at = &l->timers;

	loop_disarm(l, t);
	t->at_ms = loop_now_ms() + (in_ms > 0 ? in_ms : 0);
	t->armed = true;
	while (*at != NULL && (*at)->at_ms <= t->at_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void
loop_arm_by(struct loop *l, struct loop_timer *t, int64_t in_ms)
{
	if (!t->armed || t->at_ms > loop_now_ms() + in_ms)
		loop_arm(l, t, in_ms);
}

/* Those that were due when it began: one that arms itself again at once does not keep the rest waiting. */
static void
run_timers(struct loop *l)
{
	int64_t now = loop_now_ms();

	for (size_t n = 0; n < 64 && l->timers != NULL && l->timers->at_ms <= now; n++) {
		struct loop_timer *t = l->timers;

		loop_disarm(l, t);
		t->due(t->ctx);
	}
}

static int
wait_ms(const struct loop *l, int max_ms)
{
	int64_t left = max_ms < 0 ? INT_MAX : max_ms;

	if (l->timers != NULL) {
		int64_t due = l->timers->at_ms - loop_now_ms();

		if (due < left)
			left = due < 0 ? 0 : due;
	} else if (max_ms < 0) {
		return -1;
	}
	return (int)left;
}

enum ak_err
loop_once(struct loop *l, int max_ms)
{
	struct pollfd fds[LOOP_FDS];
	struct loop_slot *slots[LOOP_FDS];
	uint32_t turns[LOOP_FDS];
	nfds_t n = 0;

	for (size_t i = 0; i < LOOP_FDS; i++)
		if (l->slots[i].fd != -1) {
			slots[n] = &l->slots[i];
			turns[n] = l->slots[i].turn;
			fds[n++] =
			    (struct pollfd){.fd = l->slots[i].fd, .events = l->slots[i].events};
		}
	if (poll(fds, n, wait_ms(l, max_ms)) == -1)
		return errno == EINTR ? AK_OK : AK_ERR_UNAVAILABLE;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents != 0 && slots[i]->fd == fds[i].fd &&
		    slots[i]->turn == turns[i])
			slots[i]->ready(slots[i]->ctx, fds[i].revents);
	run_timers(l);
	return AK_OK;
}

enum ak_err
loop_run(struct loop *l)
{
	enum ak_err err = AK_OK;

	while (!l->stop && err == AK_OK)
		err = loop_once(l, -1);
	return err;
}
