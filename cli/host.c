#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "auditlog.h"
#include "dirserver.h"
#include "nscd.h"
#include "tool.h"
#include "wherefrom.h"
#include "who.h"

/* sshd -T and the like answer at once, or they hang. */
#define TOOL_WAIT_MS 10000

static int64_t
host_now(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

static enum ak_err
host_find_user(void *ctx, const char *name, uint32_t *uid)
{
	(void)ctx;
	return accounts_find_user(name, uid);
}

static enum ak_err
host_find_group(void *ctx, const char *name, uint32_t *gid)
{
	(void)ctx;
	return accounts_find_group(name, gid);
}

static enum ak_err
host_check_id(void *ctx, uint32_t id)
{
	(void)ctx;
	return accounts_check_id(id);
}

static void
host_who(void *ctx, char *buf, size_t cap)
{
	(void)ctx;
	who_name("/proc/self/loginuid", getenv("SUDO_USER"), getuid(), buf, cap);
}

static void
host_from(void *ctx, const struct paths *p, char *buf, size_t cap)
{
	(void)ctx;
	wherefrom_find(p, "/proc/self/loginuid", buf, cap);
}

static enum ak_err
host_log(void *ctx, const struct paths *p, const char *line)
{
	(void)ctx;
	syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", line);
	return auditlog_append(p, line);
}

static enum ak_err
host_enforce(
    void *ctx, const struct enforce_how *how, struct enforce_result *out, struct diag *why)
{
	(void)ctx;
	return enforce_run(how, true, out, why);
}

static void
host_wait(void *ctx, int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)ctx;
	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		continue;
}

static void
host_names_changed(void *ctx)
{
	(void)ctx;
	nscd_flush();
}

static int
host_tool(void *ctx, char *const argv[], char *out, size_t cap)
{
	(void)ctx;
	return tool_run(argv, tool_now_ms() + TOOL_WAIT_MS, out, cap);
}

/* It stays loaded, as it does in every program that loads it for good. */
static enum ak_err
host_load(void *ctx, const char *path, struct diag *why)
{
	const char *said;

	(void)ctx;
	if (dlopen(path, RTLD_NOW | RTLD_LOCAL) != NULL)
		return AK_OK;
	said = dlerror();
	return diag_because(why, AK_ERR_UNAVAILABLE, "%s", said == NULL ? path : said);
}

struct cli_host
host_installed(void)
{
	static const char *const installed[] = {AK_SBINDIR "/apikey", AK_SBINDIR "/apikeyd",
	    AK_PKGLIBEXECDIR "/apikey-engine", AK_LIBDIR "/libnss_apikey.so.2", NULL};

	return (struct cli_host){
	    .now = host_now,
	    .find_user = host_find_user,
	    .find_group = host_find_group,
	    .check_id = host_check_id,
	    .who = host_who,
	    .from = host_from,
	    .log = host_log,
	    .enforce = host_enforce,
	    .wait = host_wait,
	    .names_changed = host_names_changed,
	    .directory = &dirserver_ldap,
	    .tool = host_tool,
	    .load = host_load,
	    .skel = "/etc/skel",
	    .crontabs = "/var/spool/cron/crontabs",
	    .atjobs = "/var/spool/cron/atjobs",
	    .etc = "/etc",
	    .root = "",
	    .var = "/var",
	    .run = "/run",
	    .proc = "/proc",
	    .installed = installed,
	};
}
