/*
 * Runs a program whose system calls on files fail, or kill it, each in its turn.
 *
 * fault_try LOG FAULT N CMD…     CMD, of whose calls on what lies in apikey's folders and in homes, and that FAULT can
 * befall, the N-th meets it; CMD's exit status
 * fault_try LOG FAULT N -p PID   the same of a process that runs; when this is ended, that one goes on
 *
 *   LOG     gets a line for each fault: N CALL PATH. Empty: CMD has no N-th such call
 *   FAULT   kill            SIGKILL before the call
 *           ENOSPC, EIO, …  the call fails so and does nothing; close(2) does, and fails
 *           ENOSPC+, …      it, and all that follow it
 *           short           a write takes a part of its bytes
 *           none            no fault: LOG has every call that could be killed
 *           FAULT@PATTERN   calls alone whose `CALL PATH' matches this one of a shell; signals, which have no path, and what
 *                           goes over sockets (`socket:') can be asked for so
 *
 * CMD alone is watched, not what it starts. A SIGTERM is passed on to it, but not to PID.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "num.h"

/* What a call does, and so what can befall it. */
enum {
	LOOK = 1,
	READ = 1024,
	OPEN = 2,
	MAKE = 4, /* needs room on the disk: a new file or name */
	WRITE = 8,
	SYNC = 16,
	DROP = 32, /* unlink, rmdir */
	META = 64, /* owner, mode, size, times */
	LOCK = 128,
	CLOSE = 256,
	MAP = 512,
	SOCKET = 2048,
	SIGNAL = 4096,
	CHANGE = MAKE | WRITE | SYNC | DROP | META | LOCK,
};

/* Where it names its file: argument FD, or argument PATH, below the folder in the one before it where AT is set. */
#define FD(n) .fd = (n), .path = -1
#define PATH(n) .fd = -1, .path = (n)
#define AT(n) .fd = -1, .path = (n) + 1, .at = true
#define NEITHER .fd = -1, .path = -1

static const struct call {
	long number;
	const char *name;
	unsigned does;
	int fd, path;
	bool at;
} calls[] = {
#ifdef SYS_open /* machines that have come later lack these */
    {SYS_open, "open", OPEN, PATH(0)},
    {SYS_stat, "stat", LOOK, PATH(0)},
    {SYS_lstat, "lstat", LOOK, PATH(0)},
    {SYS_access, "access", LOOK, PATH(0)},
    {SYS_readlink, "readlink", LOOK, PATH(0)},
    {SYS_rename, "rename", MAKE, PATH(1)},
    {SYS_link, "link", MAKE, PATH(1)},
    {SYS_symlink, "symlink", MAKE, PATH(1)},
    {SYS_mkdir, "mkdir", MAKE, PATH(0)},
    {SYS_unlink, "unlink", DROP, PATH(0)},
    {SYS_rmdir, "rmdir", DROP, PATH(0)},
    {SYS_chmod, "chmod", META, PATH(0)},
    {SYS_chown, "chown", META, PATH(0)},
    {SYS_lchown, "lchown", META, PATH(0)},
#endif
    {SYS_openat, "openat", OPEN, AT(0)},
    {SYS_newfstatat, "newfstatat", LOOK, AT(0)},
    {SYS_statx, "statx", LOOK, AT(0)},
    {SYS_faccessat, "faccessat", LOOK, AT(0)},
    {SYS_readlinkat, "readlinkat", LOOK, AT(0)},
    {SYS_fstat, "fstat", LOOK, FD(0)},
    {SYS_read, "read", READ, FD(0)},
    {SYS_pread64, "pread64", READ, FD(0)},
    {SYS_getdents64, "getdents64", READ, FD(0)},
    {SYS_mmap, "mmap", MAP, FD(4)},
    {SYS_write, "write", WRITE, FD(0)},
    {SYS_pwrite64, "pwrite64", WRITE, FD(0)},
    {SYS_writev, "writev", WRITE, FD(0)},
    {SYS_fsync, "fsync", SYNC, FD(0)},
    {SYS_fdatasync, "fdatasync", SYNC, FD(0)},
    {SYS_sync_file_range, "sync_file_range", SYNC, FD(0)},
    {SYS_renameat, "renameat", MAKE, AT(2)},
    {SYS_renameat2, "renameat2", MAKE, AT(2)},
    {SYS_linkat, "linkat", MAKE, AT(2)},
    {SYS_symlinkat, "symlinkat", MAKE, AT(1)},
    {SYS_mkdirat, "mkdirat", MAKE, AT(0)},
    {SYS_unlinkat, "unlinkat", DROP, AT(0)},
    {SYS_ftruncate, "ftruncate", META, FD(0)},
    {SYS_fchmod, "fchmod", META, FD(0)},
    {SYS_fchmodat, "fchmodat", META, AT(0)},
    {SYS_fchown, "fchown", META, FD(0)},
    {SYS_fchownat, "fchownat", META, AT(0)},
    {SYS_utimensat, "utimensat", META, AT(0)},
    {SYS_fcntl, "fcntl", LOCK, FD(0)},
    {SYS_flock, "flock", LOCK, FD(0)},
    {SYS_close, "close", CLOSE, FD(0)},
    {SYS_sendto, "sendto", SOCKET, FD(0)},
    {SYS_sendmsg, "sendmsg", SOCKET, FD(0)},
    {SYS_recvfrom, "recvfrom", SOCKET, FD(0)},
    {SYS_recvmsg, "recvmsg", SOCKET, FD(0)},
    {SYS_kill, "kill", SIGNAL, NEITHER},
    {SYS_pidfd_send_signal, "pidfd_send_signal", SIGNAL, NEITHER},
};

