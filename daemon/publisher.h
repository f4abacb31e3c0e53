/* publisher: brings users.idx up to date when something moved: when the lock is free, never waiting, again after a failure. */
#ifndef AK_PUBLISHER_H
#define AK_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "loop.h"
#include "pace.h"
#include "paths.h"
#include "publish.h"
#include "record.h"
#include "rules.h"
#include "store.h"

/* What the publisher asks of whoever made it. */
struct publisher_host {
	int64_t (*now)(void *ctx); /* seconds since the epoch */
	enum ak_err (*check_id)(void *ctx, uint32_t id); /* as in struct store_hooks */
	/* The settings or the policy are others now; neither RULES_SAME nor RULES_UNREAD. */
	void (*news)(void *ctx, enum rules_news news);
	/*
	 * Write the directory's files, if there is something to write: before the
	 * lock is taken, so that logins obey at once. After a failure what is
	 * there is published all the same.
	 */
	enum ak_err (*prepare)(void *ctx, struct diag *why);
	/* Beside its success: could something not be read anew, and why? What it said before stands. */
	bool (*behind)(void *ctx, struct diag *why);
	/* Which of the directory's files users.idx is to be made from. */
	void (*sources)(void *ctx, struct source_id *keys, struct source_id *groups);
	/* Under the lock: tell the store what prepare changed. */
	enum ak_err (*note)(void *ctx, struct store *s);
	/* Of these files users.idx could not be made whole, since a part can't be read: they are to be written again. */
	void (*unread)(void *ctx, bool keys, bool groups);
	/*
	 * Sessions are judged by what lies there now. res NULL: all was up to date.
	 * why beside AK_OK: what could not be read, and is read again. Not told while
	 * the lock is another's.
	 */
	void (*done)(void *ctx, enum ak_err err, const struct publish_result *res,
	    const struct diag *why);
	void *ctx;
};

/* How long the next try waits, twice as long each time that it was due, and until when; 0: none. */
struct publisher_pause {
	int64_t ms, until_ms;
};

struct publisher {
	struct loop *loop;
	const struct paths *paths;
	struct rules *rules;
	struct publisher_host host;
	struct loop_timer due;
	bool reload; /* as publisher_want was told */
	struct pace pace; /* what comes from the directory waits for it */
	struct publisher_pause failed; /* nothing was published */
	struct publisher_pause
	    unread; /* it was, without what could not be read; nothing else waits for that */
};

void publisher_init(struct publisher *p, struct loop *loop, const struct paths *paths,
    struct rules *rules, const struct publisher_host *host);
void publisher_stop(struct publisher *p);

/* At once, or a second after what failed. reload: the settings' or the policy's files moved, whatever their stamps say. */
void publisher_want(struct publisher *p, bool reload);

/*
 * The directory's entries moved. At once, if the last such write is long
 * enough ago: ten times the processor's time that it took, half a second at most;
 * else then, together with all that comes until then. A second after what
 * failed, too.
 */
void publisher_want_paced(struct publisher *p);

/* The same, now, instead of from the loop. */
void publisher_run(struct publisher *p, bool reload);

#endif
