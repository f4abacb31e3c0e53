/* holdoff: signals that would end or stop the command wait until its work is done. */
#ifndef CLI_HOLDOFF_H
#define CLI_HOLDOFF_H

#include <signal.h>
#include <stdbool.h>

#define HOLDOFF_SIGNALS 4

struct holdoff {
	bool active;
	struct sigaction before[HOLDOFF_SIGNALS];
};

/*
 * From now on SIGINT, SIGTERM, SIGHUP and SIGTSTP are noted, and do nothing:
 * the terminal may be one whose session the command ends. Those that the caller
 * ignores stay ignored. One at a time; begun again, nothing happens.
 */
void holdoff_begin(struct holdoff *h);
/* As they were before; the last one that came comes now. */
void holdoff_end(struct holdoff *h);

#endif
