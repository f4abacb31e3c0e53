#include "recent.h"

void
recent_add(struct recent *r, int64_t now_ms, unsigned n)
{
	int64_t second = now_ms / 1000;
	struct recent_second *s = &r->seconds[second % RECENT_S];

	if (s->second != second)
		*s = (struct recent_second){.second = second};
	s->n += n;
}

unsigned
recent_count(const struct recent *r, int64_t now_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RECENT_S; i++)
		if (r->seconds[i].second > now_ms / 1000 - RECENT_S)
			n += r->seconds[i].n;
	return n;
}
