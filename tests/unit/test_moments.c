/* When time may change an answer: never later than it does, at the edges of windows and of zones. */
#include <stdio.h>
#include <string.h>

#include "eval.h"
#include "moments.h"
#include "num.h"
#include "policy.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "testlib_tmp.h"
#include "zone.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DAY 86400

/* Each rule is one predicate: `{time: {…}}`. */
static struct image *
compiled(const char *rules)
{
	struct settings settings;
	struct diag why = DIAG_INIT;
	struct image *im = NULL;
	char text[4096];

	settings_default(&settings);
	(void)snprintf(text, sizeof(text), "version: 1\nallow:\n%s", rules);
	if (policy_compile(text, strlen(text), "/etc/p.yaml", &settings, &im, &why) != AK_OK)
		fail_msg("%s\n%s", why.text, text);
	return im;
}

static int64_t
at(const char *text)
{
	int64_t t = 0;

	assert_err(text, AK_OK, num_parse_time(text, &t));
	return t;
}

#define BERLIN "zone: Europe/Berlin"

static void
the_next_edge_is_found(void **state)
{
	static const struct {
		const char *rule, *now, *next;
	} rows[] = {
	    /* 2027-01-15 is a Friday. */
	    {"hours: '09:00-18:00'", "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"},
	    {"hours: '09:00-18:00'", "2027-01-15T08:59:59Z", "2027-01-15T09:00:00Z"},
	    {"hours: '09:00-18:00'", "2027-01-15T09:00:00Z", "2027-01-15T18:00:00Z"},
	    {"hours: '09:00-18:00'", "2027-01-15T18:00:00Z", "2027-01-16T09:00:00Z"},
	    {"hours: '22:00-24:00'", "2027-01-15T23:00:00Z", "2027-01-16T00:00:00Z"},
	    {"hours: '00:00-02:00'", "2027-01-15T23:00:00Z", "2027-01-16T00:00:00Z"},
	    {"hours: '00:00-24:00'", "2027-01-15T23:00:00Z", "2027-01-16T23:00:00Z"},
	    {"days: [Fri]", "2027-01-15T08:00:00Z", "2027-01-16T00:00:00Z"},
	    {"days: [Mon]", "2027-01-15T08:00:00Z", "2027-01-16T08:00:00Z"},
	    {"days: [Mon]", "2027-01-17T08:00:00Z", "2027-01-18T00:00:00Z"},
	    {"dates: ['2027-01-16', '2027-01-18']", "2027-01-15T08:00:00Z",
		"2027-01-16T00:00:00Z"},
	    {"dates: ['2027-01-10', '2027-01-16']", "2027-01-15T08:00:00Z",
		"2027-01-16T00:00:00Z"},
	    {"dates: ['2027-01-10', '2027-01-18']", "2027-01-15T08:00:00Z",
		"2027-01-16T08:00:00Z"},
	    {"hours: '09:00-18:00', zone: Asia/Kathmandu", "2027-01-15T03:00:00Z",
		"2027-01-15T03:15:00Z"},
	    /* 106: where the clocks change there is an edge, whatever they show. */
	    {"hours: '02:30-04:00', " BERLIN, "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"},
	    {"hours: '02:30-04:00', " BERLIN, "2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z"},
	    {"hours: '02:30-04:00', " BERLIN, "2027-10-31T00:45:00Z", "2027-10-31T01:00:00Z"},
	    {"hours: '02:30-04:00', " BERLIN, "2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z"},
	    {"hours: '09:00-18:00', " BERLIN, "2027-03-27T18:00:00Z", "2027-03-28T01:00:00Z"},
	    {"hours: '09:00-18:00', " BERLIN, "2027-03-28T01:00:00Z", "2027-03-28T07:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char text[256], said[NUM_TIME_CAP];
		struct image *im;
		int64_t next;

		(void)snprintf(text, sizeof(text), "- {time: {%s}}\n", rows[i].rule);
		im = compiled(text);
		assert_err(text, AK_OK, moments_next(im, ZONE_DIR, at(rows[i].now), &next));
		(void)snprintf(text, sizeof(text), "%s at %s: %s, not %s", rows[i].rule,
		    rows[i].now, num_print_time(next, said), rows[i].next);
		assert_row(text, next == at(rows[i].next));
		image_free(&im);
	}
}

static void
the_earliest_edge_of_all_counts_wherever_it_is_asked_for(void **state)
{
	struct image *im = compiled(
	    "- {time: {hours: '20:00-21:00'}}\n"
	    "- {time: {hours: '12:00-13:00', zone: Asia/Kathmandu}}\n"
	    "define:\n  w: {not: {any: [{login: a}, {time: {hours: '07:00-23:00'}}]}}\n");
	int64_t next;

	(void)state;
	assert_err("", AK_OK, moments_next(im, ZONE_DIR, at("2027-01-15T06:00:00Z"), &next));
	assert_int_equal(next, at("2027-01-15T06:15:00Z"));
	assert_err("", AK_OK, moments_next(im, ZONE_DIR, at("2027-01-15T06:15:00Z"), &next));
	assert_int_equal(next, at("2027-01-15T07:00:00Z"));
	image_free(&im);
}

static void
a_policy_that_asks_no_clock_never_changes(void **state)
{
	struct image *im = compiled("- {login: a}\n");
	int64_t next;

	(void)state;
	assert_err("", AK_OK, moments_next(im, ZONE_DIR, 0, &next));
	assert_true(next == NUM_NEVER);
	image_free(&im);
	im = compiled("- {time: {hours: '01:00-02:00', zone: America/New_York}}\n");
	assert_err("", AK_OK, moments_next(im, ZONE_DIR, NUM_NEVER - 1, &next));
	assert_true(next == NUM_NEVER);
	/* Before year 1 nothing is known: look again tomorrow. */
	assert_err("", AK_OK, moments_next(im, ZONE_DIR, INT64_MIN, &next));
	assert_true(next == INT64_MIN + DAY);
	image_free(&im);
}

static void
a_zone_that_cannot_be_read_is_looked_for_again_after_a_day(void **state)
{
	struct tmp *tmp = *state;
	struct image *im = compiled("- {time: {hours: '01:00-02:00', " BERLIN "}}\n");
	int64_t next;

	assert_err("", AK_OK, moments_next(im, tmp_path(tmp, ""), 1000, &next));
	assert_int_equal(next, 1000 + DAY);
	image_free(&im);
}

static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca",
    "America/St_Johns", "Pacific/Chatham"};

