#include "logfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "paths.h"
#include "text.h"

/* How often logrotate may come in between. */
#define TRIES 100U

static enum ak_err
say_errno(const char *path, struct diag *why)
{
	if (errno == EACCES)
		return diag_because(why, AK_ERR_DENIED,
		    "%s is for root and the group adm: try `sudo apikey log`", path);
	return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0, "%s", strerror(errno));
}

/* Is it audit.log or audit.log.N, and which? */
static bool
number_of(const char *entry, const char *name, uint64_t *number)
{
	size_t len = strlen(name);

	*number = 0;
	if (strncmp(entry, name, len) != 0)
		return false;
	entry += len;
	return *entry == '\0' ||
	       (*entry++ == '.' && num_parse(entry, 1, UINT32_MAX, number) == AK_OK);
}

/* A file that is gone by now is another's to find: the next scan's. */
static enum ak_err
open_one(int folder, const char *entry, struct logfile *f, struct diag *why)
{
	f->fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (f->fd == -1 && errno == ENOENT)
		return AK_ERR_NOT_FOUND;
	if (f->fd == -1 || fstat(f->fd, &f->st) == -1)
		return say_errno(f->path, why);
	if (!S_ISREG(f->st.st_mode))
		return diag_say(why, AK_ERR_UNSAFE, f->path, 0, 0, "it is no regular file");
	return AK_OK;
}

static struct logfile *
add(struct logfiles *out)
{
	struct logfile *bigger = reallocarray(out->v, out->n + 1, sizeof(*bigger));

	if (bigger == NULL)
		return NULL;
	out->v = bigger;
	out->v[out->n] = (struct logfile){.fd = -1};
	return &out->v[out->n];
}

/* Unless nothing in it is new enough. */
static enum ak_err
take_entry(int folder, const char *path, const char *entry, uint64_t number, int64_t since,
    struct logfiles *out, struct diag *why)
{
	struct logfile *f = add(out);
	struct text t;
	enum ak_err err;

	if (f == NULL)
		return AK_ERR_NOMEM;
	f->number = number;
	t = text_over(f->path, sizeof(f->path));
	text_add(&t, "%s", path);
	if (number != 0)
		text_add(&t, ".%llu", (unsigned long long)number);
	err = open_one(folder, entry, f, why);
	/* The times of files come from a clock that ticks less often. */
	if (err == AK_OK && f->st.st_mtime + 1 >= since)
		out->n++;
	else if (f->fd != -1)
		(void)close(f->fd);
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

static int
by_age(const void *a, const void *b)
{
	const struct logfile *x = a, *y = b;

	return x->number < y->number ? 1 : -(x->number > y->number);
}

static enum ak_err
scan(const char *path, int64_t since, struct logfiles *out, struct diag *why)
{
	char folder[PATH_CAP];
	const char *name = strrchr(path, '/') + 1;
	const struct dirent *e;
	enum ak_err err = AK_OK;
	uint64_t number;
	DIR *d;

	*out = LOGFILES_INIT;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(name - path) - 1, path);
	if ((d = opendir(folder)) == NULL && errno == ENOENT)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "there is no %s: make it by `install -d -m 2750 -g adm %s`", folder, folder);
	if (d == NULL)
		return say_errno(folder, why);
	for (errno = 0; err == AK_OK && (e = readdir(d)) != NULL; errno = 0)
		if (number_of(e->d_name, name, &number))
			err = take_entry(dirfd(d), path, e->d_name, number, since, out, why);
	if (err == AK_OK && errno != 0)
		err = say_errno(folder, why);
	(void)closedir(d);
	if (err != AK_OK)
		logfiles_close(out);
	else if (out->n > 1)
		qsort(out->v, out->n, sizeof(out->v[0]), by_age);
	return err;
}

static bool
is_same(const struct logfiles *a, const struct logfiles *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].number != b->v[i].number || a->v[i].st.st_ino != b->v[i].st.st_ino)
			return false;
	return true;
}

enum ak_err
logfiles_open(const char *path, int64_t since, struct logfiles *out, struct diag *why)
{
	struct logfiles before;
	enum ak_err err = scan(path, since, out, why);
	bool same = false;

	/* Seen twice alike: nothing was renamed between one name and the next. */
	for (unsigned i = 0; i < TRIES && err == AK_OK && !same; i++) {
		before = *out;
		err = scan(path, since, out, why);
		same = err == AK_OK && is_same(&before, out);
		logfiles_close(&before);
	}
	return err;
}

void
logfiles_close(struct logfiles *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].fd != -1)
			(void)close(f->v[i].fd);
	free(f->v);
	*f = LOGFILES_INIT;
}
