#include "descriptors.h"

/* The files that one look holds open, its folder's, the name service's and the log's: a dozen, and some to spare. */
#define NEEDED 32

void
descriptors_raise(struct descriptors *d)
{
	struct rlimit raised;

	d->raised = false;
	if (getrlimit(RLIMIT_NOFILE, &d->was) != 0 || d->was.rlim_cur == RLIM_INFINITY)
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
