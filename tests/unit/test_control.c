/* What the command and the daemon say to each other. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void
a_question_arrives_or_is_refused(void **state)
{
	struct pack p = PACK_INIT;
	enum control_ask ask;

	(void)state;
	control_ask_pack(CONTROL_SYNC, &p);
	assert_err("", AK_OK, control_ask_unpack(p.bytes, p.len_b, &ask));
	assert_int_equal(ask, CONTROL_SYNC);
	assert_err("cut", AK_ERR_CORRUPT, control_ask_unpack(p.bytes, p.len_b - 1, &ask));
	assert_err("another version", AK_ERR_CORRUPT, control_ask_unpack("\x02\x01", 2, &ask));
	assert_err("no such question", AK_ERR_CORRUPT, control_ask_unpack("\x01\x04", 2, &ask));
	assert_err("none", AK_ERR_CORRUPT, control_ask_unpack("\x01\x00", 2, &ask));
	assert_err("the first", AK_OK, control_ask_unpack("\x01\x01", 2, &ask));
	assert_int_equal(ask, CONTROL_STATUS);
	assert_err("the last", AK_OK, control_ask_unpack("\x01\x03", 2, &ask));
	assert_int_equal(ask, CONTROL_ACCEPT);
	assert_err("more", AK_ERR_CORRUPT, control_ask_unpack("\x01\x01\x00", 3, &ask));
	pack_clear(&p);
}

static void
an_answer_arrives_or_is_refused(void **state)
{
	struct control_reply r = {.err = AK_ERR_NOT_FOUND,
	    .text = "nothing is held back",
	    .pid = 7,
	    .started_at = 1,
	    .has_directory = true,
	    .phase = 4,
	    .uri = "ldaps://a",
	    .problem = "p",
	    .policy_problem = "q",
	    .contact_at = 2,
	    .changed_at = 3,
	    .keys = 4,
	    .groups = 5,
	    .principals = 6,
	    .skipped = 8,
	    .held_back = 9,
	    .ended = 10};
	struct control_reply *got = calloc(1, sizeof(*got));
	struct pack p = PACK_INIT;

	(void)state;
	control_reply_pack(&r, &p);
	assert_err("", AK_OK, control_reply_unpack(p.bytes, p.len_b, got));
	assert_int_equal(got->err, AK_ERR_NOT_FOUND);
	assert_string_equal(got->text, r.text);
	assert_string_equal(got->uri, r.uri);
	assert_string_equal(got->problem, r.problem);
	assert_string_equal(got->policy_problem, r.policy_problem);
	assert_true(got->pid == 7 && got->started_at == 1 && got->has_directory &&
		    got->phase == 4 && got->contact_at == 2 && got->changed_at == 3);
	assert_true(got->keys == 4 && got->groups == 5 && got->principals == 6 &&
		    got->skipped == 8 && got->held_back == 9 && got->ended == 10);
	for (size_t n = 0; n < p.len_b; n++)
		assert_err("cut", AK_ERR_CORRUPT, control_reply_unpack(p.bytes, n, got));
	free(got);
	pack_clear(&p);
}

/* What a daemon of another version may say, or one that somebody else is. */
static void
an_answer_that_says_too_much_is_none(void **state)
{
	static const struct {
		const char *name;
		unsigned char version, err;
		size_t text_b, more_b;
		enum ak_err wanted;
	} rows[] = {
	    {"as it is", 1, AK_OK, 511, 0, AK_OK},
	    {"the last error", 1, AK_ERR_NOMEM, 0, 0, AK_OK},
	    {"no error of ours", 1, AK_ERR_NOMEM + 1, 0, 0, AK_ERR_CORRUPT},
	    {"another version", 2, AK_OK, 0, 0, AK_ERR_CORRUPT},
	    {"a text without room", 1, AK_OK, 512, 0, AK_ERR_CORRUPT},
	    {"a byte more", 1, AK_OK, 0, 1, AK_ERR_CORRUPT},
	};
	static const unsigned char zeros[64];
	struct control_reply *got = calloc(1, sizeof(*got));
	const struct control_reply none = {.err = AK_OK};
	char text[513];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct pack p = PACK_INIT;

		memset(text, 'x', sizeof(text));
		text[rows[i].text_b] = '\0';
		pack_u8(&p, rows[i].version);
		pack_u8(&p, rows[i].err);
		pack_str(&p, text);
		pack_bytes(&p, zeros, 4 + 8 + 1 + 1);
		for (size_t k = 0; k < 3; k++)
			pack_str(&p, "");
		pack_bytes(&p, zeros, 2 * 8 + 6 * 4 + rows[i].more_b);
		assert_err(
		    rows[i].name, rows[i].wanted, control_reply_unpack(p.bytes, p.len_b, got));
		assert_row(rows[i].name, rows[i].wanted == AK_OK
					     ? strcmp(got->text, text) == 0
					     : memcmp(got, &none, sizeof(none)) == 0);
		pack_clear(&p);
	}
	free(got);
}

