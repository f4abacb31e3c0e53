#include "testlib_cmocka.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "calendar.h"
#include "num.h"
#include "testlib_alloc.h"
#include "testlib_random.h"
#include "testlib_tmp.h"
#include "tzrule.h"
#include "zone.h"

#define YEAR_2100 INT64_C(4102444800)

static struct zone *
loaded(const char *name)
{
	struct zone *z = NULL;

	assert_err(name, AK_OK, zone_load(ZONE_DIR, name, &z));
	return z;
}

static int64_t
at(const char *text)
{
	int64_t t = 0;

	assert_err(text, AK_OK, num_parse_time(text, &t));
	return t;
}

/* glibc's answer, which reads TZ: only here. */
static struct tm
glibc_at(int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;

	assert_non_null(localtime_r(&when, &tm));
	return tm;
}

static void
compare_with_glibc(const char *name, const struct zone *z, int64_t t)
{
	struct tm tm = glibc_at(t);
	struct moment m = zone_moment(z, t);
	char row[160];

	(void)snprintf(row, sizeof(row), "%s at %lld: offset %d, glibc %ld", name, (long long)t,
	    zone_offset(z, t), tm.tm_gmtoff);
	assert_row(row, zone_offset(z, t) == tm.tm_gmtoff);
	assert_row(row, m.known);
	assert_row(row, m.minute == tm.tm_hour * 60 + tm.tm_min);
	assert_row(row, m.weekday == (tm.tm_wday + 6) % 7);
	assert_row(row, m.date == calendar_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
}

/* Moments anywhere from 1970 to 2100, and those around the changes of the clock. */
static void
compare_zone(const char *name, struct rnd *r)
{
	struct zone *z = loaded(name);
	char path[700];
	int32_t before = zone_offset(z, 0);

	(void)snprintf(path, sizeof(path), ":%s/%s", ZONE_DIR, name);
	assert_int_equal(setenv("TZ", path, 1), 0);
	tzset();
	for (int i = 0; i < 150; i++)
		compare_with_glibc(name, z, (int64_t)rnd_below(r, (uint64_t)YEAR_2100));
	for (int64_t t = 0; t < YEAR_2100; t += 30 * 86400) {
		int64_t low = t - 30 * 86400, high = t;

		if (zone_offset(z, t) == before)
			continue;
		while (high - low > 1) {
			int64_t mid = low + (high - low) / 2;

			if (zone_offset(z, mid) == before)
				low = mid;
			else
				high = mid;
		}
		compare_with_glibc(name, z, high - 1);
		compare_with_glibc(name, z, high);
		before = zone_offset(z, t);
	}
	zone_free(&z);
}

static void
compare_folder(const char *below, struct rnd *r, unsigned *n)
{
	char path[700];
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/%s", ZONE_DIR, below);
	if ((d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		char name[300];
		struct zone *z = NULL;

		(void)snprintf(name, sizeof(name), "%s%s%s", below, below[0] == '\0' ? "" : "/",
		    e->d_name);
		if (!zone_is_name(name) || zone_load(ZONE_DIR, name, &z) != AK_OK)
			continue;
		zone_free(&z);
		compare_zone(name, r);
		++*n;
	}
	(void)closedir(d);
}

static void
every_zone_of_this_host_shows_what_glibc_shows(void **state)
{
	static const char *const folders[] = {"", "Africa", "America", "America/Argentina",
	    "America/Indiana", "Antarctica", "Asia", "Atlantic", "Australia", "Etc", "Europe",
	    "Indian", "Pacific"};
	struct rnd r = rnd_start("every_zone_of_this_host_shows_what_glibc_shows");
	unsigned n = 0;

	(void)state;
	if (access(ZONE_DIR "/Europe/Berlin", R_OK) == -1)
		skip();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		compare_folder(folders[i], &r, &n);
	assert_int_equal(unsetenv("TZ"), 0);
	assert_true(n > 300);
}

static void
check_local(const char *zone, const char *utc, const char *weekday, const char *local)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	struct zone *z = loaded(zone);
	struct moment m = zone_moment(z, at(utc));
	char row[200], got[64], date[NUM_TIME_CAP];

	(void)num_print_time((int64_t)m.date * 86400, date);
	(void)snprintf(got, sizeof(got), "%s %.10s %02u:%02u", days[m.weekday], date,
	    m.minute / 60, m.minute % 60);
	(void)snprintf(
	    row, sizeof(row), "%s %s: %s, wanted %s %s", zone, utc, got, weekday, local);
	assert_row(row, strncmp(got, weekday, 3) == 0 && strcmp(got + 4, local) == 0);
	zone_free(&z);
}

static void
abuse_106_at_the_edges_of_summer_time_the_clock_jumps(void **state)
{
	static const struct {
		const char *zone, *utc, *weekday, *local;
	} rows[] = {
	    {"Europe/Berlin", "2025-03-30T00:59:59Z", "Sun", "2025-03-30 01:59"},
	    {"Europe/Berlin", "2025-03-30T01:00:00Z", "Sun", "2025-03-30 03:00"},
	    {"Europe/Berlin", "2025-10-26T00:59:59Z", "Sun", "2025-10-26 02:59"},
	    {"Europe/Berlin", "2025-10-26T01:00:00Z", "Sun", "2025-10-26 02:00"},
	    {"America/New_York", "2025-03-09T06:59:59Z", "Sun", "2025-03-09 01:59"},
	    {"America/New_York", "2025-03-09T07:00:00Z", "Sun", "2025-03-09 03:00"},
	    {"America/New_York", "2025-11-02T06:00:00Z", "Sun", "2025-11-02 01:00"},
	    {"Australia/Lord_Howe", "2025-04-05T14:59:59Z", "Sun", "2025-04-06 01:59"},
	    {"Australia/Lord_Howe", "2025-04-05T15:00:00Z", "Sun", "2025-04-06 01:30"},
	    {"Europe/Dublin", "2025-03-30T01:00:00Z", "Sun", "2025-03-30 02:00"},
	    {"Asia/Kathmandu", "2025-03-04T18:14:59Z", "Tue", "2025-03-04 23:59"},
	    {"Asia/Kathmandu", "2025-03-04T18:15:00Z", "Wed", "2025-03-05 00:00"},
	    {"Pacific/Kiritimati", "2025-12-31T10:00:00Z", "Thu", "2026-01-01 00:00"},
	    {"Pacific/Apia", "2011-12-30T09:59:59Z", "Thu", "2011-12-29 23:59"},
	    {"Pacific/Apia", "2011-12-30T10:00:00Z", "Sat", "2011-12-31 00:00"},
	    {"UTC", "2024-02-29T23:59:59Z", "Thu", "2024-02-29 23:59"},
	};

	(void)state;
	if (access(ZONE_DIR "/Europe/Berlin", R_OK) == -1)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_local(rows[i].zone, rows[i].utc, rows[i].weekday, rows[i].local);
}

static void
abuse_105_after_2038_the_rule_at_the_files_end_goes_on(void **state)
{
	(void)state;
	if (access(ZONE_DIR "/Europe/Berlin", R_OK) == -1)
		skip();
	check_local("Europe/Berlin", "2038-01-19T03:14:07Z", "Tue", "2038-01-19 04:14");
	check_local("Europe/Berlin", "2038-01-19T03:14:08Z", "Tue", "2038-01-19 04:14");
	check_local("Europe/Berlin", "2099-07-01T12:00:00Z", "Wed", "2099-07-01 14:00");
	check_local("America/Sao_Paulo", "2099-07-01T12:00:00Z", "Wed", "2099-07-01 09:00");
	check_local("Australia/Sydney", "2099-01-01T12:00:00Z", "Thu", "2099-01-01 23:00");
}

static void
outside_the_years_1_to_9999_time_is_unknown(void **state)
{
	struct zone *z = loaded("UTC");

	(void)state;
	assert_true(zone_moment(z, at("9999-12-30T00:00:00Z")).known);
	assert_true(zone_moment(z, at("0001-01-01T00:00:00Z")).known);
	assert_false(zone_moment(z, INT64_MAX).known);
	assert_false(zone_moment(z, INT64_MIN).known);
	assert_false(zone_moment(z, INT64_C(253402387200)).known);
	assert_int_equal(zone_offset(z, INT64_MIN), 0);
	zone_free(&z);
}

static void
abuse_112_tz_and_tzdir_are_never_asked(void **state)
{
	(void)state;
	if (access(ZONE_DIR "/Europe/Berlin", R_OK) == -1)
		skip();
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	assert_int_equal(setenv("TZDIR", "/nowhere", 1), 0);
	check_local("Europe/Berlin", "2025-07-01T00:00:00Z", "Tue", "2025-07-01 02:00");
	assert_int_equal(unsetenv("TZ"), 0);
	assert_int_equal(unsetenv("TZDIR"), 0);
}

static void
names_are_names_and_no_paths(void **state)
{
	static const char *const good[] = {"UTC", "Europe/Berlin", "Etc/GMT+5", "EST5EDT",
	    "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "right1", "posixy/x"};
	static const char *const bad[] = {"", "/", "/etc/passwd", "Europe/", "/Europe",
	    "Europe//Berlin", "../passwd", "Europe/../Berlin", "./UTC", "Europe/Berlin ",
	    "Europe Berlin", "Europe\\Berlin", "tzdata.zi", "localtime", "posixrules",
	    "right/UTC", "posix/Europe/Berlin", "\xc3\xa9", "UTC\n", "right", "posix"};
	char longest[ZONE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_row(good[i], zone_is_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct zone *z = NULL;

		assert_row(bad[i], !zone_is_name(bad[i]));
		assert_err(bad[i], AK_ERR_INVALID, zone_load(ZONE_DIR, bad[i], &z));
		assert_null(z);
	}
	memset(longest, 'a', sizeof(longest));
	longest[ZONE_NAME_MAX + 1] = '\0';
	assert_false(zone_is_name(longest));
	longest[ZONE_NAME_MAX] = '\0';
	assert_true(zone_is_name(longest));
}

/* A file of one type, with changes and a footer as given; big-endian by hand. */
struct made {
	unsigned char bytes[2048];
	size_t len_b;
};

static void
put(struct made *m, const void *bytes, size_t len_b)
{
	assert_true(m->len_b + len_b <= sizeof(m->bytes));
	memcpy(m->bytes + m->len_b, bytes, len_b);
	m->len_b += len_b;
}

static void
put32(struct made *m, uint32_t v)
{
	const unsigned char b[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
	    (unsigned char)(v >> 8), (unsigned char)v};

	put(m, b, 4);
}

static void
put_header(struct made *m, char version, const uint32_t counts[6])
{
	static const char zeros[15];

	put(m, "TZif", 4);
	put(m, &version, 1);
	put(m, zeros, 15);
	for (int i = 0; i < 6; i++)
		put32(m, counts[i]);
}

/* utc, standard, leap, times, types, chars: one change at 1000 to an hour east. */
static const uint32_t one_change[6] = {0, 0, 0, 1, 2, 4};

static void
put_block(struct made *m, bool wide)
{
	if (wide)
		put32(m, 0);
	put32(m, 1000);
	put(m, "\1", 1);
	put32(m, (uint32_t)-7200);
	put(m, "\0\0", 2);
	put32(m, 3600);
	put(m, "\1\0", 2);
	put(m, "ABC", 4);
}

static struct made
made_file(char version, const char *footer)
{
	struct made m = {.len_b = 0};

	put_header(&m, version, one_change);
	put_block(&m, false);
	if (version == '\0')
		return m;
	put_header(&m, version, one_change);
	put_block(&m, true);
	put(&m, footer, strlen(footer));
	return m;
}

static void
every_version_is_read(void **state)
{
	static const char versions[] = {'\0', '2', '3', '4'};

	(void)state;
	for (size_t i = 0; i < sizeof(versions); i++) {
		struct made m = made_file(versions[i], "\nXXX-3\n");
		struct zone *z = NULL;

		assert_err("", AK_OK, zone_parse(m.bytes, m.len_b, &z));
		assert_int_equal(zone_offset(z, 999), -7200);
		assert_int_equal(zone_offset(z, -1000000), -7200);
		assert_int_equal(zone_offset(z, 1000), versions[i] == '\0' ? 3600 : 3 * 3600);
		zone_free(&z);
		m = made_file(versions[i], "\n\n");
		assert_err("", AK_OK, zone_parse(m.bytes, m.len_b, &z));
		assert_int_equal(zone_offset(z, 2000), 3600);
		zone_free(&z);
	}
}

static void
files_that_do_not_add_up_are_refused(void **state)
{
	static const char *const footers[] = {
	    "", "\n", "XXX-3\n", "\nXXX-3", "\nXX-3\n", "\nXXX-3\n\n", "\nXXX-3YYY\n"};
	static const struct {
		const char *name;
		size_t at;
		unsigned char value;
	} rows[] = {
	    {"magic", 0, 'X'},
	    {"version 1, written so", 4, '1'},
	    {"version 5", 4, '5'},
	    {"a count of gigabytes", 36, 0xff},
	    {"leap seconds", 31, 1},
	    {"no types", 39, 0},
	    {"more types", 39, 3},
	    {"no names", 43, 0},
	    {"a change to no type", 48, 2},
	    {"daylight 2", 53, 2},
	    {"a name past the end", 54, 4},
	    {"an offset of days", 49, 0x70},
	};
	struct zone *z = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(footers) / sizeof(footers[0]); i++) {
		struct made m = made_file('2', footers[i]);

		assert_err(footers[i], AK_ERR_CORRUPT, zone_parse(m.bytes, m.len_b, &z));
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made m = made_file('\0', "");

		m.bytes[rows[i].at] = rows[i].value;
		assert_err(rows[i].name, AK_ERR_CORRUPT, zone_parse(m.bytes, m.len_b, &z));
		assert_null(z);
	}
}

static void
a_zone_cut_lengthened_or_changed_is_refused_or_sound(void **state)
{
	struct rnd r = rnd_start("a_zone_cut_lengthened_or_changed_is_refused_or_sound");
	struct made whole = made_file('3', "\nCET-1CEST,M3.5.0,M10.5.0/3\n");

	(void)state;
	for (size_t cut = 0; cut < whole.len_b; cut++) {
		unsigned char *exact = malloc(cut == 0 ? 1 : cut);
		struct zone *z = NULL;

		assert_non_null(exact);
		memcpy(exact, whole.bytes, cut);
		assert_err("cut", AK_ERR_CORRUPT, zone_parse(exact, cut, &z));
		free(exact);
	}
	for (int round = 0; round < 100000; round++) {
		struct made m = whole;
		struct zone *z = NULL;

		for (uint64_t n = 1 + rnd_below(&r, 4); n > 0; n--)
			m.bytes[rnd_below(&r, m.len_b)] =
			    (unsigned char)(rnd_below(&r, 2) == 0 ? rnd_u64(&r)
								  : rnd_below(&r, 4));
		if (zone_parse(m.bytes, m.len_b, &z) == AK_OK) {
			struct moment moment = zone_moment(z, (int64_t)(rnd_u64(&r) >> 27));

			assert_true(!moment.known || moment.minute < 1440);
			(void)zone_offset(z, (int64_t)rnd_u64(&r));
		}
		zone_free(&z);
	}
}

static void
rules_are_read_whole_or_refused(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {"UTC0", true},
	    {"<-03>3", true},
	    {"<+0330>-3:30", true},
	    {"EST5EDT,M3.2.0,M11.1.0", true},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", true},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", true},
	    {"EST5EDT,0/0,J365/25", true},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true},
	    {"XXX-24:59:59", true},
	    {"XXX3YYY2,J1/-167,J365/167", true},
	    {"", false},
	    {"U0", false},
	    {"UTC", false},
	    {"UTC0 ", false},
	    {"UTC25", false},
	    {"UTC0:60", false},
	    {"UTC0000", false},
	    {"<UTC0", false},
	    {"EST5EDT", false},
	    {"EST5EDT,M3.2.0", false},
	    {"EST5EDT,M13.2.0,M11.1.0", false},
	    {"EST5EDT,M3.0.0,M11.1.0", false},
	    {"EST5EDT,M3.6.0,M11.1.0", false},
	    {"EST5EDT,M3.2.7,M11.1.0", false},
	    {"EST5EDT,J0,J365", false},
	    {"EST5EDT,366,365", false},
	    {"EST5EDT,0/168,365", false},
	    {"EST5EDT,0/0,J365/25,", false},
	    {"CET-1CEST,M3.5.0,M10.5.0/3\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tzrule r;

		assert_err(rows[i].text, rows[i].good ? AK_OK : AK_ERR_INVALID,
		    tzrule_parse(rows[i].text, strlen(rows[i].text), &r));
	}
}

