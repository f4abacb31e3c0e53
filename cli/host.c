#include "host.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dirserver.h"
#include "text.h"
#include "who.h"

static int64_t
host_now(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

/* What getpwnam(3) lists as "not found"; all else is an outage, and never "no such user". */
static enum ak_err
err_of(int rc, const void *found)
{
	if (found != NULL)
		return AK_OK;
	switch (rc) {
	case 0:
	case ENOENT:
	case ESRCH:
	case EBADF:
	case EPERM:
		return AK_ERR_NOT_FOUND;
	default:
		return AK_ERR_UNAVAILABLE;
	}
}

#define ROOM_B ((size_t)64 << 10)
#define ROOM_MAX_B ((size_t)64 << 20)

/* The getXXX_r family wants the caller to guess how large an entry is. */
static enum ak_err
with_room(int (*ask)(void *with, char *room, size_t len_b, const void **found), void *with)
{
	const void *found = NULL;
	int rc = ERANGE;

	for (size_t len_b = ROOM_B; rc == ERANGE && len_b <= ROOM_MAX_B; len_b *= 4) {
		char *room = malloc(len_b);

		if (room == NULL)
			return AK_ERR_NOMEM;
		rc = ask(with, room, len_b, &found);
		free(room);
	}
	return err_of(rc, found);
}

struct user_query {
	const char *name; /* NULL: by uid */
	uid_t uid;
};

static int
ask_user(void *with, char *room, size_t len_b, const void **found)
{
	struct user_query *q = with;
	struct passwd pw, *result = NULL;
	int rc = q->name != NULL ? getpwnam_r(q->name, &pw, room, len_b, &result)
				 : getpwuid_r(q->uid, &pw, room, len_b, &result);

	if (result != NULL)
		q->uid = pw.pw_uid;
	*found = result;
	return rc;
}

struct group_query {
	const char *name; /* NULL: by gid */
	gid_t gid;
};

static int
ask_group(void *with, char *room, size_t len_b, const void **found)
{
	struct group_query *q = with;
	struct group gr, *result = NULL;
	int rc = q->name != NULL ? getgrnam_r(q->name, &gr, room, len_b, &result)
				 : getgrgid_r(q->gid, &gr, room, len_b, &result);

	if (result != NULL)
		q->gid = gr.gr_gid;
	*found = result;
	return rc;
}

static enum ak_err
host_find_user(void *ctx, const char *name, uint32_t *uid)
{
	struct user_query q = {.name = name};
	enum ak_err err = with_room(ask_user, &q);

	(void)ctx;
	*uid = q.uid;
	return err;
}

static enum ak_err
host_find_group(void *ctx, const char *name, uint32_t *gid)
{
	struct group_query q = {.name = name};
	enum ak_err err = with_room(ask_group, &q);

	(void)ctx;
	*gid = q.gid;
	return err;
}

static bool
host_id_taken(void *ctx, uint32_t id)
{
	struct user_query user = {.uid = id};
	struct group_query group = {.gid = id};

	(void)ctx;
	return with_room(ask_user, &user) != AK_ERR_NOT_FOUND ||
	       with_room(ask_group, &group) != AK_ERR_NOT_FOUND;
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

/* What we ignore or block, nscd should not. */
static void
flush_table(const char *table)
{
	char nscd[] = "nscd", invalidate[] = "-i", name[16];
	char *argv[] = {nscd, invalidate, name, NULL}, *envp[] = {NULL};
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	pid_t pid;

	if (text_copy(name, sizeof(name), table) != AK_OK || posix_spawnattr_init(&attr) != 0)
		return;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (posix_spawn(&pid, "/usr/sbin/nscd", NULL, &attr, argv, envp) == 0)
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
	(void)posix_spawnattr_destroy(&attr);
}

static void
host_names_changed(void *ctx)
{
	(void)ctx;
	if (access("/run/nscd/socket", F_OK) != 0)
		return;
	flush_table("passwd");
	flush_table("group");
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
