#include "logread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM_B ((size_t)4 * LOGREAD_LINE_MAX_B)

enum ak_err
logread_init(struct logread *r)
{
	*r = (struct logread){.fd = -1, .room = malloc(ROOM_B + 1)};
	return r->room == NULL ? AK_ERR_NOMEM : AK_OK;
}

void
logread_clear(struct logread *r)
{
	free(r->room);
	*r = (struct logread){.fd = -1};
}

void
logread_start(struct logread *r, int fd)
{
	r->fd = fd;
	r->from = r->to = 0;
	r->at = 0;
	r->skipping = false;
}

/* AK_ERR_NOT_FOUND: there is nothing more. */
static enum ak_err
fill(struct logread *r)
{
	ssize_t n;

	if (r->from > 0) {
		memmove(r->room, r->room + r->from, r->to - r->from);
		r->to -= r->from;
		r->from = 0;
	}
	do
		n = pread(r->fd, r->room + r->to, ROOM_B - r->to, r->at);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return AK_ERR_UNAVAILABLE;
	r->to += (size_t)n;
	r->at += n;
	return n == 0 ? AK_ERR_NOT_FOUND : AK_OK;
}

/* The len bytes that come next are a line, or the end of one that was too long. */
static enum ak_err
give(struct logread *r, size_t len, char **line, size_t *len_b)
{
	char *start = r->room + r->from;
	bool too_long = r->skipping || len > LOGREAD_LINE_MAX_B;

	r->from += len < r->to - r->from ? len + 1 : len;
	r->skipping = false;
	start[len] = '\0';
	*line = too_long ? NULL : start;
	*len_b = too_long ? 0 : len;
	return AK_OK;
}

enum ak_err
logread_next(struct logread *r, bool end, char **line, size_t *len_b)
{
	const char *newline;
	size_t seen = 0;
	enum ak_err err;

	for (;;) {
		newline = memchr(r->room + r->from + seen, '\n', r->to - r->from - seen);
		if (newline != NULL)
			return give(r, (size_t)(newline - r->room) - r->from, line, len_b);
		if (r->to - r->from > LOGREAD_LINE_MAX_B) {
			r->skipping = true;
			r->from = r->to = 0;
		}
		seen = r->to - r->from;
		err = fill(r);
		if (err == AK_ERR_NOT_FOUND && end && (seen > 0 || r->skipping))
			return give(r, seen, line, len_b);
		if (err != AK_OK)
			return err;
	}
}