/* glibc reads such a rule from TZ itself. */
static void
rules_say_what_glibc_says(void **state)
{
	static const char *const rules[] = {"UTC0", "EST5EDT,M3.2.0,M11.1.0",
	    "CET-1CEST,M3.5.0,M10.5.0/3", "AEST-10AEDT,M10.1.0,M4.1.0/3",
	    "IST-1GMT0,M10.5.0,M3.5.0/1", "<-03>3<-02>,J60/0,J300/12", "AAA-5BBB,59/1,300/2",
	    "NZST-12NZDT,M9.5.0,M4.1.0/3", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45"};
	struct rnd r = rnd_start("rules_say_what_glibc_says");

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct tzrule rule;

		assert_err(rules[i], AK_OK, tzrule_parse(rules[i], strlen(rules[i]), &rule));
		assert_int_equal(setenv("TZ", rules[i], 1), 0);
		tzset();
		for (int k = 0; k < 3000; k++) {
			int64_t t = (int64_t)rnd_below(&r, (uint64_t)YEAR_2100);

			assert_row(rules[i], tzrule_offset(&rule, t) == glibc_at(t).tm_gmtoff);
		}
	}
	assert_int_equal(unsetenv("TZ"), 0);
}

static void
summer_time_all_year_has_no_gap_at_new_year(void **state)
{
	static const char text[] = "EST5EDT,0/0,J365/25";
	struct tzrule rule;

	(void)state;
	assert_err("", AK_OK, tzrule_parse(text, strlen(text), &rule));
	for (int64_t t = at("2025-12-30T00:00:00Z"); t < at("2026-01-03T00:00:00Z"); t += 600)
		assert_int_equal(tzrule_offset(&rule, t), -4 * 3600);
}