#define RULES 6U

static void
add_rule(struct rnd *r, struct text *t)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	unsigned from = (unsigned)rnd_below(r, 1440), day;
	const char *between = "";

	text_add(t, "- {time: {zone: %s", zones[rnd_below(r, N(zones))]);
	if (rnd_below(r, 4) != 0) {
		unsigned to = from + 1 + (unsigned)rnd_below(r, 1440 - from);

		text_add(t, ", hours: '%02u:%02u-%02u:%02u'", from / 60, from % 60, to / 60,
		    to % 60);
	}
	if (rnd_below(r, 2) == 0) {
		text_add(t, ", days: [");
		for (day = (unsigned)rnd_below(r, 7); day < 7;
		     day += 1 + (unsigned)rnd_below(r, 6)) {
			text_add(t, "%s%s", between, days[day]);
			between = ", ";
		}
		text_add(t, "]");
	}
	if (rnd_below(r, 2) == 0) {
		day = 1 + (unsigned)rnd_below(r, 27);
		text_add(t, ", dates: ['2027-%02u-%02u', '2027-12-31']",
		    1 + (unsigned)rnd_below(r, 12), day);
	}
	text_add(t, "}}\n");
}

/* The rules that fire, a bit for each. */
static unsigned
fires(const struct image *im, struct zone *const *loaded, int64_t t)
{
	struct moment known[N(zones)];
	const struct moments when = {
	    .now_ms = t * 1000, .zones = known, .n_zones = image_count_zones(im)};
	const struct policy_request req = {.login = "a", .when = &when};
	unsigned bits = 0;

	for (uint32_t i = 0; i < when.n_zones; i++)
		known[i] = zone_moment(loaded[i], t);
	for (uint32_t i = 0; i < RULES; i++) {
		bool one;

		assert_err("", AK_OK, policy_rule_fires(im, &req, IMAGE_ALLOW_RULES, i, &one));
		bits |= (one ? 1U : 0U) << i;
	}
	return bits;
}

