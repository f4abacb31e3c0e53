#include "fuzz_pam_forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "freshness.h"
#include "fuzz_check.h"
#include "image.h"
#include "index_make.h"
#include "publish.h"
#include "store.h"

int64_t host_began_s;

/* ---- what the host says ---- */

#define NEVER NUM_NEVER
#define ROBOT_UID 1879048192U

struct host_key host_keys[HOST_KEYS] = {
    {.name = "ci",
	.uid = 70000,
	.role = {HOST_ALL, HOST_ALL},
	.gone = {false, true},
	.until_s = NEVER,
	.old_until_s = 530},
    {.name = "second",
	.uid = 70001,
	.role = {HOST_ALL, HOST_ALL},
	.disabled = {false, true},
	.until_s = NEVER},
    {.name = "disabled",
	.uid = 70002,
	.role = {HOST_ALL, HOST_ALL},
	.disabled = {true, false},
	.until_s = NEVER},
    {.name = "expired", .uid = 70003, .role = {HOST_ALL, HOST_ALL}, .until_s = -1},
    {.name = "early", .uid = 70004, .role = {HOST_ALL, HOST_ALL}, .from_s = 3590, .until_s = 7210},
    {.name = "roleless", .uid = 70005, .role = {HOST_NO_ROLE, HOST_ALL}, .until_s = NEVER},
    {.name = "sshonly", .uid = 70006, .role = {HOST_SSHD_ALONE, HOST_NO_ROLE}, .until_s = NEVER},
    {.name = "bound", .uid = 70007, .role = {HOST_ALL, HOST_ALL}, .bound = true, .until_s = NEVER},
    {.name = "opener",
	.uid = 70008,
	.role = {HOST_OPENS, HOST_OPENS},
	.gone = {false, true},
	.until_s = NEVER},
    {.name = "robot",
	.uid = ROBOT_UID,
	.role = {HOST_ALL, HOST_ALL},
	.directory = true,
	.until_s = NEVER},
};

static const char group_text[] = "root:x:0:\ncrew:x:1500:bob\nbob:x:1000:\n";
static const char passwd_text[] =
    "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n"
    "deploy:x:1005:1005::/home/deploy:/bin/sh\n"
    "solo:x:1006:1006::/home/solo:/bin/sh\n";

#define ROLES                                                                                  \
	"version: 1\n"                                                                         \
	"roles:\n"                                                                             \
	"  all: {services: ['*'], unix_groups: [crew, made]}\n"                                \
	"  night: {services: [cron], unix_groups: [bob]}\n"                                    \
	"  sshd-alone: {services: [sshd]}\n"                                                   \
	"  opens: {services: [sshd, sudo, su], accounts: [deploy, solo]}\n"                    \
	"accounts: {solo: {only_keys: true}}\n"                                                \
	"grant:\n"                                                                             \
	"- {role: night, login: second, from: [192.0.2.0/24]}\n"

static const char *const policies[HOST_KINDS] = {
    [HOST_PLAIN] = ROLES,
    [HOST_STRICT] = ROLES
    "deny:\n- {id: no-sudo, reason: no, service: sudo}\nsample:\n- {decision: deny}\n",
    [HOST_DIRECTORY] = ROLES,
    [HOST_BROKEN] = "version: 1\nroles: [\n",
};
static const char *const settings[HOST_KINDS] = {
    [HOST_STRICT] = "version: 1\naudit: required\npublic_key_logins: allow\n",
    [HOST_DIRECTORY] = "version: 1\ndirectory:\n  uris: [ldaps://ldap.example.com]\n"
		       "  may_grant: ['*']\n",
};

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	fuzz_check(
	    f != NULL && fputs(text, f) >= 0 && fchmod(fileno(f), 0644) == 0 && fclose(f) == 0,
	    "the host's texts can be written");
}

/* ---- keys ---- */

