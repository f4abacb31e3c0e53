/* calendar: dates of the Gregorian calendar as days since 1970-01-01. */
#ifndef AK_CALENDAR_H
#define AK_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* Years that are reckoned with: the caller's days and seconds lie within them. */
#define CALENDAR_YEAR_MAX 9999
#define CALENDAR_DAY_MIN (-719162) /* 0001-01-01 */
#define CALENDAR_DAY_MAX 2932896 /* 9999-12-31 */

bool calendar_is_leap(int year);
/* month 1 to 12. */
int calendar_days_in(int year, int month);
/* Any year from 0 to 10000, month 1 to 12, day from 1 (one past the month's end counts on). */
int32_t calendar_days(int year, int month, int day);
/* The year that a day lies in; -1 outside CALENDAR_DAY_MIN to CALENDAR_DAY_MAX. */
int calendar_year(int64_t days);
/* 0 Monday to 6 Sunday. */
unsigned calendar_weekday(int64_t days);

/* "2025-12-20" whole, a day that exists; else AK_ERR_INVALID and *days 0. */
enum ak_err calendar_parse(const char *text, int32_t *days) AK_MUST_CHECK;

#endif
