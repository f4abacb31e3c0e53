/* bench_nss [KEYS…]: what a look-up costs in process, warm, at so many keys. Prints; judges nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "initgroups.h"
#include "nss_fixture.h"
#include "passwd.h"
#include "group.h"

#define FIRST_UID 1879048192U
#define ROUNDS 20000U

struct bench {
	struct nss_source src;
	uint32_t n_keys;
	uint64_t turn;
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Another key each time, in no order: what a busy host asks. */
static uint32_t
pick(struct bench *b)
{
	b->turn = b->turn * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((b->turn >> 33) % b->n_keys);
}

static void
expect(enum nss_status wanted, enum nss_status got)
{
	if (wanted == got)
		return;
	(void)fprintf(stderr, "bench_nss: status %d, not %d\n", got, wanted);
	abort();
}

struct entry {
	struct passwd pw;
	struct group gr;
	char buf[1024];
	int error;
};

#define ROOM(e) ((struct place_room){.buf = (e)->buf, .cap_b = sizeof((e)->buf)})

static void
hit_name(struct bench *b, struct entry *e)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "k%07u", pick(b));
	expect(NSS_STATUS_SUCCESS, passwd_by_name(&b->src, name, ROOM(e), &e->pw, &e->error));
}

static void
miss_name(struct bench *b, struct entry *e)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "m%07u", pick(b));
	expect(NSS_STATUS_NOTFOUND, passwd_by_name(&b->src, name, ROOM(e), &e->pw, &e->error));
}

static void
hit_uid(struct bench *b, struct entry *e)
{
	expect(NSS_STATUS_SUCCESS,
	    passwd_by_uid(&b->src, FIRST_UID + pick(b), ROOM(e), &e->pw, &e->error));
}

static void
miss_uid(struct bench *b, struct entry *e)
{
	expect(NSS_STATUS_NOTFOUND, passwd_by_uid(&b->src, FIRST_UID + b->n_keys + pick(b),
					ROOM(e), &e->pw, &e->error));
}

static void
foreign_uid(struct bench *b, struct entry *e)
{
	expect(NSS_STATUS_NOTFOUND,
	    passwd_by_uid(&b->src, 1000 + pick(b) % 1000, ROOM(e), &e->pw, &e->error));
}

static void
hit_gid(struct bench *b, struct entry *e)
{
	expect(NSS_STATUS_SUCCESS,
	    group_by_gid(&b->src, FIRST_UID + pick(b), ROOM(e), &e->gr, &e->error));
}

static void
miss_gid(struct bench *b, struct entry *e)
{
	expect(NSS_STATUS_NOTFOUND,
	    group_by_gid(&b->src, 1000 + pick(b) % 1000, ROOM(e), &e->gr, &e->error));
}

static void
groups_of(struct bench *b, struct entry *e)
{
	gid_t room[16], *gids = room;
	long start = 1, size = 16;
	uint32_t i = pick(b);
	char name[32];

	(void)snprintf(name, sizeof(name), "k%07u", i);
	room[0] = FIRST_UID + i;
	expect(NSS_STATUS_SUCCESS,
	    initgroups_add(&b->src, name, FIRST_UID + i,
		(struct initgroups_list){&start, &size, &gids, -1}, &e->error));
}

/* The name alone, as each of the above makes one: to be taken off. */
static void
nothing(struct bench *b, struct entry *e)
{
	(void)snprintf(e->buf, sizeof(e->buf), "k%07u", pick(b));
}

static void
measure(struct bench *b, const char *what, void (*call)(struct bench *, struct entry *))
{
	static uint64_t ns[ROUNDS];
	struct entry e;

	for (unsigned i = 0; i < ROUNDS / 10; i++)
		call(b, &e);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t from = now_ns();

		call(b, &e);
		ns[i] = now_ns() - from;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_size);
	(void)printf("%-8u %-26s median %6llu ns   p99 %6llu ns\n", b->n_keys, what,
	    (unsigned long long)ns[ROUNDS / 2], (unsigned long long)ns[ROUNDS / 100 * 99]);
}

/* All users, once. */
static uint64_t
walk_ns(struct bench *b)
{
	static struct walk w;
	struct entry e;
	uint64_t from = now_ns();
	uint32_t n = 0;

	walk_restart(&w);
	while (passwd_next(&b->src, &w, ROOM(&e), &e.pw, &e.error) == NSS_STATUS_SUCCESS)
		n++;
	if (n != b->n_keys)
		abort();
	return now_ns() - from;
}

#define WALKS 9U

static void
measure_walk(struct bench *b)
{
	uint64_t ns[WALKS];

	for (unsigned i = 0; i < WALKS; i++)
		ns[i] = walk_ns(b);
	qsort(ns, WALKS, sizeof(ns[0]), by_size);
	(void)printf("%-8u %-26s median %6llu us   best %6llu us, %llu ns each\n", b->n_keys,
	    "enumeration, all", (unsigned long long)(ns[WALKS / 2] / 1000),
	    (unsigned long long)(ns[0] / 1000), (unsigned long long)(ns[0] / b->n_keys));
}

static void
make_file(struct bench *b)
{
	struct nss_fixture f;
	char name[32];

	nss_fixture_begin(&f, 1, b->n_keys);
	for (uint32_t i = 0; i < b->n_keys; i++) {
		uint32_t gids[4] = {100000 + i % 50, 100100 + i % 7, 100200, 27};

		(void)snprintf(name, sizeof(name), "k%07u", i);
		nss_fixture_user(&f, name, FIRST_UID + i, gids, 4);
	}
	for (uint32_t i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "role%02u", i);
		nss_fixture_group(&f, name, 100000 + i, STRV_EMPTY);
	}
	nss_fixture_end(&f, b->src.path);
}

static void
bench_at(const char *path, uint32_t n_keys)
{
	struct bench b = {
	    .src = {.path = path, .owner = geteuid()}, .n_keys = n_keys, .turn = 1};

	make_file(&b);
	measure(&b, "(making the question)", nothing);
	measure(&b, "getpwnam hit", hit_name);
	measure(&b, "getpwnam miss", miss_name);
	measure(&b, "getpwuid hit", hit_uid);
	measure(&b, "getpwuid miss, in range", miss_uid);
	measure(&b, "getpwuid miss, out of range", foreign_uid);
	measure(&b, "getgrgid hit, own group", hit_gid);
	measure(&b, "getgrgid miss", miss_gid);
	measure(&b, "initgroups, 4 groups", groups_of);
	measure_walk(&b);
	(void)unlink(path);
}

int
main(int argc, char **argv)
{
	static const uint32_t usual[] = {1000, 100000, 1000000};
	char dir[] = "/tmp/apikey-bench-XXXXXX", path[64];

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/users.idx", dir);
	if (argc < 2)
		for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
			bench_at(path, usual[i]);
	for (int i = 1; i < argc; i++) {
		uint64_t n;

		if (num_parse(argv[i], 1, 9999999, &n) == AK_OK)
			bench_at(path, (uint32_t)n);
	}
	return rmdir(dir) == 0 ? 0 : 1;
}
