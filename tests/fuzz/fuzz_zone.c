/* fuzz_zone: any bytes as a time zone's file: refused, or a clock that shows a possible time at every moment. */
#include <stdlib.h>

#include "calendar.h"
#include "fuzz_check.h"
#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
look_at(const struct zone *z, int64_t t)
{
	struct moment m = zone_moment(z, t);
	int64_t local = t + zone_offset(z, t), days = local / 86400 - (local % 86400 < 0);

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
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		look_at(z, ends[i]);
	/* Through the years by steps that meet every part of a day and of a year. */
	for (int64_t t = INT64_C(-3000000000); t < INT64_C(20000000000); t += 44444443)
		look_at(z, t);
	zone_free(&z);
	return 0;
}
