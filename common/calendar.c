#include "calendar.h"

#include <string.h>

/* Days from 0001-01-01 to 1970-01-01. */
#define EPOCH 719162

bool
calendar_is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int
calendar_days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && calendar_is_leap(year) ? 29 : days[month - 1];
}

int32_t
calendar_days(int year, int month, int day)
{
	/* 400 years more, and their days off again: no division of a negative number. */
	int32_t before = year + 399;
	int32_t days = 365 * before + before / 4 - before / 100 + before / 400 - 146097;

	for (int m = 1; m < month; m++)
		days += calendar_days_in(year, m);
	return days + day - 1 - EPOCH;
}

int
calendar_year(int64_t days)
{
	int year;

	if (days < CALENDAR_DAY_MIN || days > CALENDAR_DAY_MAX)
		return -1;
	/* A guess by the mean length of a year, then the year itself. */
	year = (int)((days + EPOCH) * 400 / 146097) + 1;
	while (calendar_days(year, 1, 1) > days)
		year--;
	while (calendar_days(year + 1, 1, 1) <= days)
		year++;
	return year;
}

unsigned
calendar_weekday(int64_t days)
{
	/* 1970-01-01 was a Thursday. */
	int64_t weekday = (days + 3) % 7;

	return (unsigned)(weekday < 0 ? weekday + 7 : weekday);
}

/* n digits; -1 when there are others. */
static int
digits(const char *at, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		v = v * 10 + (at[i] - '0');
	}
	return v;
}

enum ak_err
calendar_parse(const char *text, int32_t *days)
{
	int year, month, day;

	*days = 0;
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return AK_ERR_INVALID;
	year = digits(text, 4);
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > calendar_days_in(year, month))
		return AK_ERR_INVALID;
	*days = calendar_days(year, month, day);
	return AK_OK;
}
