#include "ending.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record.h"

/* ---- one process --------------------------------------------------------------------------- */

static enum ak_err
err_of_errno(void)
{
	return errno == ESRCH ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
}

/* The descriptor holds on to one process: what /proc says of the pid afterwards is of that one, or of none that is meant. */
enum ak_err
ending_signal(const struct proc_id *id, int sig)
{
	struct proc now;
	enum ak_err err;
	int fd = (int)syscall(SYS_pidfd_open, id->pid, 0);

	if (fd == -1)
		return err_of_errno();
	if ((err = proc_read(id->pid, &now)) == AK_OK && now.id.start != id->start)
		err = AK_ERR_NOT_FOUND;
	if (err == AK_OK && syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) == -1)
		err = err_of_errno();
	(void)close(fd);
	return err;
}

/* ---- all of a uid ---------------------------------------------------------------------------- */

/* How far the child came. */
enum step {
	STEP_GROUPS,
	STEP_IDS,
	STEP_CAPABILITIES,
	STEP_PROOF,
	STEP_KILL,
	STEP_DONE,
	STEP_COUNT
};

static const char *const step_texts[STEP_COUNT] = {
    [STEP_GROUPS] = "the groups can't be given up",
    [STEP_IDS] = "its uid can't be taken on",
    [STEP_CAPABILITIES] = "the capabilities can't be given up",
    [STEP_PROOF] = "what was to end them had a right to end others still",
    [STEP_KILL] = "the signal can't be sent",
    [STEP_DONE] = "",
};

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};

	(void)syscall(SYS_capset, &head, none);
}

static bool
has_no_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];

	memset(now, 0xff, sizeof(now));
	if (syscall(SYS_capget, &head, now) != 0)
		return false;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if ((now[i].effective | now[i].permitted) != 0)
			return false;
	return true;
}

/* Only the uid, by its effective id alone. */
static bool
has_ids(uid_t uid, uid_t spare)
{
	uid_t real = 0, effective = 0, saved = 0;

	return getresuid(&real, &effective, &saved) == 0 && effective == uid && real == spare &&
	       saved == spare;
}

/* The kernel's own word for it. */
static bool
may_not_signal(pid_t pid)
{
	return kill(pid, 0) == -1 && (errno == EPERM || errno == EACCES);
}

/*
 * In the child. Each step is looked at after it was taken: with one right too
 * many, the last would end the host.
 */
static enum step
empty_uid(uid_t uid, uid_t spare, pid_t parent)
{
	if (setgroups(0, NULL) != 0 || setresgid(spare, spare, spare) != 0)
		return STEP_GROUPS;
	if (setresuid(spare, uid, spare) != 0)
		return STEP_IDS;
	/*
	 * They went with the last uid that was 0, unless securebits kept them. A
	 * service's filter may refuse this call: what counts is what is left.
	 */
	drop_capabilities();
	if (!has_no_capabilities())
		return STEP_CAPABILITIES;
	if (!has_ids(uid, spare) || !may_not_signal(1) || !may_not_signal(parent))
		return STEP_PROOF;
	/* ESRCH: there was nobody at all. */
	return kill(-1, SIGKILL) == 0 || errno == ESRCH ? STEP_DONE : STEP_KILL;
}

/* Its answer comes by a pipe: whatever the caller does with SIGCHLD, it counts. */
static enum step
ask_child(uid_t uid, uid_t spare, bool *answered)
{
	const pid_t parent = getpid();
	unsigned char step = STEP_GROUPS;
	int answer[2];
	pid_t pid;
	ssize_t n;

	*answered = false;
	if (pipe2(answer, O_CLOEXEC) == -1)
		return STEP_GROUPS;
	if ((pid = fork()) == 0) {
		step = (unsigned char)empty_uid(uid, spare, parent);
		(void)!write(answer[1], &step, 1);
		_exit(0);
	}
	(void)close(answer[1]);
	if (pid != -1) {
		do
			n = read(answer[0], &step, 1);
		while (n == -1 && errno == EINTR);
		*answered = n == 1 && step < STEP_COUNT;
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	(void)close(answer[0]);
	return *answered ? (enum step)step : STEP_GROUPS;
}

/* No handler of the caller's, and no key at its terminal, comes between the child's steps. */
static enum step
ask_child_undisturbed(uid_t uid, uid_t spare, bool *answered)
{
	sigset_t all, was;
	enum step step;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &was);
	step = ask_child(uid, spare, answered);
	(void)sigprocmask(SIG_SETMASK, &was, NULL);
	return step;
}

/* The system's ids, nobody's and (uid_t)-1 are all reserved. */
static bool
is_fit(uid_t uid)
{
	return uid >= 1000 && !id_is_reserved(uid);
}

static bool
is_own(uid_t uid)
{
	uid_t real, effective, saved;

	return getresuid(&real, &effective, &saved) != 0 || uid == real || uid == effective ||
	       uid == saved;
}

enum ak_err
ending_empty_uid(uid_t uid, uid_t spare, struct diag *why)
{
	bool answered;
	enum step step;

	if (!is_fit(uid) || !is_fit(spare) || uid == spare)
		return diag_because(why, AK_ERR_INVALID,
		    "the processes of uid %u are not ended by way of uid %u: both must be "
		    "uids that a key may have, and differ",
		    uid, spare);
	if (is_own(uid) || is_own(spare))
		return diag_because(why, AK_ERR_INVALID,
		    "the processes of uid %u can't be ended by one of them", uid);
	step = ask_child_undisturbed(uid, spare, &answered);
	if (!answered)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "can't end the processes of uid %u: what was to end them was not begun, "
		    "or ended itself",
		    uid);
	if (step == STEP_DONE)
		return AK_OK;
	return diag_because(why, step == STEP_PROOF ? AK_ERR_INVALID : AK_ERR_UNAVAILABLE,
	    "can't end the processes of uid %u: %s", uid, step_texts[step]);
}

/* ---- a last word --------------------------------------------------------------------------- */

/* The line's discipline may stop whoever writes from the background: not us. */
static void
write_once(int fd, const char *line)
{
	sigset_t stop, was;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &stop, &was);
	(void)!write(fd, line, strlen(line));
	(void)sigprocmask(SIG_SETMASK, &was, NULL);
}

/* Unix98 terminals have the majors 136 to 143. */
void
ending_tell(dev_t tty, const char *line)
{
	char path[32];
	struct stat st;
	int fd;

	if (major(tty) < 136 || major(tty) > 143)
		return;
	(void)snprintf(path, sizeof(path), "/dev/pts/%u", (major(tty) - 136) * 256 + minor(tty));
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == tty)
		write_once(fd, line);
	(void)close(fd);
}