static void
abuse_069_what_is_no_plain_file_is_refused(void **state)
{
	struct made m = made_file('2', "\nXXX-3\n");
	struct tmp *t = *state;
	struct zone *z = NULL;

	file_write(tmp_path(t, "Good"), m.bytes, m.len_b, 0644);
	file_write(tmp_path(t, "Writable"), m.bytes, m.len_b, 0644);
	assert_int_equal(chmod(tmp_path(t, "Writable"), 0664), 0);
	file_write(tmp_path(t, "Empty"), "", 0, 0644);
	assert_int_equal(mkdir(tmp_path(t, "Folder"), 0755), 0);
	assert_int_equal(mkfifo(tmp_path(t, "Fifo"), 0644), 0);
	assert_int_equal(symlink("Good", tmp_path(t, "Link")), 0);
	assert_int_equal(symlink("Loop", tmp_path(t, "Loop")), 0);
	assert_err("file", AK_OK, zone_load(t->dir, "Good", &z));
	zone_free(&z);
	assert_err("link", AK_OK, zone_load(t->dir, "Link", &z));
	zone_free(&z);
	assert_err("folder", AK_ERR_UNSAFE, zone_load(t->dir, "Folder", &z));
	assert_err("fifo", AK_ERR_UNSAFE, zone_load(t->dir, "Fifo", &z));
	assert_err("writable", AK_ERR_UNSAFE, zone_load(t->dir, "Writable", &z));
	assert_err("empty", AK_ERR_CORRUPT, zone_load(t->dir, "Empty", &z));
	assert_err("missing", AK_ERR_NOT_FOUND, zone_load(t->dir, "Missing", &z));
	assert_err("below a file", AK_ERR_NOT_FOUND, zone_load(t->dir, "Good/x", &z));
	assert_err("loop", AK_ERR_UNAVAILABLE, zone_load(t->dir, "Loop", &z));
	assert_err("UTC needs none", AK_OK, zone_load("/nowhere", "UTC", &z));
	zone_free(&z);
}

