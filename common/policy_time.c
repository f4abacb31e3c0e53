#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "policy_section.h"
#include "zone.h"

/* More than the world has; so looking each up in the list stays cheap. */
#define ZONES_MAX 1000U
#define EVERY_DAY 0x7fU
#define DAY_END (24 * 60)

static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static enum ak_err
read_days(const struct yamlread *r, const struct yaml_node *node, uint32_t *mask)
{
	const char *text;
	enum ak_err err;

	*mask = 0;
	if ((err = policy_need_entry(r, node, "days")) != AK_OK)
		return err;
	for (const struct yaml_node *c = policy_first_entry(node); c != NULL;
	     c = policy_next_entry(node, c)) {
		uint32_t day = 0;

		if ((err = yamlread_text(r, c, "days", &text)) != AK_OK)
			return err;
		while (day < 7 && strcmp(text, days[day]) != 0)
			day++;
		if (day == 7)
			return yamlread_refuse(r, c,
			    "days: `%.80s' is none of Mon, Tue, Wed, Thu, Fri, Sat, Sun", text);
		if ((*mask >> day & 1) != 0)
			return yamlread_refuse(r, c, "days: `%.80s' is given twice", text);
		*mask |= 1U << day;
	}
	return AK_OK;
}

/* "hh:mm", to 24:00; false for all else. */
static bool
read_clock(const char *at, uint32_t *minute)
{
	int h, m;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? at[i] != ':' : at[i] < '0' || at[i] > '9')
			return false;
	h = (at[0] - '0') * 10 + (at[1] - '0');
	m = (at[3] - '0') * 10 + (at[4] - '0');
	*minute = (uint32_t)(h * 60 + m);
	return m < 60 && h * 60 + m <= DAY_END;
}

static enum ak_err
read_hours(const struct yamlread *r, const struct yaml_node *node, uint32_t *from, uint32_t *to)
{
	const char *text;
	enum ak_err err;

	if ((err = yamlread_text(r, node, "hours", &text)) != AK_OK)
		return err;
	if (strlen(text) != 11 || text[5] != '-' || !read_clock(text, from) ||
	    !read_clock(text + 6, to) || *from == DAY_END)
		return yamlread_refuse(r, node,
		    "hours: `%.80s' is no span of a day (as '02:00-05:00', to 24:00)", text);
	if (*from >= *to)
		return yamlread_refuse(r, node,
		    "hours: %s ends before it begins: a window over midnight is two, under "
		    "`any'",
		    text);
	return AK_OK;
}

static enum ak_err
read_dates(const struct yamlread *r, const struct yaml_node *node, uint32_t *row)
{
	const struct yaml_node *c = node->first;
	int32_t dates[2];
	const char *text;
	enum ak_err err;

	if (node->kind != YAML_SEQUENCE || c == NULL || c->next == NULL || c->next->next != NULL)
		return yamlread_refuse(r, node,
		    "dates is a pair, the end excluded, as ['2025-12-20', '2026-01-02']");
	for (int i = 0; i < 2; i++, c = c->next) {
		if ((err = yamlread_text(r, c, "dates", &text)) != AK_OK)
			return err;
		if (calendar_parse(text, &dates[i]) != AK_OK)
			return yamlread_refuse(
			    r, c, "dates: `%.80s' is no day (as 2025-12-20)", text);
	}
	if (dates[0] >= dates[1])
		return yamlread_refuse(
		    r, node, "dates end before they begin (the end is excluded)");
	row[IMAGE_TIME_FROM_DATE] = (uint32_t)dates[0];
	row[IMAGE_TIME_TO_DATE] = (uint32_t)dates[1];
	return AK_OK;
}

/* Each zone once, at its first use. */
static enum ak_err
find_zone(struct policy_build *b, const struct yaml_node *node, const char *name, uint32_t *zone)
{
	const struct pack *rows = &b->m->sections[IMAGE_ZONES];
	const struct pack *strings = &b->m->sections[IMAGE_STRINGS];
	uint32_t n = b->m->counts[IMAGE_ZONES], row[IMAGE_ZONE_COLUMNS];

	for (*zone = 0; *zone < n && rows->err == AK_OK && strings->err == AK_OK; ++*zone) {
		size_t at = 4 * (size_t)*zone * IMAGE_ZONE_COLUMNS + 4 * IMAGE_ZONE_NAME;

		if (strcmp((const char *)strings->bytes + le32_load(rows->bytes + at), name) ==
		    0)
			return AK_OK;
	}
	if (n == ZONES_MAX)
		return yamlread_refuse(b->r, node, "more than %u different zones", ZONES_MAX);
	row[IMAGE_ZONE_NAME] = image_make_string(b->m, name);
	row[IMAGE_ZONE_LINE] = node->line;
	row[IMAGE_ZONE_COL] = node->col;
	*zone = image_make_row(b->m, IMAGE_ZONES, row, IMAGE_ZONE_COLUMNS);
	return AK_OK;
}

