#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker_exec.h"
#include "text.h"

/* What is read in one turn of the loop, so that the daemon's other business goes on. */
#define READ_B ((size_t)64 << 10)
#define READS_PER_TURN 16
/* A buffer that one large frame made is given back. */
#define KEEP_B ((size_t)1 << 20)
/* An engine that lived as long as this did well: the next one begins soon again. */
#define LIVED_MS 60000

static void begin(void *ctx);
static void ping(void *ctx);
static void silent(void *ctx);

void
worker_init(struct worker *c, struct loop *loop, const struct worker_how *how,
    const struct worker_host *host)
{
	*c = (struct worker){.loop = loop, .how = *how, .host = *host, .fd = -1};
	c->again_ms = how->again_min_ms;
	c->ping = (struct loop_timer){.due = ping, .ctx = c};
	c->silent = (struct loop_timer){.due = silent, .ctx = c};
	c->again = (struct loop_timer){.due = begin, .ctx = c};
}

/* How it died, once it is dead. */
static void
reap(struct worker *c, struct text *reason)
{
	int status = 0;
	pid_t pid;

	(void)kill(c->pid, SIGKILL);
	do
		pid = waitpid(c->pid, &status, 0);
	while (pid == -1 && errno == EINTR);
	c->pid = 0;
	if (reason->len > 0 || pid == -1)
		return;
	if (WIFSIGNALED(status))
		text_add(reason, "killed by signal %d", WTERMSIG(status));
	else if (worker_step_says(WEXITSTATUS(status)) != NULL)
		text_add(
		    reason, "%s: %s", c->how.program, worker_step_says(WEXITSTATUS(status)));
	else
		text_add(reason, "exited with status %d", WEXITSTATUS(status));
}

static void
end(struct worker *c, struct text *reason)
{
	loop_disarm(c->loop, &c->ping);
	loop_disarm(c->loop, &c->silent);
	loop_disarm(c->loop, &c->again);
	loop_remove(c->loop, c->fd);
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	if (c->pid != 0)
		reap(c, reason);
	pack_clear(&c->in);
	pack_wipe(&c->out);
	c->sent_b = 0;
}

/* It ended by itself, or misbehaved; why may be silent. */
static void
fail(struct worker *c, const char *why)
{
	char said[DIAG_PRINT_CAP];
	struct text reason = text_over(said, sizeof(said));

	text_add(&reason, "%s", why);
	end(c, &reason);
	if (c->began_ms != 0 && loop_now_ms() - c->began_ms >= LIVED_MS)
		c->again_ms = c->how.again_min_ms;
	c->began_ms = 0;
	loop_arm(c->loop, &c->again, c->again_ms);
	c->again_ms *= 2;
	if (c->again_ms > c->how.again_max_ms)
		c->again_ms = c->how.again_max_ms;
	c->host.ended(c->host.ctx, said);
}

static void
fail_because(struct worker *c, enum ak_err err, struct diag *why)
{
	char said[DIAG_PRINT_CAP];

	(void)diag_because(why, err, "%s", ak_strerror(err));
	fail(c, diag_print(why, said, sizeof(said)));
}

static enum ak_err
take_frames(struct worker *c, struct diag *why)
{
	struct wire_message m;
	size_t at = 0, used;
	enum ak_err err;

	while ((err = wire_take(c->in.bytes + at, c->in.len_b - at, true, &m, &used)) == AK_OK) {
		at += used;
		/* Whoever speaks lives: PONG may stand behind a long list. */
		loop_arm(c->loop, &c->silent, c->silence_ms);
		if ((err = c->host.take(c->host.ctx, &m, why)) != AK_OK)
			return err;
	}
	if (err == AK_ERR_CORRUPT)
		return diag_because(why, err, "it sent what is no message");
	memmove(c->in.bytes, c->in.bytes + at, c->in.len_b - at);
	c->in.len_b -= at;
	if (c->in.len_b == 0 && c->in.cap_b > KEEP_B)
		pack_clear(&c->in);
	return AK_OK;
}

