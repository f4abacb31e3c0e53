#include "engine_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define CALL(name) SCMP_SYS(name)

/* Seen in runs over ldapi, StartTLS and ldaps with DNS, and what libc, GnuTLS and the resolver may need beside. */
static const int allowed[] = {
    /* memory */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(membarrier),
    /* descriptors */
    CALL(read), CALL(readv), CALL(pread64), CALL(write), CALL(writev), CALL(close), CALL(lseek),
    CALL(dup), CALL(fcntl), CALL(fstat), CALL(newfstatat), CALL(stat), CALL(lstat), CALL(statx),
    CALL(statfs), CALL(fstatfs), CALL(access), CALL(faccessat), CALL(faccessat2),
    CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(ioctl),
    /* waiting */
    CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(nanosleep),
    CALL(clock_nanosleep), CALL(restart_syscall), CALL(futex), CALL(sched_yield),
    /* the network, as a client */
    CALL(connect), CALL(shutdown), CALL(send), CALL(sendto), CALL(sendmsg), CALL(sendmmsg),
    CALL(recv), CALL(recvfrom), CALL(recvmsg), CALL(recvmmsg), CALL(getsockname),
    CALL(getpeername), CALL(getsockopt), CALL(setsockopt), CALL(socketpair),
    /* who, when, how much */
    CALL(getpid), CALL(getppid), CALL(gettid), CALL(getuid), CALL(geteuid), CALL(getgid),
    CALL(getegid), CALL(uname), CALL(sysinfo), CALL(getrusage), CALL(getrandom),
    CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time), CALL(times),
    CALL(sched_getaffinity), CALL(getcpu),
    /* signals to itself, and the end */
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack), CALL(rseq),
    CALL(set_robust_list), CALL(exit), CALL(exit_group)};

/* Nothing of ours ever asks for these: somebody else is at work. */
static const int deadly[] = {CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), CALL(clone),
    CALL(clone3), CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(setuid),
    CALL(setgid), CALL(setreuid), CALL(setregid), CALL(setresuid), CALL(setresgid),
    CALL(setfsuid), CALL(setfsgid), CALL(setgroups), CALL(capset), CALL(bind), CALL(listen),
    CALL(accept), CALL(accept4), CALL(kill), CALL(tkill), CALL(rt_sigqueueinfo),
    CALL(rt_tgsigqueueinfo), CALL(pidfd_open), CALL(pidfd_getfd), CALL(pidfd_send_signal),
    CALL(unshare), CALL(setns), CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot),
    CALL(bpf), CALL(keyctl), CALL(add_key), CALL(request_key), CALL(userfaultfd),
    CALL(perf_event_open), CALL(init_module), CALL(finit_module), CALL(kexec_load)};

static int
add_list(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
	int rc = 0;

	/* A call that this machine hasn't got needs no rule. */
	for (size_t i = 0; i < n && rc == 0; i++)
		if ((rc = seccomp_rule_add(f, action, calls[i], 0)) == -EDOM)
			rc = 0;
	return rc;
}

/* Files: to read alone. */
static int
add_open(scmp_filter_ctx f)
{
	const scmp_datum_t writing =
	    O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
	int rc = seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));

	if (rc != 0)
		return rc;
	rc = seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	return rc == -EDOM ? 0 : rc;
}

/* Memory that can be run comes from nowhere but what is loaded already. */
static int
add_memory(scmp_filter_ctx f)
{
	int rc = seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (rc != 0)
		return rc;
	return seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, CALL(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* No netlink: the resolver does without. No raw, no packet sockets. */
static int
add_sockets(scmp_filter_ctx f)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
	int rc = 0;

	for (size_t i = 0; i < N(families) && rc == 0; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	return rc;
}

/* abort() alone. */
static int
add_signals(scmp_filter_ctx f)
{
	const scmp_datum_t self = (scmp_datum_t)getpid();
	int rc =
	    seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self, 0));

	if (rc != 0)
		return rc;
	return seccomp_rule_add(
	    f, SCMP_ACT_KILL_PROCESS, CALL(tgkill), 1, SCMP_A0(SCMP_CMP_NE, self, 0));
}

static int
load_filter(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (f == NULL)
		return -ENOMEM;
	if ((rc = add_list(f, SCMP_ACT_ALLOW, allowed, N(allowed))) == 0 &&
	    (rc = add_list(f, SCMP_ACT_KILL_PROCESS, deadly, N(deadly))) == 0 &&
	    (rc = add_open(f)) == 0 && (rc = add_memory(f)) == 0 &&
	    (rc = add_sockets(f)) == 0 && (rc = add_signals(f)) == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc;
}

enum ak_err
engine_sandbox_enter(struct diag *why)
{
	const struct rlimit none = {0, 0};
	int rc;

	/* no_new_privs comes with the filter. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    setrlimit(RLIMIT_FSIZE, &none) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "the engine can't shut itself in: %s", strerror(errno));
	if ((rc = load_filter()) != 0)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "the engine's filter for system calls can't be loaded: %s", strerror(-rc));
	return AK_OK;
}
