/* num: numbers, durations and moments as people write them: whole, or refused. */
#ifndef AK_NUM_H
#define AK_NUM_H

#include <stdint.h>

#include "err.h"

/* Decimal digits alone (no sign, blank, or base), min <= value <= max; else AK_ERR_INVALID and *out untouched. */
enum ak_err num_parse(const char *s, uint64_t min, uint64_t max, uint64_t *out) AK_MUST_CHECK;

/* "86400", "30d", "4w" (units s m h d w), at least 1 s and at most 100 years; "never" gives NUM_NEVER. */
#define NUM_NEVER INT64_MAX
enum ak_err num_parse_duration(const char *s, int64_t *out_s) AK_MUST_CHECK;

/* A moment: seconds since the epoch, UTC; NUM_NEVER has no text. RFC 3339, `Z` or an offset; fractions of a second are cut; in UTC, years 1 to 9999. */
enum ak_err num_parse_time(const char *s, int64_t *out) AK_MUST_CHECK;
#define NUM_TIME_CAP 48
/* "2026-03-04T05:06:07Z" into buf, or "never", or "@SECONDS" outside years 1 to 9999; returns buf. */
char *num_print_time(int64_t t, char buf[NUM_TIME_CAP]);

#endif
