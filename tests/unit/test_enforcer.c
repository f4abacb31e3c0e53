/* When live sessions are judged again, what is guarded and held back, and what is told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "enforcer.h"
#include "num.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct scene {
	struct tmp *tmp;
	struct paths paths;
	struct log log;
	struct loop loop;
	struct enforcer e;
	int stderr_was;
	/* What the next pass says, and what it was asked. */
	enum ak_err err;
	struct enforce_result res;
	const struct enforce_ended *end;
	bool broken; /* the policy */
	struct source_id keys, groups;
	unsigned passes;
	struct enforce_how how;
	int64_t now; /* 0: as it is */
	/* What was answered. */
	unsigned accepted, accepted_ended;
	enum ak_err accepted_err;
	char accepted_text[512];
};

static struct scene *here; /* the pass has no other way to it */

/* The clock's timer, as the kernel answers when somebody sets the clock. */
static int canceled_read_fd = -1;
static bool canceled_settime;
static int64_t set_to; /* the moment that was set last */

/* The clocks stand still: the steady one (0: it goes on), and that of the processor's time, but for what a pass takes. */
static int64_t steady_ms, spent_us = -1;
static int64_t pass_us;

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock == CLOCK_MONOTONIC && steady_ms != 0) {
		*t = (struct timespec){
		    .tv_sec = steady_ms / 1000, .tv_nsec = steady_ms % 1000 * 1000000};
		return 0;
	}
	if (clock == CLOCK_PROCESS_CPUTIME_ID && spent_us != -1) {
		*t = (struct timespec){
		    .tv_sec = spent_us / 1000000, .tv_nsec = spent_us % 1000000 * 1000};
		return 0;
	}
	return __real_clock_gettime(clock, t);
}

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);
int __real_timerfd_settime(
    int fd, int flags, const struct itimerspec *when, struct itimerspec *was);
int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *when, struct itimerspec *was);

ssize_t
__wrap_read(int fd, void *buf, size_t n)
{
	if (fd != canceled_read_fd)
		return __real_read(fd, buf, n);
	(void)__real_read(fd, buf, n);
	canceled_read_fd = -1;
	errno = ECANCELED;
	return -1;
}

int
__wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *was)
{
	int answer = __real_timerfd_settime(fd, flags, when, was);

	set_to = when->it_value.tv_sec;
	assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	if (!canceled_settime)
		return answer;
	canceled_settime = false;
	errno = ECANCELED;
	return -1;
}

static int64_t
now(void *ctx)
{
	const struct scene *s = ctx;
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return s == NULL || s->now == 0 ? t.tv_sec : s->now;
}

static enum ak_err
run(const struct enforce_how *how, bool wait, struct enforce_result *out, struct diag *why)
{
	struct scene *s = here;

	assert_false(wait);
	spent_us += spent_us == -1 ? 0 : pass_us;
	s->passes++;
	s->how = *how;
	if (s->end != NULL)
		how->ended(how->ctx, s->end);
	*out = s->res;
	return s->err == AK_ERR_UNAVAILABLE ? diag_because(why, s->err, "no /proc") : s->err;
}

static void
sources(void *ctx, struct source_id *keys, struct source_id *groups)
{
	const struct scene *s = ctx;

	*keys = s->keys;
	*groups = s->groups;
}

static bool
judges(void *ctx)
{
	return !((const struct scene *)ctx)->broken;
}

