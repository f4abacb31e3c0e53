/* logfollow: waits until the audit log may have more, without looking at it again and again (inotify). */
#ifndef CLI_LOGFOLLOW_H
#define CLI_LOGFOLLOW_H

#include "diag.h"
#include "err.h"

struct logfollow {
	int fd;
	char name[256]; /* of the file in its folder */
};

/* Of the folder, so that a file that is rotated, made or truncated is seen. Before the log is read first: nothing is missed. */
enum ak_err logfollow_open(
    const char *path, struct logfollow *out, struct diag *why) AK_MUST_CHECK;
void logfollow_close(struct logfollow *f);

/*
 * Until the file may have changed: AK_OK. AK_ERR_NOT_FOUND: whoever reads the
 * other end of out (-1: nobody) has gone. AK_ERR_UNAVAILABLE: the folder has.
 */
enum ak_err logfollow_wait(const struct logfollow *f, int out, struct diag *why) AK_MUST_CHECK;

#endif
