/* records: says that a session was written down, changed or removed (sessions.h): by inotify on their folder. */
#ifndef AK_RECORDS_H
#define AK_RECORDS_H

#include "diag.h"
#include "err.h"
#include "loop.h"
#include "paths.h"

struct records {
	struct loop *loop;
	const struct paths *paths;
	int fd; /* -1: closed */
	int wd; /* -1: no folder is watched */
	void (*changed)(void *ctx);
	void *ctx;
};

#define RECORDS_CLOSED ((struct records){.fd = -1, .wd = -1})

/* The paths are borrowed. AK_ERR_UNAVAILABLE with a sentence: no inotify. records_close in any case. */
enum ak_err records_open(struct records *r, struct loop *loop, const struct paths *p,
    void (*changed)(void *ctx), void *ctx, struct diag *why) AK_MUST_CHECK;
void records_close(struct records *r);

/*
 * Watch the folder that has the name now, which is made when missing: before
 * the records are read, so that none falls between. When the folder goes that
 * is told as a change.
 */
enum ak_err records_follow(struct records *r, struct diag *why) AK_MUST_CHECK;

#endif
