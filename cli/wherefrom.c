#include "wherefrom.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utmpx.h>

#include "procs.h"
#include "sessions.h"
#include "text.h"
#include "who.h"

#define DEPTH_MAX 256
/* The kernel's majors of /dev/pts (devices.txt), 256 terminals each. */
#define PTS_MAJOR 136U
#define PTS_MAJOR_MAX 143U

static bool
find_session(const struct paths *p, const char *loginuid_file, char *buf, size_t cap)
{
	struct session s;
	uid_t uid;

	return who_login_uid(loginuid_file, &uid) && sessions_find_own(p, uid, &s) == AK_OK &&
	       text_copy(buf, cap, s.address) == AK_OK;
}

/* Who sits at this terminal came from there, as the login wrote it down. */
static bool
find_terminal(dev_t tty, char *buf, size_t cap)
{
	struct utmpx *found, line = {.ut_type = USER_PROCESS};

	if (major(tty) < PTS_MAJOR || major(tty) > PTS_MAJOR_MAX)
		return false;
	(void)snprintf(line.ut_line, sizeof(line.ut_line), "pts/%u",
	    (major(tty) - PTS_MAJOR) * 256 + minor(tty));
	setutxent();
	found = getutxline(&line);
	if (found != NULL)
		(void)snprintf(buf, cap, "%.*s", (int)sizeof(found->ut_host), found->ut_host);
	endutxent();
	return found != NULL && buf[0] != '\0';
}

/* Up to the nearest terminal that a login was at: sudo(8) gives its command one of its own. What began another login is none of ours. */
static void
climb(const struct procs *procs, char *buf, size_t cap)
{
	const struct procs_one *at = procs_find(procs, getpid());
	uint32_t audit = at == NULL ? PROC_NO_AUDIT : at->audit;

	for (int depth = 0; at != NULL && at->audit == audit && depth < DEPTH_MAX; depth++) {
		if (at->tty != 0 && find_terminal(at->tty, buf, cap))
			return;
		at = procs_find(procs, at->parent);
	}
}

void
wherefrom_find(const struct paths *p, const char *loginuid_file, char *buf, size_t cap)
{
	struct procs procs = PROCS_INIT;

	buf[0] = '\0';
	if (find_session(p, loginuid_file, buf, cap))
		return;
	if (procs_look(&procs) == AK_OK)
		climb(&procs, buf, cap);
	procs_clear(&procs);
}
