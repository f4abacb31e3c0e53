/* When the daemon publishes, when it waits, and what it tells. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lock.h"
#include "publisher.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

struct scene {
	struct tmp *tmp;
	struct host h;
	struct loop loop;
	struct rules rules;
	struct publisher p;
	struct source_id groups; /* which are said to lie there */
	unsigned prepared, noted, done, written, news, unread;
	bool unread_keys, is_behind;
	enum rules_news last_news;
	enum ak_err err, prepare_err;
	char why[DIAG_PRINT_CAP];
};

static int64_t
now(void *ctx)
{
	(void)ctx;
	return HOST_NOW;
}

static enum ak_err
check_id(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	return AK_OK;
}

static void
news(void *ctx, enum rules_news what)
{
	struct scene *s = ctx;

	s->news++;
	s->last_news = what;
}

static enum ak_err
prepare(void *ctx, struct diag *why)
{
	struct scene *s = ctx;

	s->prepared++;
	return s->prepare_err == AK_OK ? AK_OK
				       : diag_because(why, s->prepare_err, "the disk is full");
}

static void
sources(void *ctx, struct source_id *keys, struct source_id *groups)
{
	const struct scene *s = ctx;

	*keys = (struct source_id){.generation = 0};
	*groups = s->groups;
}

static bool
behind(void *ctx, struct diag *why)
{
	const struct scene *s = ctx;

	if (s->is_behind)
		(void)diag_because(why, AK_ERR_UNAVAILABLE, "the accounts are away");
	return s->is_behind;
}

static void
unread(void *ctx, bool keys, bool groups)
{
	struct scene *s = ctx;

	s->unread++;
	s->unread_keys |= keys;
	assert_true(groups);
}

static enum ak_err
note(void *ctx, struct store *store)
{
	struct scene *s = ctx;

	(void)store;
	s->noted++;
	return AK_OK;
}

static void
done(void *ctx, enum ak_err err, const struct publish_result *res, const struct diag *why)
{
	struct scene *s = ctx;

	s->done++;
	s->written += res != NULL;
	s->err = err;
	(void)diag_print(why, s->why, sizeof(s->why));
}

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	void *tmp = NULL;
	const struct publisher_host host = {.now = now,
	    .check_id = check_id,
	    .news = news,
	    .prepare = prepare,
	    .behind = behind,
	    .sources = sources,
	    .note = note,
	    .unread = unread,
	    .done = done,
	    .ctx = s};

	assert_non_null(s);
	if (tmp_setup(&tmp) != 0)
		return -1;
	s->tmp = tmp;
	host_make(&s->h, s->tmp);
	loop_init(&s->loop);
	rules_init(&s->rules, &s->h.paths);
	publisher_init(&s->p, &s->loop, &s->h.paths, &s->rules, &host);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;
	void *tmp = s->tmp;

	publisher_stop(&s->p);
	rules_clear(&s->rules);
	free(s);
	return tmp_teardown(&tmp);
}

static void
what_is_published_is_not_published_again(void **state)
{
	struct scene *s = *state;

	publisher_run(&s->p, true);
	assert_err("first", AK_OK, s->err);
	assert_int_equal(s->written, 1);
	assert_int_equal(s->noted, 1);
	publisher_run(&s->p, false);
	assert_int_equal(s->done, 2);
	assert_int_equal(s->written, 1);
	host_groups(&s->h, "root:x:0:\n");
	publisher_run(&s->p, false);
	assert_int_equal(s->written, 2);
}

static void
a_policy_is_told_once_for_each_change(void **state)
{
	struct scene *s = *state;

	publisher_run(&s->p, true);
	publisher_run(&s->p, true);
	assert_int_equal(s->news, 1);
	assert_int_equal(s->last_news, RULES_LOADED);
	host_policy(&s->h, "version: 1\nroles: [\n");
	publisher_run(&s->p, true);
	publisher_run(&s->p, true);
	assert_int_equal(s->news, 2);
	assert_int_equal(s->last_news, RULES_BROKEN);
	assert_non_null(strstr(s->rules.told_problem, "policy.yaml:"));
	host_policy(&s->h, "version: 1\nroles: {\n");
	publisher_run(&s->p, true);
	assert_int_equal(s->news, 3);
	host_policy(&s->h, HOST_POLICY);
	publisher_run(&s->p, true);
	assert_int_equal(s->news, 4);
	assert_string_equal(s->rules.told_problem, "");
}

