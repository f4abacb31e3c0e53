/* enforcer: when live sessions are judged again (enforce.h), and what of the directory's changes is held back. */
#ifndef AK_ENFORCER_H
#define AK_ENFORCER_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "enforce.h"
#include "err.h"
#include "log.h"
#include "loop.h"
#include "pace.h"
#include "paths.h"
#include "recent.h"
#include "record.h"
#include "records.h"
#include "wakeup.h"

/* What the enforcer asks of whoever made it. */
struct enforcer_host {
	int64_t (*now)(void *ctx); /* seconds since the epoch */
	/* enforce_run. */
	enum ak_err (*run)(const struct enforce_how *how, bool wait, struct enforce_result *out,
	    struct diag *why);
	/* Which of the directory's files lie there. */
	void (*sources)(void *ctx, struct source_id *keys, struct source_id *groups);
	/* Are settings and policy in force, so that all that the directory says is judged? */
	bool (*judges)(void *ctx);
	/* What enforcer_accept asked for is done, or failed: text says why. ended: so many sessions. */
	void (*accepted)(void *ctx, enum ak_err err, const char *text, unsigned ended);
	void *ctx;
};

/* In one place from enforcer_open to enforcer_close. */
struct enforcer {
	struct loop *loop;
	const struct paths *paths;
	const struct log *log;
	struct enforcer_host host;
	struct records records;
	struct wakeup wakeup;
	struct loop_timer due;
	struct pace pace; /* a new record waits for it */
	int64_t retry_ms; /* after a failure; 0: none */
	int64_t busy_since_ms; /* another has the lock since then; 0: nobody */
	char told[DIAG_PRINT_CAP]; /* the failure that was logged last */
	/* What the last pass that judged all of it judged by. */
	bool judged;
	struct source_id keys, groups;
	struct recent ended,
	    ended_keys; /* sessions, and of how many keys, by passes that were guarded */
	bool passed; /* there was one: the rest is known */
	unsigned held_back, left; /* sessions, processes */
	unsigned told_held_back;
	bool accept; /* asked for, and not done yet */
};

/* AK_ERR_UNAVAILABLE with a sentence. paths and log are borrowed. enforcer_close in any case. */
enum ak_err enforcer_open(struct enforcer *e, struct loop *loop, const struct paths *p,
    const struct log *log, const struct enforcer_host *host, struct diag *why) AK_MUST_CHECK;
void enforcer_close(struct enforcer *e);

/* A pass, now: something changed. When another is at work, as soon as that is done. */
void enforcer_run(struct enforcer *e);

/*
 * The directory's files may be others, and enforcer_run will be called once
 * that is published; should it take longer than a moment (a command that holds
 * the lock), a pass comes all the same.
 */
void enforcer_expect(struct enforcer *e);

/* Let what is held back go on; the host's accepted is called, maybe at once. */
void enforcer_accept(struct enforcer *e);

/* What enforcer_open was not called for yet. */
#define ENFORCER_CLOSED ((struct enforcer){.records = RECORDS_CLOSED, .wakeup = WAKEUP_CLOSED})

#endif
