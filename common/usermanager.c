#include "usermanager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define LOGINCTL "/usr/bin/loginctl"
#define SYSTEMCTL "/usr/bin/systemctl"
#define NOT_LOADED 5 /* systemctl: there is no such unit */

bool
usermanager_is_here(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- a tool, for a bounded time -------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* It has nothing of ours: no descriptor, variable, folder, signal. */
static int
spawn(char *const argv[], pid_t *pid)
{
	char *envp[] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int failed;

	if ((failed = posix_spawn_file_actions_init(&files)) != 0)
		return failed;
	if ((failed = posix_spawnattr_init(&attr)) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return failed;
	}
	sigemptyset(&none);
	sigfillset(&all);
	failed |= posix_spawnattr_setsigmask(&attr, &none);
	failed |= posix_spawnattr_setsigdefault(&attr, &all);
	failed |=
	    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	failed |= posix_spawn_file_actions_addchdir_np(&files, "/");
	failed |= posix_spawn_file_actions_addclosefrom_np(&files, 3);
	for (int fd = 0; fd < 3; fd++)
		failed |= posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	if (failed == 0)
		failed = posix_spawn(pid, argv[0], &files, &attr, argv, envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return failed;
}

/* Has it ended by then? */
static bool
await(pid_t pid, int64_t until_ms)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int64_t left_ms;
	int ready = -1;

	if (p.fd == -1)
		return false;
	do {
		left_ms = until_ms - now_ms();
		ready = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (ready == -1 && errno == EINTR);
	(void)close(p.fd);
	return ready == 1;
}

/* How it ended: its exit status; -1: in no good way, or it was killed when the time was over. */
static int
run(char *const argv[], int64_t until_ms)
{
	int status = -1;
	pid_t pid, waited;

	if (now_ms() >= until_ms || spawn(argv, &pid) != 0)
		return -1;
	if (!await(pid, until_ms))
		(void)kill(pid, SIGKILL);
	do
		waited = waitpid(pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	return waited == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- what logind knows ------------------------------------------------------------------------ */

/* The name from logind's file on the user: once the key is deleted, nobody else knows it. */
static bool
find_name(const char *path, char name[KEY_NAME_MAX + 1])
{
	char line[256];
	FILE *f = fopen(path, "re");

	name[0] = '\0';
	if (f == NULL)
		return false;
	while (name[0] == '\0' && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "NAME=", 5) == 0 && text_is_key_name(line + 5))
			(void)!text_copy(name, KEY_NAME_MAX + 1, line + 5);
	}
	(void)fclose(f);
	return name[0] != '\0';
}

/* The file is all that lingering is; where this process may not write, logind takes it away. */
static bool
end_lingering(const char *name, char *uid, int64_t until_ms)
{
	char path[64], tool[] = LOGINCTL, verb[] = "disable-linger",
		       quiet[] = "--no-ask-password";
	char *argv[] = {tool, quiet, verb, uid, NULL};

	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", name);
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	return run(argv, until_ms) == 0;
}

/* Stopped, though it be dead already: what it was to start is dropped too. */
static bool
stop_unit(const char *uid, int64_t until_ms)
{
	char unit[64], tool[] = SYSTEMCTL, stop[] = "stop", reset[] = "reset-failed";
	char quiet[] = "--no-ask-password";
	char *stop_argv[] = {tool, quiet, stop, unit, NULL};
	char *reset_argv[] = {tool, quiet, reset, unit, NULL};
	int status;

	(void)snprintf(unit, sizeof(unit), "user@%s.service", uid);
	status = run(stop_argv, until_ms);
	/* Whether there was a failure to forget is nobody's concern. */
	(void)run(reset_argv, until_ms);
	return status == 0 || status == NOT_LOADED;
}

enum ak_err
usermanager_end(uint32_t uid, int wait_ms)
{
	const int64_t until_ms = now_ms() + wait_ms;
	char number[16], path[64], name[KEY_NAME_MAX + 1];
	bool ended = true;

	(void)snprintf(number, sizeof(number), "%u", uid);
	(void)snprintf(path, sizeof(path), "/run/systemd/users/%u", uid);
	if (!usermanager_is_here() || access(path, F_OK) != 0)
		return AK_OK;
	if (find_name(path, name))
		ended = end_lingering(name, number, until_ms);
	return stop_unit(number, until_ms) && ended ? AK_OK : AK_ERR_UNAVAILABLE;
}
