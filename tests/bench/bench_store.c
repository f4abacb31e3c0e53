/* bench_store: what one change costs among N keys: commit (fsynced) and publish, median of several. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "index_make.h"
#include "live.h"
#include "num.h"
#include "publish.h"
#include "safefile.h"
#include "store.h"

#define FIRST_UID 1879048192U
#define RUNS 15

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what, const struct diag *why)
{
	char text[DIAG_PRINT_CAP];

	(void)fprintf(stderr, "bench_store: %s: %s\n", what,
	    why == NULL ? "" : diag_print(why, text, sizeof(text)));
	exit(1);
}

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF)
		die(path, NULL);
}

static struct key_record
sample_key(unsigned long n)
{
	static char home[64];
	struct key_record k = KEY_RECORD_INIT;

	(void)snprintf(k.name, sizeof(k.name), "ci-deploy-%07lu", n);
	(void)snprintf(k.id, sizeof(k.id), "K%09lu", n);
	(void)snprintf(home, sizeof(home), "/home/%s", k.name);
	k.uid = FIRST_UID + (uint32_t)n;
	k.state = KEY_ACTIVE;
	k.n_secrets = 1;
	k.secrets[0] = (struct key_secret){.number = 1, .not_after = NUM_NEVER};
	k.created_by = "root";
	k.home = home;
	k.shell = "/bin/bash";
	k.bindings = (struct strv){"viewer", sizeof("viewer")};
	return k;
}

/* local.idx of n keys, straight from index_make: create would take hours. */
static void
write_local(const struct paths *p, unsigned long n)
{
	struct index_make *m = index_make_new(n);
	struct index_make_head head = {.generation = 1};
	struct local_extra extra = {.uid_high = FIRST_UID + (uint32_t)n - 1};
	unsigned char *bytes;
	size_t len_b;

	for (unsigned long i = 0; i < n; i++) {
		struct key_record k = sample_key(i);
		struct record_key a = record_key_text(RECORD_ID, k.id);
		struct record_key b = record_key_text(RECORD_NAME, k.name);
		struct record_key c = record_key_number(RECORD_UID, k.uid);
		struct index_key keys[] = {
		    {a.bytes, a.len_b}, {b.bytes, b.len_b}, {c.bytes, c.len_b}};
		struct pack value = PACK_INIT;

		key_record_pack(&k, &value);
		if (index_make_add(m, ORDER_KEYS, k.uid, keys, 3, value.bytes, value.len_b) !=
		    AK_OK)
			die("index_make_add", NULL);
		pack_clear(&value);
	}
	local_extra_pack(&extra, head.extra);
	if (index_make_finish(m, &head, &bytes, &len_b) != AK_OK ||
	    safefile_replace(p->local, 0600, bytes, len_b, 0, NULL) != AK_OK)
		die("local.idx", NULL);
	free(bytes);
	index_make_free(m);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* One change, as the command makes it. */
static double
change(const struct paths *p, struct key_record *k, bool remove, struct publish_result *res)
{
	double began = now_ms();
	struct store_options opt = {.accept_rollback = false};
	struct diag why = DIAG_INIT;
	struct store *s;
	struct live live;

	live_load(p, &live);
	if (live.image == NULL)
		die("policy", &live.problem);
	if (store_open(p, &opt, &s, &why) != AK_OK)
		die("store_open", &why);
	if (k != NULL && (remove ? store_remove(s, k, 0) : store_put(s, k)) != AK_OK)
		die("stage", NULL);
	if (publish(s, &live, time(NULL), res, &why) != AK_OK)
		die("publish", &why);
	store_close(&s);
	live_clear(&live);
	return now_ms() - began;
}

int
main(int argc, char **argv)
{
	char dir[] = "/var/tmp/bench_store.XXXXXX", etc[64], state[64], file[128];
	uint64_t n = 100000;
	double ms[RUNS], whole;
	struct publish_result res;
	struct paths p;

	if (argc > 1 && num_parse(argv[1], 1, 10000000, &n) != AK_OK)
		die("usage: bench_store [KEYS]", NULL);
	(void)umask(022);
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) == -1)
		die(dir, NULL);
	(void)snprintf(etc, sizeof(etc), "%s/etc", dir);
	(void)snprintf(state, sizeof(state), "%s/state", dir);
	(void)snprintf(file, sizeof(file), "%s/apikey", etc);
	if (mkdir(etc, 0755) == -1 || mkdir(file, 0755) == -1 || mkdir(state, 0755) == -1 ||
	    paths_under(etc, state, geteuid(), &p) != AK_OK)
		die(dir, NULL);
	write_text(p.config, "version: 1\nuid_range: 1879048192-1999999999\n");
	write_text(p.policy,
	    "version: 1\nroles:\n  viewer: {services: [sshd], unix_groups: [viewers]}\n");
	write_text(p.group, "root:x:0:\n");
	write_local(&p, n);
	whole = change(&p, NULL, false, &res);
	for (int i = 0; i < RUNS; i++) {
		struct key_record k = sample_key(n + (unsigned)i);

		ms[i] = change(&p, &k, false, &res);
		if (res.whole)
			die("a change of one key evaluated all", NULL);
	}
	qsort(ms, RUNS, sizeof(ms[0]), by_value);
	(void)printf("%llu keys: whole publish %.1f ms; create median %.1f ms, worst %.1f ms\n",
	    (unsigned long long)n, whole, ms[RUNS / 2], ms[RUNS - 1]);
	(void)fflush(stdout);
	return execlp("rm", "rm", "-rf", dir, (char *)NULL);
}
