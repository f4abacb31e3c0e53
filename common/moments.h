/* moments: one instant, as the clocks show it in each zone that a policy names. */
#ifndef AK_MOMENTS_H
#define AK_MOMENTS_H

#include <stdint.h>

#include "err.h"
#include "image.h"
#include "zone.h"

/* What policy_eval takes for the clock. */
struct moments {
	int64_t now_ms; /* milliseconds since the epoch */
	struct moment *zones; /* one for each zone of the image, in its order */
	uint32_t n_zones;
};

#define MOMENTS_INIT ((struct moments){.zones = NULL})

/*
 * Resolve now_ms into the zones of im, from the files in dir (ZONE_DIR). A
 * zone whose file can't be read now is unknown: its predicates are undefined.
 * AK_OK or AK_ERR_NOMEM (then *out knows nothing). Clear *out after both.
 */
enum ak_err moments_resolve(
    const struct image *im, const char *dir, int64_t now_ms, struct moments *out) AK_MUST_CHECK;
void moments_clear(struct moments *m);

/*
 * The first second after now_s at which some `time` predicate of im may change
 * its answer: an edge of its days, hours or dates, or of its zone's offset;
 * now_s plus a day at the latest, so that a zone file that was replaced is
 * seen; NUM_NEVER when the policy asks no clock.
 */
enum ak_err moments_next(
    const struct image *im, const char *dir, int64_t now_s, int64_t *next_s) AK_MUST_CHECK;

#endif