static void
accepted(void *ctx, enum ak_err err, const char *text, unsigned ended)
{
	struct scene *s = ctx;

	s->accepted++;
	s->accepted_err = err;
	s->accepted_ended = ended;
	(void)snprintf(s->accepted_text, sizeof(s->accepted_text), "%s", text);
}

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	const struct enforcer_host host = {.now = now,
	    .run = run,
	    .sources = sources,
	    .judges = judges,
	    .accepted = accepted,
	    .ctx = s};
	struct diag why = DIAG_INIT;
	void *tmp = NULL;

	assert_non_null(s);
	if (tmp_setup(&tmp) != 0)
		return -1;
	s->tmp = tmp;
	here = s;
	s->log = (struct log){.foreground = true, .paths = &s->paths};
	s->res = (struct enforce_result){.again_in_ms = -1, .next_at = NUM_NEVER};
	assert_err("paths", AK_OK, paths_under(s->tmp->dir, s->tmp->dir, geteuid(), &s->paths));
	/* What it logs. */
	s->stderr_was = dup(STDERR_FILENO);
	assert_non_null(freopen(tmp_path(s->tmp, "log"), "a", stderr));
	loop_init(&s->loop);
	assert_err(
	    "open", AK_OK, enforcer_open(&s->e, &s->loop, &s->paths, &s->log, &host, &why));
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;
	void *tmp = s->tmp;

	steady_ms = 0;
	spent_us = -1;
	enforcer_close(&s->e);
	(void)fflush(stderr);
	(void)dup2(s->stderr_was, STDERR_FILENO);
	(void)close(s->stderr_was);
	free(s);
	return tmp_teardown(&tmp);
}

/* How many passes there are within so many milliseconds. */
static unsigned
passes_within(struct scene *s, int64_t ms)
{
	int64_t end = loop_now_ms() + ms;
	unsigned before = s->passes;

	while (loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s->loop, 5));
	return s->passes - before;
}

/* Until there were so many more, at most 5 s. */
static bool
more_passes(struct scene *s, unsigned n)
{
	int64_t end = loop_now_ms() + 5000;
	unsigned before = s->passes;

	while (s->passes - before < n && loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s->loop, 50));
	return s->passes - before >= n;
}

/* Until there was one more, and no other with it; then the time. */
static int64_t
next_pass_ms(struct scene *s)
{
	unsigned before = s->passes;

	assert_true(more_passes(s, 1));
	assert_int_equal(s->passes, before + 1);
	return loop_now_ms();
}

static unsigned
lines_with(struct scene *s, const char *file, const char *what)
{
	size_t len_b;
	char *text, *at;
	unsigned n = 0;

	(void)fflush(stderr);
	text = file_read(tmp_path(s->tmp, file), &len_b);
	for (at = text; at != NULL && (at = strstr(at, what)) != NULL; at++)
		n++;
	free(text);
	return n;
}

/* As sessions.c writes one. */
static void
write_record(struct scene *s, const char *name)
{
	const char *temporary = tmp_path(s->tmp, "run/sessions/.new.1");

	file_write(temporary, "x", 1, 0600);
	assert_int_equal(rename(temporary, tmp_path(s->tmp, name)), 0);
}

static void
only_what_follows_a_move_of_the_directory_is_guarded(void **state)
{
	struct scene *s = *state;

	s->keys = (struct source_id){.generation = 3, .id = 3};
	enforcer_run(&s->e);
	assert_true(s->how.guarded); /* nobody knows what moved before */
	enforcer_run(&s->e);
	assert_false(s->how.guarded);
	s->groups = (struct source_id){.generation = 1, .id = 9};
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	enforcer_run(&s->e);
	assert_false(s->how.guarded);
	s->groups.id = 10; /* another one's first */
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	s->keys = s->groups = (struct source_id){.generation = 0}; /* taken away */
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	s->keys.id = 77; /* which is no file either */
	enforcer_run(&s->e);
	assert_false(s->how.guarded);
}

static void
what_the_directory_said_stays_guarded_until_a_pass_judged_all_of_it(void **state)
{
	struct scene *s = *state;

	enforcer_run(&s->e);
	s->groups.generation = 1;
	s->res.distrusted = true;
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	s->res.distrusted = false;
	s->broken = true;
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	s->broken = false;
	s->err = AK_ERR_EXISTS;
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	s->err = AK_ERR_UNAVAILABLE;
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	s->err = AK_OK;
	enforcer_run(&s->e);
	assert_true(s->how.guarded);
	enforcer_run(&s->e);
	assert_false(s->how.guarded);
}

