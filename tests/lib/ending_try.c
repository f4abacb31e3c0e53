/*
 * What ends processes, tried for real. Works in a private host alone: it asks
 * for whole uids, and plays those who resist.
 *
 * ending_try empty UID SPARE           ending_empty_uid; 1: refused, with its sentence
 * ending_try kept UID SPARE            the same, with securebits by which capabilities outlive the uid 0
 * ending_try faked CALL UID SPARE      the same, where that system call says yes and does nothing
 * ending_try ignoring UID SPARE        the same, of a caller that ignores SIGCHLD
 * ending_try usermanager UID WAIT_MS   usermanager_end
 * ending_try logout GROUP [inner]      opens a session, enters the control group as logind would have it, leaves
 *                                      a process behind and closes it; inner: in the group already, as su
 * ending_try records                   KEY SCOPE of each record, after what a login sweeps
 * ending_try mob UID N                 becomes UID, N times over: one stops its peers, the others beget more; all ignore signals
 * ending_try as REAL EFFECTIVE SAVED   has these ids, says so, and stays
 * ending_try vfork UID                 waits as UID for its vfork child, which stays
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ending.h"
#include "num.h"
#include "sessions.h"
#include "usermanager.h"

#define MOB_MAX 200U /* processes of a mob, at most */

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "ending_try: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* As tests/lib/host.sh asks it. */
static void
be_in_a_private_host(void)
{
	char noted[64] = "", own[64] = "";
	FILE *f = fopen("/run/private-host", "re");

	if (f == NULL || fgets(noted, sizeof(noted), f) == NULL ||
	    readlink("/proc/self/ns/mnt", own, sizeof(own) - 1) == -1)
		die("not in a private host");
	noted[strcspn(noted, "\n")] = '\0';
	if (strcmp(noted, own) != 0)
		die("not in a private host");
	(void)fclose(f);
}

static uint32_t
number(const char *s)
{
	uint64_t n;

	if (num_parse(s, 0, UINT32_MAX, &n) != AK_OK)
		die(s);
	return (uint32_t)n;
}

static void
become(uid_t real, uid_t effective, uid_t saved)
{
	if (setresgid(effective, effective, effective) != 0 ||
	    setresuid(real, effective, saved) != 0)
		die("ids");
}

static _Noreturn void
stay(void)
{
	for (;;)
		(void)pause();
}

/* ---- ending ------------------------------------------------------------------------------------ */

static int
empty(const char *uid, const char *spare)
{
	struct diag why = DIAG_INIT;
	enum ak_err err = ending_empty_uid(number(uid), number(spare), &why);

	(void)printf("%s: %s\n", ak_strerror(err), why.text);
	return err == AK_OK ? 0 : 1;
}

/* Where a uid of 0 is given up, the capabilities stay. */
static void
keep_capabilities(void)
{
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) != 0)
		die("securebits");
}

static void
fake(const char *name)
{
	static const struct {
		const char *name;
		unsigned number;
	} calls[] = {{"setgroups", SYS_setgroups}, {"setresgid", SYS_setresgid},
	    {"setresuid", SYS_setresuid}, {"capset", SYS_capset}, {"capget", SYS_capget},
	    {"getresuid", SYS_getresuid}, {"kill", SYS_kill}};
	struct sock_filter f[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(f) / sizeof(f[0]), .filter = f};
	size_t i = 0;

	while (i < sizeof(calls) / sizeof(calls[0]) && strcmp(calls[i].name, name) != 0)
		i++;
	if (i == sizeof(calls) / sizeof(calls[0]))
		die(name);
	f[1].k = calls[i].number;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		die("seccomp");
}

/* ---- records -------------------------------------------------------------------------------------- */

static void
enter(const char *group)
{
	char path[PATH_CAP];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	if ((f = fopen(path, "we")) == NULL || fprintf(f, "%ld\n", (long)getpid()) < 0 ||
	    fclose(f) != 0)
		die(path);
}

static void
open_session(const char *key, struct session *s)
{
	const struct paths p = paths_installed();

	*s = (struct session){.state = SESSION_OPEN, .uid = 70000, .account_uid = 70000};
	if (text_copy(s->key, sizeof(s->key), key) != AK_OK ||
	    text_copy(s->service, sizeof(s->service), "sshd") != AK_OK ||
	    sessions_open(&p, s) != AK_OK)
		die("a session");
}

static int
close_session(const struct session *s)
{
	const struct paths p = paths_installed();

	return sessions_close(&p, s->id) == AK_OK ? 0 : 1;
}

