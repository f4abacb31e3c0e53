/* notify: tells the service manager how the daemon is (the protocol of sd_notify(3)). */
#ifndef AK_NOTIFY_H
#define AK_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct notify {
	int fd; /* -1: nobody wants to know */
};

#define NOTIFY_INIT ((struct notify){.fd = -1})

/* address: NOTIFY_SOCKET's value: a path, or `@` and an abstract name; NULL: nobody. AK_ERR_INVALID: it is neither. */
enum ak_err notify_open(struct notify *n, const char *address) AK_MUST_CHECK;
void notify_close(struct notify *n);

/* Lines such as "READY=1\nSTATUS=…". What can't be told is not: the manager's business. */
void notify_say(const struct notify *n, const char *fmt, ...) AK_PRINTF(2, 3);

/* How often to say WATCHDOG=1: half of WATCHDOG_USEC, in milliseconds; 0: never. usec, pid: the variables' values, or NULL. */
int64_t notify_watchdog_ms(const char *usec, const char *pid, pid_t own);

#endif