static void
without_a_daemon_that_is_said(void **state)
{
	struct control_reply *got = calloc(1, sizeof(*got));
	struct tmp *t = *state;
	struct diag why = DIAG_INIT;
	struct paths p;

	assert_err("", AK_OK, paths_under(t->dir, t->dir, 0, &p));
	assert_err("", AK_ERR_NOT_FOUND, control_call(&p, CONTROL_STATUS, 1, got, &why));
	assert_non_null(strstr(why.text, "systemctl start apikeyd"));
	free(got);
}

/* ---- a daemon, and the kernel between ---- */

enum answer { ANSWERS, SAYS_NOTHING, IS_LATE, HANGS_UP, IS_ANOTHER_VERSION };

static struct {
	int listener, peer;
	enum answer answer;
	/* Errors of the calls; 0: as they are. */
	int socket_fails, connect_fails, send_fails, poll_fails;
	unsigned interrupts, polls;
	int timeouts_ms[8];
	int64_t now_ms,
	    passes_ms; /* the clock, and by how much it goes on each time that it is looked at */
} d;

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *at, socklen_t len_b);
int __wrap_connect(int fd, const struct sockaddr *at, socklen_t len_b);
ssize_t __real_send(int fd, const void *bytes, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);
int __real_poll(struct pollfd *p, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int
__wrap_socket(int domain, int type, int protocol)
{
	errno = d.socket_fails;
	return d.socket_fails != 0 ? -1 : __real_socket(domain, type, protocol);
}

int
__wrap_connect(int fd, const struct sockaddr *at, socklen_t len_b)
{
	errno = d.connect_fails;
	return d.connect_fails != 0 ? -1 : __real_connect(fd, at, len_b);
}

ssize_t
__wrap_send(int fd, const void *bytes, size_t n, int flags)
{
	errno = d.send_fails;
	return d.send_fails != 0 ? -1 : __real_send(fd, bytes, n, flags);
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*t = (struct timespec){.tv_sec = d.now_ms / 1000, .tv_nsec = d.now_ms % 1000 * 1000000};
	d.now_ms += d.passes_ms;
	return 0;
}

/* The daemon's turn. */
static void
serve(void)
{
	struct control_reply *r = calloc(1, sizeof(*r));
	struct pack p = PACK_INIT;
	unsigned char asked[16];
	enum control_ask ask;
	ssize_t n;

	assert_true((d.peer = accept(d.listener, NULL, NULL)) != -1);
	assert_true((n = recv(d.peer, asked, sizeof(asked), MSG_DONTWAIT)) > 0);
	assert_err("", AK_OK, control_ask_unpack(asked, (size_t)n, &ask));
	assert_int_equal(ask, CONTROL_SYNC);
	r->keys = 12;
	control_reply_pack(r, &p);
	if (d.answer == ANSWERS || d.answer == IS_LATE)
		assert_int_equal(__real_send(d.peer, p.bytes, p.len_b, 0), p.len_b);
	if (d.answer == IS_ANOTHER_VERSION)
		assert_int_equal(__real_send(d.peer, "\2", 1, 0), 1);
	if (d.answer == HANGS_UP)
		assert_int_equal(shutdown(d.peer, SHUT_RDWR), 0);
	pack_clear(&p);
	free(r);
}

int
__wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	assert_true(n == 1 && p->events == POLLIN);
	assert_true(d.polls < N(d.timeouts_ms));
	d.timeouts_ms[d.polls++] = timeout_ms;
	errno = d.interrupts > 0 ? EINTR : d.poll_fails;
	if (d.interrupts > 0)
		d.interrupts--;
	if (errno != 0)
		return -1;
	if (d.answer == SAYS_NOTHING)
		return 0;
	serve();
	return d.answer == IS_LATE ? 0 : __real_poll(p, n, 1000);
}

/* A daemon that would answer. */
static struct paths
begin(struct tmp *t)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct paths p;

	memset(&d, 0, sizeof(d));
	d.peer = -1;
	assert_err("", AK_OK, paths_under(t->dir, t->dir, 0, &p));
	assert_err("", AK_OK, text_copy(p.control, sizeof(p.control), tmp_path(t, "control")));
	assert_err("", AK_OK, text_copy(at.sun_path, sizeof(at.sun_path), p.control));
	(void)unlink(p.control);
	d.listener = __real_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(d.listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(d.listener, 4), 0);
	return p;
}

