/*
 * nss_call: what NSS modules take, each called through the same entries that glibc calls, in one process or a fresh one.
 *
 * usage: nss_call lookups KEYS ROUNDS BUDGET-MS MODULE...   every kind of look-up, the modules in turn in each round
 *        nss_call floor KEYS ROUNDS BUDGET-MS FILE          what the system takes for the calls of one look-up alone
 *        nss_call walks KEYS ROUNDS MODULE...               all users, one after the other
 *        nss_call cold KEYS ROUNDS MODULE...                a process that loads the module and looks up once, above one that does not
 *        nss_call left KEYS BUDGET-MS MODULE                what one process holds more than before after calls of each kind,
 *                                                           then after a list, then after many more of both
 *        nss_call once MODULE|-                             such a process; - loads nothing
 * MODULE is WHO=SERVICE[:POOL]: WHO stands in the rows, SERVICE is the word of nsswitch.conf, and only POOL of the
 * keys are asked for when a cache shall be warm. Key i has the name ci-deploy-000000i and FIRST_UID + i for uid and
 * gid. Rows go to stdout; nothing is judged here.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_time.h"
#include "nss_op.h"
#include "text.h"

#define MODULES_MAX 8
#define ROUNDS_MAX 301
#define CALLS_MAX 4000
/* A round has at least so many calls, however long they take. */
#define CALLS_MIN 3
/* A cache's first touches use up names. */
#define FIRST_MAX 20
#define KEYS_MAX 9999999

extern char **environ;

/* ---- look-ups in one process ---- */

static struct bench_stat
round_of(struct subject *s, const struct op *op, double budget_us)
{
	static double took[CALLS_MAX];
	double left = budget_us;
	size_t n = 0, max = CALLS_MAX;

	if (op->whom == A_NEW_KEY && (max = FIRST_MAX) > s->untouched - s->pool)
		bench_die(s->who, "too few keys for so many rounds of first touches");
	for (; n < max && (n < CALLS_MIN || left > 0); n++) {
		took[n] = op_timed_us(s, op);
		left -= took[n];
	}
	return bench_stat_of(took, n);
}

/* The median of what the rounds came to; where each is a single figure, their greatest too. */
static void
say(const char *measure, const struct subject *s, const struct bench_stat *rounds, size_t n,
    bool single, double scale, const char *unit)
{
	double medians[ROUNDS_MAX], p99s[ROUNDS_MAX];
	struct bench_stat all;
	char keys[32];

	for (size_t r = 0; r < n; r++) {
		medians[r] = rounds[r].median;
		p99s[r] = rounds[r].p99;
	}
	all.median = bench_stat_of(medians, n).median / scale;
	all.p99 = bench_stat_of(p99s, n).median / scale;
	if (single)
		all.p99 = p99s[n - 1] / scale;
	(void)snprintf(keys, sizeof(keys), "keys=%llu", (unsigned long long)s->n_keys);
	bench_row(measure, s->who, keys, &all, unit);
}

/* What a cache shall know is asked for once. */
static void
warm(struct subject *s)
{
	struct question q;

	for (uint64_t i = 0; s->pool < s->n_keys && i < s->pool; i++)
		for (size_t o = 0; o < N_OPS; o++)
			if (ops[o].whom == A_KEY && op_applies(s, &ops[o])) {
				op_question(i, &q);
				(void)ops[o].call(s, &q);
			}
}

static void
lookups(struct subject *s, size_t n_subjects, size_t rounds, double budget_us)
{
	static struct bench_stat took[N_OPS][MODULES_MAX][ROUNDS_MAX];

	for (size_t i = 0; i < n_subjects; i++)
		warm(&s[i]);
	/* The first round is none: it warms what can be warm. */
	for (size_t r = 0; r <= rounds; r++)
		for (size_t o = 0; o < N_OPS; o++)
			for (size_t i = 0; i < n_subjects; i++)
				if (op_applies(&s[i], &ops[o]))
					took[o][i][r == 0 ? 0 : r - 1] =
					    round_of(&s[i], &ops[o], budget_us);
	for (size_t o = 0; o < N_OPS; o++)
		for (size_t i = 0; i < n_subjects; i++)
			if (op_applies(&s[i], &ops[o]))
				say(ops[o].measure, &s[i], took[o][i], rounds, false, 1, "us");
}

