/* pace: work that may come at any rate gets no more than its share of the processor's time. */
#ifndef AK_PACE_H
#define AK_PACE_H

#include <stdint.h>

/* After work there is a pause of this many times what it took, as far as one waits no longer than max_ms. {0, max_ms}: none yet. */
#define PACE_SHARE 10

struct pace {
	int64_t until_ms; /* of loop_now_ms */
	int64_t max_ms;
};

/* The processor's time of this process, in microseconds: what others made it wait for is not what it costs them. */
int64_t pace_begin(void);

/* Work that began then, by pace_begin, is done. Work that took nothing takes no pause away. */
void pace_end(struct pace *p, int64_t began_us);

/* How long work waits that may: 0 when there is no pause now. */
int64_t pace_wait_ms(const struct pace *p);

#endif
