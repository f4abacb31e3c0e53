/* bench_model: what one change of the directory costs, settled and written, among N keys and G groups of ten members. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dirtext.h"
#include "model.h"
#include "num.h"
#include "snapshot.h"

#define FIRST_UID 1879048192U
#define MEMBERS 10U
#define RUNS 15

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	(void)fprintf(stderr, "bench_model: %s\n", what);
	exit(1);
}

static void
key_name(char *buf, size_t cap, unsigned long n)
{
	(void)snprintf(buf, cap, "ci-deploy-%07lu", n);
}

static void
put_key(struct model *m, unsigned long n, const char *description)
{
	struct directory_entry e = {.search = DIRECTORY_KEYS};
	struct pack values[SLOT_COUNT] = {PACK_INIT};
	struct key_record k = KEY_RECORD_INIT;
	char dn[128];

	key_name(k.name, sizeof(k.name), n);
	(void)snprintf(k.id, sizeof(k.id), "K%09lu", n);
	(void)snprintf(dn, sizeof(dn), "apikeyname=%s,ou=keys,dc=example,dc=com", k.name);
	k.uid = FIRST_UID + (uint32_t)n;
	k.state = KEY_ACTIVE;
	k.n_secrets = 1;
	k.secrets[0] =
	    (struct key_secret){.number = 1, .created_at = 1800000000, .not_after = NUM_NEVER};
	k.created_at = 1800000000;
	k.created_by = "root";
	k.description = description;
	k.bindings = (struct strv){"viewer", sizeof("viewer")};
	memcpy(e.uuid, &n, sizeof(n));
	e.dn = dn;
	for (unsigned s = 1; s < SLOT_COUNT; s++) {
		dirtext_values_of_key(&k, (enum directory_slot)s, &values[s]);
		e.values[s] = pack_borrow_strv(&values[s]);
	}
	if (model_put(m, &e) != AK_OK)
		die("model_put");
	for (unsigned s = 1; s < SLOT_COUNT; s++)
		pack_clear(&values[s]);
}

/* The first member is the one that a change adds or takes. */
static void
put_group(struct model *m, unsigned long n, unsigned long n_keys, unsigned shift)
{
	struct directory_entry e = {.search = DIRECTORY_GROUPS};
	struct pack members = PACK_INIT;
	char dn[128], name[64], member[128], key[64];

	(void)snprintf(name, sizeof(name), "team-%06lu", n);
	(void)snprintf(dn, sizeof(dn), "cn=%s,ou=groups,dc=example,dc=com", name);
	for (unsigned long i = 0; i < MEMBERS; i++) {
		unsigned long at = (n * 7919 + i * 104729 + (i == 0 ? shift : 0)) % n_keys;

		key_name(key, sizeof(key), at);
		(void)snprintf(
		    member, sizeof(member), "apikeyname=%s,ou=keys,dc=example,dc=com", key);
		pack_entry(&members, member);
	}
	memcpy(e.uuid, &n, sizeof(n));
	e.dn = dn;
	e.values[SLOT_NAME] = (struct strv){name, strlen(name) + 1};
	e.values[SLOT_MEMBER_DN] = pack_borrow_strv(&members);
	if (model_put(m, &e) != AK_OK)
		die("model_put");
	pack_clear(&members);
}

static bool
no_name(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "root") == 0;
}

static bool
no_id(void *ctx, uint32_t id)
{
	(void)ctx;
	return id == 0;
}

static void
skipped(void *ctx, const char *dn, const char *why)
{
	(void)ctx;
	(void)fprintf(stderr, "%s: %s\n", dn, why);
	die("a key was skipped");
}

struct bench {
	struct settings settings;
	struct model_host host;
	struct model *m;
	struct paths paths;
	struct snapshot s;
	double settle_ms[RUNS], write_ms[RUNS];
};

static size_t
settle_and_write(struct bench *b, double *settle_ms, double *write_ms)
{
	struct model_changes changes;
	double began = now_ms(), settled;

	if (model_settle(b->m, &b->host, &changes) != AK_OK)
		die("model_settle");
	settled = now_ms();
	if (snapshot_write(&b->paths, b->m, &changes, 1800000000, &b->s, NULL) != AK_OK)
		die("snapshot_write");
	*write_ms = now_ms() - settled;
	*settle_ms = settled - began;
	return changes.n_uids;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
report(struct bench *b, const char *what)
{
	qsort(b->settle_ms, RUNS, sizeof(double), by_value);
	qsort(b->write_ms, RUNS, sizeof(double), by_value);
	(void)printf("  %s: settle median %.2f ms, worst %.2f ms; write median %.1f ms, "
		     "worst %.1f ms\n",
	    what, b->settle_ms[RUNS / 2], b->settle_ms[RUNS - 1], b->write_ms[RUNS / 2],
	    b->write_ms[RUNS - 1]);
}

static void
run(struct bench *b, unsigned long n_keys, unsigned long n_groups)
{
	double settle_ms, write_ms;
	struct mallinfo2 info;

	b->m = model_new();
	if (b->m == NULL)
		die("model_new");
	for (unsigned long i = 0; i < n_keys; i++)
		put_key(b->m, i, "");
	for (unsigned long i = 0; i < n_groups; i++)
		put_group(b->m, i, n_keys, 0);
	if (settle_and_write(b, &settle_ms, &write_ms) != n_keys)
		die("the keys are not all served");
	info = mallinfo2();
	(void)printf(
	    "%lu keys, %lu groups: %.0f MB; all of it: settle %.0f ms, write %.1f ms\n", n_keys,
	    n_groups, (double)(info.uordblks + info.hblkhd) / 1e6, settle_ms, write_ms);
	for (unsigned i = 0; i < RUNS; i++) {
		put_group(b->m, i * 13, n_keys, 1);
		if (settle_and_write(b, &b->settle_ms[i], &b->write_ms[i]) != 2)
			die("a group's change is not two keys'");
	}
	report(b, "a member of a group ");
	for (unsigned i = 0; i < RUNS; i++) {
		put_key(b->m, i * 17, "another");
		if (settle_and_write(b, &b->settle_ms[i], &b->write_ms[i]) != 1)
			die("a key's change is not one key's");
	}
	report(b, "a key               ");
	model_free(&b->m);
}

int
main(void)
{
	char dir[] = "/var/tmp/bench_model.XXXXXX";
	struct bench b = {.m = NULL};

	if (mkdtemp(dir) == NULL || paths_under(dir, dir, geteuid(), &b.paths) != AK_OK)
		die(dir);
	settings_default(&b.settings);
	b.settings.directory.uids = (struct id_range){FIRST_UID, FIRST_UID + 1000000};
	b.settings.directory.nested = true;
	b.host = (struct model_host){.settings = &b.settings,
	    .name_taken = no_name,
	    .id_taken = no_id,
	    .taken_version = 1,
	    .skipped = skipped};
	run(&b, 1000, 10000);
	run(&b, 100000, 10000);
	(void)fflush(stdout);
	return execlp("rm", "rm", "-rf", dir, (char *)NULL);
}
