#include "bench_time.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "num.h"

double
bench_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_stat
bench_stat_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return (struct bench_stat){.median = values[n / 2], .p99 = values[n - 1 - n / 100]};
}

void
bench_row(const char *measure, const char *who, const char *parameters,
    const struct bench_stat *s, const char *unit)
{
	(void)printf("%s\t%s\t%s\t%.3f\t", measure, who, parameters, s->median);
	if (s->p99 < 0)
		(void)printf("-");
	else
		(void)printf("%.3f", s->p99);
	(void)printf("\t%s\n", unit);
	(void)fflush(stdout);
}

_Noreturn void
bench_die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

uint64_t
bench_number(const char *text, uint64_t min, uint64_t max)
{
	uint64_t n;

	if (num_parse(text, min, max, &n) != AK_OK)
		bench_die(text, "no number, or too small or great");
	return n;
}

uint64_t
bench_pick(uint64_t *turn, uint64_t n)
{
	*turn = *turn * 6364136223846793005U + 1442695040888963407U;
	return (*turn >> 33) % n;
}

/* ---- what a process holds ---- */

/* A file of /proc, whole. Nothing is allocated, since that is what is counted. */
static const char *
read_proc(const char *path)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		bench_die(path, "can't be opened");
	while (
	    len < sizeof(text) - 1 && (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	(void)close(fd);
	if (got < 0)
		bench_die(path, "can't be read");
	text[len] = '\0';
	return text;
}

static long
count_lines(const char *text)
{
	long n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

/* Of /proc/locks, the lines of this process: "1: POSIX ADVISORY WRITE 1234 ...". */
static long
count_locks(void)
{
	char mine[32];
	long n = 0;

	(void)snprintf(mine, sizeof(mine), " %ld ", (long)getpid());
	for (const char *at = read_proc("/proc/locks"); (at = strstr(at, mine)) != NULL; at++)
		n++;
	return n;
}

static long
count_descriptors(void)
{
	long n = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

/* Of /proc/self/smaps: anonymous memory outside the heap. What was freed there stays with the allocator, for the next. */
static long
anonymous_outside_heap(void)
{
	static const char label[] = "\nAnonymous:";
	const char *at = read_proc("/proc/self/smaps"), *heap, *value;
	long sum_b = 0, in_heap_b = 0;

	heap = strstr(at, "[heap]");
	while ((at = strstr(at, label)) != NULL) {
		value = at;
		at += sizeof(label) - 1;
		sum_b += strtol(at, NULL, 10) * 1024;
		if (heap != NULL && value > heap) {
			in_heap_b = strtol(at, NULL, 10) * 1024;
			heap = NULL;
		}
	}
	return sum_b - in_heap_b;
}

static void
look(struct bench_held *out)
{
	out->descriptors = count_descriptors();
	out->locks = count_locks();
	out->mappings = count_lines(read_proc("/proc/self/maps"));
	out->memory_b = anonymous_outside_heap() + (long)mallinfo2().uordblks;
}

/* The first look touches memory of its own, for what it reads. */
void
bench_held_now(struct bench_held *out)
{
	look(out);
	look(out);
}