/* ---- the system's part ---- */

/* A file is opened and looked at; its front, a block and a record somewhere are read; it is closed. */
static double
floor_us(const char *path, uint64_t *turn)
{
	static char to[512];
	double from = bench_now_us();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	uint64_t size_b;

	if (fd == -1 || fstat(fd, &st) == -1 || st.st_size < (off_t)sizeof(to))
		bench_die(path, "can't be opened, or is too short");
	size_b = (uint64_t)st.st_size - sizeof(to);
	if (pread(fd, to, 256, 0) != 256 ||
	    pread(fd, to, 64, (off_t)(bench_pick(turn, size_b) & ~UINT64_C(63))) != 64 ||
	    pread(fd, to, sizeof(to), (off_t)bench_pick(turn, size_b)) != (ssize_t)sizeof(to))
		bench_die(path, "can't be read");
	(void)close(fd);
	return bench_now_us() - from;
}

static void
measure_floor(uint64_t n_keys, size_t rounds, double budget_us, const char *path)
{
	static double took[CALLS_MAX];
	static struct bench_stat all[ROUNDS_MAX];
	struct subject s = {.who = "system-calls", .n_keys = n_keys};
	uint64_t turn = 1;

	for (size_t r = 0; r < rounds; r++) {
		double left = budget_us;
		size_t n = 0;

		for (; n < CALLS_MAX && (n < CALLS_MIN || left > 0); n++) {
			took[n] = floor_us(path, &turn);
			left -= took[n];
		}
		all[r] = bench_stat_of(took, n);
	}
	say("name-floor", &s, all, rounds, false, 1, "us");
}

/* ---- all users ---- */

static double
walk_us(struct subject *s)
{
	struct passwd pw;
	double from = bench_now_us();
	uint64_t n = 0;
	int error = 0;

	if (s->module.setpwent(0) != NSS_STATUS_SUCCESS)
		bench_die(s->who, "setpwent");
	while (s->module.getpwent(&pw, nss_room, sizeof(nss_room), &error) == NSS_STATUS_SUCCESS)
		n += pw.pw_uid >= FIRST_UID;
	(void)s->module.endpwent();
	if (n != s->n_keys)
		bench_die(s->who, "not every key is in its list");
	return bench_now_us() - from;
}

static void
walks(struct subject *s, size_t n_subjects, size_t rounds)
{
	static struct bench_stat took[MODULES_MAX][ROUNDS_MAX];

	for (size_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < n_subjects; i++) {
			double us = walk_us(&s[i]);

			took[i][r] = bench_stat_of(&us, 1);
		}
	for (size_t i = 0; i < n_subjects; i++)
		say("enumeration", &s[i], took[i], rounds, true, 1000, "ms");
}

/* ---- a fresh process ---- */

static double
spawned_us(char *self, char *module)
{
	char verb[] = "once";
	char *argv[] = {self, verb, module, NULL};
	double from = bench_now_us();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		bench_die(module, "a process that looks up once failed");
	return bench_now_us() - from;
}

static void
cold(char *self, char **modules, struct subject *s, size_t n_subjects, size_t rounds)
{
	static struct bench_stat took[MODULES_MAX][ROUNDS_MAX];
	char none[] = "-";

	for (size_t r = 0; r <= rounds; r++)
		for (size_t i = 0; i < n_subjects; i++) {
			double with = spawned_us(self, modules[i]);
			double above = with - spawned_us(self, none);

			took[i][r == 0 ? 0 : r - 1] = bench_stat_of(&above, 1);
		}
	for (size_t i = 0; i < n_subjects; i++)
		say("cold", &s[i], took[i], rounds, true, 1, "us");
}

/* ---- what is left behind ---- */

/* What this program itself is about to use is used already: its buffers, and as much stack as a module may want. */
static void
settle(void)
{
	volatile char stack[256 * 1024];

	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 1;
	memset(nss_room, 1, sizeof(nss_room));
}