static void
the_guard_is_told_how_many_were_ended_so_a_moment_ago(void **state)
{
	struct scene *s = *state;

	s->res.ended = 4;
	enforcer_run(&s->e);
	assert_int_equal(s->how.n_before, 0);
	enforcer_run(&s->e); /* by the clock, say: not counted */
	assert_int_equal(s->how.n_before, 0);
	s->groups.generation = 1;
	enforcer_run(&s->e);
	assert_int_equal(s->how.n_before, 4);
	s->groups.generation = 2;
	enforcer_run(&s->e);
	assert_int_equal(s->how.n_before, 8);
	/* A minute later. */
	for (size_t i = 0; i < N(s->e.ended.seconds); i++)
		s->e.ended.seconds[i].second -= RECENT_S;
	s->groups.generation = 3;
	enforcer_run(&s->e);
	assert_int_equal(s->how.n_before, 0);
}

static void
a_minute_is_sixty_seconds(void **state)
{
	static const struct {
		const char *name;
		int64_t at_ms;
		unsigned n;
	} rows[] = {
	    {"at once", 1030000, 7},
	    {"in the same second", 1030999, 7},
	    {"in the first one's sixtieth", 1059999, 7},
	    {"after a minute the first are forgotten", 1060000, 4},
	    {"then the others", 1090000, 0},
	    {"after years", INT64_C(400000000000), 0},
	};
	struct recent r = {0};

	(void)state;
	assert_int_equal(recent_count(&r, 0), 0);
	assert_int_equal(recent_count(&r, 5000), 0);
	recent_add(&r, 1000000, 1);
	recent_add(&r, 1000500, 2);
	recent_add(&r, 1030000, 4);
	for (size_t i = 0; i < N(rows); i++)
		assert_row(rows[i].name, recent_count(&r, rows[i].at_ms) == rows[i].n);
	/* Its place is taken by the next minute's. */
	recent_add(&r, 1060000, 5);
	assert_int_equal(recent_count(&r, 1060000), 9);
}

static void
a_new_record_is_looked_at_and_many_at_once_are_looked_at_once(void **state)
{
	struct scene *s = *state;
	char name[64];
	int64_t due_ms;

	enforcer_run(&s->e);
	assert_int_equal(passes_within(s, 50), 0);
	write_record(s, "run/sessions/0011");
	(void)next_pass_ms(s);
	due_ms = s->e.pace.until_ms = loop_now_ms() + 300; /* as if that had taken long */
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "run/sessions/%04u", i);
		write_record(s, name);
	}
	assert_true(next_pass_ms(s) >= due_ms);
	assert_int_equal(passes_within(s, 150), 0);
	assert_int_equal(unlink(tmp_path(s->tmp, "run/sessions/0011")), 0);
	(void)next_pass_ms(s);
	/* What a writer has not finished is none. */
	file_write(tmp_path(s->tmp, "run/sessions/.new.2"), "x", 1, 0600);
	assert_int_equal(unlink(tmp_path(s->tmp, "run/sessions/.new.2")), 0);
	assert_int_equal(passes_within(s, 150), 0);
}

static void
a_record_waits_a_tenth_of_a_second_at_most_and_a_revocation_not_at_all(void **state)
{
	struct scene *s = *state;

	enforcer_run(&s->e);
	assert_true(s->e.pace.until_ms <= loop_now_ms() + 100);
	s->e.pace.until_ms = loop_now_ms() + 5000;
	write_record(s, "run/sessions/0011");
	assert_int_equal(passes_within(s, 10), 0);
	enforcer_run(&s->e);
	assert_int_equal(s->passes, 2);
	/* And has done what the record asked for. */
	assert_int_equal(passes_within(s, 200), 0);
}

