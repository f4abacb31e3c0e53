/* tzrule: the rule at the end of a zone's file: a POSIX TZ string, as RFC 8536 extends it. */
#ifndef AK_TZRULE_H
#define AK_TZRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* When the clocks change, each year. */
enum tzrule_day {
	TZRULE_JULIAN, /* Jn: day 1 to 365, February 29 never counted */
	TZRULE_ZERO, /* n: day 0 to 365 */
	TZRULE_WEEKDAY, /* Mm.w.d */
};

struct tzrule_change {
	enum tzrule_day kind;
	uint16_t day; /* JULIAN, ZERO; of the week for WEEKDAY, 0 Sunday */
	uint8_t month, week;
	int32_t time_s; /* of that day, local; -167 h to 167 h */
};

struct tzrule {
	int32_t standard, summer; /* seconds east */
	bool has_summer;
	struct tzrule_change start, end;
};

/* "CET-1CEST,M3.5.0,M10.5.0/3", len bytes, whole. AK_ERR_INVALID; a summer time without its dates too. */
enum ak_err tzrule_parse(const char *text, size_t len, struct tzrule *out) AK_MUST_CHECK;

/* Seconds east at t; t lies within years 1 to 9999. */
int32_t tzrule_offset(const struct tzrule *r, int64_t t);

#endif
