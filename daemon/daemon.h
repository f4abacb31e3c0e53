/* daemon: apikeyd apart from its main: its rooms, and what each tells the others. */
#ifndef AK_DAEMON_H
#define AK_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"
#include "log.h"
#include "paths.h"

struct daemon_how {
	struct paths paths;
	struct log log;
	const char *engine, *engine_user; /* the program that speaks LDAP, and whom it runs as */
	const char *notify_address; /* NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID; or NULL */
	const char *watchdog_usec, *watchdog_pid;
	int ready; /* a descriptor that gets a NUL when the files were looked at, and is /dev/null then; -1: none */
};

/*
 * Until SIGTERM or SIGINT. AK_ERR_EXISTS: another daemon serves these files;
 * an error, with a sentence, is one that it could not begin with.
 */
enum ak_err daemon_run(const struct daemon_how *how, struct diag *why) AK_MUST_CHECK;

#endif
