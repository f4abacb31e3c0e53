#include "host.h"

#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "dirserver.h"
#include "nscd.h"
#include "who.h"

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

static bool
host_id_taken(void *ctx, uint32_t id)
{
	(void)ctx;
	return accounts_id_taken(id);
}

static void
host_who(void *ctx, char *buf, size_t cap)
{
	(void)ctx;
	who_name("/proc/self/loginuid", getenv("SUDO_USER"), getuid(), buf, cap);
}

static void
host_log(void *ctx, const char *line)
{
	(void)ctx;
	syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", line);
}

static void
host_names_changed(void *ctx)
{
	(void)ctx;
	nscd_flush();
}

struct cli_host
host_installed(void)
{
	return (struct cli_host){
	    .now = host_now,
	    .find_user = host_find_user,
	    .find_group = host_find_group,
	    .id_taken = host_id_taken,
	    .who = host_who,
	    .log = host_log,
	    .names_changed = host_names_changed,
	    .directory = &dirserver_ldap,
	    .skel = "/etc/skel",
	    .crontabs = "/var/spool/cron/crontabs",
	    .atjobs = "/var/spool/cron/atjobs",
	};
}