static void
days_are_those_of_the_calendar(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {{"2024-02-29", true}, {"2000-02-29", true}, {"2025-02-29", false},
	    {"1900-02-29", false}, {"2025-13-01", false}, {"2025-00-01", false},
	    {"2025-01-00", false}, {"2025-04-31", false}, {"0000-01-01", false},
	    {"2025-1-1", false}, {"2025-01-01 ", false}, {"20250101", false}, {"", false},
	    {"0001-01-01", true}, {"9999-12-31", true}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t days;

		assert_err(rows[i].text, rows[i].good ? AK_OK : AK_ERR_INVALID,
		    calendar_parse(rows[i].text, &days));
	}
	for (int32_t day = CALENDAR_DAY_MIN; day <= CALENDAR_DAY_MAX; day += 11) {
		char text[NUM_TIME_CAP];
		int32_t back;

		(void)num_print_time((int64_t)day * 86400, text);
		text[10] = '\0';
		assert_err(text, AK_OK, calendar_parse(text, &back));
		assert_row(text, back == day && calendar_year(day) == atoi(text));
	}
	assert_int_equal(calendar_year(CALENDAR_DAY_MAX + 1), -1);
	assert_int_equal(calendar_year(INT64_MIN), -1);
	assert_int_equal(calendar_weekday(0), 3);
	assert_int_equal(calendar_weekday(-4), 6);
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	struct made m = made_file('2', "\nXXX-3\n");
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		struct zone *z = NULL;
		enum ak_err err;

		alloc_fail_nth(n);
		err = zone_parse(m.bytes, m.len_b, &z);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			zone_free(&z);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_null(z);
	}
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_zone_of_this_host_shows_what_glibc_shows),
	    cmocka_unit_test(abuse_105_after_2038_the_rule_at_the_files_end_goes_on),
	    cmocka_unit_test(abuse_106_at_the_edges_of_summer_time_the_clock_jumps),
	    cmocka_unit_test(outside_the_years_1_to_9999_time_is_unknown),
	    cmocka_unit_test(abuse_112_tz_and_tzdir_are_never_asked),
	    cmocka_unit_test(names_are_names_and_no_paths),
	    cmocka_unit_test(every_version_is_read),
	    cmocka_unit_test(files_that_do_not_add_up_are_refused),
	    cmocka_unit_test(a_zone_cut_lengthened_or_changed_is_refused_or_sound),
	    cmocka_unit_test(rules_are_read_whole_or_refused),
	    cmocka_unit_test(rules_say_what_glibc_says),
	    cmocka_unit_test(summer_time_all_year_has_no_gap_at_new_year),
	    cmocka_unit_test_setup_teardown(
		abuse_069_what_is_no_plain_file_is_refused, tmp_setup, tmp_teardown),
	    cmocka_unit_test(days_are_those_of_the_calendar),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
