/* The audit log's file: a line whole or not at all, in nobody's file but its owner's. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "auditlog.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct paths paths;

static int
set_up(void **state)
{
	int rc = tmp_setup(state);

	assert_int_equal(mkdir(tmp_path(*state, "log"), 0750), 0);
	assert_err("", AK_OK,
	    paths_under(tmp_path(*state, "etc"), tmp_path(*state, "log"), geteuid(), &paths));
	return rc;
}

/* The log without the moments, which are checked here; for free(). NULL: there is none. */
static char *
lines_of(const char *path)
{
	static const char moment[] = "time=0000-00-00T00:00:00.000Z ";
	size_t len_b, to = 0;
	char *text = file_read(path, &len_b);

	if (text == NULL)
		return NULL;
	for (size_t at = 0; at < len_b;) {
		/* A line that was seen half written was ended once more. */
		if (text[at] == '\n') {
			at++;
			continue;
		}
		for (size_t i = 0; moment[i] != '\0'; i++, at++)
			assert_true(moment[i] == '0' ? text[at] >= '0' && text[at] <= '9'
						     : text[at] == moment[i]);
		do
			text[to++] = text[at];
		while (text[at++] != '\n');
	}
	text[to] = '\0';
	return text;
}

static void
holds(const char *wanted)
{
	char *text = lines_of(paths.audit);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void
each_line_stands_behind_the_last_with_its_moment(void **state)
{
	(void)state;
	assert_err("", AK_OK, auditlog_append(&paths, "event=one"));
	assert_err("", AK_OK, auditlog_append(&paths, "event=two why=\"a b\""));
	holds("event=one\nevent=two why=\"a b\"\n");
}

static void
a_line_has_a_newline_at_its_end_alone_and_a_bound(void **state)
{
	static char longest[AUDIT_LINE_CAP], longer[2 * AUDIT_LINE_CAP];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	memset(longer, 'x', sizeof(longer) - 1);
	assert_err("", AK_ERR_INVALID, auditlog_append(&paths, "event=one\nevent=two"));
	assert_err("", AK_ERR_INVALID, auditlog_append(&paths, "event=one\n"));
	assert_err("", AK_ERR_RANGE, auditlog_append(&paths, longer));
	assert_false(file_is_there(paths.audit));
	assert_err("", AK_OK, auditlog_append(&paths, longest));
	longest[sizeof(longest) - 2] = '\n';
	assert_err("", AK_ERR_INVALID, auditlog_append(&paths, longest));
}

static void
whatever_the_umask_the_group_of_the_folder_may_read_it(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0777};
	gid_t groups[64];
	int n = getgroups(64, groups);
	gid_t other = geteuid() == 0 ? 4711 : n > 0 ? groups[n - 1] : getegid();
	struct stat st;

	assert_int_equal(chown(tmp_path(*state, "log"), (uid_t)-1, other), 0);
	for (size_t i = 0; i < N(masks); i++) {
		mode_t was = umask(masks[i]);

		assert_err("", AK_OK, auditlog_append(&paths, "event=one"));
		(void)umask(was);
		assert_int_equal(stat(paths.audit, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0640);
		assert_int_equal(st.st_gid, other);
		assert_int_equal(unlink(paths.audit), 0);
	}
	/* What an administrator, or logrotate, made of it stays. */
	file_write(paths.audit, "", 0, 0600);
	assert_err("", AK_OK, auditlog_append(&paths, "event=one"));
	assert_int_equal(stat(paths.audit, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void
make_link(const char *path, struct tmp *t)
{
	const char *target = tmp_path(t, "target");

	file_write(target, "", 0, 0600);
	assert_int_equal(symlink(target, path), 0);
}

static void
make_dangling_link(const char *path, struct tmp *t)
{
	assert_int_equal(symlink(tmp_path(t, "target"), path), 0);
}

static void
make_fifo(const char *path, struct tmp *t)
{
	(void)t;
	assert_int_equal(mkfifo(path, 0600), 0);
}

static int reader = -1;

static void
make_fifo_that_is_read(const char *path, struct tmp *t)
{
	make_fifo(path, t);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_not_equal(reader, -1);
}

static void
make_folder(const char *path, struct tmp *t)
{
	(void)t;
	assert_int_equal(mkdir(path, 0700), 0);
}

static void
make_socket(const char *path, struct tmp *t)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)t;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	(void)close(fd);
}

static void
what_is_no_file_of_its_owner_is_not_written_to(void **state)
{
	static const struct {
		const char *name;
		void (*make)(const char *path, struct tmp *t);
	} rows[] = {
	    {"a link", make_link},
	    {"a link to nothing", make_dangling_link},
	    {"a pipe", make_fifo},
	    {"a pipe that somebody reads", make_fifo_that_is_read},
	    {"a folder", make_folder},
	    {"a socket", make_socket},
	};

	for (size_t i = 0; i < N(rows); i++) {
		rows[i].make(paths.audit, *state);
		assert_err(rows[i].name, AK_ERR_UNSAFE, auditlog_append(&paths, "event=one"));
		assert_int_equal(remove(paths.audit), 0);
		assert_row(rows[i].name, !file_is_there(tmp_path(*state, "target")) ||
					     file_holds(tmp_path(*state, "target"), ""));
		(void)unlink(tmp_path(*state, "target"));
	}
	(void)close(reader);
	file_write(paths.audit, "", 0, 0600);
	paths.owner++;
	if (geteuid() == 0)
		assert_int_equal(chown(tmp_path(*state, "log"), paths.owner, (gid_t)-1), 0);
	assert_err("another's", AK_ERR_UNSAFE, auditlog_append(&paths, "event=one"));
	assert_true(file_holds(paths.audit, ""));
}

static void
a_folder_that_others_can_write_to_or_that_is_missing_gets_no_line(void **state)
{
	static const mode_t unsafe[] = {0770, 0757, 0777, 01777};
	const char *folder = tmp_path(*state, "log"), *other = tmp_path(*state, "other");

	for (size_t i = 0; i < N(unsafe); i++) {
		assert_int_equal(chmod(folder, unsafe[i]), 0);
		assert_err("", AK_ERR_UNSAFE, auditlog_append(&paths, "event=one"));
	}
	assert_int_equal(chmod(folder, 02750), 0);
	assert_int_equal(rename(folder, other), 0);
	assert_err("missing", AK_ERR_UNAVAILABLE, auditlog_append(&paths, "event=one"));
	assert_int_equal(symlink(other, folder), 0);
	assert_err("a link", AK_ERR_UNSAFE, auditlog_append(&paths, "event=one"));
	assert_int_equal(unlink(folder), 0);
	file_write(folder, "", 0, 0600);
	assert_err("a file", AK_ERR_UNSAFE, auditlog_append(&paths, "event=one"));
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(rename(other, folder), 0);
	assert_err("again", AK_OK, auditlog_append(&paths, "event=one"));
}

/* A signal would end the test. */
static void
under_a_limit_on_file_sizes_there_is_no_line_and_no_signal(void **state)
{
	static const rlim_t rooms[] = {0, 1, 30, 100, 4096, 1 << 20};
	struct rlimit was, now;

	(void)state;
	assert_err("", AK_OK, auditlog_append(&paths, "event=one"));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (size_t i = 0; i < N(rooms); i++) {
		now = (struct rlimit){.rlim_cur = rooms[i], .rlim_max = was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		assert_err("", AK_ERR_UNAVAILABLE, auditlog_append(&paths, "event=two"));
	}
	now.rlim_cur = 2 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_err("", AK_OK, auditlog_append(&paths, "event=three"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	holds("event=one\nevent=three\n");
}

static void
a_line_that_a_full_disk_cut_swallows_none(void **state)
{
	static const char torn[] = "time=2026-03-04T05:06:07.890Z event=one why=\"cut\n"
				   "time=2026-03-04T05:06:07.890Z event=two why=\"c";

	(void)state;
	file_write(paths.audit, torn, sizeof(torn) - 1, 0640);
	assert_err("", AK_OK, auditlog_append(&paths, "event=three"));
	holds("event=one why=\"cut\nevent=two why=\"c\nevent=three\n");
}

enum { WRITERS = 6, LINES = 200 };

static void
write_lines(unsigned writer)
{
	char line[1100];

	memset(line, 'a' + (int)writer, sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (unsigned i = 0; i < LINES; i++)
		if (auditlog_append(&paths, line) != AK_OK)
			_exit(1);
	_exit(0);
}

static void
many_writers_at_once_mix_no_lines(void **state)
{
	unsigned counts[WRITERS] = {0};
	pid_t pids[WRITERS];
	char *text;
	int status;

	(void)state;
	for (unsigned i = 0; i < WRITERS; i++)
		if ((pids[i] = fork()) == 0)
			write_lines(i);
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	text = lines_of(paths.audit);
	assert_non_null(text);
	for (char *at = text, *end; *at != '\0'; at = end + 1) {
		unsigned writer = (unsigned)(*at - 'a');

		end = strchr(at, '\n');
		assert_in_range(writer, 0, WRITERS - 1);
		for (const char *c = at; c < end; c++)
			assert_int_equal(*c, *at);
		counts[writer] += end - at == 1099;
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(counts[i], LINES);
	free(text);
}

static volatile sig_atomic_t rings;

static void
ring(int sig)
{
	(void)sig;
	rings++;
}

static void
abuse_133_in_a_storm_of_signals_each_line_is_whole(void **state)
{
	const struct itimerval storm = {
	    .it_interval = {.tv_usec = 100}, .it_value = {.tv_usec = 1}};
	const struct itimerval calm = {.it_value = {.tv_sec = 0}};
	struct sigaction on = {.sa_handler = ring}, was;
	unsigned n = 0;
	char *text;

	(void)state;
	rings = 0;
	assert_int_equal(sigaction(SIGALRM, &on, &was), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
	while (rings < 100) {
		assert_err("", AK_OK, auditlog_append(&paths, "event=one"));
		n++;
	}
	assert_int_equal(setitimer(ITIMER_REAL, &calm, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &was, NULL), 0);
	text = lines_of(paths.audit);
	assert_non_null(text);
	assert_int_equal(strlen(text), n * strlen("event=one\n"));
	free(text);
}

static void
without_a_descriptor_there_is_no_line(void **state)
{
	struct rlimit was, now;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	now = (struct rlimit){.rlim_cur = 0, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	assert_err("", AK_ERR_UNAVAILABLE, auditlog_append(&paths, "event=one"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_false(file_is_there(paths.audit));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_line_stands_behind_the_last_with_its_moment),
	    T(a_line_has_a_newline_at_its_end_alone_and_a_bound),
	    T(whatever_the_umask_the_group_of_the_folder_may_read_it),
	    T(what_is_no_file_of_its_owner_is_not_written_to),
	    T(a_folder_that_others_can_write_to_or_that_is_missing_gets_no_line),
	    T(under_a_limit_on_file_sizes_there_is_no_line_and_no_signal),
	    T(a_line_that_a_full_disk_cut_swallows_none),
	    T(many_writers_at_once_mix_no_lines),
	    T(abuse_133_in_a_storm_of_signals_each_line_is_whole),
	    T(without_a_descriptor_there_is_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
