#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_FIRST_B ((size_t)64 << 10)

const char *
wholefile_name(const char *name)
{
	return strcmp(name, "-") == 0 ? "(standard input)" : name;
}

/* Bytes behind them are free: at least one more than one. What they held before may be a secret's. */
static enum ak_err
make_room(char **bytes, size_t len_b, size_t *cap_b)
{
	size_t more_b = *cap_b == 0 ? READ_FIRST_B : *cap_b * 2;
	char *more;

	if (len_b + 1 < *cap_b)
		return AK_OK;
	if ((more = malloc(more_b)) == NULL)
		return AK_ERR_NOMEM;
	if (*bytes != NULL) {
		memcpy(more, *bytes, len_b);
		explicit_bzero(*bytes, len_b);
		free(*bytes);
	}
	*bytes = more;
	*cap_b = more_b;
	return AK_OK;
}

static enum ak_err
open_named(const struct cli *c, const char *name, int *fd, struct diag *why)
{
	*fd = strcmp(name, "-") == 0 ? c->in : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd != -1)
		return AK_OK;
	return diag_say(why, errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE, name, 0,
	    0, "cannot be read: %s", strerror(errno));
}

static enum ak_err
say_unread(const char *name, struct diag *why)
{
	return diag_say(why, AK_ERR_UNAVAILABLE, wholefile_name(name), 0, 0,
	    "cannot be read: %s", strerror(errno));
}

static enum ak_err
say_large(const char *name, uint64_t max_b, const char *what, struct diag *why)
{
	return diag_say(why, AK_ERR_DENIED, wholefile_name(name), 0, 0,
	    "is larger than %llu bytes, more than %s may be", (unsigned long long)max_b, what);
}

/* To the end, or a byte more than there may be. */
static enum ak_err
read_all(int fd, size_t max_b, char **bytes, size_t *len_b)
{
	size_t cap_b = 0;
	ssize_t n = 1;

	while (n != 0 && *len_b <= max_b) {
		if (make_room(bytes, *len_b, &cap_b) != AK_OK)
			return AK_ERR_NOMEM;
		n = read(fd, *bytes + *len_b, cap_b - *len_b - 1);
		if (n == -1 && errno != EINTR)
			return AK_ERR_UNAVAILABLE;
		if (n > 0)
			*len_b += (size_t)n;
	}
	(*bytes)[*len_b] = '\0';
	return AK_OK;
}

enum ak_err
wholefile_read(const struct cli *c, const char *name, size_t max_b, const char *what,
    char **bytes, size_t *len_b, struct diag *why)
{
	bool piped = strcmp(name, "-") == 0;
	enum ak_err err;
	int fd;

	*bytes = NULL;
	*len_b = 0;
	if ((err = open_named(c, name, &fd, why)) != AK_OK)
		return err;
	err = read_all(fd, max_b, bytes, len_b);
	if (err == AK_ERR_UNAVAILABLE)
		(void)!say_unread(name, why);
	if (err == AK_OK && *len_b > max_b)
		err = say_large(name, max_b, what, why);
	if (!piped)
		(void)close(fd);
	return err;
}

/* Give what is whole, and keep the rest at the front. */
static enum ak_err
give_lines(const struct wholefile_lines *of, char *room, size_t *len_b, bool end)
{
	const char *last = memrchr(room, '\n', *len_b);
	size_t given_b = end ? *len_b : last == NULL ? 0 : (size_t)(last - room) + 1;
	enum ak_err err = AK_OK;

	if (given_b > 0)
		err = of->take(of->ctx, room, given_b);
	*len_b -= given_b;
	memmove(room, room + given_b, *len_b);
	return err;
}

static enum ak_err
read_lines(const struct wholefile_lines *of, int fd, char *room, size_t cap_b, struct diag *why)
{
	uint64_t all_b = 0;
	size_t len_b = 0;
	enum ak_err err = AK_OK;
	ssize_t n = 1;

	while (err == AK_OK && n != 0) {
		n = read(fd, room + len_b, cap_b - len_b);
		if (n == -1 && errno != EINTR)
			return say_unread(of->name, why);
		if (n == -1)
			continue;
		len_b += (size_t)n;
		all_b += (size_t)n;
		if (all_b > of->max_b)
			return say_large(of->name, of->max_b, of->what, why);
		if (n == 0 || len_b == cap_b)
			err = give_lines(of, room, &len_b, n == 0);
		/* One line alone fills all of it. */
		if (len_b == cap_b)
			return of->take(of->ctx, room, len_b);
	}
	return err;
}

enum ak_err
wholefile_each(const struct cli *c, const struct wholefile_lines *of, struct diag *why)
{
	size_t cap_b = of->line_max_b + 2; /* a byte too many, and the newline */
	enum ak_err err;
	char *room;
	int fd;

	if ((err = open_named(c, of->name, &fd, why)) != AK_OK)
		return err;
	if ((room = malloc(cap_b)) != NULL) {
		err = read_lines(of, fd, room, cap_b, why);
		explicit_bzero(room, cap_b);
	} else {
		err = AK_ERR_NOMEM;
	}
	free(room);
	if (fd != c->in)
		(void)close(fd);
	return err;
}
