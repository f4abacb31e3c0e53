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
	fd = piped ? c->in : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return diag_say(why, errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE,
		    name, 0, 0, "cannot be read: %s", strerror(errno));
	err = read_all(fd, max_b, bytes, len_b);
	if (err == AK_ERR_UNAVAILABLE)
		(void)diag_say(why, err, wholefile_name(name), 0, 0, "cannot be read: %s",
		    strerror(errno));
	if (err == AK_OK && *len_b > max_b)
		err = diag_say(why, AK_ERR_DENIED, wholefile_name(name), 0, 0,
		    "is larger than %zu bytes, more than %s may be", max_b, what);
	if (!piped)
		(void)close(fd);
	return err;
}
