/*
 * bench_gone: when the last of some processes has ended.
 *
 * usage: bench_gone LIMIT-MS PID…    says `watching`; then, when all have ended, the microsecond since 1970
 *
 * Some may have ended before, but not all.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "bench_time.h"

#define PIDS_MAX 4096

static long long
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
main(int argc, char **argv)
{
	static struct pollfd fds[PIDS_MAX];
	long long until;
	int n = argc - 2, alive = 0;

	if (n < 1 || n > PIDS_MAX)
		bench_die("usage", "bench_gone LIMIT-MS PID…");
	for (int i = 0; i < n; i++) {
		fds[i].events = POLLIN;
		fds[i].fd =
		    (int)syscall(SYS_pidfd_open, (int)bench_number(argv[i + 2], 1, INT_MAX), 0);
		if (fds[i].fd == -1 && errno != ESRCH)
			bench_die(argv[i + 2], strerror(errno));
		alive += fds[i].fd != -1;
	}
	if (alive == 0)
		bench_die("they", "had all ended before");
	(void)puts("watching");
	(void)fflush(stdout);
	until = now_us() + 1000LL * (long long)bench_number(argv[1], 1, INT_MAX);
	for (int i = 0; i < n; i++) {
		long long left = (until - now_us()) / 1000;

		if (fds[i].fd != -1 && (left < 0 || poll(&fds[i], 1, (int)left) != 1))
			bench_die(argv[i + 2], "lives on");
	}
	(void)printf("%lld\n", now_us());
	return 0;
}
