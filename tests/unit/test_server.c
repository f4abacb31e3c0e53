/* What the command asks of the daemon, and who may ask. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct scene {
	struct loop loop;
	struct server server;
	char path[TMP_CAP * 2];
	unsigned syncs, accepts;
	bool at_once; /* what is asked for is over when it is asked for */
};

static void
status(void *ctx, struct control_reply *out)
{
	(void)ctx;
	out->pid = 4711;
}

static void
sync_asked(void *ctx)
{
	struct scene *s = ctx;

	s->syncs++;
	if (s->at_once)
		server_done(&s->server, CONTROL_SYNC, AK_ERR_NOT_FOUND, "no directory", 0);
}

static void
accept_asked(void *ctx)
{
	struct scene *s = ctx;

	s->accepts++;
	if (s->at_once)
		server_done(
		    &s->server, CONTROL_ACCEPT, AK_ERR_NOT_FOUND, "nothing is held back", 0);
}

static void
begin(struct scene *s, struct tmp *tmp, uid_t peer)
{
	const struct server_host host = {
	    .status = status, .sync = sync_asked, .accept = accept_asked, .ctx = s};
	struct server_how how = {.peer = peer, .ask_ms = 200, .wait_ms = 300};
	struct diag why = DIAG_INIT;

	*s = (struct scene){.syncs = 0};
	(void)snprintf(s->path, sizeof(s->path), "%s", tmp_path(tmp, "control"));
	how.path = s->path;
	loop_init(&s->loop);
	assert_err("open", AK_OK, server_open(&s->server, &s->loop, &how, &host, &why));
}

static void
run_for(struct scene *s, int64_t ms)
{
	int64_t end = loop_now_ms() + ms;

	while (loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s->loop, 10));
}