static const struct error {
	const char *name;
	int number;
	unsigned befalls;
} errors[] = {
    {"ENOSPC", ENOSPC, MAKE | WRITE | SYNC},
    {"EDQUOT", EDQUOT, MAKE | WRITE | SYNC | CLOSE | META},
    {"EROFS", EROFS, MAKE | DROP | META},
    {"EIO", EIO, ~(unsigned)(LOCK | MAP)},
    {"EINTR", EINTR, OPEN | READ | WRITE | LOCK | CLOSE},
    {"EMFILE", EMFILE, OPEN},
    {"ENFILE", ENFILE, OPEN},
    {"ENOMEM", ENOMEM, OPEN | MAKE | DROP | META | MAP},
    {"ENOLCK", ENOLCK, LOCK},
    {"EACCES", EACCES, OPEN | MAKE | DROP},
};

static const char *const folders[] = {
    "/var/lib/apikey", "/etc/apikey", "/run/apikey", "/var/log/apikey", "/home"};

/* What the command line asks for. */
struct asked {
	FILE *log;
	const char *only; /* a pattern; NULL: of files, every call */
	bool kill, part, none, on;
	int error;
	unsigned befalls;
	uint64_t n;
};

static volatile sig_atomic_t ending;

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "fault_try: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
parse_fault(char *word, struct asked *a)
{
	char *at = strchr(word, '@');
	size_t len;

	if (at != NULL) {
		*at = '\0';
		a->only = at + 1;
	}
	len = strcspn(word, "+");
	a->kill = strcmp(word, "kill") == 0;
	a->none = strcmp(word, "none") == 0;
	a->part = strcmp(word, "short") == 0;
	a->befalls = a->part ? WRITE : CHANGE;
	a->on = word[len] == '+' || a->none;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strlen(errors[i].name) == len && strncmp(word, errors[i].name, len) == 0) {
			a->error = errors[i].number;
			a->befalls = errors[i].befalls;
		}
	if (a->only != NULL)
		a->befalls = a->part ? WRITE : ~0U;
	if (!a->kill && !a->none && !a->part && a->error == 0)
		die(word);
}

