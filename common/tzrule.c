#include "tzrule.h"

#include "calendar.h"

/* Text being read; nothing beyond `end` is. */
struct reader {
	const char *at, *end;
};

static char
peek(const struct reader *r)
{
	return r->at < r->end ? *r->at : '\0';
}

static bool
take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One to three digits, at most max. */
static bool
take_number(struct reader *r, int max, int *out)
{
	int n = 0;

	*out = 0;
	for (; n < 3 && is_digit(peek(r)); n++)
		*out = *out * 10 + (*r->at++ - '0');
	return n > 0 && *out <= max && !is_digit(peek(r));
}

/* Three letters or more, or <anything like +05>. What it is called is nobody's business here. */
static bool
take_name(struct reader *r)
{
	bool quoted = take(r, '<');
	const char *start = r->at;

	while (is_letter(peek(r)) ||
	       (quoted && (is_digit(peek(r)) || peek(r) == '+' || peek(r) == '-')))
		r->at++;
	return r->at - start >= 3 && (!quoted || take(r, '>'));
}

/* [+|-]hh[:mm[:ss]] */
static bool
take_time(struct reader *r, int max_hours, int32_t *out_s)
{
	int sign = peek(r) == '-' ? -1 : 1, h, m = 0, s = 0;

	if (peek(r) == '-' || peek(r) == '+')
		r->at++;
	if (!take_number(r, max_hours, &h))
		return false;
	if (take(r, ':')) {
		if (!take_number(r, 59, &m) || (take(r, ':') && !take_number(r, 59, &s)))
			return false;
	}
	*out_s = sign * (h * 3600 + m * 60 + s);
	return true;
}

/* West of Greenwich in the text, east here. */
static bool
take_offset(struct reader *r, int32_t *east_s)
{
	if (!take_time(r, 24, east_s))
		return false;
	*east_s = -*east_s;
	return true;
}

static bool
take_day(struct reader *r, struct tzrule_change *c)
{
	int n, week, month;

	if (take(r, 'M')) {
		c->kind = TZRULE_WEEKDAY;
		if (!take_number(r, 12, &month) || month < 1 || !take(r, '.') ||
		    !take_number(r, 5, &week) || week < 1 || !take(r, '.') ||
		    !take_number(r, 6, &n))
			return false;
		c->month = (uint8_t)month;
		c->week = (uint8_t)week;
	} else {
		c->kind = take(r, 'J') ? TZRULE_JULIAN : TZRULE_ZERO;
		if (!take_number(r, 365, &n) || (c->kind == TZRULE_JULIAN && n < 1))
			return false;
	}
	c->day = (uint16_t)n;
	return true;
}

/* ,DAY[/TIME]; two o'clock without a time. */
static bool
take_change(struct reader *r, struct tzrule_change *c)
{
	c->time_s = 2 * 3600;
	return take(r, ',') && take_day(r, c) &&
	       (!take(r, '/') || take_time(r, 167, &c->time_s));
}

static bool
parse(struct reader *r, struct tzrule *out)
{
	if (!take_name(r) || !take_offset(r, &out->standard))
		return false;
	if (r->at == r->end)
		return true;
	out->has_summer = true;
	out->summer = out->standard + 3600;
	if (!take_name(r) || (peek(r) != ',' && !take_offset(r, &out->summer)))
		return false;
	return take_change(r, &out->start) && take_change(r, &out->end) && r->at == r->end;
}

enum ak_err
tzrule_parse(const char *text, size_t len, struct tzrule *out)
{
	struct reader r = {.at = text, .end = text + len};

	*out = (struct tzrule){.has_summer = false};
	if (parse(&r, out))
		return AK_OK;
	*out = (struct tzrule){.has_summer = false};
	return AK_ERR_INVALID;
}

/* The day of a change in a year, as days since 1970-01-01. */
static int32_t
day_of(const struct tzrule_change *c, int year)
{
	int32_t first;
	int day;

	switch (c->kind) {
	case TZRULE_JULIAN:
		return calendar_days(year, 1, c->day) +
		       (calendar_is_leap(year) && c->day >= 60 ? 1 : 0);
	case TZRULE_ZERO:
		return calendar_days(year, 1, 1) + c->day;
	case TZRULE_WEEKDAY:
		break;
	}
	first = calendar_days(year, c->month, 1);
	/* 0 is Sunday there, and Monday in calendar_weekday. */
	day = (int)((c->day + 6U + 7U - calendar_weekday(first)) % 7U) + 7 * (c->week - 1);
	if (day >= calendar_days_in(year, c->month))
		day -= 7;
	return first + day;
}

/* The moment of a change; before it the clocks are `east` of Greenwich. */
static int64_t
moment_of(const struct tzrule_change *c, int year, int32_t east)
{
	return (int64_t)day_of(c, year) * 86400 + c->time_s - east;
}

/*
 * The latest change up to t decides. A change may lie up to a week off its
 * year, so the years beside count; where both fall together, summer goes on
 * (so a zone says "summer time all year").
 */
int32_t
tzrule_offset(const struct tzrule *r, int64_t t)
{
	int64_t day = t / 86400 - (t % 86400 < 0 ? 1 : 0), latest = INT64_MIN;
	int year = calendar_year(day);
	bool summer = false;

	if (!r->has_summer || year < 0)
		return r->standard;
	for (int y = year - 1; y <= year + 1; y++) {
		int64_t start = moment_of(&r->start, y, r->standard);
		int64_t end = moment_of(&r->end, y, r->summer);

		if (end <= t && end > latest) {
			latest = end;
			summer = false;
		}
		if (start <= t && start >= latest) {
			latest = start;
			summer = true;
		}
	}
	return summer ? r->summer : r->standard;
}
