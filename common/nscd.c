#include "nscd.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

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

void
nscd_flush(void)
{
	if (access("/run/nscd/socket", F_OK) != 0)
		return;
	flush_table("passwd");
	flush_table("group");
}
