#include "procs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "procfile.h"

#define SCOPE_CAP 256

/* Each scope's path once: a session's processes lie together. */
struct procs_scopes {
	struct procs_scopes *next;
	char path[SCOPE_CAP];
};

static enum ak_err
intern(struct procs *p, const char *path, const char **out)
{
	struct procs_scopes *s = p->scopes;

	*out = NULL;
	if (path[0] == '\0')
		return AK_OK;
	while (s != NULL && strcmp(s->path, path) != 0)
		s = s->next;
	if (s == NULL) {
		if ((s = malloc(sizeof(*s))) == NULL)
			return AK_ERR_NOMEM;
		memcpy(s->path, path, strlen(path) + 1);
		s->next = p->scopes;
		p->scopes = s;
	}
	*out = s->path;
	return AK_OK;
}

static struct procs_one *
add(struct procs *p, size_t *cap)
{
	if (p->n == *cap) {
		size_t grown = *cap * 2 + 256;
		struct procs_one *v = reallocarray(p->v, grown, sizeof(*v));

		if (v == NULL)
			return NULL;
		p->v = v;
		*cap = grown;
	}
	return &p->v[p->n];
}

/* One whose first thread has ended is a zombie to look at, while its others run. */
static bool
has_ended(const struct procfile_stat *s)
{
	return (s->state == 'Z' || s->state == 'X') && s->threads <= 1;
}

/* What can't be read of it is unset; but who its parent is, and when it began, must be known. AK_ERR_FULL: it can't be looked at now. */
static enum ak_err
read_one(struct procs *p, int dir, pid_t pid, struct procs_one *out)
{
	struct procfile_stat stat;
	char scope[SCOPE_CAP];
	struct procfile_status status;
	uint32_t audit;
	enum ak_err err = procfile_stat(dir, &stat);

	if (err != AK_OK)
		return err;
	if ((err = procfile_status(dir, &status)) == AK_ERR_NOT_FOUND || err == AK_ERR_FULL)
		return err;
	if ((err = procfile_audit(dir, &audit)) == AK_ERR_FULL)
		return err;
	if ((err = procfile_scope(dir, scope, sizeof(scope))) == AK_ERR_FULL)
		return err;
	*out = (struct procs_one){.id = {.pid = pid, .start = stat.start},
	    .parent = stat.parent,
	    .audit = audit,
	    .real = status.real,
	    .effective = status.effective,
	    .saved = status.saved,
	    .contained = status.nested && procfile_has_host_ids(dir),
	    .tty = stat.tty,
	    .ended = has_ended(&stat)};
	return intern(p, scope, &out->scope);
}

static enum ak_err
take(struct procs *p, size_t *cap, int proc, const char *name)
{
	struct procs_one *one;
	uint64_t pid;
	enum ak_err err;
	int dir;

	if (num_parse(name, 1, INT32_MAX, &pid) != AK_OK)
		return AK_OK;
	if ((one = add(p, cap)) == NULL)
		return AK_ERR_NOMEM;
	if ((err = procfile_open(proc, name, &dir)) == AK_OK) {
		err = read_one(p, dir, (pid_t)pid, one);
		(void)close(dir);
	}
	if (err == AK_OK)
		p->n++;
	/* A process that is left out of the picture for our own want would live on. */
	if (err == AK_ERR_FULL)
		return AK_ERR_UNAVAILABLE;
	return err == AK_ERR_NOMEM ? err : AK_OK;
}

static int
by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct procs_one *)a)->id.pid,
	      y = ((const struct procs_one *)b)->id.pid;

	return (x > y) - (x < y);
}

enum ak_err
procs_look(struct procs *out)
{
	DIR *dir = opendir("/proc");
	enum ak_err err = AK_OK;
	struct dirent *entry;
	size_t cap = 0;

	*out = PROCS_INIT;
	if (dir == NULL)
		return AK_ERR_UNAVAILABLE;
	while (err == AK_OK) {
		errno = 0;
		if ((entry = readdir(dir)) == NULL)
			break;
		err = take(out, &cap, dirfd(dir), entry->d_name);
	}
	if (err == AK_OK && errno != 0)
		err = AK_ERR_UNAVAILABLE;
	(void)closedir(dir);
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), by_pid);
	/* The first of all is always there: a /proc that hides it from us (hidepid) hides others. */
	if (err == AK_OK && procs_find(out, 1) == NULL)
		err = AK_ERR_UNAVAILABLE;
	if (err != AK_OK)
		procs_clear(out);
	return err;
}

void
procs_clear(struct procs *p)
{
	while (p->scopes != NULL) {
		struct procs_scopes *next = p->scopes->next;

		free(p->scopes);
		p->scopes = next;
	}
	free(p->v);
	*p = PROCS_INIT;
}

const struct procs_one *
procs_find(const struct procs *p, pid_t pid)
{
	const struct procs_one wanted = {.id = {.pid = pid}};

	return p->n == 0 ? NULL : bsearch(&wanted, p->v, p->n, sizeof(*p->v), by_pid);
}
