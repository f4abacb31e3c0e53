/* worker: the engine as a process: begun without rights, fed, listened to, watched, ended, begun again. */
#ifndef AK_WORKER_H
#define AK_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"
#include "loop.h"
#include "pack.h"
#include "wire.h"

struct worker_how {
	const char *program; /* absolute */
	/* Whom it runs as. Those of the caller: it stays who it is. */
	uid_t uid;
	gid_t gid;
	rlim_t memory_b; /* of address space; RLIM_INFINITY: any */
	int64_t ping_ms; /* how often it is asked whether it lives */
	int64_t again_min_ms, again_max_ms; /* between an end and the next begin: doubles */
};

struct worker_host {
	/* Just before it begins: fill in how (it holds what it held last), and the first frame. */
	enum ak_err (*start)(
	    void *ctx, struct worker_how *how, struct pack *frame, struct diag *why);
	/* One message; other than AK_OK ends the engine, why says so. Must not end it itself. */
	enum ak_err (*take)(void *ctx, const struct wire_message *m, struct diag *why);
	/* It is gone, or could not begin; it will be begun again. */
	void (*ended)(void *ctx, const char *reason);
	void *ctx;
};

struct worker {
	struct loop *loop;
	struct worker_how how;
	struct worker_host host;
	pid_t pid; /* 0: none runs */
	int fd;
	struct pack in, out; /* out is wiped: it begins with secrets */
	size_t sent_b;
	uint32_t pings; /* sent since it began */
	int64_t silence_ms, again_ms, began_ms;
	struct loop_timer ping, silent, again;
};

void worker_init(struct worker *c, struct loop *loop, const struct worker_how *how,
    const struct worker_host *host);

/* Have one run, from the loop's next turn on; one that runs is ended first. No PONG for silence_ms is its end. */
void worker_start(struct worker *c, int64_t silence_ms);
/* None runs, and none will. Waits for its death, which is SIGKILL's. */
void worker_stop(struct worker *c);

/* Where to append frames for it, for worker_send; NULL: none runs. */
struct pack *worker_out(struct worker *c);
void worker_send(struct worker *c);
void worker_ping(struct worker *c);

#endif
