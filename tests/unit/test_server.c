/* What the command asks of the daemon, and who may ask. */
#include <errno.h>
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

/* What the kernel says of who asks, and of what was asked: as it is, or so. */
static bool nobody_knows, half_known;
static int recv_fails; /* once; 0: it does not */

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len_b);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len_b);
ssize_t __real_recv(int fd, void *buf, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t n, int flags);

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len_b)
{
	int answer = __real_getsockopt(fd, level, name, value, len_b);

	if (half_known)
		*len_b -= 1;
	return nobody_knows ? -1 : answer;
}

/* The server alone asks how long it is. */
ssize_t
__wrap_recv(int fd, void *buf, size_t n, int flags)
{
	errno = recv_fails;
	if (recv_fails == 0 || (flags & MSG_TRUNC) == 0)
		return __real_recv(fd, buf, n, flags);
	recv_fails = 0;
	return -1;
}

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

	/* On a busy machine the time may pass before it has had its turns. */
	for (unsigned turn = 0; turn < 8 || loop_now_ms() < end; turn++)
		assert_err("loop", AK_OK, loop_once(&s->loop, 1));
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
	errno = EACCES; /* of whatever was before */
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
	static const struct {
		const char *name;
		uid_t more;
		bool nobody_knows, half_known, answered;
	} rows[] = {
	    {"the owner", 0, false, false, true},
	    {"another", 1, false, false, false},
	    {"nobody knows who", 0, true, false, false},
	    {"not all is known", 0, false, true, false},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct control_reply r;
		struct scene s;
		int fd;

		begin(&s, *state, geteuid() + rows[i].more);
		nobody_knows = rows[i].nobody_knows;
		half_known = rows[i].half_known;
		fd = ask(&s, CONTROL_STATUS);
		run_for(&s, 30);
		nobody_knows = half_known = false;
		assert_row(rows[i].name, (recv(fd, &r, sizeof(r), 0) > 0) == rows[i].answered);
		(void)close(fd);
		server_close(&s.server);
	}
}

static void
a_question_that_cannot_be_read_now_is_read_later(void **state)
{
	static const struct {
		int error;
		bool answered;
	} rows[] = {{EAGAIN, true}, {EINTR, true}, {ECONNRESET, false}, {ENOMEM, false}};
	struct scene s;

	begin(&s, *state, geteuid());
	for (size_t i = 0; i < N(rows); i++) {
		struct control_reply r;
		int fd = ask(&s, CONTROL_STATUS);

		recv_fails = rows[i].error;
		run_for(&s, 30);
		assert_row(strerror(rows[i].error), recv_fails == 0);
		assert_row(strerror(rows[i].error), (answer(fd, &r) > 0) == rows[i].answered);
	}
	server_close(&s.server);
}

static void
a_place_where_nobody_can_listen_is_said(void **state)
{
	const struct server_host host = {.status = status};
	struct server_how how = {.path = tmp_path(*state, "control")};
	struct diag why = DIAG_INIT;
	struct server s;
	struct loop loop;
	char path[109];

	loop_init(&loop);
	assert_int_equal(mkdir(how.path, 0700), 0);
	assert_err("a folder", AK_ERR_UNAVAILABLE, server_open(&s, &loop, &how, &host, &why));
	assert_non_null(strstr(why.text, "cannot be listened at"));
	assert_int_equal(s.fd, -1);
	assert_true(file_is_there(how.path));
	how.path = tmp_path(*state, "none/control");
	assert_err("no folder", AK_ERR_UNAVAILABLE, server_open(&s, &loop, &how, &host, &why));
	why = DIAG_INIT;
	memset(path, 'x', 108);
	path[108] = '\0';
	how.path = path;
	assert_err("long", AK_ERR_UNAVAILABLE, server_open(&s, &loop, &how, &host, &why));
	assert_non_null(strstr(why.text, "is too long for a socket"));
}

static void
who_waits_when_the_daemon_ends_is_hung_up_on(void **state)
{
	struct control_reply r;
	struct scene s;
	int silent, waits;

	begin(&s, *state, geteuid());
	silent = connect_to(&s);
	waits = ask(&s, CONTROL_SYNC);
	run_for(&s, 30);
	assert_int_equal(answer(waits, &r), -1);
	server_close(&s.server);
	assert_int_equal(answer(waits, &r), 0);
	assert_int_equal(answer(silent, &r), 0);
	/* Nor is anything left that were due later. */
	assert_null(s.loop.timers);
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
so_many_may_wait_as_there_is_room_for(void **state)
{
	int waits[SERVER_CLIENTS];
	struct control_reply r;
	struct scene s;

	begin(&s, *state, geteuid());
	for (size_t i = 0; i < N(waits); i++) {
		waits[i] = ask(&s, CONTROL_SYNC);
		run_for(&s, 5);
	}
	run_for(&s, 30);
	assert_int_equal(s.syncs, SERVER_CLIENTS);
	server_done(&s.server, CONTROL_SYNC, AK_OK, "", 0);
	for (size_t i = 0; i < N(waits); i++)
		assert_true(answer(waits[i], &r) > 0);
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
	    T(so_many_may_wait_as_there_is_room_for),
	    T(a_sync_that_is_over_at_once_or_never_is_answered_too),
	    T(what_is_no_question_is_hung_up_on),
	    T(many_who_say_nothing_shut_nobody_out_for_long),
	    T(a_question_that_cannot_be_read_now_is_read_later),
	    T(a_place_where_nobody_can_listen_is_said),
	    T(who_waits_when_the_daemon_ends_is_hung_up_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
