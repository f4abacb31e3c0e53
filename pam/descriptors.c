#include "descriptors.h"

#include <limits.h>
#include <poll.h>

/* The files that one look holds open, its folder's, the name service's and the log's: a dozen, and some to spare. */
#define NEEDED 32
#define LOOKED_AT (2 * NEEDED)

/* Are so many free among the last below the limit? One call asks. */
static bool
is_roomy(rlim_t limit)
{
	struct pollfd last[LOOKED_AT];
	unsigned n_free = 0;

	if (limit > INT_MAX)
		return true;
	if (limit < LOOKED_AT)
		return false;
	for (unsigned i = 0; i < LOOKED_AT; i++)
		last[i] = (struct pollfd){.fd = (int)limit - 1 - (int)i};
	if (poll(last, LOOKED_AT, 0) == -1)
		return false;
	for (unsigned i = 0; i < LOOKED_AT; i++)
		n_free += (last[i].revents & POLLNVAL) != 0;
	return n_free >= NEEDED;
}

void
descriptors_raise(struct descriptors *d)
{
	struct rlimit raised;

	d->raised = false;
	if (getrlimit(RLIMIT_NOFILE, &d->was) != 0 || is_roomy(d->was.rlim_cur))
		return;
	raised = d->was;
	raised.rlim_cur += NEEDED;
	if (raised.rlim_max < raised.rlim_cur)
		raised.rlim_max = raised.rlim_cur;
	d->raised = setrlimit(RLIMIT_NOFILE, &raised) == 0;
}

void
descriptors_restore(const struct descriptors *d)
{
	if (d->raised)
		(void)setrlimit(RLIMIT_NOFILE, &d->was);
}
