#include "leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static void
tell_crontab(const struct cli *c, const struct key_record *k)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", c->host.crontabs, k->name);

	if (n > 0 && (size_t)n < sizeof(path) && lstat(path, &st) == 0)
		cli_warn(c, "%s left a crontab behind: %s", k->name, path);
}

static void
tell_jobs(const struct cli *c, const struct key_record *k)
{
	DIR *d = opendir(c->host.atjobs);
	struct dirent *e;
	struct stat st;

	if (d == NULL && errno != ENOENT)
		cli_warn(c, "whether %s left at jobs behind is not known: %s: %s", k->name,
		    c->host.atjobs, strerror(errno));
	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == k->uid)
			cli_warn(c, "%s left an at job behind: %s/%s", k->name, c->host.atjobs,
			    e->d_name);
	if (d != NULL)
		(void)closedir(d);
}

void
leftovers_tell(const struct cli *c, const struct key_record *k)
{
	tell_crontab(c, k);
	tell_jobs(c, k);
}
