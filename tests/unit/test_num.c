/* Numbers, durations and moments as people write them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "num.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define UNTOUCHED 4711

static void
a_number_parses_whole_and_within_its_bounds_or_fails(void **state)
{
	static const struct {
		const char *s;
		uint64_t min, max;
		bool ok;
		uint64_t value;
	} rows[] = {
	    {"0", 0, 10, true, 0},
	    {"7", 7, 7, true, 7},
	    {"6", 7, 7, false, 0},
	    {"8", 7, 7, false, 0},
	    {"007", 0, 10, true, 7},
	    {"18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX},
	    {"18446744073709551616", 0, UINT64_MAX, false, 0},
	    {"18446744073709551625", 0, UINT64_MAX, false, 0},
	    {"99999999999999999999", 0, UINT64_MAX, false, 0},
	    {"1000000000000000000000000000000000000000", 0, UINT64_MAX, false, 0},
	    {"00000000000000000000000000000000000000001", 0, UINT64_MAX, true, 1},
	    {"", 0, 10, false, 0},
	    {"3junk", 0, 10, false, 0},
	    {" 3", 0, 10, false, 0},
	    {"3 ", 0, 10, false, 0},
	    {"3\n", 0, 10, false, 0},
	    {"+3", 0, 10, false, 0},
	    {"-3", 0, UINT64_MAX, false, 0},
	    {"-0", 0, UINT64_MAX, false, 0},
	    {"0x3", 0, 10, false, 0},
	    {"1e1", 0, 10, false, 0},
	    {"1.0", 0, 10, false, 0},
	    {"1_000", 0, 10000, false, 0},
	    {"\xd9\xa3", 0, 10, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		uint64_t v = UNTOUCHED;

		assert_err(rows[i].s, rows[i].ok ? AK_OK : AK_ERR_INVALID,
		    num_parse(rows[i].s, rows[i].min, rows[i].max, &v));
		assert_row(rows[i].s, v == (rows[i].ok ? rows[i].value : UNTOUCHED));
	}
}

static void
a_duration_is_a_number_with_one_unit(void **state)
{
	static const struct {
		const char *s;
		int64_t value; /* 0: refused */
	} rows[] = {
	    {"1", 1},
	    {"86400", 86400},
	    {"1s", 1},
	    {"15m", 900},
	    {"2h", 7200},
	    {"30d", 2592000},
	    {"4w", 2419200},
	    {"never", NUM_NEVER},
	    {"36525d", 3155760000},
	    {"36526d", 0},
	    {"3155760000", 3155760000},
	    {"3155760001", 0},
	    {"3155760000s", 3155760000},
	    {"52596000m", 3155760000},
	    {"52596001m", 0},
	    {"876600h", 3155760000},
	    {"5217w", 5217 * INT64_C(604800)},
	    {"5218w", 0},
	    {"18446744073709551615w", 0},
	    {"30500568904943w", 0},
	    {"0", 0},
	    {"0d", 0},
	    {"", 0},
	    {"d", 0},
	    {"-1d", 0},
	    {"1D", 0},
	    {"1y", 0},
	    {"1 d", 0},
	    {"1d ", 0},
	    {"1dd", 0},
	    {"1d1h", 0},
	    {"1.5h", 0},
	    {"Never", 0},
	    {"never ", 0},
	    {"000000000000000000000000000000000000001", 0},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		int64_t v = UNTOUCHED;

		assert_err(rows[i].s, rows[i].value != 0 ? AK_OK : AK_ERR_INVALID,
		    num_parse_duration(rows[i].s, &v));
		assert_row(rows[i].s, v == (rows[i].value != 0 ? rows[i].value : UNTOUCHED));
	}
}

static void
a_moment_is_read_as_rfc_3339_says(void **state)
{
	static const struct {
		const char *s;
		int64_t value;
	} rows[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"1970-01-01t00:00:00z", 0},
	    {"1970-01-01 00:00:00Z", 0},
	    {"1969-12-31T23:59:59Z", -1},
	    {"1970-01-01T01:00:00+01:00", 0},
	    {"1969-12-31T19:00:00-05:00", 0},
	    {"1970-01-01T05:45:00+05:45", 0},
	    {"1970-01-01T00:00:00-00:00", 0},
	    {"1970-01-01T23:59:00+23:59", 0},
	    {"1970-01-01T00:00:00.999999999999999999999Z", 0},
	    {"1969-12-31T23:59:59.5Z", -1},
	    /* The examples of RFC 3339, section 5.8. */
	    {"1985-04-12T23:20:50.52Z", 482196050},
	    {"1996-12-19T16:39:57-08:00", 851042397},
	    {"1990-12-31T23:59:60Z", 662688000},
	    {"1990-12-31T15:59:60-08:00", 662688000},
	    {"1937-01-01T12:00:27.87+00:20", -1041337173},
	    {"2000-02-29T00:00:00Z", 951782400},
	    {"2038-01-19T03:14:08Z", 2147483648},
	    {"2106-02-07T06:28:16Z", 4294967296},
	    {"0001-01-01T00:00:00Z", -62135596800},
	    {"9999-12-31T23:59:59Z", 253402300799},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		int64_t t = UNTOUCHED;

		assert_err(rows[i].s, AK_OK, num_parse_time(rows[i].s, &t));
		assert_row(rows[i].s, t == rows[i].value);
	}
}