/* AK_ERR_RANGE: nothing more for now; AK_ERR_NOT_FOUND: it hung up. */
static enum ak_err
read_some(struct worker *c)
{
	ssize_t n;

	pack_reserve(&c->in, READ_B);
	if (c->in.err != AK_OK)
		return c->in.err;
	n = recv(c->fd, c->in.bytes + c->in.len_b, READ_B, MSG_DONTWAIT);
	if (n > 0) {
		c->in.len_b += (size_t)n;
		return AK_OK;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return AK_ERR_RANGE;
	return AK_ERR_NOT_FOUND;
}

static void
listen_to(struct worker *c)
{
	struct diag why = DIAG_INIT;
	enum ak_err err = AK_OK, read_err = AK_OK;

	for (int i = 0; i < READS_PER_TURN && err == AK_OK && read_err == AK_OK; i++)
		if ((read_err = read_some(c)) == AK_OK)
			err = take_frames(c, &why);
	if (err != AK_OK)
		fail_because(c, err, &why);
	else if (read_err == AK_ERR_NOT_FOUND)
		fail(c, "");
	else if (read_err == AK_ERR_NOMEM)
		fail_because(c, read_err, &why);
}

static void
ready(void *ctx, short revents)
{
	struct worker *c = ctx;

	if ((revents & POLLOUT) != 0)
		worker_send(c);
	if (c->fd != -1 && (revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		listen_to(c);
}

struct pack *
worker_out(struct worker *c)
{
	return c->fd == -1 ? NULL : &c->out;
}

/* A write that fails says what a read is about to say. */
void
worker_send(struct worker *c)
{
	while (c->fd != -1 && c->sent_b < c->out.len_b) {
		ssize_t n = send(c->fd, c->out.bytes + c->sent_b, c->out.len_b - c->sent_b,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			break;
		c->sent_b += (size_t)n;
	}
	if (c->sent_b >= c->out.len_b) {
		pack_wipe(&c->out);
		c->sent_b = 0;
	}
	loop_want(c->loop, c->fd, c->out.len_b > 0 ? POLLIN | POLLOUT : POLLIN);
}

void
worker_ping(struct worker *c)
{
	struct pack *out = worker_out(c);

	if (out == NULL)
		return;
	wire_put_simple(out, WIRE_PING);
	c->pings++;
	worker_send(c);
}

/* What it has not read yet asks enough. */
static void
ping(void *ctx)
{
	struct worker *c = ctx;

	loop_arm(c->loop, &c->ping, c->how.ping_ms);
	if (c->out.len_b == 0)
		worker_ping(c);
}

static void
silent(void *ctx)
{
	struct worker *c = ctx;
	char said[64];
	struct text t = text_over(said, sizeof(said));

	text_add(&t, "it gave no answer for %lld s", (long long)c->silence_ms / 1000);
	fail(c, said);
}

static enum ak_err
spawn(struct worker *c, struct diag *why)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "no socket: %s", strerror(errno));
	if ((c->pid = fork()) == 0)
		worker_exec(&c->how, pair[1], parent);
	(void)close(pair[1]);
	if (c->pid == -1) {
		c->pid = 0;
		(void)close(pair[0]);
		return diag_because(why, AK_ERR_UNAVAILABLE, "no process: %s", strerror(errno));
	}
	c->fd = pair[0];
	return loop_add(c->loop, c->fd, POLLIN, ready, c);
}

static void
begin(void *ctx)
{
	struct worker *c = ctx;
	struct diag why = DIAG_INIT;
	enum ak_err err;

	c->pings = 0;
	err = c->host.start(c->host.ctx, &c->how, &c->out, &why);
	if (err == AK_OK)
		err = c->out.err;
	if (err == AK_OK)
		err = spawn(c, &why);
	if (err != AK_OK) {
		fail_because(c, err, &why);
		return;
	}
	c->began_ms = loop_now_ms();
	worker_send(c);
	loop_arm(c->loop, &c->ping, c->how.ping_ms);
	loop_arm(c->loop, &c->silent, c->silence_ms);
}

void
worker_start(struct worker *c, int64_t silence_ms)
{
	worker_stop(c);
	c->silence_ms = silence_ms;
	c->again_ms = c->how.again_min_ms;
	loop_arm(c->loop, &c->again, 0);
}

void
worker_stop(struct worker *c)
{
	char said[64];
	struct text nobody = text_over(said, sizeof(said));

	end(c, &nobody);
	c->began_ms = 0;
}
