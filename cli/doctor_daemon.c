#include "doctor_checks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Is this host run by systemd (sd_booted(3))? */
static bool
has_systemd(const struct doctor *d)
{
	char path[PATH_CAP];
	struct text t = text_over(path, sizeof(path));

	text_add(&t, "%s/systemd/system", d->c->host.run);
	return !t.cut && access(path, F_OK) == 0;
}

/* Is the unit enabled? What can't be told counts as yes. */
static bool
is_enabled(const struct doctor *d)
{
	char tool[] = "/usr/bin/systemctl", verb[] = "is-enabled", unit[] = "apikeyd.service";
	char *argv[] = {tool, verb, unit, NULL}, said[128];

	return doctor_tool(d, argv, said, sizeof(said)) != 1 ||
	       strncmp(said, "disabled", 8) != 0;
}

/* A file that was replaced since is called so by the kernel (proc(5)). */
static bool
is_old(const struct doctor *d, uint32_t pid)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_CAP], to[PATH_CAP * 2];
	struct text t = text_over(path, sizeof(path));
	ssize_t n;

	text_add(&t, "%s/%u/exe", d->c->host.proc, pid);
	n = t.cut ? -1 : readlink(path, to, sizeof(to) - 1);
	if (n < (ssize_t)sizeof(deleted))
		return false;
	to[n] = '\0';
	return strcmp(to + n - (sizeof(deleted) - 1), deleted) == 0;
}

static const char *
start_advice(const struct doctor *d)
{
	return has_systemd(d) ? "systemctl enable --now apikeyd"
			      : "have apikeyd started with the host";
}

/* apikeyd: the clock of expiry and windows, and the way to the directory. */
void
doctor_daemon(struct doctor *d)
{
	const struct status *s = &d->status;

	(void)doctor_needs(d, STATUS_DAEMON,
	    s->daemon ? "mend the policy: 'apikey doctor' says where" : start_advice(d));
	if (!s->daemon && doctor_count(d) == 0)
		doctor_note(d, start_advice(d),
		    "apikeyd does not run: what ends by the clock (expiry, windows) ends no "
		    "live "
		    "session, and is seen at the next login or sudo");
	if (s->daemon && is_old(d, s->reply.pid))
		doctor_attend(d,
		    has_systemd(d) ? "systemctl restart apikeyd" : "stop it, and start it again",
		    "apikeyd (process %u) is not the program that is installed now: that was "
		    "replaced since it was started",
		    s->reply.pid);
	if (s->daemon && has_systemd(d) && !is_enabled(d))
		doctor_note(d, "systemctl enable apikeyd",
		    "apikeyd runs, and will not after the next start of this host");
	if (doctor_count(d) == 0)
		doctor_ok(d, "apikeyd runs (process %u)", s->reply.pid);
}