/* ---- the watched process ----------------------------------------------------------------------- */

static bool
read_text(pid_t pid, uint64_t from, char out[PATH_MAX])
{
	char name[64];
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%ld/mem", (long)pid);
	if ((fd = open(name, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = pread(fd, out, PATH_MAX - 1, (off_t)from);
	(void)close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

static bool
read_link(pid_t pid, int fd, char out[PATH_MAX])
{
	char name[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		(void)snprintf(name, sizeof(name), "/proc/%ld/cwd", (long)pid);
	else
		(void)snprintf(name, sizeof(name), "/proc/%ld/fd/%d", (long)pid, fd);
	if ((n = readlink(name, out, PATH_MAX - 1)) == -1)
		return false;
	out[n] = '\0';
	return true;
}

/* The path that the call is about. */
static bool
find_path(pid_t pid, const struct call *c, const uint64_t *args, char out[PATH_MAX])
{
	char name[PATH_MAX], folder[PATH_MAX];

	out[0] = '\0';
	if (c->does == SIGNAL)
		return true;
	if (c->path == -1)
		return read_link(pid, (int)args[c->fd], out);
	if (!read_text(pid, args[c->path], name))
		return false;
	folder[0] = '\0';
	if (name[0] != '/' && !read_link(pid, c->at ? (int)args[c->path - 1] : AT_FDCWD, folder))
		return false;
	return snprintf(out, PATH_MAX, "%s%s%s", folder, name[0] == '/' ? "" : "/", name) <
	       PATH_MAX;
}

static bool
is_ours(const char *path)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i]);

		if (strncmp(path, folders[i], len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

static bool
is_asked(const struct asked *a, const struct call *c, const char *path)
{
	char said[PATH_MAX + 32];
	int n = snprintf(said, sizeof(said), "%s %s", c->name, path);

	if (a->only == NULL)
		return is_ours(path);
	if (c->does != SIGNAL && strncmp(path, "socket:", 7) != 0 && !is_ours(path))
		return false;
	return (size_t)n < sizeof(said) && fnmatch(a->only, said, 0) == 0;
}

/* Nothing comes of it, and so nothing of what befalls it. */
static bool
is_idle(const struct call *c, const char *path)
{
	struct stat st;
	bool there = lstat(path, &st) == 0;

	return c->does == DROP ? !there : strncmp(c->name, "mkdir", 5) == 0 && there;
}

/* Of open and fcntl it depends on the arguments what they do. */
static unsigned
what_it_does(const struct call *c, const uint64_t *args)
{
	int flags = (int)args[c->at ? 2 : 1];

	if (c->does == OPEN && (flags & O_CREAT) != 0)
		return OPEN | MAKE;
	if (c->does == LOCK && c->number == SYS_fcntl && (int)args[1] != F_SETLK &&
	    (int)args[1] != F_SETLKW)
		return 0;
	return c->does;
}

/* ---- faults ------------------------------------------------------------------------------------ */

/* The system call's number at its entry: -1, none is made. */
static void
skip_call(pid_t pid)
{
#if defined(__x86_64__)
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L) != 0)
		die("skipping a call");
#elif defined(__aarch64__)
	int none = -1;
	struct iovec v = {&none, sizeof(none)};

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v) != 0)
		die("skipping a call");
#else
#error "say how a system call is skipped on this machine"
#endif
}

/* Register n of a call's: its answer at the exit (0), or its third argument at the entry (2). */
static void
set_register(pid_t pid, unsigned n, uint64_t value)
{
	struct user_regs_struct regs;
	struct iovec v = {&regs, sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) != 0)
		die("registers");
#if defined(__x86_64__)
	*(n == 0 ? &regs.rax : &regs.rdx) = value;
#else
	regs.regs[n] = value;
#endif
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) != 0)
		die("registers");
}

struct watched {
	pid_t pid;
	uint64_t count;
	int answer; /* of the call that is being made; 0: its own */
};

