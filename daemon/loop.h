/* loop: one poll(2) loop: descriptors that are ready, and timers on the monotonic clock. */
#ifndef AK_LOOP_H
#define AK_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define LOOP_FDS 24

/* Embedded where it is used; set before it is armed, and disarmed before its owner goes. */
struct loop_timer {
	void (*due)(void *ctx);
	void *ctx;
	int64_t at_ms;
	bool armed;
	struct loop_timer *next;
};

struct loop {
	struct loop_slot {
		int fd; /* -1: free */
		short events;
		uint32_t turn; /* a new one for each use: a descriptor's number comes again */
		void (*ready)(void *ctx, short revents);
		void *ctx;
	} slots[LOOP_FDS];
	uint32_t turn;
	struct loop_timer *timers;
	bool stop;
};

void loop_init(struct loop *l);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t loop_now_ms(void);

/* ready is called with POLLIN and so on; it may add and remove. AK_ERR_FULL. The descriptor stays the caller's. */
enum ak_err loop_add(struct loop *l, int fd, short events,
    void (*ready)(void *ctx, short revents), void *ctx) AK_MUST_CHECK;
void loop_want(struct loop *l, int fd, short events);
void loop_remove(struct loop *l, int fd);

/* Once, in so many milliseconds; armed already, it moves. */
void loop_arm(struct loop *l, struct loop_timer *t, int64_t in_ms);
/* The same, but it never moves to a later moment. */
void loop_arm_by(struct loop *l, struct loop_timer *t, int64_t in_ms);
void loop_disarm(struct loop *l, struct loop_timer *t);

/* Wait for the first thing that happens, at most max_ms (-1: for ever), and do all that is due. AK_ERR_UNAVAILABLE: poll failed. */
enum ak_err loop_once(struct loop *l, int max_ms) AK_MUST_CHECK;
/* Until stop is set. */
enum ak_err loop_run(struct loop *l) AK_MUST_CHECK;

#endif
