#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A bundle of all authorities is a fifth of this. */
#define FILE_MAX_B ((off_t)1 << 20)

struct wanted {
	const char *option, *path;
	mode_t others; /* what nobody else may do */
	struct pack *out;
};

static enum ak_err
check(const struct wanted *w, uid_t owner, const struct stat *st, struct diag *why)
{
	if (!S_ISREG(st->st_mode) || (st->st_uid != owner && st->st_uid != 0))
		return diag_say(why, AK_ERR_UNSAFE, w->path, 0, 0,
		    "%s must be a regular file of uid %u", w->option, (unsigned)owner);
	if ((st->st_mode & w->others) != 0)
		return diag_say(why, AK_ERR_UNSAFE, w->path, 0, 0,
		    w->others == (S_IRWXG | S_IRWXO)
			? "%s can be read by others than root: run `chmod 600` on it, and "
			  "change "
			  "what it holds"
			: "%s can be written by others than root: run `chmod go-w` on it",
		    w->option);
	if (st->st_size == 0)
		return diag_say(why, AK_ERR_INVALID, w->path, 0, 0, "%s is empty", w->option);
	if (st->st_size > FILE_MAX_B)
		return diag_say(why, AK_ERR_INVALID, w->path, 0, 0,
		    "%s is larger than %lld bytes", w->option, (long long)FILE_MAX_B);
	return AK_OK;
}

static enum ak_err
read_whole(int fd, size_t len_b, struct pack *out)
{
	pack_reserve(out, len_b);
	while (out->err == AK_OK && out->len_b < len_b) {
		ssize_t n = read(fd, out->bytes + out->len_b, len_b - out->len_b);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return AK_ERR_UNAVAILABLE;
		out->len_b += (size_t)n;
	}
	return out->err;
}

static enum ak_err
read_one(const struct wanted *w, uid_t owner, struct diag *why)
{
	struct stat st;
	enum ak_err err;
	int fd;

	if (w->path[0] == '\0')
		return AK_OK;
	fd = open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) == -1) {
		err = diag_say(why, AK_ERR_UNAVAILABLE, w->path, 0, 0, "%s cannot be read: %s",
		    w->option, strerror(errno));
	} else if ((err = check(w, owner, &st, why)) == AK_OK) {
		err = read_whole(fd, (size_t)st.st_size, w->out);
		if (err != AK_OK)
			(void)diag_say(why, err, w->path, 0, 0, "%s cannot be read: %s",
			    w->option, ak_strerror(err));
	}
	if (fd != -1)
		(void)close(fd);
	return err;
}

static enum ak_err
check_password(const char *path, struct pack *password, struct diag *why)
{
	if (path[0] == '\0')
		return AK_OK;
	if (password->bytes[password->len_b - 1] == '\n')
		password->len_b--;
	if (password->len_b == 0)
		return diag_say(why, AK_ERR_INVALID, path, 0, 0,
		    "password_file holds an empty password, which a server takes for an "
		    "anonymous login: write the password into it");
	if (memchr(password->bytes, '\0', password->len_b) != NULL ||
	    memchr(password->bytes, '\n', password->len_b) != NULL)
		return diag_say(why, AK_ERR_INVALID, path, 0, 0,
		    "password_file must hold one line of text, the password");
	return AK_OK;
}

enum ak_err
credentials_read(
    const struct directory_settings *d, uid_t owner, struct credentials *out, struct diag *why)
{
	const struct wanted rows[] = {
	    {"ca_file", d->ca_file, S_IWGRP | S_IWOTH, &out->ca},
	    {"cert_file", d->cert_file, S_IWGRP | S_IWOTH, &out->cert},
	    {"key_file", d->key_file, S_IRWXG | S_IRWXO, &out->key},
	    {"password_file", d->password_file, S_IRWXG | S_IRWXO, &out->password},
	};
	enum ak_err err = AK_OK;

	*out = CREDENTIALS_INIT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && err == AK_OK; i++)
		err = read_one(&rows[i], owner, why);
	if (err == AK_OK)
		err = check_password(d->password_file, &out->password, why);
	if (err != AK_OK)
		credentials_clear(out);
	return err;
}

void
credentials_clear(struct credentials *c)
{
	pack_wipe(&c->ca);
	pack_wipe(&c->cert);
	pack_wipe(&c->key);
	pack_wipe(&c->password);
}