static void
say_left(const struct subject *s, const char *after, const struct bench_held *was,
    const struct bench_held *is)
{
	const struct {
		const char *measure, *unit;
		long n;
	} rows[] = {{"left-memory", "bytes", is->memory_b - was->memory_b},
	    {"left-descriptors", "descriptors", is->descriptors - was->descriptors},
	    {"left-mappings", "mappings", is->mappings - was->mappings},
	    {"left-locks", "locks", is->locks - was->locks}};
	char parameters[64];

	(void)snprintf(parameters, sizeof(parameters), "keys=%llu,after=%s",
	    (unsigned long long)s->n_keys, after);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_row(rows[i].measure, s->who, parameters,
		    &(struct bench_stat){.median = (double)rows[i].n, .p99 = -1}, rows[i].unit);
}

/* As many calls as there is time for, but some. */
static void
ask_all(struct subject *s, double budget_us)
{
	for (size_t o = 0; o < N_OPS; o++) {
		double left_us = budget_us;

		for (size_t n = 0; ops[o].whom != A_NEW_KEY && op_applies(s, &ops[o]) &&
				   (n < CALLS_MIN || left_us > 0);
		     n++)
			left_us -= op_timed_us(s, &ops[o]);
	}
}

#define WALKS 20

/* After look-ups; after the first list too; after many more of both. */
static void
left(struct subject *s, double budget_us)
{
	struct bench_held before, asked, listed, more;

	settle();
	bench_held_now(&before);
	ask_all(s, budget_us);
	bench_held_now(&asked);
	(void)walk_us(s);
	bench_held_now(&listed);
	for (unsigned i = 0; i < WALKS; i++)
		(void)walk_us(s);
	ask_all(s, budget_us);
	bench_held_now(&more);
	say_left(s, "look-ups", &before, &asked);
	say_left(s, "list", &asked, &listed);
	say_left(s, "more", &listed, &more);
}

/* ---- the command line ---- */

/* WHO=SERVICE[:POOL]; a cold process's module is loaded there, not here. */
static void
subject_parse(const char *text, uint64_t n_keys, bool loads, struct subject *out)
{
	char *service, *pool;

	*out =
	    (struct subject){.n_keys = n_keys, .pool = n_keys, .turn = 1, .untouched = n_keys};
	if (text_copy(out->text, sizeof(out->text), text) != AK_OK ||
	    (service = strchr(out->text, '=')) == NULL)
		bench_die(text, "is not WHO=SERVICE");
	*service++ = '\0';
	if ((pool = strchr(service, ':')) != NULL) {
		*pool++ = '\0';
		out->pool = bench_number(pool, 1, n_keys);
	}
	out->who = out->text;
	out->service = service;
	if (loads)
		nss_module_load(out->service, &out->module);
}

static int
once(const char *module)
{
	struct subject s;

	if (strcmp(module, "-") == 0)
		return 0;
	subject_parse(module, KEYS_MAX, true, &s);
	s.pool = 1;
	(void)op_timed_us(&s, &ops[0]);
	return 0;
}

int
main(int argc, char **argv)
{
	struct subject subjects[MODULES_MAX];
	size_t n = 0, rounds;
	uint64_t n_keys, budget_ms = 0;
	const char *verb = argc > 1 ? argv[1] : "";
	int at = 4;

	if (argc == 3 && strcmp(verb, "once") == 0)
		return once(argv[2]);
	if (argc < 5)
		bench_die(
		    "usage", "lookups, floor, walks, cold or left, with the arguments of each");
	n_keys = bench_number(argv[2], 1, KEYS_MAX);
	rounds = (size_t)bench_number(argv[3], 1, ROUNDS_MAX);
	if (strcmp(verb, "lookups") == 0 || strcmp(verb, "floor") == 0)
		budget_ms = bench_number(argv[at++], 1, 10000);
	if (strcmp(verb, "floor") == 0 && argc == at + 1) {
		measure_floor(n_keys, rounds, (double)budget_ms * 1e3, argv[at]);
		return 0;
	}
	for (int i = at; i < argc && n < MODULES_MAX; i++)
		subject_parse(argv[i], n_keys, strcmp(verb, "cold") != 0, &subjects[n++]);
	if (strcmp(verb, "lookups") == 0)
		lookups(subjects, n, rounds, (double)budget_ms * 1e3);
	else if (strcmp(verb, "walks") == 0)
		walks(subjects, n, rounds);
	else if (strcmp(verb, "cold") == 0)
		cold(argv[0], argv + at, subjects, n, rounds);
	else if (strcmp(verb, "left") == 0)
		left(subjects, (double)rounds * 1e3);
	else
		bench_die(verb, "is no verb");
	return 0;
}
