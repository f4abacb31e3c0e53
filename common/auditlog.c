#include "auditlog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "num.h"
#include "ownfile.h"
#include "text.h"

/* What others may append between the look at the file's size and the write. */
#define OTHERS_B ((off_t)1 << 20)

static enum ak_err
build(const char *line, struct timespec now, char out[], size_t cap, size_t *len_b)
{
	struct text t = text_over(out, cap);
	char at[NUM_TIME_CAP];

	if (strchr(line, '\n') != NULL)
		return AK_ERR_INVALID;
	(void)num_print_time(now.tv_sec, at);
	at[strcspn(at, "Z")] = '\0';
	text_add(&t, "time=%s.%03ldZ %s\n", at, now.tv_nsec / 1000000, line);
	*len_b = t.len;
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

/* A full disk left a line without its end: it must not swallow the next one. Of one that is being written that may be seen too: then a line is empty, which `apikey log` passes over. */
static bool
is_torn(int fd, const struct stat *st)
{
	char last = '\n';

	return st->st_size > 0 && pread(fd, &last, 1, st->st_size - 1) == 1 && last != '\n';
}

/* Once, whole: of what is short, the rest would land behind another's line. */
static enum ak_err
append(int fd, const char *bytes, size_t len_b)
{
	ssize_t n;

	do
		n = write(fd, bytes, len_b);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)len_b ? AK_OK : AK_ERR_UNAVAILABLE;
}

enum ak_err
auditlog_append(const struct paths *p, const char *line)
{
	/* Behind a newline, for the line before it. */
	char bytes[1 + sizeof("time= ") + NUM_TIME_CAP + AUDIT_LINE_CAP] = "\n";
	struct timespec now = {.tv_sec = 0};
	struct stat st;
	size_t len_b;
	enum ak_err err;
	int fd;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if ((err = build(line, now, bytes + 1, sizeof(bytes) - 1, &len_b)) != AK_OK ||
	    (err = ownfile_open(p->audit, p->owner, 0640, O_APPEND, &fd, &st)) != AK_OK)
		return err;
	if (!ownfile_may_reach(st.st_size + OTHERS_B))
		err = AK_ERR_UNAVAILABLE;
	else if (is_torn(fd, &st))
		err = append(fd, bytes, len_b + 1);
	else
		err = append(fd, bytes + 1, len_b);
	(void)close(fd);
	return err;
}
