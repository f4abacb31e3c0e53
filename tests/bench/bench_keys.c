/*
 * bench_keys KEYS FILE: a local.idx of so many keys, straight from index_make: creating each would take hours. What
 * `apikey publish` makes of it is what is measured.
 *
 * Key i has the name ci-deploy-000000i, the uid FIRST_UID + i and the roles role-NN (NN is i modulo 50) and viewer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_time.h"
#include "index_make.h"
#include "num.h"
#include "record.h"
#include "safefile.h"

#define FIRST_UID 1879048192U
#define ROLES 50U

static void
must(enum ak_err err, const char *what)
{
	if (err != AK_OK)
		bench_die(what, ak_strerror(err));
}

static void
add_key(struct index_make *m, unsigned i)
{
	struct key_record k = KEY_RECORD_INIT;
	struct pack value = PACK_INIT, bindings = PACK_INIT;
	struct record_key names[3];
	struct index_key keys[3];
	char home[64], role[24];

	(void)snprintf(k.name, sizeof(k.name), "ci-deploy-%07u", i % 10000000);
	(void)snprintf(k.id, sizeof(k.id), "K%09u", i);
	(void)snprintf(home, sizeof(home), "/home/%s", k.name);
	(void)snprintf(role, sizeof(role), "role-%02u", i % ROLES);
	pack_entry(&bindings, role);
	pack_entry(&bindings, "viewer");
	k.uid = FIRST_UID + i;
	k.state = KEY_ACTIVE;
	k.n_secrets = 1;
	k.secrets[0] = (struct key_secret){.number = 1, .not_after = NUM_NEVER};
	k.created_by = "root";
	k.home = home;
	k.shell = "/bin/bash";
	k.bindings = pack_borrow_strv(&bindings);
	names[0] = record_key_text(RECORD_ID, k.id);
	names[1] = record_key_text(RECORD_NAME, k.name);
	names[2] = record_key_number(RECORD_UID, k.uid);
	for (size_t n = 0; n < 3; n++)
		keys[n] = (struct index_key){names[n].bytes, names[n].len_b};
	key_record_pack(&k, &value);
	must(value.err, k.name);
	must(index_make_add(m, ORDER_KEYS, k.uid, keys, 3, value.bytes, value.len_b), k.name);
	pack_clear(&value);
	pack_clear(&bindings);
}

int
main(int argc, char **argv)
{
	struct index_make_head head = {.generation = 1};
	struct local_extra extra = {.uid_high = 0};
	struct index_make *m;
	unsigned n_keys;
	unsigned char *bytes;
	size_t len_b;

	if (argc != 3)
		bench_die("usage", "bench_keys KEYS FILE");
	n_keys = (unsigned)bench_number(argv[1], 1, 9999999);
	if ((m = index_make_new(n_keys)) == NULL)
		bench_die("index_make_new", "no memory");
	for (unsigned i = 0; i < n_keys; i++)
		add_key(m, i);
	extra.uid_high = FIRST_UID + n_keys - 1;
	local_extra_pack(&extra, head.extra);
	must(index_make_finish(m, &head, &bytes, &len_b), argv[2]);
	must(safefile_replace(argv[2], 0600, bytes, len_b, 0, NULL), argv[2]);
	free(bytes);
	index_make_free(m);
	return 0;
}
