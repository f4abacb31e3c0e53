/*
 * bench_model: what a change of the directory takes in apikeyd, by the number of groups.
 *
 * usage: bench_model FOLDER KEYS GROUPS    rows: ms until it is known whom the change concerns, ms until that is written
 *                                          into FOLDER, and the memory of all of it
 *
 * Each group has ten members. A change puts another member in the place of one, or describes a key otherwise.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench_time.h"
#include "dirtext.h"
#include "model.h"
#include "num.h"
#include "snapshot.h"

#define FIRST_UID 1879048192U
#define MEMBERS 10U
#define RUNS 15

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
		bench_die("model_put", "failed");
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
		bench_die("model_put", "failed");
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
	bench_die(dn, why);
}

struct bench {
	struct settings settings;
	struct model_host host;
	struct model *m;
	unsigned long n_keys, n_groups;
	struct paths paths;
	struct snapshot s;
	double settle_ms[RUNS], write_ms[RUNS];
};

static size_t
settle_and_write(struct bench *b, double *settle_ms, double *write_ms)
{
	struct model_changes changes;
	double began = bench_now_us(), settled;

	if (model_settle(b->m, &b->host, &changes) != AK_OK)
		bench_die("model_settle", "failed");
	settled = bench_now_us();
	if (snapshot_write(&b->paths, b->m, &changes, 1800000000, &b->s, NULL) != AK_OK)
		bench_die("snapshot_write", "failed");
	*write_ms = (bench_now_us() - settled) / 1e3;
	*settle_ms = (settled - began) / 1e3;
	return changes.n_uids;
}

static void
say(const char *measure, const char *parameters, double *ms)
{
	struct bench_stat s = bench_stat_of(ms, RUNS);

	bench_row(measure, "apikey", parameters, &s, "ms");
}

static void
say_changes(struct bench *b, const char *kind)
{
	char parameters[96];

	(void)snprintf(parameters, sizeof(parameters), "keys=%lu,groups=%lu,change=%s",
	    b->n_keys, b->n_groups, kind);
	say("directory-settle", parameters, b->settle_ms);
	say("directory-write", parameters, b->write_ms);
}

static void
say_memory(const struct bench *b)
{
	struct mallinfo2 info = mallinfo2();
	struct bench_stat s = {(double)(info.uordblks + info.hblkhd) / 1e6, -1};
	char parameters[64];

	(void)snprintf(
	    parameters, sizeof(parameters), "keys=%lu,groups=%lu", b->n_keys, b->n_groups);
	bench_row("directory-memory", "apikey", parameters, &s, "MB");
}

static void
fill(struct bench *b)
{
	double settle_ms, write_ms;

	for (unsigned long i = 0; i < b->n_keys; i++)
		put_key(b->m, i, "");
	for (unsigned long i = 0; i < b->n_groups; i++)
		put_group(b->m, i, b->n_keys, 0);
	if (settle_and_write(b, &settle_ms, &write_ms) != b->n_keys)
		bench_die("model", "the keys are not all served");
}

static void
change_often(struct bench *b)
{
	for (unsigned i = 0; i < RUNS; i++) {
		put_group(b->m, i * 13 % b->n_groups, b->n_keys, i + 1);
		if (settle_and_write(b, &b->settle_ms[i], &b->write_ms[i]) != 2)
			bench_die("model", "a group's change is not two keys'");
	}
	say_changes(b, "member");
	for (unsigned i = 0; i < RUNS; i++) {
		put_key(b->m, i * 17, "another");
		if (settle_and_write(b, &b->settle_ms[i], &b->write_ms[i]) != 1)
			bench_die("model", "a key's change is not one key's");
	}
	say_changes(b, "key");
}

int
main(int argc, char **argv)
{
	static struct bench b;

	if (argc != 4)
		bench_die("usage", "bench_model FOLDER KEYS GROUPS");
	b.n_keys = bench_number(argv[2], 1000, 1000000);
	b.n_groups = bench_number(argv[3], 1, 1000000);
	if ((b.m = model_new()) == NULL ||
	    paths_under(argv[1], argv[1], geteuid(), &b.paths) != AK_OK)
		bench_die(argv[1], "no memory, or too long a name");
	settings_default(&b.settings);
	b.settings.directory.uids = (struct id_range){FIRST_UID, FIRST_UID + 1000000};
	b.settings.directory.nested = true;
	b.host = (struct model_host){.settings = &b.settings,
	    .name_taken = no_name,
	    .id_taken = no_id,
	    .taken_version = 1,
	    .skipped = skipped};
	fill(&b);
	say_memory(&b);
	change_often(&b);
	model_free(&b.m);
	return 0;
}
