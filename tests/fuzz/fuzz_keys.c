/* fuzz_keys: any bytes as one of the files that keys lie in: who is asked for is who is given, an outage is never "not found", and nothing of a damaged file is used. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_forge.h"
#include "fuzz_host.h"
#include "keyring.h"
#include "snapshot.h"
#include "store.h"
#include "taken.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const struct known {
	const char *name, *id;
	uint32_t uid;
	bool there, directory;
} known[] = {
    {"ci", "K000070000", 70000, true, false},
    {"deploy", "K000070001", 70001, true, false},
    {"from-ldap", "D000000001", 1879048192, true, true},
    {"nobody", "K000070009", 70009, false, false},
    {"no-entry", "D000000009", 1879048199, false, true},
};

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

/* damaged: a sound file with a few wrong bytes; else all that a forger can put there. */
struct look {
	const struct paths *p;
	enum fuzz_state_file file;
	bool damaged;
};

static void
check_found(const struct look *l, const struct known *k, enum ak_err err, struct key *key,
    const struct users_extra *users)
{
	if (err == AK_OK) {
		fuzz_check(
		    !l->damaged ||
			(strcmp(key->rec.name, k->name) == 0 && key->rec.uid == k->uid &&
			    strcmp(key->rec.id, k->id) == 0 && key->directory == k->directory &&
			    strv_has(key->rec.bindings, "viewer")),
		    "a damaged file gives a key as it was");
		fuzz_check(!key->directory || id_range_has(users->directory_uids, key->rec.uid),
		    "a key of the directory has a uid of the directory's");
		key_clear(key);
	}
	fuzz_check(
	    !l->damaged || (err == AK_OK ? k->there : !k->there || err != AK_ERR_NOT_FOUND),
	    "damage makes no key, and hides none without a word");
}

static void
find_keys(const struct look *l)
{
	struct keyring ring;
	struct key key;

	if (keyring_open(l->p, &ring) != AK_OK) {
		fuzz_check(l->file == STATE_USERS, "only users.idx is a must");
		return;
	}
	for (size_t i = 0; i < N_KNOWN; i++) {
		const struct known *k = &known[i];
		enum ak_err err = keyring_find_name(&ring, k->name, &key);

		fuzz_check(err != AK_OK || strcmp(key.rec.name, k->name) == 0, "by name");
		check_found(l, k, err, &key, &ring.users);
		err = keyring_find_uid(&ring, k->uid, &key);
		fuzz_check(err != AK_OK || key.rec.uid == k->uid, "by uid");
		check_found(l, k, err, &key, &ring.users);
		err = keyring_find_id(&ring, k->id, &key);
		fuzz_check(err != AK_OK || strcmp(key.rec.id, k->id) == 0, "by id");
		check_found(l, k, err, &key, &ring.users);
	}
	keyring_close(&ring);
}

static enum ak_err
take_group(void *ctx, uint32_t gid, const char *name)
{
	const struct look *l = ctx;

	fuzz_check(!l->damaged || (gid == 100000 && strcmp(name, "builders") == 0) ||
		       (gid == 27 && strcmp(name, "sudo") == 0),
	    "a key's groups are its groups");
	return AK_OK;
}

static void
find_groups(const struct look *l)
{
	struct index users = INDEX_INIT;
	struct membership m;
	uint32_t gid = 0;
	enum ak_err err = keyring_find_gid(l->p, "builders", &gid);

	fuzz_check(l->damaged ? (err == AK_OK ? gid == 100000 : err != AK_ERR_NOT_FOUND)
			      : err != AK_OK || (gid != 0 && gid != UINT32_MAX),
	    "a role's group keeps its gid");
	err = index_open(l->p->users, l->p->owner, &users);
	if (err == AK_OK)
		err = keyring_user_groups(
		    &users, l->p, 70000, 1, take_group, (void *)(uintptr_t)l);
	index_close(&users);
	fuzz_check(!l->damaged || err != AK_ERR_NOT_FOUND, "no key loses its groups unheard");
	err = keyring_membership(l->p, "ci", &m);
	fuzz_check(!l->damaged || (err == AK_OK ? strv_has(m.groups, "staff") &&
						      strv_has(m.bindings, "viewer")
						: err != AK_ERR_NOT_FOUND),
	    "what LDAP gives is what it gave");
	if (err == AK_OK)
		membership_clear(&m);
}