static int
leave_behind(const char *key, const char *group)
{
	struct session s;
	pid_t pid;

	open_session(key, &s);
	if (group != NULL)
		enter(group);
	if ((pid = fork()) == 0)
		stay();
	(void)printf("%ld\n", (long)pid);
	(void)fflush(stdout);
	return close_session(&s);
}

static int
log_out(const char *group, bool inner)
{
	int status;
	pid_t pid;

	if (!inner)
		return leave_behind("outer", group);
	enter(group);
	if ((pid = fork()) == 0)
		_exit(leave_behind("inner", NULL));
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static enum ak_err
print_record(void *ctx, const struct session *s)
{
	(void)ctx;
	if (strcmp(s->key, "sweeper") != 0)
		(void)printf("%s %s\n", s->key, s->scope);
	return AK_OK;
}

static int
print_records(void)
{
	const struct paths p = paths_installed();
	struct session s;

	open_session("sweeper", &s);
	if (sessions_each(&p, print_record, NULL) != AK_OK)
		die("records");
	return close_session(&s);
}

/* ---- those who resist ---------------------------------------------------------------------------- */

/* Whoever comes to have this uid, if only for a moment, is stopped; the rest go on now and then. */
static _Noreturn void
stop_peers(void)
{
	for (;;) {
		for (unsigned i = 0; i < 1000; i++)
			(void)kill(-1, SIGSTOP);
		(void)kill(-1, SIGCONT);
	}
}

static _Noreturn void
beget(void)
{
	for (;;) {
		if (fork() == 0)
			(void)setsid();
		(void)poll(NULL, 0, 5);
	}
}

/* All have the uid before the first of them stops another. */
static _Noreturn void
join_mob(uid_t id, bool stops, int say, int hold)
{
	char go;

	(void)setsid();
	become(id, id, id);
	(void)!write(say, "", 1);
	(void)!read(hold, &go, 1);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_IGN);
	if (stops)
		stop_peers();
	beget();
}

static int
mob(const char *uid, const char *n)
{
	const struct rlimit most = {MOB_MAX, MOB_MAX};
	const unsigned wanted = number(n);
	int say[2], hold[2];
	char said;

	if (setrlimit(RLIMIT_NPROC, &most) != 0 || pipe(say) != 0 || pipe(hold) != 0)
		die("mob");
	for (unsigned i = 0; i < wanted; i++) {
		pid_t pid = fork();

		if (pid == -1)
			die("fork");
		if (pid == 0) {
			(void)close(hold[1]);
			join_mob(number(uid), i == 0, say[1], hold[0]);
		}
	}
	for (unsigned i = 0; i < wanted; i++)
		if (read(say[0], &said, 1) != 1)
			die("a member");
	return 0;
}

static int
be_as(char **ids)
{
	become(number(ids[0]), number(ids[1]), number(ids[2]));
	(void)puts("ready");
	(void)fflush(stdout);
	stay();
}

/* The parent sleeps uninterruptibly (but for SIGKILL) until the child execs or ends. */
static int
wait_for_vfork(const char *uid)
{
	const uid_t id = number(uid);

	become(id, id, id);
	if (syscall(SYS_vfork) == 0)
		for (;;)
			(void)poll(NULL, 0, -1);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	be_in_a_private_host();
	if (argc == 4 && strcmp(verb, "empty") == 0)
		return empty(argv[2], argv[3]);
	if (argc == 4 && strcmp(verb, "kept") == 0) {
		keep_capabilities();
		return empty(argv[2], argv[3]);
	}
	if (argc == 5 && strcmp(verb, "faked") == 0) {
		keep_capabilities();
		fake(argv[2]);
		return empty(argv[3], argv[4]);
	}
	if (argc == 4 && strcmp(verb, "ignoring") == 0) {
		(void)signal(SIGCHLD, SIG_IGN);
		return empty(argv[2], argv[3]);
	}
	if (argc == 4 && strcmp(verb, "usermanager") == 0)
		return usermanager_end(number(argv[2]), (int)number(argv[3])) == AK_OK ? 0 : 1;
	if ((argc == 3 || argc == 4) && strcmp(verb, "logout") == 0)
		return log_out(argv[2], argc == 4);
	if (argc == 2 && strcmp(verb, "records") == 0)
		return print_records();
	if (argc == 4 && strcmp(verb, "mob") == 0)
		return mob(argv[2], argv[3]);
	if (argc == 5 && strcmp(verb, "as") == 0)
		return be_as(argv + 2);
	if (argc == 3 && strcmp(verb, "vfork") == 0)
		return wait_for_vfork(argv[2]);
	(void)fputs("usage: see the top of ending_try.c\n", stderr);
	return 2;
}
