#include "testlib_daemon.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "wire.h"

static int
listen_at(const struct paths *p)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd != -1);
	assert_int_equal(text_copy(at.sun_path, sizeof(at.sun_path), p->control), AK_OK);
	(void)mkdir(p->run, 0700);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* In the child: one question is answered; its number is the exit code. */
static int
answer(int fd, const struct control_reply *reply)
{
	unsigned char bytes[64];
	struct pack out = PACK_INIT;
	enum control_ask ask;
	int conn = accept(fd, NULL, NULL);
	ssize_t n = conn == -1 ? -1 : recv(conn, bytes, sizeof(bytes), 0);

	if (n <= 0 || control_ask_unpack(bytes, (size_t)n, &ask) != AK_OK)
		return 99;
	control_reply_pack(reply, &out);
	n = send(conn, out.bytes, out.len_b, 0);
	pack_clear(&out);
	return n > 0 ? (int)ask : 98;
}

pid_t
daemon_start(const struct paths *p, const struct control_reply *reply)
{
	int fd = listen_at(p);
	pid_t pid = fork();

	if (pid == 0)
		_exit(answer(fd, reply));
	assert_true(pid != -1);
	(void)close(fd);
	return pid;
}

void
daemon_end(const struct paths *p, pid_t pid, enum control_ask asked)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), asked);
	assert_int_equal(unlink(p->control), 0);
}

struct control_reply
daemon_reply(void)
{
	struct control_reply r = {.pid = 77,
	    .started_at = HOST_NOW - 1000,
	    .has_directory = true,
	    .phase = WIRE_FOLLOWING,
	    .uri = "ldapi:///",
	    .contact_at = HOST_NOW - 10,
	    .changed_at = HOST_NOW - 20,
	    .keys = 3,
	    .groups = 2,
	    .principals = 1};

	return r;
}
