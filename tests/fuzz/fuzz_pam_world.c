#include "fuzz_pam_world.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "text.h"

struct world world;

/* ---- what is linked in place of the system's (--wrap) ---- */

struct paths __wrap_paths_installed(void);
uid_t __wrap_getuid(void);
int __wrap_getgroups(int size, gid_t list[]);
int __wrap_setgroups(size_t size, const gid_t *list);
int __wrap_kill(pid_t pid, int sig);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
ssize_t __wrap_getrandom(void *bytes, size_t len_b, unsigned flags);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
int __real_openat(int at, const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t len_b);
ssize_t __wrap_write(int fd, const void *bytes, size_t len_b);
int __real_renameat(int from, const char *old, int to, const char *name);
int __wrap_renameat(int from, const char *old, int to, const char *name);

struct paths
__wrap_paths_installed(void)
{
	return world.paths;
}

uid_t
__wrap_getuid(void)
{
	return world.uid;
}

int
__wrap_getgroups(int size, gid_t list[])
{
	if (size != 0)
		memcpy(list, world.groups, world.n_groups * sizeof(*list));
	return (int)world.n_groups;
}

int
__wrap_setgroups(size_t size, const gid_t *list)
{
	if (size > sizeof(world.groups) / sizeof(world.groups[0])) {
		errno = EPERM;
		return -1;
	}
	memcpy(world.groups, list, size * sizeof(*list));
	world.n_groups = size;
	return 0;
}

int
__wrap_kill(pid_t pid, int sig)
{
	fuzz_check(pid == getpid() && sig == SIGHUP, "the module signals nobody but its own "
						     "process, by SIGHUP");
	world.hung_up = true;
	return 0;
}

/* All clocks are one: that of the host, which the input may set. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	t->tv_sec = world.now_s;
	t->tv_nsec = world.now_ns;
	return 0;
}

/* The same in every run of an input, and yet no two ids alike (splitmix64). */
ssize_t
__wrap_getrandom(void *bytes, size_t len_b, unsigned flags)
{
	unsigned char *at = bytes;

	(void)flags;
	for (size_t i = 0; i < len_b; i++) {
		uint64_t z = world.random += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		at[i] = (unsigned char)(z ^ z >> 31);
	}
	return (ssize_t)len_b;
}

static bool
memory_ends(void)
{
	if (world.fail_alloc == 0 || (world.fail_alloc > 1 && --world.fail_alloc > 0))
		return false;
	if (!world.fail_alloc_on)
		world.fail_alloc = 0;
	errno = ENOMEM;
	return world.failed = true;
}

void *
__wrap_malloc(size_t size)
{
	return memory_ends() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return memory_ends() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return memory_ends() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return memory_ends() ? NULL : __real_reallocarray(old, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return memory_ends() ? NULL : __real_strdup(s);
}

static bool
call_fails(void)
{
	if (world.fail_call == 0 || --world.fail_call != 0)
		return false;
	errno = world.fail_errno;
	return world.failed = true;
}

static mode_t
mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
}

int
__wrap_openat(int at, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return call_fails() ? -1 : __real_openat(at, path, flags, mode);
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return call_fails() ? -1 : __real_openat(AT_FDCWD, path, flags, mode);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t len_b)
{
	return call_fails() ? -1 : __real_write(fd, bytes, len_b);
}

int
__wrap_renameat(int from, const char *old, int to, const char *name)
{
	return call_fails() ? -1 : __real_renameat(from, old, to, name);
}