/* Logins are not to keep a processor busy with passes, nor a quick pass to keep the next login waiting. */
static void
a_record_waits_ten_times_as_long_as_the_last_pass_took(void **state)
{
	static const struct {
		int64_t pass_us, waits_ms;
	} rows[] = {{0, 0}, {200, 2}, {9900, 99}, {10000, 100}, {10100, 100}, {3000000, 100},
	    {0, 100}}; /* a quick pass takes no pause away */
	struct scene *s = *state;

	steady_ms = 5000;
	spent_us = 0;
	for (size_t i = 0; i < N(rows); i++) {
		pass_us = rows[i].pass_us;
		enforcer_run(&s->e);
		assert_int_equal(s->e.pace.until_ms - steady_ms, rows[i].waits_ms);
	}
}

static void
a_folder_that_goes_is_made_anew_and_watched(void **state)
{
	struct scene *s = *state;
	struct stat st;

	assert_false(file_is_there(tmp_path(s->tmp, "run/sessions")));
	enforcer_run(&s->e);
	assert_int_equal(stat(tmp_path(s->tmp, "run/sessions"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(rmdir(tmp_path(s->tmp, "run/sessions")), 0);
	(void)next_pass_ms(s);
	assert_int_equal(passes_within(s, 50), 0);
	write_record(s, "run/sessions/0011");
	(void)next_pass_ms(s);
	assert_int_equal(
	    rename(tmp_path(s->tmp, "run/sessions"), tmp_path(s->tmp, "run/moved")), 0);
	(void)next_pass_ms(s);
	assert_int_equal(passes_within(s, 150), 0);
	write_record(s, "run/sessions/0011");
	(void)next_pass_ms(s);
	write_record(s, "run/moved/0012");
	assert_int_equal(passes_within(s, 150), 0);
}

static void
a_folder_that_others_may_enter_is_said_and_what_can_be_done_is_done(void **state)
{
	struct scene *s = *state;

	enforcer_run(&s->e);
	assert_int_equal(chmod(tmp_path(s->tmp, "run/sessions"), 0755), 0);
	enforcer_run(&s->e);
	assert_int_equal(s->passes, 2);
	assert_int_equal(s->e.retry_ms, 1000);
	assert_int_equal(lines_with(s, "log", "event=enforce-failed"), 1);
	assert_int_equal(lines_with(s, "log", "run/sessions: must be a folder"), 1);
}

static void
another_pass_that_is_at_work_is_waited_for(void **state)
{
	struct scene *s = *state;

	s->err = AK_ERR_EXISTS;
	enforcer_run(&s->e);
	(void)next_pass_ms(s);
	assert_true(more_passes(s, 5));
	assert_int_equal(lines_with(s, "log", "event="), 0);
	s->e.busy_since_ms -= 10000;
	assert_true(more_passes(s, 2));
	assert_int_equal(lines_with(s, "log", "event=enforce-failed"), 1);
	s->err = AK_OK;
	(void)next_pass_ms(s);
	assert_true(s->how.guarded);
	assert_int_equal(passes_within(s, 50), 0);
	assert_int_equal(s->e.busy_since_ms, 0);
}

static void
a_pass_that_is_waited_for_is_told_of_after_ten_seconds(void **state)
{
	struct scene *s = *state;

	steady_ms = 5000;
	s->err = AK_ERR_EXISTS;
	enforcer_run(&s->e);
	steady_ms += 9999;
	enforcer_run(&s->e);
	assert_int_equal(lines_with(s, "log", "event=enforce-failed"), 0);
	steady_ms += 1;
	enforcer_run(&s->e);
	assert_int_equal(lines_with(s, "log", "event=enforce-failed"), 1);
}

static void
a_failure_is_logged_once_and_tried_again_ever_later(void **state)
{
	struct scene *s = *state;

	s->err = AK_ERR_UNAVAILABLE;
	for (int64_t ms = 1000; ms <= 64000; ms *= 2) {
		int64_t before_ms = loop_now_ms();

		enforcer_run(&s->e);
		assert_int_equal(s->e.retry_ms, ms < 60000 ? ms : 60000);
		assert_true(s->e.due.armed);
		assert_true(s->e.due.at_ms >= before_ms + s->e.retry_ms);
	}
	assert_int_equal(lines_with(s, "log", "event=enforce-failed problem=\"no /proc\""), 1);
	s->err = AK_ERR_NOMEM; /* with no sentence of its own */
	enforcer_run(&s->e);
	assert_int_equal(lines_with(s, "log", "event=enforce-failed"), 2);
	s->err = AK_OK;
	enforcer_run(&s->e);
	assert_false(s->e.due.armed);
	s->err = AK_ERR_UNAVAILABLE;
	enforcer_run(&s->e);
	assert_int_equal(s->e.retry_ms, 1000);
	assert_int_equal(lines_with(s, "log", "event=enforce-failed"), 3);
}

static void
the_earliest_moment_is_waited_for_and_one_that_passed_is_not_asked_for_without_end(void **state)
{
	struct scene *s = *state;
	struct timespec t;

	s->res.next_at = now(NULL) + 2;
	enforcer_run(&s->e);
	(void)next_pass_ms(s);
	(void)clock_gettime(CLOCK_REALTIME, &t);
	assert_true(t.tv_sec >= s->res.next_at);
	s->res.next_at = -5; /* and it ends nothing */
	enforcer_run(&s->e);
	assert_true(passes_within(s, 1500) <= 2);
	s->res.next_at = NUM_NEVER;
	enforcer_run(&s->e);
	assert_int_equal(passes_within(s, 1100), 0);
}

/* A second has many moments, and what ends in it has ended. */
static void
a_moment_of_this_very_second_is_asked_for_in_the_next(void **state)
{
	static const struct {
		int64_t next_at, set_to;
	} rows[] = {{4000000001, 4000000001}, {4000000000, 4000000001},
	    {3999999999, 4000000001}, {4000000002, 4000000002}};
	struct scene *s = *state;

	s->now = 4000000000;
	for (size_t i = 0; i < N(rows); i++) {
		s->res.next_at = rows[i].next_at;
		enforcer_run(&s->e);
		assert_true(set_to == rows[i].set_to);
	}
}

static void
a_clock_that_was_set_is_looked_at_at_once(void **state)
{
	struct scene *s = *state;

	/* While it waits, as the kernel says it: readable, and then ECANCELED. */
	s->res.next_at = now(NULL);
	enforcer_run(&s->e);
	s->res.next_at = NUM_NEVER;
	canceled_read_fd = s->e.wakeup.fd;
	(void)next_pass_ms(s);
	assert_int_equal(canceled_read_fd, -1);
	assert_int_equal(passes_within(s, 50), 0);
	/* While the moment was set. */
	canceled_settime = true;
	enforcer_run(&s->e);
	(void)next_pass_ms(s);
	assert_int_equal(passes_within(s, 50), 0);
}

static void
another_pass_that_is_due_comes(void **state)
{
	struct scene *s = *state;
	int64_t due_ms = loop_now_ms() + 150;

	s->res.again_in_ms = 150;
	enforcer_run(&s->e);
	s->res.again_in_ms = -1;
	assert_true(next_pass_ms(s) >= due_ms);
	assert_int_equal(passes_within(s, 200), 0);
	/* A failure meanwhile forgets nothing. */
	s->res.again_in_ms = 100;
	enforcer_run(&s->e);
	s->err = AK_ERR_EXISTS;
	enforcer_run(&s->e);
	s->err = AK_OK;
	s->res.again_in_ms = -1;
	(void)next_pass_ms(s);
	/* Nor does one that is due at once keep all else waiting. */
	s->res.again_in_ms = 0;
	enforcer_run(&s->e);
	(void)next_pass_ms(s);
	assert_true(passes_within(s, 100) <= 101);
}

static void
what_can_not_be_published_ends_sessions_all_the_same(void **state)
{
	struct scene *s = *state;
	int64_t began_ms;

	enforcer_run(&s->e);
	enforcer_expect(&s->e); /* nothing moved */
	assert_false(s->e.due.armed);
	s->keys.generation = 5;
	began_ms = loop_now_ms();
	enforcer_expect(&s->e);
	assert_true(next_pass_ms(s) >= began_ms + 150);
	assert_true(s->how.guarded);
	enforcer_expect(&s->e);
	assert_false(s->e.due.armed);
	/* Published in time, it comes once. */
	s->keys.generation = 6;
	enforcer_expect(&s->e);
	enforcer_run(&s->e);
	assert_int_equal(passes_within(s, 300), 0);
}

static void
nothing_held_back_is_said_without_a_pass(void **state)
{
	struct scene *s = *state;

	enforcer_run(&s->e);
	enforcer_accept(&s->e);
	assert_int_equal(s->accepted, 1);
	assert_err("", AK_ERR_NOT_FOUND, s->accepted_err);
	assert_string_equal(s->accepted_text, "nothing is held back");
	assert_int_equal(s->passes, 1);
	enforcer_run(&s->e);
	assert_false(s->how.accept);
}

static void
what_is_held_back_is_accepted_once(void **state)
{
	struct scene *s = *state;

	s->res.held_back = 12;
	enforcer_run(&s->e);
	assert_false(s->how.accept);
	s->res.held_back = 0;
	s->res.ended = 12;
	s->keys.generation = 1;
	enforcer_accept(&s->e);
	assert_true(s->how.accept);
	assert_int_equal(s->accepted, 1);
	assert_err("", AK_OK, s->accepted_err);
	assert_int_equal(s->accepted_ended, 12);
	enforcer_run(&s->e);
	assert_false(s->how.accept);
	/* Those whom an administrator let go do not count against the next ones. */
	s->groups.generation = 1;
	enforcer_run(&s->e);
	assert_int_equal(s->how.n_before, 0);
}

static void
an_accept_before_the_first_pass_asks_that_one_what_is_held_back(void **state)
{
	struct scene *s = *state;

	enforcer_accept(&s->e);
	assert_int_equal(s->passes, 1);
	assert_false(s->how.accept);
	assert_err("", AK_ERR_NOT_FOUND, s->accepted_err);
	s->e.passed = false; /* as if it were a new one */
	s->res.held_back = 12;
	enforcer_accept(&s->e);
	assert_int_equal(s->passes, 3);
	assert_true(s->how.accept);
	assert_int_equal(s->accepted, 2);
	assert_err("", AK_OK, s->accepted_err);
}

static void
an_accept_waits_for_another_pass_and_not_for_a_failure(void **state)
{
	struct scene *s = *state;

	s->res.held_back = 12;
	enforcer_run(&s->e);
	s->err = AK_ERR_EXISTS;
	enforcer_accept(&s->e);
	assert_int_equal(s->accepted, 0);
	assert_true(passes_within(s, 50) >= 1);
	s->err = AK_OK;
	(void)next_pass_ms(s);
	assert_true(s->how.accept);
	assert_int_equal(s->accepted, 1);
	s->err = AK_ERR_UNAVAILABLE;
	enforcer_accept(&s->e);
	assert_int_equal(s->accepted, 2);
	assert_err("", AK_ERR_UNAVAILABLE, s->accepted_err);
	assert_string_equal(s->accepted_text, "no /proc");
	s->err = AK_OK;
	enforcer_run(&s->e);
	assert_false(s->how.accept);
}

static void
what_is_held_back_is_told_once_and_again_when_it_is_more(void **state)
{
	static const struct {
		unsigned held, told;
	} rows[] = {{0, 0}, {11, 1}, {11, 1}, {10, 1}, {11, 2}, {13, 3}, {0, 3}, {1, 4}};
	struct scene *s = *state;

	s->res.live = 15;
	for (size_t i = 0; i < N(rows); i++) {
		s->res.held_back = rows[i].held;
		enforcer_run(&s->e);
		assert_int_equal(s->e.held_back, rows[i].held);
		assert_int_equal(lines_with(s, "log", "event=sessions-held-back"), rows[i].told);
		assert_int_equal(
		    lines_with(s, "audit.log", "event=session-held-back"), rows[i].told);
	}
	assert_int_equal(lines_with(s, "log", "sessions=13 live=15"), 2);
}

static void
what_lives_though_it_was_killed_is_told_once(void **state)
{
	struct scene *s = *state;

	s->res.left = 2;
	enforcer_run(&s->e);
	enforcer_run(&s->e);
	assert_int_equal(lines_with(s, "log", "event=processes-left processes=2"), 1);
	s->res.left = 0;
	enforcer_run(&s->e);
	assert_int_equal(lines_with(s, "log", "event=processes-left"), 1);
}

static void
each_session_that_ended_is_a_line_of_the_audit_log(void **state)
{
	struct scene *s = *state;
	struct session session = {.id = "00112233445566ff", .key = "ci", .since = 1};
	const struct enforce_ended end = {
	    .session = &session, .reason = REASON_GROUP, .why = "w"};

	s->end = &end;
	enforcer_run(&s->e);
	assert_int_equal(
	    lines_with(s, "audit.log", " event=session-ended key=ci uid=0 session=0011"), 1);
	assert_int_equal(lines_with(s, "audit.log", " by=apikeyd\n"), 1);
	assert_int_equal(lines_with(s, "log", "event=audit-failed"), 0);
	/* Where it can't be written that is said, and it is in the log of the host. */
	assert_int_equal(unlink(s->paths.audit), 0);
	assert_int_equal(mkdir(s->paths.audit, 0700), 0);
	enforcer_run(&s->e);
	assert_int_equal(lines_with(s, "log", "event=session-ended"), 2);
	assert_int_equal(lines_with(s, "log", "event=audit-failed file="), 1);
	assert_int_equal(rmdir(s->paths.audit), 0);
}

static void
who_is_closed_judges_nobody_any_more(void **state)
{
	struct enforcer none = ENFORCER_CLOSED;
	struct scene *s = *state;

	enforcer_close(&none); /* apikeyd ends before it could begin */
	s->res.again_in_ms = 1;
	enforcer_run(&s->e);
	assert_true(s->e.due.armed);
	enforcer_close(&s->e);
	assert_false(s->e.due.armed);
	assert_int_equal(passes_within(s, 20), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(only_what_follows_a_move_of_the_directory_is_guarded),
	    T(what_the_directory_said_stays_guarded_until_a_pass_judged_all_of_it),
	    T(the_guard_is_told_how_many_were_ended_so_a_moment_ago),
	    T(a_minute_is_sixty_seconds),
	    T(a_new_record_is_looked_at_and_many_at_once_are_looked_at_once),
	    T(a_record_waits_a_tenth_of_a_second_at_most_and_a_revocation_not_at_all),
	    T(a_record_waits_ten_times_as_long_as_the_last_pass_took),
	    T(a_folder_that_goes_is_made_anew_and_watched),
	    T(a_folder_that_others_may_enter_is_said_and_what_can_be_done_is_done),
	    T(another_pass_that_is_at_work_is_waited_for),
	    T(a_pass_that_is_waited_for_is_told_of_after_ten_seconds),
	    T(a_failure_is_logged_once_and_tried_again_ever_later),
	    T(the_earliest_moment_is_waited_for_and_one_that_passed_is_not_asked_for_without_end),
	    T(a_moment_of_this_very_second_is_asked_for_in_the_next),
	    T(a_clock_that_was_set_is_looked_at_at_once),
	    T(another_pass_that_is_due_comes),
	    T(what_can_not_be_published_ends_sessions_all_the_same),
	    T(nothing_held_back_is_said_without_a_pass),
	    T(what_is_held_back_is_accepted_once),
	    T(an_accept_before_the_first_pass_asks_that_one_what_is_held_back),
	    T(an_accept_waits_for_another_pass_and_not_for_a_failure),
	    T(what_is_held_back_is_told_once_and_again_when_it_is_more),
	    T(what_lives_though_it_was_killed_is_told_once),
	    T(each_session_that_ended_is_a_line_of_the_audit_log),
	    T(who_is_closed_judges_nobody_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
