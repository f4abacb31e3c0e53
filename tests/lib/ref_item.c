#include "ref_item.h"

#include <string.h>

#include "ref_words.h"

void
ref_add_key(struct text *t, const char *key)
{
	text_add(t, "%s%s: ", t->buf[t->len - 1] == '{' ? "" : ", ", key);
}

void
ref_add_some(struct rnd *r, struct text *t, const char *const *list, size_t n)
{
	size_t count = 1 + rnd_below(r, 3), at = rnd_below(r, n);

	if (count == 1) {
		text_add(t, "'%s'", list[at]);
		return;
	}
	for (size_t i = 0; i < count && i < n; i++)
		text_add(t, "%s'%s'", i == 0 ? "[" : ", ", list[(at + i) % n]);
	text_add(t, "]");
}

static void
add_hours(struct rnd *r, struct text *t)
{
	unsigned from = (unsigned)rnd_below(r, 96),
		 to = from + 1 + (unsigned)rnd_below(r, 96 - from);

	text_add(t, "'%02u:%02u-%02u:%02u'", from / 4, from % 4 * 15, to / 4, to % 4 * 15);
}

static void
add_window(struct rnd *r, struct text *t)
{
	size_t from = rnd_below(r, N(dates) - 1),
	       to = from + 1 + rnd_below(r, N(dates) - 1 - from);
	unsigned parts = 1 + (unsigned)rnd_below(r, 7);

	text_add(t, "{");
	if ((parts & 1) != 0) {
		ref_add_key(t, "days");
		ADD_SOME(r, t, days);
	}
	if ((parts & 2) != 0) {
		ref_add_key(t, "hours");
		if (ref_chance(r, 5)) {
			text_add(t, "[");
			add_hours(r, t);
			text_add(t, ", '23:59-24:00']");
		} else {
			add_hours(r, t);
		}
	}
	if ((parts & 4) != 0) {
		ref_add_key(t, "dates");
		text_add(t, "['%s', '%s']", dates[from], dates[to]);
	}
	if (!ref_chance(r, 3)) {
		ref_add_key(t, "zone");
		text_add(t, "%s", one_of(r, zones));
	}
	text_add(t, "}");
}

static void
add_time(struct rnd *r, struct text *t)
{
	if (!ref_chance(r, 5)) {
		add_window(r, t);
		return;
	}
	text_add(t, "[");
	add_window(r, t);
	text_add(t, ", ");
	add_window(r, t);
	text_add(t, "]");
}

static void
add_conditions(struct rnd *r, struct text *t, const struct ref_place *p)
{
	size_t n = 1 + rnd_below(r, 3);

	text_add(t, "[");
	for (size_t i = 0; i < n; i++) {
		text_add(t, "%s{", i == 0 ? "" : ", ");
		ref_add_condition(r, t, p);
		text_add(t, "}");
	}
	text_add(t, "]");
}

static void
add_nested(struct rnd *r, struct text *t, const struct ref_place *p, const char *key)
{
	const struct ref_place below = {
	    .depth = p->depth - 1, .n_defined = p->n_defined, .in_sample = p->in_sample};

	if (strcmp(key, "not") != 0 || ref_chance(r, 5)) {
		add_conditions(r, t, &below);
		return;
	}
	text_add(t, "{");
	ref_add_condition(r, t, &below);
	text_add(t, "}");
}

static void
add_value(struct rnd *r, struct text *t, const struct ref_place *p, const char *key)
{
	if (strcmp(key, "login") == 0)
		ADD_SOME(r, t, login_globs);
	else if (strcmp(key, "group") == 0)
		ADD_SOME(r, t, group_globs);
	else if (strcmp(key, "service") == 0)
		ADD_SOME(r, t, service_globs);
	else if (strcmp(key, "account") == 0)
		ADD_SOME(r, t, account_globs);
	else if (strcmp(key, "from") == 0 || strcmp(key, "creator_from") == 0)
		ADD_SOME(r, t, blocks);
	else if (strcmp(key, "time") == 0)
		add_time(r, t);
	else if (strcmp(key, "is") == 0)
		ref_add_some(r, t, definitions, p->n_defined);
	else if (strcmp(key, "member") == 0)
		text_add(t, "%s", ref_chance(r, 3) ? "false" : "true");
	else if (strcmp(key, "always") == 0)
		text_add(t, "true");
	else if (strcmp(key, "decision") == 0)
		text_add(t, "%s", ref_chance(r, 2) ? "allow" : "deny");
	else if (strcmp(key, "percent") == 0)
		text_add(t, "%u", (unsigned)rnd_below(r, 101));
	else
		add_nested(r, t, p, key);
}

static bool
is_possible(const struct ref_place *p, const char *key)
{
	if (strcmp(key, "is") == 0)
		return p->n_defined > 0;
	if (strcmp(key, "not") == 0 || strcmp(key, "any") == 0 || strcmp(key, "all") == 0)
		return p->depth > 0;
	if (strcmp(key, "decision") == 0 || strcmp(key, "percent") == 0)
		return p->in_sample;
	return true;
}

void
ref_add_condition(struct rnd *r, struct text *t, const struct ref_place *p)
{
	static const char *const keys[] = {"login", "group", "service", "account", "from",
	    "creator_from", "time", "is", "member", "not", "any", "all", "not", "any", "all",
	    "is", "decision", "percent", "login", "time", "from", "group", "always"};
	const char *taken[3];
	size_t n = 0, wanted = 1 + rnd_below(r, 3) % (1 + rnd_below(r, 3));

	while (n < wanted) {
		const char *key = one_of(r, keys);
		bool fresh = is_possible(p, key);

		for (size_t i = 0; i < n; i++)
			fresh = fresh && strcmp(taken[i], key) != 0;
		if (!fresh)
			continue;
		taken[n++] = key;
		ref_add_key(t, key);
		add_value(r, t, p, key);
	}
}
