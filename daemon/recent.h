/* recent: how many there were in the last minute. */
#ifndef AK_RECENT_H
#define AK_RECENT_H

#include <stdint.h>

#define RECENT_S 60

/* {0}: none yet. */
struct recent {
	struct recent_second {
		int64_t second;
		unsigned n;
	} seconds[RECENT_S];
};

/* now_ms: of a clock that never goes back. */
void recent_add(struct recent *r, int64_t now_ms, unsigned n);
unsigned recent_count(const struct recent *r, int64_t now_ms);

#endif
