/* signals: those that speak to the daemon, as events of its loop. */
#ifndef AK_SIGNALS_H
#define AK_SIGNALS_H

#include "diag.h"
#include "err.h"
#include "loop.h"

struct signals {
	struct loop *loop;
	int fd; /* -1: closed */
	void (*reload)(void *ctx); /* SIGHUP */
	void *ctx;
};

#define SIGNALS_CLOSED ((struct signals){.fd = -1})

/* From now on SIGTERM and SIGINT stop the loop, SIGHUP reloads, SIGPIPE is ignored. AK_ERR_UNAVAILABLE with a sentence. */
enum ak_err signals_open(struct signals *s, struct loop *loop, void (*reload)(void *ctx),
    void *ctx, struct diag *why) AK_MUST_CHECK;
void signals_close(struct signals *s);

#endif
