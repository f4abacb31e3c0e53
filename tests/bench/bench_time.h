/* bench_time: a clock, and what so many measured moments come to. */
#ifndef BENCH_TIME_H
#define BENCH_TIME_H

#include <stddef.h>
#include <stdint.h>

/* Of CLOCK_MONOTONIC, in us. */
double bench_now_us(void);

/* The median and the 99th percentile of n > 0 values, which are sorted; of fewer than a hundred the latter is the greatest. */
struct bench_stat {
	double median, p99;
};
struct bench_stat bench_stat_of(double *values, size_t n);

/* One row of the table: fields parted by tabs. p99 < 0: there is none. */
void bench_row(const char *measure, const char *who, const char *parameters,
    const struct bench_stat *s, const char *unit);

/* An argument, or the end. */
uint64_t bench_number(const char *text, uint64_t min, uint64_t max);
_Noreturn void bench_die(const char *what, const char *why);

/* The next of a fixed sequence without a visible order, below n > 0. */
uint64_t bench_pick(uint64_t *turn, uint64_t n);

/* What this process holds now: open descriptors, mappings, locks on files; memory in use: what malloc gave, and other anonymous pages. */
struct bench_held {
	long descriptors, mappings, locks, memory_b;
};
void bench_held_now(struct bench_held *out);

#endif
