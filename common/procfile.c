#include "procfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "num.h"
#include "proc.h"
#include "text.h"

/* What errno says of a file below /proc. */
static enum ak_err
why_unread(void)
{
	switch (errno) {
	case ENOENT:
	case ESRCH:
		return AK_ERR_NOT_FOUND;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return AK_ERR_FULL;
	default:
		return AK_ERR_UNAVAILABLE;
	}
}

enum ak_err
procfile_open(int proc, const char *pid, int *dir)
{
	*dir = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *dir != -1 ? AK_OK : why_unread();
}

static ssize_t
read_again(int fd, char *buf, size_t cap_b)
{
	ssize_t n;

	do
		n = read(fd, buf, cap_b);
	while (n == -1 && errno == EINTR);
	return n;
}

/* What the kernel gives in one read, as a string. */
static enum ak_err
read_small(int dir, const char *name, char *buf, size_t cap_b)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	buf[0] = '\0';
	if (fd != -1) {
		n = read_again(fd, buf, cap_b - 1);
		(void)close(fd);
	}
	/* A process that has ended has no files, or none that say anything. */
	if (n == -1)
		return why_unread();
	buf[n] = '\0';
	return AK_OK;
}

/* The field at *at as a number, and on to the next. */
static bool
take_field(char **at, uint64_t *out)
{
	char *field = *at;
	size_t len = strcspn(field, " \t\n");
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

/* The kernel's form of a device number (new_encode_dev) is not the C library's. */
static dev_t
device_of(uint64_t kernel)
{
	unsigned number = (unsigned)kernel;

	return makedev((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
}

/* Fields 3 to 22 behind the name, which is in parentheses and may hold any byte. */
static enum ak_err
parse_stat(char *text, struct procfile_stat *out)
{
	char *at = strrchr(text, ')');
	uint64_t parent, tty;

	if (at == NULL || at[1] != ' ')
		return AK_ERR_UNAVAILABLE;
	at += 2;
	out->state = *at;
	skip_fields(&at, 1);
	if (!take_field(&at, &parent) || parent > INT32_MAX)
		return AK_ERR_UNAVAILABLE;
	out->parent = (pid_t)parent;
	skip_fields(&at, 2);
	/* Written with a sign; no terminal that anybody has is below zero. */
	out->tty = take_field(&at, &tty) ? device_of(tty) : 0;
	skip_fields(&at, 12);
	if (!take_field(&at, &out->threads))
		return AK_ERR_UNAVAILABLE;
	skip_fields(&at, 1);
	return take_field(&at, &out->start) ? AK_OK : AK_ERR_UNAVAILABLE;
}

enum ak_err
procfile_stat(int dir, struct procfile_stat *out)
{
	char buf[1024];
	enum ak_err err;

	*out = (struct procfile_stat){.state = '?'};
	if ((err = read_small(dir, "stat", buf, sizeof(buf))) == AK_OK)
		err = parse_stat(buf, out);
	if (err != AK_OK)
		*out = (struct procfile_stat){.state = '?'};
	return err;
}

enum ak_err
procfile_audit(int dir, uint32_t *out)
{
	char buf[32], *at = buf;
	uint64_t audit;
	enum ak_err err = read_small(dir, "sessionid", buf, sizeof(buf));

	*out = PROC_NO_AUDIT;
	if (err == AK_OK && take_field(&at, &audit) && audit < PROC_NO_AUDIT)
		*out = (uint32_t)audit;
	return err;
}

/* What the lines of a status have said so far. */
struct status {
	struct procfile_status *out;
	bool has_uids, has_pids;
	enum ak_err err;
};

static enum ak_err
take_uids(char *at, struct procfile_status *out)
{
	uid_t *const ids[] = {&out->real, &out->effective, &out->saved};
	uint64_t id = 0;

	for (unsigned i = 0; i < 3; i++) {
		if (!take_field(&at, &id) || id > UINT32_MAX) {
			out->real = out->effective = out->saved = (uid_t)-1;
			return AK_ERR_UNAVAILABLE;
		}
		*ids[i] = (uid_t)id;
	}
	return AK_OK;
}

/* The name above them has its newlines escaped. `NSpid:` has a pid for each namespace that the process is in, from this one down. */
static void
take_line(struct status *s, char *line)
{
	static const char uids[] = "Uid:\t", pids[] = "NSpid:\t";

	if (!s->has_uids && strncmp(line, uids, strlen(uids)) == 0) {
		s->has_uids = true;
		s->err = take_uids(line + strlen(uids), s->out);
	} else if (!s->has_pids && strncmp(line, pids, strlen(pids)) == 0) {
		s->has_pids = true;
		s->out->nested = strchr(line + strlen(pids), '\t') != NULL;
	}
}

/* A line longer than the room says nothing: between the two stands `Groups:`, with up to 65,536 of them. */
static enum ak_err
take_lines(int fd, struct status *s)
{
	char buf[4096], *line, *end;
	size_t have_b = 0;
	bool in_long = false;
	ssize_t n = 0;

	while (!(s->has_uids && s->has_pids) &&
	       (n = read_again(fd, buf + have_b, sizeof(buf) - 1 - have_b)) > 0) {
		have_b += (size_t)n;
		buf[have_b] = '\0';
		for (line = buf; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			if (!in_long)
				take_line(s, line);
			in_long = false;
		}
		have_b = strlen(line);
		memmove(buf, line, have_b);
		if (have_b == sizeof(buf) - 1) {
			in_long = true;
			have_b = 0;
		}
	}
	return n == -1 ? why_unread() : AK_OK;
}

enum ak_err
procfile_status(int dir, struct procfile_status *out)
{
	const struct procfile_status nothing = {(uid_t)-1, (uid_t)-1, (uid_t)-1, false};
	struct status s = {.out = out, .err = AK_ERR_UNAVAILABLE};
	int fd = openat(dir, "status", O_RDONLY | O_CLOEXEC);
	enum ak_err err;

	*out = nothing;
	if (fd == -1)
		return why_unread();
	if ((err = take_lines(fd, &s)) != AK_OK)
		*out = nothing;
	(void)close(fd);
	return err != AK_OK ? err : s.err;
}

bool
procfile_has_host_ids(int dir)
{
	char buf[128];

	if (read_small(dir, "uid_map", buf, sizeof(buf)) != AK_OK)
		return false;
	return strcmp(buf, "         0          0 4294967295\n") == 0;
}

/* …/session-ID.scope */
static bool
is_scope(const char *path)
{
	static const char before[] = "session-", behind[] = ".scope";
	const char *last = strrchr(path, '/');
	size_t len;

	if (last == NULL || strncmp(last + 1, before, strlen(before)) != 0)
		return false;
	len = strlen(last + 1);
	return len > strlen(before) + strlen(behind) &&
	       strcmp(last + 1 + len - strlen(behind), behind) == 0;
}

/* A line for each hierarchy, `N:CONTROLLERS:PATH`: systemd's own is named (v1) or has no controllers (v2). */
enum ak_err
procfile_scope(int dir, char *out, size_t cap_b)
{
	char buf[8192], *line, *rest = buf;
	enum ak_err err = read_small(dir, "cgroup", buf, sizeof(buf));

	out[0] = '\0';
	if (err != AK_OK)
		return err;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *controllers = strchr(line, ':');
		char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

		if (path == NULL || (strncmp(controllers, "::", 2) != 0 &&
					strncmp(controllers, ":name=systemd:", 14) != 0))
			continue;
		if (is_scope(path + 1) && text_copy(out, cap_b, path + 1) == AK_OK)
			break;
	}
	return AK_OK;
}
