/* daemon_impl: the daemon's rooms in one place, and what its two halves share. */
#ifndef AK_DAEMON_IMPL_H
#define AK_DAEMON_IMPL_H

#include "daemon.h"
#include "enforcer.h"
#include "lock.h"
#include "loop.h"
#include "mirror.h"
#include "notify.h"
#include "publisher.h"
#include "rules.h"
#include "server.h"
#include "signals.h"
#include "watch.h"

/* An edit in place within the clock's grain shows no more: after this the image that is made is trusted (live.c). */
#define SETTLED_MS 2100

struct daemon {
	const struct daemon_how *how;
	struct lock alone;
	struct loop loop;
	struct notify notify;
	struct watch watch;
	struct rules rules;
	struct publisher publisher;
	struct mirror mirror;
	struct server server;
	struct enforcer enforcer;
	struct signals signals;
	bool serves, mirrors;
	int64_t started_at;
	struct loop_timer settled, watchdog;
	int64_t watchdog_ms;
	char publish_problem[DIAG_PRINT_CAP]; /* told last; "" when the last one went well */
};

/* What each room asks of the others. */
struct publisher_host daemon_publisher_host(struct daemon *d);
struct mirror_host daemon_mirror_host(struct daemon *d);
struct server_host daemon_server_host(struct daemon *d);
struct enforcer_host daemon_enforcer_host(struct daemon *d);

/* For watch.h, and for the timer that follows it; ctx is the daemon. */
void daemon_files_moved(void *ctx, unsigned files);
void daemon_files_settled(void *ctx);

#endif
