/* replaced: see replaced.h. */
#include "replaced.h"

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define STATE "/var/lib/apikey/"

/* `lastused' is not among them: it is written in its place, slot by slot. */
static struct file {
	const char *path;
	int fd; /* of the one that is there, as long as it is: its number is nobody else's until then */
	unsigned long times;
} files[] = {
    {"/etc/apikey/apikey.yaml", -1, 0},
    {"/etc/apikey/policy.yaml", -1, 0},
    {"/etc/group", -1, 0},
    {STATE "local.idx", -1, 0},
    {STATE "users.idx", -1, 0},
    {STATE "policy.image", -1, 0},
    {STATE "directory-keys.idx", -1, 0},
    {STATE "directory-groups.idx", -1, 0},
    {STATE "freshness", -1, 0},
    {"/var/log/apikey/audit.log", -1, 0},
};

/* Is another file there now? What logrotate took away is none for a moment. */
static bool
is_another(const struct file *f)
{
	struct stat old, now;

	if (f->fd == -1)
		return true;
	if (fstat(f->fd, &old) == -1)
		error(2, errno, "%s", f->path);
	if (stat(f->path, &now) == -1)
		return false;
	return old.st_ino != now.st_ino || old.st_dev != now.st_dev;
}

void
replaced_look(void)
{
	for (size_t i = 0; i < N(files); i++) {
		struct file *f = &files[i];

		if (!is_another(f))
			continue;
		if (f->fd != -1) {
			f->times++;
			(void)close(f->fd);
		}
		if ((f->fd = open(f->path, O_PATH | O_CLOEXEC)) == -1 && errno != ENOENT)
			error(2, errno, "%s", f->path);
	}
}

bool
replaced_all(void)
{
	bool all = true;

	(void)printf("# replaced, as the logins saw it:\n");
	for (size_t i = 0; i < N(files); i++) {
		(void)printf("# %8lu %s\n", files[i].times, files[i].path);
		if (files[i].times == 0) {
			(void)printf("# %s was never replaced\n", files[i].path);
			all = false;
		}
	}
	return all;
}
