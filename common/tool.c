#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t
tool_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* out: where its output goes; -1: nowhere. */
static int
add_files(posix_spawn_file_actions_t *files, int out)
{
	int failed = posix_spawn_file_actions_addchdir_np(files, "/");

	/* Before 1 is opened anew: a pipe that has that number already would be lost. */
	if (out != -1)
		failed |= posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	failed |= posix_spawn_file_actions_addclosefrom_np(files, 3);
	for (int fd = 0; fd < 3; fd++)
		if (fd != STDOUT_FILENO || out == -1)
			failed |=
			    posix_spawn_file_actions_addopen(files, fd, "/dev/null", O_RDWR, 0);
	return failed;
}

static int
spawn(char *const argv[], int out, pid_t *pid)
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
	failed |= add_files(&files, out);
	if (failed == 0)
		failed = posix_spawn(pid, argv[0], &files, &attr, argv, envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return failed;
}

/* Is there something to read of fd, or has it ended, by then? */
static bool
await(int fd, int64_t until_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left_ms;
	int ready;

	do {
		left_ms = until_ms - tool_now_ms();
		ready = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (ready == -1 && errno == EINTR);
	return ready == 1;
}

/* All that it writes until it closes its output; what has no room is thrown away. */
static void
take_output(int fd, int64_t until_ms, char *out, size_t cap)
{
	char chunk[4096];
	size_t len = 0, keep;
	ssize_t n = 1;

	while (n > 0 && await(fd, until_ms)) {
		do
			n = read(fd, chunk, sizeof(chunk));
		while (n == -1 && errno == EINTR);
		keep = n <= 0 ? 0 : (size_t)n < cap - 1 - len ? (size_t)n : cap - 1 - len;
		memcpy(out + len, chunk, keep);
		len += keep;
	}
	out[len] = '\0';
}

static bool
has_ended(pid_t pid, int64_t until_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool ended = fd != -1 && await(fd, until_ms);

	if (fd != -1)
		(void)close(fd);
	return ended;
}

/* Its exit status, once it has ended or was made to. */
static int
collect(pid_t pid, int64_t until_ms)
{
	int status = -1;
	pid_t waited;

	if (!has_ended(pid, until_ms))
		(void)kill(pid, SIGKILL);
	do
		waited = waitpid(pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	return waited == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
tool_run(char *const argv[], int64_t until_ms, char *out, size_t cap)
{
	int fds[2] = {-1, -1}, failed;
	pid_t pid;

	if (out != NULL)
		out[0] = '\0';
	if (tool_now_ms() >= until_ms || (out != NULL && pipe2(fds, O_CLOEXEC) == -1))
		return -1;
	failed = spawn(argv, fds[1], &pid);
	if (fds[1] != -1)
		(void)close(fds[1]);
	if (failed == 0 && out != NULL)
		take_output(fds[0], until_ms, out, cap);
	if (fds[0] != -1)
		(void)close(fds[0]);
	return failed == 0 ? collect(pid, until_ms) : -1;
}
