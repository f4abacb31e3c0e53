/* fuzz_zone: any bytes as a time zone's file: refused, or a clock that shows a possible time at every moment, and the C library's between the file's changes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "calendar.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

/* ---- the second reader ---- */

/* From the first change to the last, which is what the two must agree on: the rest is by rules that can be read in two ways. */
static struct {
	int64_t from, until;
} listed;

static uint64_t
load(const uint8_t *at, unsigned width_b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < width_b; i++)
		n = n << 8 | at[i];
	return n;
}

/* Of a sound file: the second part counts, where there is one. */
static void
find_listed(const uint8_t *bytes)
{
	const uint8_t *counts = bytes + 20; /* utc, standard, leap, times, types, chars */
	unsigned width_b = bytes[4] == '\0' ? 4 : 8;
	uint64_t n;

	if (width_b == 8)
		counts += 44 + load(counts, 4) + load(counts + 4, 4) + 8 * load(counts + 8, 4) +
			  5 * load(counts + 12, 4) + 6 * load(counts + 16, 4) +
			  load(counts + 20, 4);
	n = load(counts + 12, 4);
	listed.from = listed.until = INT64_MAX;
	if (n == 0)
		return;
	listed.from = (int64_t)load(counts + 24, width_b);
	listed.until = (int64_t)load(counts + 24 + (n - 1) * width_b, width_b);
	if (width_b == 4) {
		listed.from = (int32_t)listed.from;
		listed.until = (int32_t)listed.until;
	}
}

/* Another zone in between, since the library reads a file of the same name once. */
static void
set_clock(const uint8_t *bytes, size_t len_b)
{
	char tz[300];

	find_listed(bytes);
	fuzz_file(fuzz_path("zone"), bytes, len_b);
	(void)setenv("TZ", "UTC0", 1);
	tzset();
	(void)snprintf(tz, sizeof(tz), ":%s", fuzz_path("zone"));
	(void)setenv("TZ", tz, 1);
	tzset();
}

static void
compare(const struct zone *z, int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;

	/* A file that the library does not take is UTC to it, and its name empty. */
	if (t >= listed.from && t < listed.until && localtime_r(&at, &tm) != NULL &&
	    tm.tm_zone[0] != '\0')
		fuzz_check(tm.tm_gmtoff == zone_offset(z, t), "both clocks show the same");
}

/* ---- what must hold ---- */

static void
look_at(const struct zone *z, int64_t t)
{
	struct moment m = zone_moment(z, t);
	int64_t local = t + zone_offset(z, t), days = local / 86400 - (local % 86400 < 0);

	compare(z, t);
	fuzz_check(llabs(zone_offset(z, t)) < 7 * 86400, "no clock is a week off");
	if (!m.known)
		return;
	fuzz_check(m.weekday < 7 && m.minute < 1440, "a clock shows what clocks can");
	fuzz_check(m.date == days && m.minute == (local - days * 86400) / 60 &&
		       m.weekday == calendar_weekday(days),
	    "the clock is as far from UTC as it says");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static const int64_t ends[] = {INT64_C(-62135596800), INT64_C(253402300799), INT32_MIN,
	    INT32_MAX, -(INT64_C(1) << 40), INT64_C(1) << 40, -1, 0, 1};
	struct zone *z = NULL;

	if (zone_parse(bytes, len_b, &z) != AK_OK) {
		fuzz_check(z == NULL, "what is refused is not there");
		return 0;
	}
	set_clock(bytes, len_b);
	if (listed.from < listed.until) {
		look_at(z, listed.from);
		look_at(z, listed.until - 1);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		look_at(z, ends[i]);
	/* Through the years by steps that meet every part of a day and of a year. */
	for (int64_t t = INT64_C(-3000000000); t < INT64_C(20000000000); t += 44444443)
		look_at(z, t);
	zone_free(&z);
	return 0;
}
