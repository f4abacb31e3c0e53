#include "pace.h"

#include <time.h>

#include "loop.h"

int64_t
pace_begin(void)
{
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
pace_end(struct pace *p, int64_t began_us)
{
	int64_t pause = PACE_SHARE * (pace_begin() - began_us) / 1000;
	int64_t until = loop_now_ms() + (pause < p->max_ms ? pause : p->max_ms);

	if (until > p->until_ms)
		p->until_ms = until;
}

int64_t
pace_wait_ms(const struct pace *p)
{
	int64_t wait = p->until_ms - loop_now_ms();

	return wait > 0 ? wait : 0;
}