static void
a_broken_policy_leaves_no_image_and_keeps_groups(void **state)
{
	struct scene *s = *state;
	struct key_record k = key_make("bob", 70000);
	char *before, *after;

	key_bind(&k, "editor");
	assert_err("put", AK_OK, host_put(&s->h, &k));
	before = host_dump(&s->h);
	host_policy(&s->h, "version: 1\nroles: [\n");
	publisher_run(&s->p, true);
	assert_null(s->rules.live.image);
	assert_err("", AK_OK, s->err);
	after = host_dump(&s->h);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static int
hold_lock(void *path)
{
	struct lock l = LOCK_INIT;

	return lock_take(&l, path, NULL, NULL, NULL) == AK_OK ? 0 : 1;
}

static void
another_writer_is_never_waited_for_and_asked_again_soon(void **state)
{
	struct scene *s = *state;
	struct child holder = child_start(hold_lock, s->h.paths.lock);
	int64_t began = loop_now_ms(), end;

	publisher_run(&s->p, true);
	assert_true(loop_now_ms() - began < 2000);
	assert_int_equal(s->done, 0);
	assert_true(s->p.due.armed);
	assert_true(s->p.due.at_ms <= loop_now_ms() + 10);
	assert_err("loop", AK_OK, loop_once(&s->loop, 1000));
	assert_int_equal(s->done, 0);
	child_end(&holder);
	end = loop_now_ms() + 10000;
	while (s->done == 0 && loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s->loop, 1000));
	assert_int_equal(s->written, 1);
	assert_false(s->p.due.armed);
}

/* Nor does a revocation wait for it, nor what says that the directory was heard. */
static void
what_could_not_be_read_anew_is_read_again_and_holds_nothing_up(void **state)
{
	struct scene *s = *state;
	int64_t now_ms = loop_now_ms();

	s->is_behind = true;
	publisher_run(&s->p, true);
	assert_int_equal(s->done, 1);
	assert_err("it is published", AK_OK, s->err);
	assert_int_equal(s->written, 1);
	assert_string_equal(s->why, "the accounts are away");
	assert_true(s->p.due.armed && s->p.due.at_ms >= now_ms + 1000);
	publisher_want(&s->p, false);
	assert_true(s->p.due.at_ms <= loop_now_ms());
	s->is_behind = false;
	publisher_run(&s->p, false);
	assert_err("", AK_OK, s->err);
	assert_false(s->p.due.armed);
}

static void
abuse_073_what_fails_is_tried_again_ever_later_and_what_stands_stands(void **state)
{
	struct scene *s = *state;
	struct key_record k = key_make("bob", 70000);
	char *before, *after;
	size_t before_b, after_b;

	assert_err("put", AK_OK, host_put(&s->h, &k));
	before = file_read(s->h.paths.users, &before_b);
	file_write(s->h.paths.local, "damaged", 7, 0600);
	for (int64_t ms = 1000; ms <= 64000; ms *= 2) {
		s->p.failed.until_ms = 0; /* its time has come */
		publisher_run(&s->p, false);
		assert_err("run", AK_ERR_CORRUPT, s->err);
		assert_int_equal(s->p.failed.ms, ms < 60000 ? ms : 60000);
		assert_true(s->p.due.armed);
	}
	assert_int_equal(s->written, 0);
	assert_non_null(strstr(s->why, "local.idx"));
	after = file_read(s->h.paths.users, &after_b);
	assert_int_equal(before_b, after_b);
	assert_memory_equal(before, after, after_b);
	free(before);
	free(after);
}

static void
whoever_asks_meanwhile_makes_the_pause_no_longer_and_wakes_it_not_at_once(void **state)
{
	struct scene *s = *state;
	int64_t now_ms = loop_now_ms();

	s->prepare_err = AK_ERR_UNAVAILABLE;
	for (unsigned i = 0; i < 10; i++)
		publisher_run(&s->p, false);
	assert_true(s->p.failed.ms < 60000);
	publisher_stop(&s->p);
	s->p.failed.ms = 32000;
	s->p.failed.until_ms = now_ms + 32000;
	publisher_run(&s->p, false);
	assert_int_equal(s->p.failed.ms, 32000);
	assert_int_equal(s->p.failed.until_ms, now_ms + 32000);
	assert_true(s->p.due.at_ms >= now_ms + 31000);
	publisher_want_paced(&s->p);
	assert_true(s->p.due.at_ms >= now_ms + 1000);
	assert_true(s->p.due.at_ms <= loop_now_ms() + 1000);
	publisher_want(&s->p, false);
	assert_true(s->p.due.at_ms >= now_ms + 1000);
}

static void
the_pause_of_a_failure_is_over_with_it(void **state)
{
	struct scene *s = *state;

	s->prepare_err = AK_ERR_UNAVAILABLE;
	s->p.failed.ms = 32000;
	publisher_run(&s->p, false);
	assert_int_equal(s->p.failed.ms, 60000);
	s->prepare_err = AK_OK;
	publisher_run(&s->p, false);
	publisher_want_paced(&s->p);
	assert_true(s->p.due.at_ms <= loop_now_ms() + 1000);
}

