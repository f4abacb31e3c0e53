#include "testlib_steps.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_cmocka.h"

#define CANNOT_TRACE 99

static int
await(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			fail_msg("waitpid failed");
	return status;
}

static int
code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t
start(int (*body)(void *), void *arg, bool traced)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid != 0)
		return pid;
	if (traced && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 || raise(SIGSTOP) != 0))
		_exit(CANNOT_TRACE);
	_exit(body(arg));
}

int
child_run(int (*body)(void *), void *arg)
{
	return code_of(await(start(body, arg, false)));
}

bool
steps_run(int (*body)(void *), void (*between)(void *), void *arg, unsigned n, int *code)
{
	pid_t pid = start(body, arg, true);
	int status = await(pid);
	/* A call stops the child twice, on the way in and on the way out. */
	unsigned left = 2 * n;

	*code = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_TRACE)
		skip();
	assert_true(WIFSTOPPED(status));
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(intptr_t)PTRACE_O_EXITKILL);
	for (; left > 0; left--) {
		assert_int_not_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), -1);
		status = await(pid);
		if (!WIFSTOPPED(status)) {
			*code = code_of(status);
			return false;
		}
	}
	if (between == NULL)
		(void)kill(pid, SIGKILL);
	else
		between(arg);
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	*code = code_of(await(pid));
	return true;
}