/* Around the moments at which those zones change their clocks, and anywhere. */
static int64_t
some_instant(struct rnd *r)
{
	static const char *const changes[] = {"2027-03-28T01:00:00Z", "2027-10-31T01:00:00Z",
	    "2027-03-14T07:00:00Z", "2027-11-07T06:00:00Z", "2027-04-03T15:00:00Z",
	    "2027-10-02T15:30:00Z", "2011-12-30T10:00:00Z", "2027-02-07T02:00:00Z",
	    "2027-03-14T05:30:00Z", "2027-09-25T14:00:00Z"};

	if (rnd_below(r, 3) == 0)
		return at("2027-01-01T00:00:00Z") + (int64_t)rnd_below(r, 365 * DAY);
	return at(changes[rnd_below(r, N(changes))]) - DAY + (int64_t)rnd_below(r, 2 * DAY);
}

static void
check_quiet(struct rnd *r, const struct image *im, struct zone *const *loaded, const char *text)
{
	int64_t now = some_instant(r), next = 0;
	unsigned first = fires(im, loaded, now);
	char row[2048];

	assert_err(text, AK_OK, moments_next(im, ZONE_DIR, now, &next));
	(void)snprintf(
	    row, sizeof(row), "at %lld, next %lld:\n%s", (long long)now, (long long)next, text);
	assert_row(row, next > now && next <= now + DAY);
	for (int64_t t = now; t < next; t += 60)
		assert_row(row, fires(im, loaded, t) == first);
	assert_row(row, fires(im, loaded, next - 1) == first);
}

static void
abuse_106_nothing_changes_before_the_answer(void **state)
{
	struct rnd r = rnd_start("moments");

	(void)state;
	for (unsigned turn = 0; turn < 60; turn++) {
		struct zone *loaded[N(zones)] = {NULL};
		char text[1024];
		struct text t = text_over(text, sizeof(text));
		struct image *im;

		for (unsigned i = 0; i < RULES; i++)
			add_rule(&r, &t);
		im = compiled(text);
		for (uint32_t i = 0; i < image_count_zones(im); i++)
			assert_err(
			    "", AK_OK, zone_load(ZONE_DIR, image_zone(im, i).name, &loaded[i]));
		for (unsigned i = 0; i < 10; i++)
			check_quiet(&r, im, loaded, text);
		for (uint32_t i = 0; i < image_count_zones(im); i++)
			zone_free(&loaded[i]);
		image_free(&im);
	}
}

static void
abuse_128_each_failed_allocation_is_told(void **state)
{
	struct image *im = compiled("- {time: {hours: '01:00-02:00', " BERLIN "}}\n"
				    "- {time: {hours: '01:00-02:00'}}\n");
	int64_t next;
	enum ak_err err;

	(void)state;
	for (unsigned n = 1;; n++) {
		alloc_fail_nth(n);
		err = moments_next(im, ZONE_DIR, 0, &next);
		if (!alloc_stop())
			break;
		assert_err("", AK_ERR_NOMEM, err);
	}
	assert_err("", AK_OK, err);
	image_free(&im);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_next_edge_is_found),
	    cmocka_unit_test(the_earliest_edge_of_all_counts_wherever_it_is_asked_for),
	    cmocka_unit_test(a_policy_that_asks_no_clock_never_changes),
	    cmocka_unit_test_setup_teardown(
		a_zone_that_cannot_be_read_is_looked_for_again_after_a_day, tmp_setup,
		tmp_teardown),
	    cmocka_unit_test(abuse_106_nothing_changes_before_the_answer),
	    cmocka_unit_test(abuse_128_each_failed_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