static enum ak_err
read_zone(struct policy_build *b, const struct yaml_node *item, uint32_t *zone)
{
	const struct yaml_node *node = yamlread_get(item, "zone");
	const char *name = "UTC";
	enum ak_err err;

	if (node != NULL) {
		if ((err = yamlread_text(b->r, node, "zone", &name)) != AK_OK)
			return err;
		if (!zone_is_name(name))
			return yamlread_refuse(b->r, node,
			    "zone: `%.80s' is no name of a time zone (as Europe/Berlin)", name);
	}
	return find_zone(b, node == NULL ? item : node, name, zone);
}

/* One span of hours, or none: the whole day. */
static enum ak_err
add_time(struct policy_build *b, uint32_t *row, const struct yaml_node *hours)
{
	enum ak_err err;

	row[IMAGE_TIME_FROM_MINUTE] = 0;
	row[IMAGE_TIME_TO_MINUTE] = DAY_END;
	if (hours != NULL && (err = read_hours(b->r, hours, &row[IMAGE_TIME_FROM_MINUTE],
				  &row[IMAGE_TIME_TO_MINUTE])) != AK_OK)
		return err;
	policy_add_leaf(
	    b, IMAGE_OP_TIME, image_make_row(b->m, IMAGE_TIMES, row, IMAGE_TIME_COLUMNS), 0);
	return AK_OK;
}

static enum ak_err
compile_item(struct policy_build *b, const struct yaml_node *item)
{
	static const char *const known[] = {"days", "hours", "dates", "zone", NULL};
	uint32_t row[IMAGE_TIME_COLUMNS] = {[IMAGE_TIME_DAYS] = EVERY_DAY,
	    [IMAGE_TIME_FROM_DATE] = (uint32_t)INT32_MIN,
	    [IMAGE_TIME_TO_DATE] = INT32_MAX};
	const struct yaml_node *part;
	enum ak_err err;

	if ((err = yamlread_keys(b->r, item, "time", known)) != AK_OK ||
	    (err = read_zone(b, item, &row[IMAGE_TIME_ZONE])) != AK_OK)
		return err;
	if ((part = yamlread_get(item, "days")) != NULL &&
	    (err = read_days(b->r, part, &row[IMAGE_TIME_DAYS])) != AK_OK)
		return err;
	if ((part = yamlread_get(item, "dates")) != NULL &&
	    (err = read_dates(b->r, part, row)) != AK_OK)
		return err;
	if ((part = yamlread_get(item, "hours")) == NULL)
		return add_time(b, row, NULL);
	if ((err = policy_need_entry(b->r, part, "hours")) != AK_OK)
		return err;
	for (const struct yaml_node *c = policy_first_entry(part); c != NULL && err == AK_OK;
	     c = policy_next_entry(part, c))
		err = add_time(b, row, c);
	return err;
}

/* How many spans there will be; what is misshapen is told when it is compiled. */
static size_t
count_spans(const struct yaml_node *node)
{
	size_t n = 0;

	for (const struct yaml_node *c = policy_first_entry(node); c != NULL;
	     c = policy_next_entry(node, c)) {
		const struct yaml_node *hours = yamlread_get(c, "hours");
		const struct yaml_node *h = hours == NULL ? NULL : policy_first_entry(hours);

		for (n += h == NULL ? 1 : 0; h != NULL; h = policy_next_entry(hours, h))
			n++;
	}
	return n;
}

enum ak_err
policy_compile_time(struct policy_build *b, const struct yaml_node *node)
{
	bool several = count_spans(node) > 1;
	uint32_t any = 0;
	enum ak_err err;

	if ((err = policy_need_entry(b->r, node, "time")) != AK_OK)
		return err;
	if (several)
		any = policy_open_node(b, IMAGE_OP_ANY, 0, IMAGE_OP_TIME);
	for (const struct yaml_node *c = policy_first_entry(node); c != NULL && err == AK_OK;
	     c = policy_next_entry(node, c))
		err = compile_item(b, c);
	if (several)
		policy_close_node(b, any);
	return err;
}