static int
connect_to(const struct scene *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_err("path", AK_OK, text_copy(at.sun_path, sizeof(at.sun_path), s->path));
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int
ask(const struct scene *s, enum control_ask what)
{
	struct pack p = PACK_INIT;
	int fd = connect_to(s);

	control_ask_pack(what, &p);
	assert_int_equal(send(fd, p.bytes, p.len_b, 0), p.len_b);
	pack_clear(&p);
	return fd;
}

/* The answer's length; 0: hung up on; -1: nothing yet. Closes what is over. */
static ssize_t
answer(int fd, struct control_reply *r)
{
	unsigned char buf[8192];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	memset(r, 0, sizeof(*r));
	if (n > 0)
		assert_err("reply", AK_OK, control_reply_unpack(buf, (size_t)n, r));
	if (n != -1)
		(void)close(fd);
	return n;
}

static void
a_status_is_answered_at_once(void **state)
{
	struct scene s;
	struct control_reply r;
	int fd;

	begin(&s, *state, geteuid());
	fd = ask(&s, CONTROL_STATUS);
	run_for(&s, 30);
	assert_true(answer(fd, &r) > 0);
	assert_err("status", AK_OK, r.err);
	assert_int_equal(r.pid, 4711);
	server_close(&s.server);
}

static void
an_accept_is_answered_when_it_is_over_and_says_how_many_were_ended(void **state)
{
	struct scene s;
	struct control_reply r;
	int fd, sync;

	begin(&s, *state, geteuid());
	fd = ask(&s, CONTROL_ACCEPT);
	sync = ask(&s, CONTROL_SYNC);
	run_for(&s, 30);
	assert_int_equal(s.accepts, 1);
	assert_int_equal(answer(fd, &r), -1);
	server_done(&s.server, CONTROL_ACCEPT, AK_OK, "", 12);
	assert_true(answer(fd, &r) > 0);
	assert_err("accept", AK_OK, r.err);
	assert_int_equal(r.ended, 12);
	/* Who waits for something else waits on. */
	assert_int_equal(answer(sync, &r), -1);
	(void)close(sync);
	server_close(&s.server);
}

static void
an_accept_without_cause_or_end_is_answered_too(void **state)
{
	struct scene s;
	struct control_reply r;
	int fd;

	begin(&s, *state, geteuid());
	s.at_once = true;
	fd = ask(&s, CONTROL_ACCEPT);
	run_for(&s, 30);
	assert_true(answer(fd, &r) > 0);
	assert_err("accept", AK_ERR_NOT_FOUND, r.err);
	assert_string_equal(r.text, "nothing is held back");
	assert_int_equal(r.ended, 0);
	s.at_once = false;
	fd = ask(&s, CONTROL_ACCEPT);
	run_for(&s, 400);
	assert_true(answer(fd, &r) > 0);
	assert_err("never", AK_ERR_UNAVAILABLE, r.err);
	assert_non_null(strstr(r.text, "another process"));
	server_close(&s.server);
}

static void
the_socket_is_its_owners_alone_and_goes_with_the_daemon(void **state)
{
	struct scene s;
	struct stat st;
	mode_t was = umask(0);

	file_write(tmp_path(*state, "control"), "stale", 5, 0644);
	begin(&s, *state, geteuid());
	(void)umask(was);
	assert_int_equal(stat(s.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	server_close(&s.server);
	assert_false(file_is_there(s.path));
}

static void
whoever_else_connects_is_hung_up_on(void **state)
{
	struct scene s;
	struct control_reply r;
	int fd;

	begin(&s, *state, geteuid() + 1);
	fd = ask(&s, CONTROL_STATUS);
	run_for(&s, 30);
	assert_int_not_equal(recv(fd, &r, sizeof(r), 0) > 0, 1);
	(void)close(fd);
	server_close(&s.server);
}

static void
a_sync_is_answered_when_it_is_over_for_all_who_wait(void **state)
{
	struct scene s;
	struct control_reply r;
	int one, two, three;

	begin(&s, *state, geteuid());
	one = ask(&s, CONTROL_SYNC);
	two = ask(&s, CONTROL_SYNC);
	three = ask(&s, CONTROL_STATUS);
	run_for(&s, 30);
	assert_int_equal(s.syncs, 2);
	assert_int_equal(answer(one, &r), -1);
	assert_true(answer(three, &r) > 0);
	server_done(&s.server, CONTROL_SYNC, AK_ERR_FULL, "the disk is full", 0);
	assert_true(answer(one, &r) > 0);
	assert_err("one", AK_ERR_FULL, r.err);
	assert_string_equal(r.text, "the disk is full");
	assert_true(answer(two, &r) > 0);
	assert_int_equal(r.pid, 4711);
	server_close(&s.server);
}

static void
a_sync_that_is_over_at_once_or_never_is_answered_too(void **state)
{
	struct scene s;
	struct control_reply r;
	int fd;

	begin(&s, *state, geteuid());
	s.at_once = true;
	fd = ask(&s, CONTROL_SYNC);
	run_for(&s, 30);
	assert_true(answer(fd, &r) > 0);
	assert_err("at once", AK_ERR_NOT_FOUND, r.err);
	s.at_once = false;
	fd = ask(&s, CONTROL_SYNC);
	run_for(&s, 400);
	assert_true(answer(fd, &r) > 0);
	assert_err("never", AK_ERR_UNAVAILABLE, r.err);
	assert_string_not_equal(r.text, "");
	server_close(&s.server);
}

static void
what_is_no_question_is_hung_up_on(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len_b;
	} rows[] = {
	    {"empty", "", 0},
	    {"half", "\1", 1},
	    {"another version", "\2\1", 2},
	    {"no question", "\1\11", 2},
	    {"too much", "\1\1\1", 3},
	    {"far too much",
		"\1\1..............................................................", 64},
	};
	struct scene s;
	struct control_reply r;
	int fd;

	begin(&s, *state, geteuid());
	for (size_t i = 0; i < N(rows); i++) {
		fd = connect_to(&s);
		assert_int_equal(send(fd, rows[i].bytes, rows[i].len_b, 0), rows[i].len_b);
		run_for(&s, 20);
		assert_row(rows[i].name, answer(fd, &r) == 0);
	}
	/* Asked twice while it waits. */
	fd = ask(&s, CONTROL_SYNC);
	run_for(&s, 20);
	assert_int_equal(send(fd, "\1\1", 2, 0), 2);
	run_for(&s, 20);
	assert_int_equal(answer(fd, &r), 0);
	server_close(&s.server);
}

static void
many_who_say_nothing_shut_nobody_out_for_long(void **state)
{
	struct scene s;
	struct control_reply r;
	int silent[SERVER_CLIENTS], fd;

	begin(&s, *state, geteuid());
	for (size_t i = 0; i < N(silent); i++) {
		silent[i] = connect_to(&s);
		run_for(&s, 5);
	}
	fd = ask(&s, CONTROL_STATUS);
	run_for(&s, 20);
	assert_true(recv(fd, &r, sizeof(r), 0) <= 0);
	(void)close(fd);
	run_for(&s, 250);
	fd = ask(&s, CONTROL_STATUS);
	run_for(&s, 20);
	assert_true(answer(fd, &r) > 0);
	for (size_t i = 0; i < N(silent); i++)
		(void)close(silent[i]);
	server_close(&s.server);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_status_is_answered_at_once),
	    T(an_accept_is_answered_when_it_is_over_and_says_how_many_were_ended),
	    T(an_accept_without_cause_or_end_is_answered_too),
	    T(the_socket_is_its_owners_alone_and_goes_with_the_daemon),
	    T(whoever_else_connects_is_hung_up_on),
	    T(a_sync_is_answered_when_it_is_over_for_all_who_wait),
	    T(a_sync_that_is_over_at_once_or_never_is_answered_too),
	    T(what_is_no_question_is_hung_up_on),
	    T(many_who_say_nothing_shut_nobody_out_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
