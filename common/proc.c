#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "num.h"
#include "procfile.h"

/* The folder of /proc; paths of pids are short. */
static enum ak_err
open_process(pid_t pid, int *dir)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	return procfile_open(AT_FDCWD, path, dir);
}

enum ak_err
proc_read(pid_t pid, struct proc *out)
{
	struct procfile_stat stat;
	enum ak_err err;
	int dir;

	*out = (struct proc){.id = {.pid = pid}, .audit = PROC_NO_AUDIT};
	if ((err = open_process(pid, &dir)) != AK_OK)
		return err;
	if ((err = procfile_stat(dir, &stat)) == AK_OK) {
		out->id.start = stat.start;
		out->parent = stat.parent;
		(void)!procfile_audit(dir, &out->audit);
	}
	(void)close(dir);
	return err;
}

enum ak_err
proc_find(pid_t pid, struct proc_id *out)
{
	struct procfile_stat stat;
	enum ak_err err;
	int dir;

	*out = (struct proc_id){.pid = pid};
	if ((err = open_process(pid, &dir)) != AK_OK)
		return err;
	if ((err = procfile_stat(dir, &stat)) == AK_OK)
		out->start = stat.start;
	(void)close(dir);
	return err;
}

void
proc_read_scope(pid_t pid, char *out, size_t cap_b)
{
	int dir;

	out[0] = '\0';
	if (open_process(pid, &dir) != AK_OK)
		return;
	(void)!procfile_scope(dir, out, cap_b);
	(void)close(dir);
}

bool
proc_is_alive(const struct proc_id *id)
{
	struct proc_id now;
	enum ak_err err = proc_find(id->pid, &now);

	if (err == AK_ERR_NOT_FOUND)
		return false;
	return err != AK_OK || now.start == id->start;
}

uint64_t
proc_ticks(void)
{
	const long ticks = sysconf(_SC_CLK_TCK);
	struct timespec t;

	if (ticks <= 0 || clock_gettime(CLOCK_BOOTTIME, &t) == -1)
		return 0;
	return (uint64_t)t.tv_sec * (uint64_t)ticks +
	       (uint64_t)t.tv_nsec * (uint64_t)ticks / 1000000000;
}

/* Of which boot: where /run outlives one (a container), numbers of the last one mean nothing. */
static uint64_t
hash_boot(void)
{
	char id[64];
	ssize_t n = -1;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd != -1) {
		n = read(fd, id, sizeof(id));
		(void)close(fd);
	}
	return n > 0 ? hash_sip(0, id, (size_t)n) : 0;
}

/* `pid:[NUMBER]`: what the link says is the number of the inode behind it, which costs more to look at. */
uint64_t
proc_namespace(void)
{
	char link[64];
	uint64_t inode;
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link));

	if (n < 7 || (size_t)n >= sizeof(link) || memcmp(link, "pid:[", 5) != 0)
		return 0;
	link[n - 1] = '\0';
	return num_parse(link + 5, 1, UINT64_MAX, &inode) == AK_OK ? inode ^ hash_boot() : 0;
}