static void
add_secret(struct key_record *k, struct token *tok, uint32_t number, int64_t not_after)
{
	struct key_secret *s = &k->secrets[k->n_secrets++];
	struct verifier v;

	if (tok->text.len_b == 0)
		fuzz_check(token_new(k->id, tok) == AK_OK, "tokens can be made");
	fuzz_check(token_make_verifier(tok, &v) == AK_OK, "verifiers can be made");
	s->number = number;
	s->created_at = host_began_s - 1000;
	s->not_after = not_after;
	memcpy(s->salt, v.salt, sizeof(v.salt));
	memcpy(s->digest, v.digest, sizeof(v.digest));
}

/* Strings are constant: a description that needs the heap, for one of them. */
static void
fill(struct host_key *key, unsigned after, struct key_record *k)
{
	static const char all[] = "all", alone[] = "sshd-alone", opens[] = "opens";
	static const char networks[] = "192.0.2.0/24\0"
				       "2001:db8::/32";
	static const char *const bindings[] = {
	    [HOST_ALL] = all, [HOST_SSHD_ALONE] = alone, [HOST_OPENS] = opens};
	static char long_text[3000];
	const char *binding = bindings[key->role[after]];

	memset(long_text, 'x', sizeof(long_text) - 1);
	*k = KEY_RECORD_INIT;
	(void)snprintf(k->name, sizeof(k->name), "%s", key->name);
	(void)snprintf(k->id, sizeof(k->id), "K%09u", key->uid % 1000000000U);
	k->uid = key->uid;
	k->state = key->disabled[after] ? KEY_DISABLED : KEY_ACTIVE;
	k->created_at = host_began_s - 1000;
	k->created_by = "a fuzzer";
	k->description = key->uid == 70001 ? long_text : "";
	k->home = key->directory ? "" : "/home/key";
	k->shell = key->directory ? "" : "/bin/sh";
	if (binding != NULL)
		k->bindings = (struct strv){.bytes = binding, .len_b = strlen(binding) + 1};
	if (key->bound)
		k->from = (struct strv){.bytes = networks, .len_b = sizeof(networks)};
	k->not_before = key->from_s == 0 ? 0 : host_began_s + key->from_s;
	k->expires_at = key->until_s == NEVER ? NEVER : host_began_s + key->until_s;
	add_secret(k, &key->token[0], 2, NEVER);
	if (key->old_until_s != 0)
		add_secret(k, &key->token[1], 1, host_began_s + key->old_until_s);
}

static void
stage(struct store *s, unsigned after)
{
	struct key_record k;
	struct key old;

	for (unsigned i = 0; i < HOST_KEYS; i++) {
		fill(&host_keys[i], after, &k);
		if (host_keys[i].directory)
			continue;
		if (host_keys[i].gone[after]) {
			fuzz_check(store_find_uid(s, k.uid, &old) == AK_OK &&
				       store_remove(s, &old.rec, host_began_s) == AK_OK,
			    "a key can be removed");
			key_clear(&old);
		} else {
			fuzz_check(store_put(s, &k) == AK_OK, "a key can be made");
		}
	}
}

/* ---- the directory ---- */

static void
finish(struct index_make *make, const char *path)
{
	struct index_make_head head = {.generation = 1, .built_at = host_began_s};
	unsigned char *bytes;
	size_t len_b;

	fuzz_check(index_make_finish(make, &head, &bytes, &len_b) == AK_OK &&
		       safefile_replace(path, 0600, bytes, len_b, 0, NULL) == AK_OK,
	    "an index can be written");
	free(bytes);
	index_make_free(make);
}

static void
add(struct index_make *make, uint32_t number, const struct record_key *by, unsigned n,
    struct pack *value)
{
	struct index_key keys[3];

	for (unsigned i = 0; i < n; i++)
		keys[i] = (struct index_key){by[i].bytes, by[i].len_b};
	fuzz_check(value->err == AK_OK && index_make_add(make, ORDER_KEYS, number, keys, n,
					      value->bytes, value->len_b) == AK_OK,
	    "a record can be added");
	pack_clear(value);
}