static enum ak_err
take_key(void *ctx, const struct key_record *k)
{
	unsigned *n = ctx;

	fuzz_check(text_is_key_name(k->name) && !id_is_reserved(k->uid), "each is a key");
	++*n;
	return AK_OK;
}

static void
open_store(const struct look *l)
{
	const struct store_options opt = {.no_wait = true};
	struct diag why = DIAG_INIT;
	struct store *s = NULL;
	unsigned n = 0;
	struct key key;
	bool given;
	enum ak_err err = store_open(l->p, &opt, &s, &why);

	if (err != AK_OK) {
		fuzz_check(s == NULL && why.text[0] != '\0', "a refusal says why");
		return;
	}
	err = store_each(s, take_key, &n);
	fuzz_check(!l->damaged || (err == AK_OK) == (n == 2), "all keys, or an error");
	if (store_find_name(s, "ci", &key) == AK_OK) {
		fuzz_check(
		    strcmp(key.rec.name, "ci") == 0, "the writer finds who is asked for");
		key_clear(&key);
	}
	err = store_id_given(s, 70002, &given);
	fuzz_check(!l->damaged || err != AK_OK || given, "a spent uid stays spent");
	(void)!store_each_directory(s, take_key, &n);
	store_close(&s);
}

static void
load_snapshot(const struct look *l)
{
	struct model *m = model_new();
	struct snapshot snapshot;
	struct diag why = DIAG_INIT;
	struct taken taken = TAKEN_INIT;
	bool changed;

	fuzz_check(m != NULL && snapshot_load(l->p, m, &snapshot, &why) == AK_OK,
	    "a snapshot loads, or is left out");
	if (l->damaged)
		for (unsigned s = DIRECTORY_KEYS; s <= DIRECTORY_PRINCIPALS; s++)
			fuzz_check(model_count(m, (enum directory_search_id)s) == 1 ||
				       (why.text[0] != '\0' &&
					   model_count(m, (enum directory_search_id)s) == 0),
			    "a search's entries are all there, or all fetched anew");
	model_free(&m);
	if (taken_read_keys(&taken, l->p, &changed, NULL) == AK_OK)
		fuzz_check(!l->damaged || strv_count(pack_borrow_strv(&taken.key_names)) == 2,
		    "the daemon knows each local key, or says that it can't");
	taken_clear(&taken);
}

/* The first byte: as it is, forged, or a sound file damaged; the second: which file. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static struct safefile sound[STATE_FILES];
	struct fuzz_input in = {bytes, len_b};
	uint8_t how = fuzz_u8(&in) % 3;
	enum fuzz_state_file file = (enum fuzz_state_file)(fuzz_u8(&in) % STATE_FILES);
	struct look l = {.p = fuzz_paths(), .file = file, .damaged = how == 2};
	unsigned char *copy;
	size_t left_b;

	if (sound[0].bytes == NULL)
		fuzz_host_make(l.p, sound);
	left_b = how == 2 ? sound[file].len_b : in.left_b;
	if ((copy = malloc(left_b + 1)) == NULL)
		return 0;
	if (left_b > 0)
		memcpy(copy, how == 2 ? (const uint8_t *)sound[file].bytes : in.at, left_b);
	if (how == 1)
		fuzz_forge(copy, left_b);
	if (how == 2)
		(void)fuzz_damage(&in, copy, &left_b);
	fuzz_file(fuzz_host_path(l.p, file), copy, left_b);
	find_keys(&l);
	find_groups(&l);
	open_store(&l);
	load_snapshot(&l);
	fuzz_file(fuzz_host_path(l.p, file), sound[file].bytes, sound[file].len_b);
	free(copy);
	return 0;
}
