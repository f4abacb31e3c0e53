/* Which file of the host moved, whatever moved it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_tmp.h"
#include "watch.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct seen {
	struct loop loop;
	struct watch watch;
	struct paths paths;
	struct tmp *tmp;
	unsigned files;
};

static void
take(void *ctx, unsigned files)
{
	((struct seen *)ctx)->files |= files;
}

/* The loop runs until all of `wanted` was told, or 5 s are over; then once more. */
static unsigned
told(struct seen *s, unsigned wanted)
{
	int64_t end = loop_now_ms() + 5000;
	unsigned files;

	while ((s->files & wanted) != wanted && loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s->loop, 100));
	assert_err("loop", AK_OK, loop_once(&s->loop, 0));
	files = s->files;
	s->files = 0;
	return files;
}

static void
make_folders(struct tmp *tmp)
{
	assert_int_equal(mkdir(tmp_path(tmp, "etc"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(tmp, "etc/apikey"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(tmp, "state"), 0755), 0);
}

static void
begin(struct seen *s, struct tmp *tmp)
{
	char etc[TMP_CAP * 2], state[TMP_CAP * 2];
	struct diag why = DIAG_INIT;

	*s = (struct seen){.tmp = tmp};
	(void)snprintf(etc, sizeof(etc), "%s", tmp_path(tmp, "etc"));
	(void)snprintf(state, sizeof(state), "%s", tmp_path(tmp, "state"));
	assert_err("paths", AK_OK, paths_under(etc, state, geteuid(), &s->paths));
	loop_init(&s->loop);
	assert_err("watch", AK_OK, watch_open(&s->watch, &s->loop, &s->paths, take, s, &why));
}

static void
write_text(const char *path, const char *text)
{
	file_write(path, text, strlen(text), 0644);
}

enum how { IN_PLACE, RENAMED, LINKED, REMOVED, MOVED_AWAY };

static void
move(struct seen *s, const char *path, enum how how)
{
	const char *beside = tmp_path(s->tmp, "etc/apikey/beside");

	switch (how) {
	case IN_PLACE:
		write_text(path, "in place");
		break;
	case RENAMED:
		write_text(beside, "renamed");
		assert_int_equal(rename(beside, path), 0);
		break;
	case LINKED:
		write_text(beside, "linked");
		assert_int_equal(link(beside, path), 0);
		assert_int_equal(unlink(beside), 0);
		break;
	case REMOVED:
		assert_int_equal(unlink(path), 0);
		break;
	case MOVED_AWAY:
		assert_int_equal(rename(path, beside), 0);
		assert_int_equal(unlink(beside), 0);
		break;
	}
}

static void
each_file_is_told_by_its_name_however_it_moved(void **state)
{
	static const enum how order[] = {
	    IN_PLACE, IN_PLACE, RENAMED, REMOVED, LINKED, MOVED_AWAY, RENAMED};
	struct seen s;

	make_folders(*state);
	begin(&s, *state);
	const struct {
		enum watch_file what;
		const char *path;
	} rows[] = {{WATCH_CONFIG, s.paths.config}, {WATCH_POLICY, s.paths.policy},
	    {WATCH_LOCKDOWN, s.paths.lockdown}, {WATCH_GROUP, s.paths.group},
	    {WATCH_PASSWD, s.paths.passwd}, {WATCH_LOCAL, s.paths.local}};

	for (size_t i = 0; i < N(rows); i++)
		for (size_t k = 0; k < N(order); k++) {
			move(&s, rows[i].path, order[k]);
			assert_row(rows[i].path, told(&s, rows[i].what) == rows[i].what);
		}
	watch_close(&s.watch);
}

static void
other_files_of_the_folders_are_nobodys_business(void **state)
{
	struct seen s;

	make_folders(*state);
	begin(&s, *state);
	write_text(tmp_path(*state, "etc/shadow"), "x");
	write_text(tmp_path(*state, "etc/apikey/policy.yaml.prev"), "x");
	write_text(tmp_path(*state, "etc/apikey/group"), "x");
	write_text(tmp_path(*state, "state/users.idx"), "x");
	assert_int_equal(told(&s, 0), 0);
	watch_close(&s.watch);
}

static void
a_file_is_not_told_before_its_writer_is_done(void **state)
{
	struct seen s;
	FILE *f;

	make_folders(*state);
	begin(&s, *state);
	f = fopen(s.paths.policy, "w");
	assert_non_null(f);
	(void)fputs("half", f);
	(void)fflush(f);
	assert_int_equal(told(&s, 0), 0);
	(void)fclose(f);
	assert_int_equal(told(&s, WATCH_POLICY), WATCH_POLICY);
	assert_false(s.watch.written.armed && s.watch.made != 0);
	watch_close(&s.watch);
}

static void
a_folder_that_is_replaced_is_watched_again(void **state)
{
	static const unsigned of_folder = WATCH_CONFIG | WATCH_POLICY | WATCH_LOCKDOWN;
	struct seen s;

	make_folders(*state);
	begin(&s, *state);
	assert_int_equal(rename(tmp_path(*state, "etc/apikey"), tmp_path(*state, "old")), 0);
	assert_int_equal(mkdir(tmp_path(*state, "etc/apikey"), 0755), 0);
	assert_int_equal(told(&s, of_folder), of_folder);
	write_text(s.paths.policy, "new");
	assert_int_equal(told(&s, WATCH_POLICY), WATCH_POLICY);
	write_text(tmp_path(*state, "old/policy.yaml"), "nobody reads this one");
	assert_int_equal(told(&s, 0), 0);
	watch_close(&s.watch);
}

static void
a_folder_that_is_a_link_is_followed_to_where_it_leads_next(void **state)
{
	struct seen s;

	assert_int_equal(mkdir(tmp_path(*state, "etc"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(*state, "one"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(*state, "two"), 0755), 0);
	assert_int_equal(mkdir(tmp_path(*state, "state"), 0755), 0);
	assert_int_equal(symlink("../one", tmp_path(*state, "etc/apikey")), 0);
	begin(&s, *state);
	assert_int_equal(symlink("../two", tmp_path(*state, "etc/.new")), 0);
	assert_int_equal(
	    rename(tmp_path(*state, "etc/.new"), tmp_path(*state, "etc/apikey")), 0);
	assert_row("led elsewhere", (told(&s, WATCH_POLICY) & WATCH_POLICY) != 0);
	write_text(tmp_path(*state, "two/policy.yaml"), "x");
	assert_int_equal(told(&s, WATCH_POLICY), WATCH_POLICY);
	watch_close(&s.watch);
}

static void
a_folder_that_comes_later_is_found(void **state)
{
	struct seen s;

	assert_int_equal(mkdir(tmp_path(*state, "etc"), 0755), 0);
	begin(&s, *state);
	assert_int_equal(mkdir(tmp_path(*state, "state"), 0755), 0);
	assert_int_equal(told(&s, WATCH_LOCAL), WATCH_LOCAL | WATCH_SNAPSHOT);
	write_text(s.paths.local, "x");
	assert_int_equal(told(&s, WATCH_LOCAL), WATCH_LOCAL);
	watch_close(&s.watch);
}

static void
when_the_kernel_loses_count_all_files_are_looked_at(void **state)
{
	struct seen s;
	char *text;
	size_t len_b;
	unsigned long most;

	make_folders(*state);
	begin(&s, *state);
	text = file_read("/proc/sys/fs/inotify/max_queued_events", &len_b);
	assert_non_null(text);
	most = strtoul(text, NULL, 10);
	free(text);
	/* Two alternating names: equal events in a row are told as one. */
	write_text(tmp_path(*state, "etc/a"), "x");
	for (unsigned long i = 0; i <= most; i++)
		assert_int_equal(rename(tmp_path(*state, i % 2 == 0 ? "etc/a" : "etc/b"),
				     tmp_path(*state, i % 2 == 0 ? "etc/b" : "etc/a")),
		    0);
	assert_int_equal(told(&s, WATCH_ALL), WATCH_ALL);
	watch_close(&s.watch);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_file_is_told_by_its_name_however_it_moved),
	    T(other_files_of_the_folders_are_nobodys_business),
	    T(a_file_is_not_told_before_its_writer_is_done),
	    T(a_folder_that_is_replaced_is_watched_again),
	    T(a_folder_that_is_a_link_is_followed_to_where_it_leads_next),
	    T(a_folder_that_comes_later_is_found),
	    T(when_the_kernel_loses_count_all_files_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
