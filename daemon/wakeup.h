/* wakeup: one moment of the clock (CLOCK_REALTIME), told when it has come, and at once when the clock is set. */
#ifndef AK_WAKEUP_H
#define AK_WAKEUP_H

#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "loop.h"

struct wakeup {
	struct loop *loop;
	int fd; /* -1: closed */
	struct loop_timer missed; /* the clock was set while the moment was */
	void (*due)(void *ctx);
	void *ctx;
};

#define WAKEUP_CLOSED ((struct wakeup){.fd = -1})

/* AK_ERR_UNAVAILABLE with a sentence. wakeup_close in any case. */
enum ak_err wakeup_open(struct wakeup *w, struct loop *loop, void (*due)(void *ctx), void *ctx,
    struct diag *why) AK_MUST_CHECK;
void wakeup_close(struct wakeup *w);

/* at: seconds since the epoch; a moment that has passed comes at once. NUM_NEVER: when the clock is set alone. */
void wakeup_set(struct wakeup *w, int64_t at);

#endif
