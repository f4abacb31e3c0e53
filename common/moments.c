#include "moments.h"

#include <stdlib.h>

#include "num.h"

#define DAY_S 86400
#define DAY_MINUTES 1440
/* No zone changes its offset and back within this. */
#define STEP_S 900

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

/* The first second in (from, until] that has another offset than from; until when there is none. */
static int64_t
next_offset(const struct zone *z, int64_t from, int64_t until)
{
	int32_t offset = zone_offset(z, from);

	for (int64_t low = from; low < until; low += STEP_S) {
		int64_t high = low + STEP_S < until ? low + STEP_S : until;

		if (zone_offset(z, high) == offset)
			continue;
		for (int64_t same = low; high - same > 1;) {
			int64_t middle = same + (high - same) / 2;

			if (zone_offset(z, middle) == offset)
				same = middle;
			else
				high = middle;
		}
		return high;
	}
	return until;
}

/* One zone's clock at an instant. */
struct clock {
	struct zone *zone; /* NULL: it can't be read */
	struct moment at;
	int32_t second; /* of the local day */
	int64_t wait_s; /* until its offset or a predicate may change */
};

static enum ak_err
set_clock(struct clock *c, const char *dir, const char *name, int64_t now_s)
{
	enum ak_err err = zone_load(dir, name, &c->zone);
	int64_t local;

	c->wait_s = DAY_S;
	if (err != AK_OK)
		return err == AK_ERR_NOMEM ? err : AK_OK;
	c->at = zone_moment(c->zone, now_s);
	if (!c->at.known)
		return AK_OK;
	local = now_s + zone_offset(c->zone, now_s);
	c->second = (int32_t)(local - (int64_t)c->at.date * DAY_S);
	return AK_OK;
}

/* Seconds until the clock shows the minute again. */
static int64_t
until_minute(const struct clock *c, uint16_t minute)
{
	int64_t wait = ((int64_t)minute * 60 - c->second) % DAY_S;

	return wait > 0 ? wait : wait + DAY_S;
}

/* Does midnight end or begin the predicate's day? */
static bool
changes_at_midnight(const struct image_time *t, const struct moment *m)
{
	unsigned tomorrow = (m->weekday + 1U) % 7;

	return (t->days >> m->weekday & 1) != (t->days >> tomorrow & 1) ||
	       m->date + 1 == t->from_date || m->date + 1 == t->to_date;
}

/* Seconds until the predicate may change, while the zone's offset stays. */
static int64_t
until_edge(const struct image_time *t, const struct clock *c)
{
	int64_t wait = DAY_S, edge;

	if (changes_at_midnight(t, &c->at))
		wait = until_minute(c, DAY_MINUTES);
	if (t->from_minute == 0 && t->to_minute == DAY_MINUTES)
		return wait;
	if ((edge = until_minute(c, t->from_minute)) < wait)
		wait = edge;
	if ((edge = until_minute(c, t->to_minute)) < wait)
		wait = edge;
	return wait;
}

static void
find_edges(const struct image *im, struct clock *clocks)
{
	for (uint32_t i = 0; i < image_count_nodes(im); i++) {
		struct image_node node = image_node(im, i);
		struct image_time t;
		int64_t wait;

		if (node.op != IMAGE_OP_TIME)
			continue;
		t = image_time(im, node.number);
		if (clocks[t.zone].at.known &&
		    (wait = until_edge(&t, &clocks[t.zone])) < clocks[t.zone].wait_s)
			clocks[t.zone].wait_s = wait;
	}
}

enum ak_err
moments_next(const struct image *im, const char *dir, int64_t now_s, int64_t *next_s)
{
	uint32_t n = image_count_zones(im);
	enum ak_err err = AK_OK;
	struct clock *clocks;

	*next_s = NUM_NEVER;
	if (n == 0 || now_s > NUM_NEVER - DAY_S)
		return AK_OK;
	*next_s = now_s + DAY_S;
	if ((clocks = calloc(n, sizeof(*clocks))) == NULL)
		return AK_ERR_NOMEM;
	for (uint32_t i = 0; i < n && err == AK_OK; i++)
		err = set_clock(&clocks[i], dir, image_zone(im, i).name, now_s);
	if (err == AK_OK)
		find_edges(im, clocks);
	for (uint32_t i = 0; i < n; i++) {
		int64_t next = now_s + clocks[i].wait_s;

		if (err == AK_OK && clocks[i].at.known)
			next = next_offset(clocks[i].zone, now_s, next);
		if (err == AK_OK && next < *next_s)
			*next_s = next;
		zone_free(&clocks[i].zone);
	}
	free(clocks);
	return err;
}
