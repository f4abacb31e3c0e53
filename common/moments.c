#include "moments.h"

#include <stdlib.h>

/* Before 1970 too the second is the one that has begun. */
static int64_t
seconds_of(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}

void
moments_clear(struct moments *m)
{
	free(m->zones);
	*m = MOMENTS_INIT;
}

enum ak_err
moments_resolve(const struct image *im, const char *dir, int64_t now_ms, struct moments *out)
{
	uint32_t n = image_count_zones(im);

	*out = (struct moments){.now_ms = now_ms};
	if ((out->zones = calloc((size_t)n + 1, sizeof(*out->zones))) == NULL)
		return AK_ERR_NOMEM;
	out->n_zones = n;
	for (uint32_t i = 0; i < n; i++) {
		struct zone *z = NULL;
		enum ak_err err = zone_load(dir, image_zone(im, i).name, &z);

		if (err == AK_ERR_NOMEM) {
			moments_clear(out);
			return err;
		}
		if (err == AK_OK)
			out->zones[i] = zone_moment(z, seconds_of(now_ms));
		zone_free(&z);
	}
	return AK_OK;
}
