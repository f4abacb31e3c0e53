/* What the engine can't do once it has shut itself in. */
#include "testlib_cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_sandbox.h"

static bool
opens_to_read(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
connects(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
writes_a_file(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0 || errno != EPERM;
}

static bool
makes_a_file(void)
{
	return open("/tmp", O_TMPFILE | O_CLOEXEC, 0600) >= 0 || errno != EPERM;
}

static bool
asks_the_kernel_of_routes(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 || errno != EPERM;
}

static bool
makes_memory_to_run(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		   MAP_FAILED ||
	       errno != EPERM;
}

static bool
runs_a_program(void)
{
	char *const none[] = {NULL};

	return execve("/bin/true", none, none) == 0;
}

static bool
makes_a_process(void)
{
	return fork() == 0;
}

static bool
signals_another(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
listens(void)
{
	return listen(0, 1) == 0;
}

static bool
becomes_root(void)
{
	return setuid(0) == 0;
}

/* How a child ends that shuts itself in and tries: status 0, status 1 (it could), or a signal. */
static int
end_of(bool (*attempt)(void))
{
	struct diag why = DIAG_INIT;
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (engine_sandbox_enter(&why) != AK_OK)
			_exit(9);
		_exit(attempt() ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
the_engine_can_only_follow_a_server(void **state)
{
	static const struct {
		const char *row;
		bool (*attempt)(void);
		int exit_status, signal;
	} rows[] = {
	    {"opens to read", opens_to_read, 1, 0},
	    {"connects", connects, 1, 0},
	    {"writes a file", writes_a_file, 0, 0},
	    {"makes a file", makes_a_file, 0, 0},
	    {"asks the kernel of routes", asks_the_kernel_of_routes, 0, 0},
	    {"makes memory to run", makes_memory_to_run, 0, 0},
	    {"runs a program", runs_a_program, 0, SIGSYS},
	    {"makes a process", makes_a_process, 0, SIGSYS},
	    {"signals another", signals_another, 0, SIGSYS},
	    {"listens", listens, 0, SIGSYS},
	    {"becomes root", becomes_root, 0, SIGSYS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = end_of(rows[i].attempt);

		if (rows[i].signal != 0)
			assert_row(rows[i].row,
			    WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal);
		else
			assert_row(rows[i].row,
			    WIFEXITED(status) && WEXITSTATUS(status) == rows[i].exit_status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_engine_can_only_follow_a_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
