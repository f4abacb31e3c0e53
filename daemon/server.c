#include "server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

#define ASK_MAX_B 64

static void
hang_up(struct server_client *c)
{
	loop_disarm(c->server->loop, &c->deadline);
	loop_remove(c->server->loop, c->fd);
	(void)close(c->fd);
	c->fd = -1;
	c->waits = 0;
}

/* One answer, and the conversation is over. Whoever does not read it has not asked for it. */
static void
answer(struct server_client *c, enum ak_err err, const char *text, unsigned ended)
{
	struct control_reply r = {.err = AK_OK};
	struct text t = text_over(r.text, sizeof(r.text));
	struct pack out = PACK_INIT;

	c->server->host.status(c->server->host.ctx, &r);
	r.err = err;
	r.ended = ended;
	text_add(&t, "%.*s", (int)sizeof(r.text) - 1, text);
	control_reply_pack(&r, &out);
	if (out.err == AK_OK)
		(void)!send(c->fd, out.bytes, out.len_b, MSG_DONTWAIT | MSG_NOSIGNAL);
	pack_clear(&out);
	hang_up(c);
}

static void
too_late(void *ctx)
{
	struct server_client *c = ctx;

	if (c->waits == CONTROL_SYNC)
		answer(c, AK_ERR_UNAVAILABLE,
		    "the refresh takes longer than a minute: it goes on, and `apikey status` "
		    "says how it went",
		    0);
	else if (c->waits == CONTROL_ACCEPT)
		answer(c, AK_ERR_UNAVAILABLE,
		    "another process has been ending sessions for a minute: it is waited for, "
		    "and `apikey status` says what is held back still",
		    0);
	else
		hang_up(c);
}

static void
take_ask(struct server_client *c, enum control_ask ask)
{
	struct server *s = c->server;

	switch (ask) {
	case CONTROL_STATUS:
		answer(c, AK_OK, "", 0);
		break;
	case CONTROL_SYNC:
	case CONTROL_ACCEPT:
		c->waits = ask;
		loop_arm(s->loop, &c->deadline, s->how.wait_ms);
		(ask == CONTROL_SYNC ? s->host.sync : s->host.accept)(s->host.ctx);
		break;
	}
}

static void
read_ask(void *ctx, short revents)
{
	struct server_client *c = ctx;
	unsigned char buf[ASK_MAX_B];
	enum control_ask ask;
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);

	(void)revents;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	/* One question, and then silence until the answer. */
	if (n <= 0 || (size_t)n > sizeof(buf) || c->waits != 0 ||
	    control_ask_unpack(buf, (size_t)n, &ask) != AK_OK)
		hang_up(c);
	else
		take_ask(c, ask);
}

static bool
may_ask(const struct server *s, int fd)
{
	struct ucred who;
	socklen_t len_b = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len_b) == 0 &&
	       len_b == sizeof(who) && who.uid == s->how.peer;
}

static struct server_client *
free_client(struct server *s)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (s->clients[i].fd == -1)
			return &s->clients[i];
	return NULL;
}

static void
take_client(void *ctx, short revents)
{
	struct server *s = ctx;
	struct server_client *c = free_client(s);
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)revents;
	if (fd == -1)
		return;
	if (c == NULL || !may_ask(s, fd) ||
	    loop_add(s->loop, fd, POLLIN, read_ask, c) != AK_OK) {
		(void)close(fd);
		return;
	}
	c->fd = fd;
	loop_arm(s->loop, &c->deadline, s->how.ask_ms);
}

/* Nobody but the owner ever finds it open: the umask is the daemon's, 077. */
static enum ak_err
listen_at(struct server *s, struct diag *why)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (text_copy(at.sun_path, sizeof(at.sun_path), s->how.path) != AK_OK)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "%s is too long for a socket", s->how.path);
	if ((unlink(at.sun_path) == -1 && errno != ENOENT) ||
	    (s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1 ||
	    fchmod(s->fd, 0600) == -1 ||
	    bind(s->fd, (const struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(s->fd, SERVER_CLIENTS) == -1)
		return diag_say(why, AK_ERR_UNAVAILABLE, s->how.path, 0, 0,
		    "cannot be listened at: %s", strerror(errno));
	return loop_add(s->loop, s->fd, POLLIN, take_client, s);
}

enum ak_err
server_open(struct server *s, struct loop *loop, const struct server_how *how,
    const struct server_host *host, struct diag *why)
{
	enum ak_err err;

	*s = (struct server){.loop = loop, .how = *how, .host = *host, .fd = -1};
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		struct server_client *c = &s->clients[i];

		*c = (struct server_client){.server = s, .fd = -1};
		c->deadline = (struct loop_timer){.due = too_late, .ctx = c};
	}
	err = listen_at(s, why);
	if (err != AK_OK)
		server_close(s);
	return err;
}

void
server_close(struct server *s)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (s->clients[i].fd != -1)
			hang_up(&s->clients[i]);
	loop_remove(s->loop, s->fd);
	if (s->fd != -1) {
		(void)unlink(s->how.path);
		(void)close(s->fd);
	}
	s->fd = -1;
}

void
server_done(
    struct server *s, enum control_ask ask, enum ak_err err, const char *text, unsigned ended)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (s->clients[i].fd != -1 && s->clients[i].waits == ask)
			answer(&s->clients[i], err, text, ended);
}
