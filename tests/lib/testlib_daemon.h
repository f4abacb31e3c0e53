/* testlib_daemon: a daemon for the command to ask: it answers one question, and is gone. */
#ifndef TESTLIB_DAEMON_H
#define TESTLIB_DAEMON_H

#include <sys/types.h>

#include "control.h"
#include "paths.h"

/* Of a daemon that follows its directory, and complains of nothing. */
struct control_reply daemon_reply(void);

pid_t daemon_start(const struct paths *p, const struct control_reply *reply);
/* That was what it was asked. */
void daemon_end(const struct paths *p, pid_t pid, enum control_ask asked);

#endif
