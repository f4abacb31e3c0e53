#include "ref_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "testlib_cmocka.h"
#include "zone.h"

/* Local time by the C library's own zones. */
static struct tm
local_time(const char *zone, int64_t at_s)
{
	static char now[64] = "?";
	char tz[64] = "";
	time_t t = (time_t)at_s;
	struct tm tm;

	if (zone == NULL || strcmp(zone, "UTC") == 0) {
		assert_non_null(gmtime_r(&t, &tm));
		return tm;
	}
	(void)snprintf(tz, sizeof(tz), ":%s", zone);
	if (strcmp(tz, now) != 0) {
		assert_int_equal(setenv("TZ", tz, 1), 0);
		tzset();
		memcpy(now, tz, sizeof(now));
	}
	assert_non_null(localtime_r(&t, &tm));
	return tm;
}

static int
minutes_of(const char *hh_mm)
{
	return 60 * (10 * (hh_mm[0] - '0') + hh_mm[1] - '0') + 10 * (hh_mm[3] - '0') +
	       hh_mm[4] - '0';
}

/* [start, end) */
static bool
in_hours(const char *window, const struct tm *tm)
{
	int minute = 60 * tm->tm_hour + tm->tm_min;

	return minute >= minutes_of(window) && minute < minutes_of(window + 6);
}

/* Of a zone without its file no time is known. */
static bool
has_zone(const char *zone)
{
	char path[256], magic[4] = "";
	FILE *f;

	if (zone == NULL || strcmp(zone, "UTC") == 0)
		return true;
	(void)snprintf(path, sizeof(path), ZONE_DIR "/%s", zone);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	(void)!fread(magic, 1, sizeof(magic), f);
	(void)fclose(f);
	return memcmp(magic, "TZif", sizeof(magic)) == 0;
}

static bool
is_a_day(const struct yaml_node *list, const struct tm *tm)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

	each_item(list, day)
	{
		if (strcmp(day->text, days[tm->tm_wday]) == 0)
			return true;
	}
	return false;
}

static bool
is_an_hour(const struct yaml_node *list, const struct tm *tm)
{
	each_item(list, hours)
	{
		if (in_hours(hours->text, tm))
			return true;
	}
	return false;
}

static bool
is_a_date(const struct yaml_node *pair, const struct tm *tm)
{
	char date[64];

	assert_true(strftime(date, sizeof(date), "%Y-%m-%d", tm) > 0);
	return strcmp(date, pair->first->text) >= 0 && strcmp(date, pair->first->next->text) < 0;
}

static enum tri
in_time(const struct yaml_node *window, int64_t at_s)
{
	const struct yaml_node *zone = ref_get(window, "zone");
	const struct yaml_node *days = ref_get(window, "days");
	const struct yaml_node *hours = ref_get(window, "hours");
	const struct yaml_node *dates = ref_get(window, "dates");
	struct tm tm;

	if (zone != NULL && !has_zone(zone->text))
		return UNDEFINED;
	tm = local_time(zone == NULL ? NULL : zone->text, at_s);
	return known((days == NULL || is_a_day(days, &tm)) &&
		     (hours == NULL || is_an_hour(hours, &tm)) &&
		     (dates == NULL || is_a_date(dates, &tm)));
}

enum tri
ref_time(const struct yaml_node *node, int64_t at_s)
{
	enum tri any = NO;

	if (node->kind == YAML_MAPPING)
		return in_time(node, at_s);
	each_item(node, window)
	{
		any = greatest(any, in_time(window, at_s));
	}
	return any;
}
