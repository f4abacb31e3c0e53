#include "doctor_checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "num.h"

/* What shows apikeyd the processes of others there: see systemd.exec(5). */
#define MAY_SEE                                                                                \
	"mkdir -p /etc/systemd/system/apikeyd.service.d && printf "                            \
	"'[Service]\\nCapabilityBoundingSet=CAP_SYS_PTRACE\\n' "                               \
	">/etc/systemd/system/apikeyd.service.d/hidepid.conf && systemctl daemon-reload && "   \
	"systemctl restart apikeyd"

/* The lines of a file below /proc, until wanted says yes; that line is in *line, which is to be freed in any case. */
static bool
find_line(
    const struct doctor *d, const char *name, bool (*wanted)(const char *line), char **line)
{
	char path[PATH_CAP];
	struct text t = text_over(path, sizeof(path));
	size_t cap = 0;
	bool found = false;
	FILE *f;

	*line = NULL;
	text_add(&t, "%s/%s", d->c->host.proc, name);
	if (t.cut || (f = fopen(path, "re")) == NULL)
		return false;
	while (!found && getline(line, &cap, f) != -1)
		found = wanted(*line);
	(void)fclose(f);
	return found;
}

/* "proc /proc proc rw,…,hidepid=invisible 0 0" */
static bool
hides(const char *line)
{
	const char *at = strstr(line, "hidepid=");

	return strncmp(line, "proc /proc proc ", 16) == 0 && at != NULL &&
	       strncmp(at, "hidepid=0", 9) != 0 && strncmp(at, "hidepid=off", 11) != 0;
}

static bool
is_capabilities(const char *line)
{
	return strncmp(line, "CapEff:", 7) == 0;
}

#define CAP_SYS_PTRACE_BIT 19

/* What can't be told counts as yes. */
static bool
daemon_sees(const struct doctor *d)
{
	char name[64], *line;
	bool sees = true;
	struct text t = text_over(name, sizeof(name));

	text_add(&t, "%u/status", d->status.reply.pid);
	if (find_line(d, name, is_capabilities, &line))
		sees = (strtoull(line + 7, NULL, 16) >> CAP_SYS_PTRACE_BIT & 1) != 0;
	free(line);
	return sees;
}

static void
look_at_proc(struct doctor *d)
{
	char *line;

	if (find_line(d, "mounts", hides, &line) && d->status.daemon && !daemon_sees(d))
		doctor_attend(d, MAY_SEE,
		    "/proc hides processes (hidepid), and apikeyd has no CAP_SYS_PTRACE: it "
		    "can "
		    "end no session");
	free(line);
	(void)doctor_needs(d, STATUS_SESSIONS, "see that /proc is mounted, and shows processes");
}

static bool
any(const char *line)
{
	(void)line;
	return true;
}

/* pidfd_open(2). */
static void
look_at_kernel(struct doctor *d)
{
	unsigned long major, minor = 0;
	char *line, *end;

	if (find_line(d, "sys/kernel/osrelease", any, &line)) {
		major = strtoul(line, &end, 10);
		if (*end == '.')
			minor = strtoul(end + 1, NULL, 10);
		if (major < 5 || (major == 5 && minor < 3))
			doctor_attend(d, "use Linux 5.3 or later",
			    "Linux %lu.%lu has no pidfds: no session can be ended safely",
			    major, minor);
	}
	free(line);
}

/* It speaks of processes, and is to go with them. */
static void
look_at_run(struct doctor *d)
{
	struct statfs fs;

	if (statfs(d->c->paths.run, &fs) == 0 && fs.f_type != TMPFS_MAGIC &&
	    fs.f_type != RAMFS_MAGIC)
		doctor_note(d, "let /run be a tmpfs, as systemd has it",
		    "%s is on a disk: records of sessions stay after a reboot", d->c->paths.run);
}

/* The host around us: is there a lockdown, a log, and a way to end sessions? */
void
doctor_host(struct doctor *d)
{
	(void)doctor_needs(d, STATUS_LOCKDOWN, "");
	(void)doctor_needs(d, STATUS_AUDIT, "");
	look_at_proc(d);
	look_at_kernel(d);
	look_at_run(d);
	if (d->live.settings.public_key_logins)
		doctor_note(d, "see public_key_logins in apikey.yaml(5)",
		    "public_key_logins is allow: whoever has put a key of his own into a key's "
		    "authorized_keys logs in after its token was rotated");
	if (doctor_count(d) == 0)
		doctor_ok(
		    d, "no lockdown; the audit log can be written, and sessions be ended");
}
