#include "num.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum ak_err
num_parse(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return AK_ERR_INVALID;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return AK_ERR_INVALID;
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return AK_ERR_INVALID;
	}
	if (v < min || v > max)
		return AK_ERR_INVALID;
	*out = v;
	return AK_OK;
}

#define HUNDRED_YEARS_S (INT64_C(36525) * 86400)

enum ak_err
num_parse_duration(const char *s, int64_t *out_s)
{
	static const struct {
		char unit;
		uint32_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char digits[24];
	size_t len = strlen(s);
	uint64_t v, scale = 1;

	if (strcmp(s, "never") == 0) {
		*out_s = NUM_NEVER;
		return AK_OK;
	}
	if (len == 0 || len >= sizeof(digits))
		return AK_ERR_INVALID;
	memcpy(digits, s, len + 1);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (digits[len - 1] == units[i].unit) {
			scale = units[i].s;
			digits[len - 1] = '\0';
			break;
		}
	if (num_parse(digits, 1, (uint64_t)HUNDRED_YEARS_S / scale, &v) != AK_OK)
		return AK_ERR_INVALID;
	*out_s = (int64_t)(v * scale);
	return AK_OK;
}

/* n digits at *at, moved past; -1 when there are not that many. */
static int
take_digits(const char **at, int n)
{
	int v = 0;

	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		v = v * 10 + (**at - '0');
	}
	return v;
}

static bool
take(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool
is_leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int
days_in(int y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return m == 2 && is_leap(y) ? 29 : days[m - 1];
}

/* Years 1 to 9999, the ones with four digits: 0001-01-01T00:00:00Z, 9999-12-31T23:59:59Z. */
#define FIRST_MOMENT INT64_C(-62135596800)
#define LAST_MOMENT INT64_C(253402300799)

/* Days from 0001-01-01 to y-m-d in the Gregorian calendar. */
static int64_t
days_since_year_1(int y, int m, int d)
{
	int64_t before = y - 1;
	int64_t days = 365 * before + before / 4 - before / 100 + before / 400;

	for (int i = 1; i < m; i++)
		days += days_in(y, i);
	return days + d - 1;
}

/* "Z", or +hh:mm, to seconds east. */
static bool
take_offset(const char **at, int *east_s)
{
	int sign, h, m;

	*east_s = 0;
	if (**at == 'Z' || **at == 'z') {
		(*at)++;
		return true;
	}
	if (**at != '+' && **at != '-')
		return false;
	sign = *(*at)++ == '-' ? -1 : 1;
	if ((h = take_digits(at, 2)) < 0 || h > 23 || !take(at, ':') ||
	    (m = take_digits(at, 2)) < 0 || m > 59)
		return false;
	*east_s = sign * (h * 3600 + m * 60);
	return true;
}

enum ak_err
num_parse_time(const char *s, int64_t *out)
{
	const char *at = s;
	int y, mo, d, h, mi, sec, east_s;
	int64_t t;

	if ((y = take_digits(&at, 4)) < 1 || !take(&at, '-') || (mo = take_digits(&at, 2)) < 1 ||
	    mo > 12 || !take(&at, '-') || (d = take_digits(&at, 2)) < 1 || d > days_in(y, mo))
		return AK_ERR_INVALID;
	if (!take(&at, 'T') && !take(&at, 't') && !take(&at, ' '))
		return AK_ERR_INVALID;
	/* Second 60 is a leap second's; it counts as the next minute's first. */
	if ((h = take_digits(&at, 2)) < 0 || h > 23 || !take(&at, ':') ||
	    (mi = take_digits(&at, 2)) < 0 || mi > 59 || !take(&at, ':') ||
	    (sec = take_digits(&at, 2)) < 0 || sec > 60)
		return AK_ERR_INVALID;
	if (take(&at, '.')) {
		if (take_digits(&at, 1) < 0)
			return AK_ERR_INVALID;
		while (*at >= '0' && *at <= '9')
			at++;
	}
	if (!take_offset(&at, &east_s) || *at != '\0')
		return AK_ERR_INVALID;
	t = FIRST_MOMENT + days_since_year_1(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec -
	    east_s;
	if (t < FIRST_MOMENT || t > LAST_MOMENT)
		return AK_ERR_INVALID;
	*out = t;
	return AK_OK;
}

/* By hand: gmtime_r reads the zone of the environment, and counts its leap seconds. */
char *
num_print_time(int64_t t, char buf[NUM_TIME_CAP])
{
	int y, m, second;
	int64_t days;

	if (t == NUM_NEVER) {
		(void)snprintf(buf, NUM_TIME_CAP, "never");
		return buf;
	}
	if (t < FIRST_MOMENT || t > LAST_MOMENT) {
		(void)snprintf(buf, NUM_TIME_CAP, "@%lld", (long long)t);
		return buf;
	}
	days = (t - FIRST_MOMENT) / 86400;
	second = (int)((t - FIRST_MOMENT) % 86400);
	/* No year has more than 366 days: this one, or one a few years later. */
	y = (int)(days / 366) + 1;
	while (days_since_year_1(y + 1, 1, 1) <= days)
		y++;
	m = 1;
	while (m < 12 && days_since_year_1(y, m + 1, 1) <= days)
		m++;
	(void)snprintf(buf, NUM_TIME_CAP, "%04d-%02d-%02dT%02d:%02d:%02dZ", y, m,
	    (int)(days - days_since_year_1(y, m, 1)) + 1, second / 3600, second / 60 % 60,
	    second % 60);
	return buf;
}