static void
end(void)
{
	char byte;

	/* Whoever asked is gone, and holds no descriptor any more. */
	if (d.peer != -1)
		assert_true(recv(d.peer, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET);
	if (d.peer != -1)
		(void)close(d.peer);
	(void)close(d.listener);
}

static void
whatever_becomes_of_a_question_is_said_in_a_sentence(void **state)
{
	static const struct {
		const char *name;
		enum answer answer;
		int socket_fails, connect_fails, send_fails, poll_fails;
		enum ak_err wanted;
		const char *says;
	} rows[] = {
	    {.name = "answered", .wanted = AK_OK, .says = ""},
	    {.name = "silence",
		.answer = SAYS_NOTHING,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd gave no answer for 5 seconds"},
	    {.name = "an answer behind the time",
		.answer = IS_LATE,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd gave no answer for 5 seconds"},
	    {.name = "it cannot be waited for",
		.poll_fails = ENOMEM,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd gave no answer for 5 seconds"},
	    {.name = "it ends before it answers",
		.answer = HANGS_UP,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd gave no answer"},
	    {.name = "another version",
		.answer = IS_ANOTHER_VERSION,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd's answer is not understood: is it another version? Restart it "
			"by `systemctl restart apikeyd`"},
	    {.name = "no descriptor",
		.socket_fails = EMFILE,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "no socket: Too many open files"},
	    {.name = "not started",
		.connect_fails = ENOENT,
		.wanted = AK_ERR_NOT_FOUND,
		.says = "apikeyd is not running: start it by `systemctl start apikeyd`"},
	    {.name = "killed",
		.connect_fails = ECONNREFUSED,
		.wanted = AK_ERR_NOT_FOUND,
		.says = "apikeyd is not running: start it by `systemctl start apikeyd`"},
	    {.name = "not root",
		.connect_fails = EACCES,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd can't be reached: Permission denied"},
	    {.name = "more ask than it can hear",
		.connect_fails = EAGAIN,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd can't be reached: Resource temporarily unavailable"},
	    {.name = "it ends before it is asked",
		.send_fails = EPIPE,
		.wanted = AK_ERR_UNAVAILABLE,
		.says = "apikeyd can't be asked: Broken pipe"},
	};
	struct control_reply *got = calloc(1, sizeof(*got));

	for (size_t i = 0; i < N(rows); i++) {
		struct paths p = begin(*state);
		struct diag why = DIAG_INIT;

		d.answer = rows[i].answer;
		d.socket_fails = rows[i].socket_fails;
		d.connect_fails = rows[i].connect_fails;
		d.send_fails = rows[i].send_fails;
		d.poll_fails = rows[i].poll_fails;
		assert_err(
		    rows[i].name, rows[i].wanted, control_call(&p, CONTROL_SYNC, 5, got, &why));
		assert_string_equal(why.text, rows[i].says);
		assert_row(rows[i].name, got->keys == (rows[i].wanted == AK_OK ? 12 : 0));
		end();
	}
	free(got);
}

/* Else ^Z and fg, or a window that is resized, would have it wait anew each time, or without end. */
static void
signals_make_nobody_wait_longer(void **state)
{
	static const int left_ms[] = {4000, 3000, 2000, 1000, 0, 0};
	struct control_reply *got = calloc(1, sizeof(*got));
	struct paths p = begin(*state);
	struct diag why = DIAG_INIT;

	d.now_ms = 7777;
	d.passes_ms = 1000;
	d.interrupts = 5;
	d.answer = SAYS_NOTHING;
	assert_err("", AK_ERR_UNAVAILABLE, control_call(&p, CONTROL_SYNC, 5, got, &why));
	assert_int_equal(d.polls, N(left_ms));
	for (size_t i = 0; i < N(left_ms); i++)
		assert_int_equal(d.timeouts_ms[i], left_ms[i]);
	end();
	/* And the answer is heard that comes behind one. */
	p = begin(*state);
	d.interrupts = 2;
	assert_err("", AK_OK, control_call(&p, CONTROL_SYNC, 5, got, &why));
	assert_true(d.polls == 3 && got->keys == 12);
	end();
	free(got);
}

static void
a_path_without_room_in_a_socket_is_said(void **state)
{
	struct control_reply *got = calloc(1, sizeof(*got));
	struct paths p = begin(*state);
	struct diag why = DIAG_INIT;

	memset(p.control, 'x', 108);
	p.control[108] = '\0';
	assert_err("", AK_ERR_UNAVAILABLE, control_call(&p, CONTROL_SYNC, 5, got, &why));
	assert_non_null(strstr(why.text, "is too long for a socket"));
	end();
	free(got);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_question_arrives_or_is_refused),
	    cmocka_unit_test(an_answer_arrives_or_is_refused),
	    cmocka_unit_test(an_answer_that_says_too_much_is_none),
	    T(without_a_daemon_that_is_said),
	    T(whatever_becomes_of_a_question_is_said_in_a_sentence),
	    T(signals_make_nobody_wait_longer),
	    T(a_path_without_room_in_a_socket_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
