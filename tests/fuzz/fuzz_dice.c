/* fuzz_dice: chance and the clock, the same in every run, so that what failed fails again. Wrapped for all targets but those that have a world of their own. */
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
time_t __wrap_time(time_t *out);
ssize_t __wrap_getrandom(void *bytes, size_t len_b, unsigned flags);

/* Years ahead of the file system's clock, so that every file looks old. */
#define BEGAN_S INT64_C(2000000000)

/* All clocks are one, which moves on by a microsecond with every look at it: who waits for a moment comes to it. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	static int64_t looks;

	(void)clock;
	looks++;
	t->tv_sec = (time_t)(BEGAN_S + looks / 1000000);
	t->tv_nsec = (long)(looks % 1000000 * 1000);
	return 0;
}

time_t
__wrap_time(time_t *out)
{
	struct timespec now;

	(void)__wrap_clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* No two ids are alike (splitmix64). */
ssize_t
__wrap_getrandom(void *bytes, size_t len_b, unsigned flags)
{
	static uint64_t turn;
	unsigned char *at = bytes;

	(void)flags;
	for (size_t i = 0; i < len_b; i++) {
		uint64_t z = turn += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		at[i] = (unsigned char)(z ^ z >> 31);
	}
	return (ssize_t)len_b;
}
