#include "worker_exec.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

#define ENGINE_FD 3
#define FILES_MAX 64

static bool
keep_one_descriptor(int fd)
{
	int null = open("/dev/null", O_RDWR);

	/* Neither is below 3: those are the daemon's own, and open. */
	if (null == -1)
		return false;
	for (int i = 0; i < ENGINE_FD; i++)
		if (dup2(null, i) == -1)
			return false;
	if (fd == ENGINE_FD ? fcntl(fd, F_SETFD, 0) == -1 : dup2(fd, ENGINE_FD) == -1)
		return false;
	return close_range(ENGINE_FD + 1, ~0U, 0) == 0;
}

static bool
become(uid_t uid, gid_t gid)
{
	if (uid == geteuid() && gid == getegid())
		return true;
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == -1;
}

/*
 * After the user has changed: what counts processes counts those of the
 * engine's own user. It keeps the certificates in files of memory, as large as
 * a frame can be, before it allows itself none.
 */
static bool
limit(rlim_t memory_b)
{
	const struct {
		int what;
		rlim_t most;
	} rows[] = {{RLIMIT_NPROC, 0}, {RLIMIT_FSIZE, WIRE_FRAME_MAX_B},
	    {RLIMIT_NOFILE, FILES_MAX}, {RLIMIT_CORE, 0}, {RLIMIT_AS, memory_b}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rlimit to = {.rlim_cur = rows[i].most, .rlim_max = rows[i].most};

		if (rows[i].most != RLIM_INFINITY &&
		    setrlimit((__rlimit_resource_t)rows[i].what, &to) == -1)
			return false;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* What the daemon blocks and ignores is its own business. */
static void
reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void
worker_exec(const struct worker_how *how, int fd, pid_t parent)
{
	char entry[] = "LDAPNOINIT=1", *envp[] = {entry, NULL};
	char *argv[] = {(char *)(uintptr_t)how->program, NULL};

	reset_signals();
	(void)umask(077);
	if (!keep_one_descriptor(fd) || chdir("/") == -1)
		_exit(WORKER_NO_DESCRIPTORS);
	if (!become(how->uid, how->gid))
		_exit(WORKER_NO_USER);
	/* After the user has changed, which would undo it. */
	if (!limit(how->memory_b) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		_exit(WORKER_NO_LIMITS);
	if (getppid() == parent)
		(void)execve(how->program, argv, envp);
	_exit(WORKER_NO_PROGRAM);
}

const char *
worker_step_says(int status)
{
	switch (status) {
	case WORKER_NO_DESCRIPTORS:
		return "it could not be given its descriptors";
	case WORKER_NO_USER:
		return "it could not become its user";
	case WORKER_NO_LIMITS:
		return "its limits could not be set";
	case WORKER_NO_PROGRAM:
		return "the program can't be executed: is apikey installed whole?";
	default:
		return NULL;
	}
}