/* Nobody edits it for that; what can't be read says nothing of it. */
static void
a_policy_that_could_not_be_read_is_read_again(void **state)
{
	struct scene *s = *state;
	struct rlimit was, none;
	int next = dup(STDERR_FILENO);

	assert_int_not_equal(next, -1);
	assert_int_equal(close(next), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	publisher_run(&s->p, true);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(s->last_news, RULES_BROKEN);
	assert_true(s->why[0] != '\0');
	assert_true(s->p.due.armed);
	publisher_run(&s->p, false);
	assert_err("", AK_OK, s->err);
	assert_int_equal(s->last_news, RULES_LOADED);
	assert_non_null(s->rules.live.image);
	assert_false(s->p.due.armed);
}

/* users.idx is made of all else, and what the directory says next is not kept waiting for the rest. */
static void
what_could_not_be_read_of_the_directory_is_written_again_and_nothing_waits_for_it(void **state)
{
	struct scene *s = *state;
	int64_t now_ms;

	host_settings(&s->h, "version: 1\ndirectory: {uris: [ldaps://ldap.example.com]}\n");
	s->groups = (struct source_id){.generation = 3, .id = 7};
	for (unsigned i = 1; i < 4; i++) {
		s->p.unread.until_ms = 0; /* its time has come */
		publisher_run(&s->p, i == 1);
		assert_err("", AK_OK, s->err);
		assert_non_null(strstr(s->why, "without a part"));
		assert_int_equal(s->unread, i);
		assert_false(s->unread_keys);
		assert_true(s->p.due.armed);
		assert_int_equal(s->p.unread.ms, 500 << i);
	}
	assert_int_equal(s->p.failed.ms, 0);
	now_ms = loop_now_ms();
	publisher_want_paced(&s->p);
	assert_true(s->p.due.at_ms <= now_ms + 1000);
	s->groups.generation = 0;
	publisher_run(&s->p, false);
	assert_string_equal(s->why, "");
	assert_false(s->p.due.armed);
	assert_int_equal(s->unread, 3);
}

static void
without_a_directory_in_the_settings_its_files_are_not_missed(void **state)
{
	struct scene *s = *state;

	s->groups = (struct source_id){.generation = 3, .id = 7};
	publisher_run(&s->p, true);
	assert_err("", AK_OK, s->err);
	assert_string_equal(s->why, "");
	assert_int_equal(s->unread, 0);
	assert_false(s->p.due.armed);
}

static void
when_the_directorys_files_fail_the_rest_is_published_all_the_same(void **state)
{
	struct scene *s = *state;

	s->prepare_err = AK_ERR_UNAVAILABLE;
	publisher_run(&s->p, true);
	assert_err("", AK_ERR_UNAVAILABLE, s->err);
	assert_string_equal(s->why, "the disk is full");
	assert_int_equal(s->noted, 1);
	assert_true(file_is_there(s->h.paths.users));
	assert_true(s->p.due.armed);
	s->prepare_err = AK_OK;
	publisher_run(&s->p, false);
	assert_err("", AK_OK, s->err);
	assert_int_equal(s->p.failed.ms, 0);
	assert_false(s->p.due.armed);
}

static void
the_directorys_first_change_goes_at_once_and_the_next_waits_its_turn(void **state)
{
	struct scene *s = *state;

	publisher_want_paced(&s->p);
	assert_true(s->p.due.at_ms <= loop_now_ms());
	publisher_run(&s->p, false);
	assert_false(s->p.due.armed);
	s->p.pace.until_ms = loop_now_ms() + 5000; /* as if it had taken half a second */
	publisher_want_paced(&s->p);
	publisher_want_paced(&s->p);
	assert_true(s->p.due.at_ms > loop_now_ms() + 4000);
	/* This host's own files wait for nothing. */
	publisher_want(&s->p, false);
	assert_true(s->p.due.at_ms <= loop_now_ms());
	/* And what finds nothing to do takes no pause away. */
	publisher_run(&s->p, false);
	publisher_want_paced(&s->p);
	assert_true(s->p.due.at_ms > loop_now_ms() + 4000);
}

static void
a_command_that_published_meanwhile_leaves_nothing_to_do(void **state)
{
	struct scene *s = *state;
	struct key_record k = key_make("bob", 70000);

	publisher_run(&s->p, true);
	assert_err("put", AK_OK, host_put(&s->h, &k));
	publisher_run(&s->p, false);
	assert_int_equal(s->done, 2);
	assert_int_equal(s->written, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_published_is_not_published_again),
	    T(a_policy_is_told_once_for_each_change),
	    T(a_broken_policy_leaves_no_image_and_keeps_groups),
	    T(another_writer_is_never_waited_for_and_asked_again_soon),
	    T(what_could_not_be_read_anew_is_read_again_and_holds_nothing_up),
	    T(abuse_073_what_fails_is_tried_again_ever_later_and_what_stands_stands),
	    T(whoever_asks_meanwhile_makes_the_pause_no_longer_and_wakes_it_not_at_once),
	    T(the_pause_of_a_failure_is_over_with_it),
	    T(a_policy_that_could_not_be_read_is_read_again),
	    T(what_could_not_be_read_of_the_directory_is_written_again_and_nothing_waits_for_it),
	    T(without_a_directory_in_the_settings_its_files_are_not_missed),
	    T(when_the_directorys_files_fail_the_rest_is_published_all_the_same),
	    T(the_directorys_first_change_goes_at_once_and_the_next_waits_its_turn),
	    T(a_command_that_published_meanwhile_leaves_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
