#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"

/* A small file of /proc, in one read, as a string. */
static enum ak_err
read_small(pid_t pid, const char *name, char *buf, size_t cap_b)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
	do
		n = read(fd, buf, cap_b - 1);
	while (n == -1 && errno == EINTR);
	(void)close(fd);
	/* A process that ended between the two calls. */
	if (n == -1)
		return errno == ESRCH ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
	buf[n] = '\0';
	return AK_OK;
}

/* The field at *at as a number, and on to the next. */
static bool
take_field(char **at, uint64_t *out)
{
	char *field = *at;
	size_t len = strcspn(field, " \n");
	bool last = field[len] == '\0';

	field[len] = '\0';
	*at = field + len + (last ? 0 : 1);
	return num_parse(field, 0, UINT64_MAX, out) == AK_OK;
}

static void
skip_fields(char **at, unsigned n)
{
	for (; n > 0; n--) {
		*at += strcspn(*at, " ");
		*at += strspn(*at, " ");
	}
}

/* Fields 4 (parent) and 22 (start) behind the name, which is in parentheses and may hold any byte. */
static enum ak_err
parse_stat(char *text, struct proc *out)
{
	char *at = strrchr(text, ')');
	uint64_t parent, start;

	if (at == NULL || at[1] != ' ')
		return AK_ERR_UNAVAILABLE;
	at += 2;
	skip_fields(&at, 1);
	if (!take_field(&at, &parent) || parent > INT32_MAX)
		return AK_ERR_UNAVAILABLE;
	skip_fields(&at, 17);
	if (!take_field(&at, &start))
		return AK_ERR_UNAVAILABLE;
	out->parent = (pid_t)parent;
	out->id.start = start;
	return AK_OK;
}

enum ak_err
proc_read(pid_t pid, struct proc *out)
{
	char buf[1024], *at = buf;
	uint64_t audit;
	enum ak_err err;

	*out = (struct proc){.id = {.pid = pid}, .audit = PROC_NO_AUDIT};
	if ((err = read_small(pid, "stat", buf, sizeof(buf))) != AK_OK ||
	    (err = parse_stat(buf, out)) != AK_OK)
		return err;
	/* A kernel without auditing has no such file: then nothing is known. */
	if (read_small(pid, "sessionid", buf, sizeof(buf)) == AK_OK &&
	    take_field(&at, &audit) && audit < PROC_NO_AUDIT)
		out->audit = (uint32_t)audit;
	return AK_OK;
}

bool
proc_is_alive(const struct proc_id *id)
{
	struct proc now;
	enum ak_err err = proc_read(id->pid, &now);

	if (err == AK_ERR_NOT_FOUND)
		return false;
	return err != AK_OK || now.id.start == id->start;
}

uint64_t
proc_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}