static void
make_fault(struct watched *w, const struct asked *a, const struct call *c, const uint64_t *args)
{
	if (a->kill) {
		(void)kill(w->pid, SIGKILL);
	} else if (a->part) {
		set_register(w->pid, 2, args[2] / 2 + args[2] % 2);
	} else if (!a->none) {
		w->answer = a->error;
		if (c->does != CLOSE)
			skip_call(w->pid);
	}
}

static void
enter(struct watched *w, const struct asked *a, const struct __ptrace_syscall_info *info)
{
	char path[PATH_MAX];
	const struct call *c = NULL;

	for (size_t i = 0; c == NULL && i < sizeof(calls) / sizeof(calls[0]); i++)
		if ((uint64_t)calls[i].number == info->entry.nr)
			c = &calls[i];
	if (c == NULL || !find_path(w->pid, c, info->entry.args, path))
		return;
	if ((what_it_does(c, info->entry.args) & a->befalls) == 0 || !is_asked(a, c, path) ||
	    is_idle(c, path))
		return;
	w->count++;
	if (w->count != a->n && (!a->on || w->count < a->n))
		return;
	(void)fprintf(a->log, "%llu %s %s\n", (unsigned long long)w->count, c->name, path);
	(void)fflush(a->log);
	make_fault(w, a, c, info->entry.args);
}

static void
stopped(struct watched *w, const struct asked *a)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, w->pid, sizeof(info), &info) <= 0)
		return; /* it was killed */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		enter(w, a, &info);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && w->answer != 0) {
		set_register(w->pid, 0, (uint64_t) - (int64_t)w->answer);
		w->answer = 0;
	}
}

static void
note_end(int sig)
{
	ending = sig;
}

static int
watch(struct watched *w, const struct asked *a)
{
	int status, pass = 0;

	for (;;) {
		if (waitpid(w->pid, &status, 0) == -1) {
			if (errno != EINTR)
				die("waiting");
			(void)kill(w->pid, ending);
			continue;
		}
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		pass = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			stopped(w, a);
		else if (WSTOPSIG(status) != SIGTRAP)
			pass = WSTOPSIG(status);
		(void)ptrace(PTRACE_SYSCALL, w->pid, 0, pass);
	}
}

static void
begin(struct watched *w, char **argv)
{
	const struct sigaction sa = {.sa_handler = note_end};
	int status;

	if ((w->pid = fork()) == -1)
		die("fork");
	if (w->pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
			(void)execvp(argv[0], argv);
		die(argv[0]);
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	if (waitpid(w->pid, &status, 0) != w->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, w->pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) !=
		0 ||
	    ptrace(PTRACE_SYSCALL, w->pid, 0, 0) != 0)
		die("watching");
}

/* Whoever waits for this finds a line in the log. */
static void
join(struct watched *w, pid_t pid, FILE *log)
{
	int status;

	w->pid = pid;
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFSTOPPED(status) || ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0)
		die("watching");
	(void)fputs("0 watched\n", log);
	(void)fflush(log);
}

int
main(int argc, char **argv)
{
	struct asked a = {.log = NULL};
	struct watched w = {.pid = -1};
	uint64_t pid;

	if (argc < 5 || num_parse(argv[3], 0, UINT32_MAX, &a.n) != AK_OK) {
		(void)fputs("usage: see the top of fault_try.c\n", stderr);
		return 2;
	}
	parse_fault(argv[2], &a);
	if ((a.log = fopen(argv[1], "we")) == NULL)
		die(argv[1]);
	if (argc == 6 && strcmp(argv[4], "-p") == 0) {
		if (num_parse(argv[5], 1, INT_MAX, &pid) != AK_OK)
			die(argv[5]);
		join(&w, (pid_t)pid, a.log);
	} else {
		begin(&w, argv + 4);
	}
	return watch(&w, &a);
}