static void
what_is_no_moment_is_refused(void **state)
{
	static const char *const rows[] = {"", "never", "2026", "2026-01-01",
	    "2026-01-01T00:00:00", "2026-01-01T00:00Z", "2026-01-01T00:00:00z ",
	    " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", "2026-01-01T00:00:00ZZ",
	    "2026-01-01X00:00:00Z", "26-01-01T00:00:00Z", "12026-01-01T00:00:00Z",
	    "0000-01-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
	    "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z",
	    "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2000-02-30T00:00:00Z",
	    "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
	    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+0100",
	    "2026-01-01T00:00:00+01", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60",
	    "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+01:00Z", "2026-1-01T00:00:00Z",
	    "-2026-01-01T00:00:00Z", "2026-01-01T-1:00:00Z", "2026-01-01T00:00:00UTC",
	    /* In UTC these lie before year 1 or after year 9999, and could not be printed. */
	    "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		int64_t t = UNTOUCHED;

		assert_err(rows[i], AK_ERR_INVALID, num_parse_time(rows[i], &t));
		assert_row(rows[i], t == UNTOUCHED);
	}
}

static void
a_cut_moment_is_refused_wherever_it_is_cut(void **state)
{
	const char whole[] = "2026-03-04T05:06:07.25+01:00";
	char cut[sizeof(whole)];
	int64_t t;

	(void)state;
	for (size_t len = 0; len < strlen(whole); len++) {
		memcpy(cut, whole, len);
		cut[len] = '\0';
		assert_err(cut, AK_ERR_INVALID, num_parse_time(cut, &t));
	}
}

static void
moments_are_those_of_timegm(void **state)
{
	struct rnd r = rnd_start("time");

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct tm tm = {.tm_year = (int)rnd_below(&r, 9999) + 1 - 1900,
		    .tm_mon = (int)rnd_below(&r, 12),
		    .tm_mday = (int)rnd_below(&r, 28) + 1,
		    .tm_hour = (int)rnd_below(&r, 24),
		    .tm_min = (int)rnd_below(&r, 60),
		    .tm_sec = (int)rnd_below(&r, 60)};
		char text[64], printed[NUM_TIME_CAP];
		int64_t t = 0;

		(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		    tm.tm_sec);
		assert_err(text, AK_OK, num_parse_time(text, &t));
		assert_row(text, t == (int64_t)timegm(&tm));
		assert_string_equal(num_print_time(t, printed), text);
	}
}

/* The first and the last second of every day of 400 years, and of each year at both ends. */
static void
every_day_is_printed_and_read_back(void **state)
{
	static const struct {
		int64_t from, days;
	} spans[] = {{-62135596800, 800}, {253402300800 - INT64_C(800) * 86400, 800},
	    {-INT64_C(170) * 365 * 86400, 146097}};
	char printed[NUM_TIME_CAP];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < N(spans); i++)
		for (int64_t day = 0; day < spans[i].days; day++)
			for (int64_t second = 0; second < 86400; second += 86399) {
				int64_t t = spans[i].from + day * 86400 + second;

				(void)num_print_time(t, printed);
				assert_err(printed, AK_OK, num_parse_time(printed, &back));
				assert_row(printed, back == t);
			}
}

static void
any_number_at_all_can_be_printed(void **state)
{
	static const struct {
		int64_t t;
		const char *printed;
	} rows[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {-1, "1969-12-31T23:59:59Z"},
	    {NUM_NEVER, "never"},
	    {-62135596800, "0001-01-01T00:00:00Z"},
	    {-62135596801, "@-62135596801"},
	    {253402300799, "9999-12-31T23:59:59Z"},
	    {253402300800, "@253402300800"},
	    {67767976233532799, "@67767976233532799"},
	    {67768036191676799, "@67768036191676799"},
	    {NUM_NEVER - 1, "@9223372036854775806"},
	    {INT64_MIN, "@-9223372036854775808"},
	};
	char buf[NUM_TIME_CAP];

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_string_equal(num_print_time(rows[i].t, buf), rows[i].printed);
}

/* A zone file, version 1, of a zone that is UTC but counts a leap second since 1972. */
static void
abuse_112_the_zone_of_the_environment_changes_nothing(void **state)
{
	static const unsigned char zone[] = {'T', 'Z', 'i', 'f', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* leap seconds */
	    0, 0, 0, 0, /* times */
	    0, 0, 0, 1, /* types */
	    0, 0, 0, 4, /* characters */
	    0, 0, 0, 0, 0, 0, 'U', 'T', 'C', 0, /* the type, its name */
	    0x04, 0xb2, 0x58, 0x00, 0, 0, 0, 27};
	struct tmp *dir = *state;
	const char *path = tmp_path(dir, "leap");
	const char *zones[] = {path, "right/UTC", "Asia/Tokyo", ":/dev/null", "XXX-14:30"};
	char buf[NUM_TIME_CAP];
	int64_t t;

	file_write(path, zone, sizeof(zone), 0644);
	for (size_t i = 0; i < N(zones); i++) {
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		assert_string_equal(num_print_time(1772600767, buf), "2026-03-04T05:06:07Z");
		assert_err(zones[i], AK_OK, num_parse_time("2026-03-04T05:06:07Z", &t));
		assert_row(zones[i], t == 1772600767);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_number_parses_whole_and_within_its_bounds_or_fails),
	    cmocka_unit_test(a_duration_is_a_number_with_one_unit),
	    cmocka_unit_test(a_moment_is_read_as_rfc_3339_says),
	    cmocka_unit_test(what_is_no_moment_is_refused),
	    cmocka_unit_test(a_cut_moment_is_refused_wherever_it_is_cut),
	    cmocka_unit_test(moments_are_those_of_timegm),
	    cmocka_unit_test(every_day_is_printed_and_read_back),
	    cmocka_unit_test(any_number_at_all_can_be_printed),
	    cmocka_unit_test_setup_teardown(
		abuse_112_the_zone_of_the_environment_changes_nothing, tmp_setup, tmp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