static void
write_directory(const struct paths *p)
{
	static const char group[] = "ops", binding[] = "night";
	const struct freshness heard = {
	    .contact_at = host_began_s, .max_age_s = 900, .keys_max_age_s = 86400};
	struct host_key *robot = &host_keys[HOST_KEYS - 1];
	struct index_make *keys = index_make_new(1), *members = index_make_new(1);
	struct pack value = PACK_INIT;
	struct record_key by[3] = {record_key_text(RECORD_NAME, robot->name)};
	struct key_record k;

	fuzz_check(keys != NULL && members != NULL, "there is memory");
	fill(robot, 0, &k);
	by[1] = record_key_text(RECORD_ID, k.id);
	by[2] = record_key_number(RECORD_UID, k.uid);
	key_record_pack(&k, &value);
	add(keys, k.uid, by, 3, &value);
	finish(keys, p->directory_keys);
	membership_pack((struct strv){.bytes = group, .len_b = sizeof(group)},
	    (struct strv){.bytes = binding, .len_b = sizeof(binding)}, &value);
	add(members, 0, by, 1, &value);
	finish(members, p->directory_groups);
	fuzz_check(freshness_write(p->freshness, &heard, NULL) == AK_OK, "it was heard");
}

/* ---- the host ---- */

static void
make_folders(const char *top, enum host_kind kind, struct paths *p)
{
	char etc[128], state[128], path[256];

	(void)snprintf(path, sizeof(path), "%s/%d", top, (int)kind);
	fuzz_check(mkdir(path, 0755) == 0, "a folder can be made");
	(void)snprintf(etc, sizeof(etc), "%s/%d/etc", top, (int)kind);
	(void)snprintf(state, sizeof(state), "%s/%d/state", top, (int)kind);
	(void)snprintf(path, sizeof(path), "%s/apikey", etc);
	fuzz_check(mkdir(etc, 0755) == 0 && mkdir(path, 0755) == 0 && mkdir(state, 0755) == 0 &&
		       paths_under(etc, state, geteuid(), p) == AK_OK,
	    "a host's folders can be made");
	write_text(p->group, group_text);
	write_text(p->passwd, passwd_text);
	write_text(p->policy, policies[kind]);
	if (settings[kind] != NULL)
		write_text(p->config, settings[kind]);
	if (kind == HOST_DIRECTORY)
		write_directory(p);
}

void
forge_host(const char *top, enum host_kind kind, unsigned after, struct paths *p)
{
	const struct store_options opt = {.accept_rollback = false};
	struct diag why = DIAG_INIT;
	struct store *s = NULL;
	struct live live;
	char said[DIAG_PRINT_CAP];

	if (after == 0)
		make_folders(top, kind, p);
	if (store_open(p, &opt, &s, &why) == AK_OK) {
		live_load(p, &live);
		stage(s, after);
		if (publish(s, &live, host_began_s, NULL, &why) != AK_OK)
			(void)fprintf(
			    stderr, "publish: %s\n", diag_print(&why, said, sizeof(said)));
		if (live.image == NULL && kind != HOST_BROKEN)
			(void)fprintf(stderr, "policy: %s\n",
			    diag_print(&live.problem, said, sizeof(said)));
		fuzz_check((live.image == NULL) == (kind == HOST_BROKEN),
		    "each policy but one is one");
		live_clear(&live);
		store_close(&s);
	}
	fuzz_check(why.text[0] == '\0', "the host can be published");
}

void
forge_image_sources(
    const struct paths *p, int64_t built_at_ns, unsigned char *image, size_t len_b)
{
	struct image_sources src = {.built_at_ns = built_at_ns};
	struct image *im = NULL;
	const void *stamped;
	size_t stamped_b;

	(void)!safefile_identify(p->policy, &src.policy);
	(void)!safefile_identify(p->config, &src.settings);
	(void)!safefile_identify(p->group, &src.group);
	fuzz_check(image_open(image, len_b, &im) == AK_OK, "the image is one");
	image_set_sources(im, &src);
	stamped = image_borrow_bytes(im, &stamped_b);
	fuzz_check(stamped_b == len_b, "a stamp changes no length");
	memcpy(image, stamped, len_b);
	image_free(&im);
}
