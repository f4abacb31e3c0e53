/*
 * bench_store: the files of a host with many keys, for a bench: to create them one by one would take hours.
 *
 * usage: bench_store STATE KEYS ROLES    writes STATE/local.idx of so many keys; each has one binding, of the
 *                                        roles role-0, role-1, … in turn
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench_time.h"
#include "index_make.h"
#include "num.h"
#include "paths.h"
#include "record.h"
#include "safefile.h"

#define FIRST_UID 1879048192U

/* The n-th key, as `apikey create` makes them; its strings hold until the next. */
static struct key_record
nth_key(uint64_t n, uint64_t roles)
{
	static char home[64], binding[32];
	struct key_record k = KEY_RECORD_INIT;

	(void)snprintf(k.name, sizeof(k.name), "ci-deploy-%07" PRIu64, n);
	(void)snprintf(k.id, sizeof(k.id), "K%09" PRIu64, n % 1000000000);
	(void)snprintf(home, sizeof(home), "/home/%s", k.name);
	(void)snprintf(binding, sizeof(binding), "role-%" PRIu64, n % roles);
	k.uid = FIRST_UID + (uint32_t)n;
	k.state = KEY_ACTIVE;
	k.n_secrets = 1;
	k.secrets[0] = (struct key_secret){.number = 1, .not_after = NUM_NEVER};
	memcpy(k.secrets[0].salt, &n, sizeof(n));
	k.created_by = "root";
	k.home = home;
	k.shell = "/bin/bash";
	k.bindings = (struct strv){binding, strlen(binding) + 1};
	return k;
}

static void
add_key(struct index_make *m, const struct key_record *k)
{
	struct record_key id = record_key_text(RECORD_ID, k->id);
	struct record_key name = record_key_text(RECORD_NAME, k->name);
	struct record_key uid = record_key_number(RECORD_UID, k->uid);
	struct index_key keys[] = {
	    {id.bytes, id.len_b}, {name.bytes, name.len_b}, {uid.bytes, uid.len_b}};
	struct pack value = PACK_INIT;
	enum ak_err err;

	key_record_pack(k, &value);
	err = index_make_add(m, ORDER_KEYS, k->uid, keys, 3, value.bytes, value.len_b);
	if (err != AK_OK)
		bench_die(k->name, ak_strerror(err));
	pack_clear(&value);
}

int
main(int argc, char **argv)
{
	struct index_make_head head = {.generation = 1};
	struct local_extra extra;
	struct index_make *m;
	struct safefile_new file;
	uint64_t n, roles;
	char path[PATH_CAP];
	enum ak_err err;

	if (argc != 4)
		bench_die("usage", "bench_store STATE KEYS ROLES");
	n = bench_number(argv[2], 1, 10000000);
	roles = bench_number(argv[3], 1, 100000);
	if ((m = index_make_new(n)) == NULL)
		bench_die(argv[2], "no memory");
	for (uint64_t i = 0; i < n; i++) {
		struct key_record k = nth_key(i, roles);

		add_key(m, &k);
	}
	extra = (struct local_extra){.uid_high = FIRST_UID + (uint32_t)n - 1};
	local_extra_pack(&extra, head.extra);
	(void)snprintf(path, sizeof(path), "%s/local.idx", argv[1]);
	err = index_make_write(m, &head, path, 0, &file, NULL);
	if (err == AK_OK)
		err = safefile_new_end(&file, 0600, NULL);
	if (err != AK_OK)
		bench_die(path, ak_strerror(err));
	index_make_free(m);
	return 0;
}
