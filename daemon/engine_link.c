#include "engine_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define READ_B ((size_t)64 << 10)

enum ak_err
engine_link_init(struct engine_link *l, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*l = (struct engine_link){.fd = fd};
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return AK_ERR_UNAVAILABLE;
	return AK_OK;
}

void
engine_link_clear(struct engine_link *l)
{
	pack_wipe(&l->in);
	pack_wipe(&l->out);
}

bool
engine_link_has_output(const struct engine_link *l)
{
	return l->out.len_b > l->sent_b;
}

bool
engine_link_is_full(const struct engine_link *l)
{
	return l->out.len_b - l->sent_b > ENGINE_LINK_FULL_B;
}

/* All of it went: a large buffer is given back. */
static void
reset_output(struct engine_link *l)
{
	if (l->out.cap_b > READ_B)
		pack_clear(&l->out);
	l->out.len_b = 0;
	l->sent_b = 0;
}

enum ak_err
engine_link_flush(struct engine_link *l)
{
	if (l->out.err != AK_OK)
		return AK_ERR_UNAVAILABLE;
	while (engine_link_has_output(l)) {
		ssize_t n = send(
		    l->fd, l->out.bytes + l->sent_b, l->out.len_b - l->sent_b, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? AK_OK : AK_ERR_UNAVAILABLE;
		l->sent_b += (size_t)n;
	}
	reset_output(l);
	return AK_OK;
}

/* What was handed out may have held a password. */
static void
drop_taken(struct engine_link *l)
{
	size_t left_b = l->in.len_b - l->taken_b;

	if (l->taken_b == 0)
		return;
	memmove(l->in.bytes, l->in.bytes + l->taken_b, left_b);
	explicit_bzero(l->in.bytes + left_b, l->taken_b);
	l->in.len_b = left_b;
	l->taken_b = 0;
}

enum ak_err
engine_link_fill(struct engine_link *l)
{
	ssize_t n;

	drop_taken(l);
	pack_reserve(&l->in, READ_B);
	if (l->in.err != AK_OK)
		return AK_ERR_UNAVAILABLE;
	n = recv(l->fd, l->in.bytes + l->in.len_b, READ_B, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? AK_OK : AK_ERR_UNAVAILABLE;
	if (n == 0)
		return AK_ERR_UNAVAILABLE;
	l->in.len_b += (size_t)n;
	return AK_OK;
}

enum ak_err
engine_link_next(struct engine_link *l, struct wire_message *out)
{
	size_t used;
	enum ak_err err;

	/* Bytes may be NULL while nothing came. */
	if (l->in.len_b == l->taken_b)
		return AK_ERR_NOT_FOUND;
	err = wire_take(l->in.bytes + l->taken_b, l->in.len_b - l->taken_b, false, out, &used);
	if (err == AK_ERR_RANGE)
		return AK_ERR_NOT_FOUND;
	l->taken_b += used;
	return err;
}
