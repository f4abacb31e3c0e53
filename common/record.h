/* record: what the index files hold: keys, users, groups, and the headers' own facts (apikey-formats(5)). */
#ifndef AK_RECORD_H
#define AK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "index.h"
#include "num.h"
#include "pack.h"
#include "text.h"

/*
 * Index keys: a letter and a name, or a letter and an id (u32).
 *   local.idx  order 0: keys       i<id> n<name> u<uid>
 *              order 1: spent uids x<uid>;  role groups' gids G<group>
 *   directory-keys.idx    order 0: keys as in local.idx
 *                         order 1: entries, cookies (directory.h)
 *   directory-groups.idx  order 0: memberships n<name>
 *                         order 1: entries, cookies
 *   users.idx  order 0: users      n<name> u<uid>
 *              order 1: groups     N<name> g<gid>
 */
struct record_key {
	unsigned char bytes[1 + 64];
	size_t len_b;
};

enum record_tag {
	RECORD_ID = 'i',
	RECORD_NAME = 'n',
	RECORD_UID = 'u',
	RECORD_SPENT_UID = 'x',
	RECORD_ROLE_GROUP = 'G',
	RECORD_GROUP_NAME = 'N',
	RECORD_GID = 'g',
	RECORD_ENTRY = 'e', /* and the search's number (u8), and 16 bytes of entryUUID */
	RECORD_COOKIE = 'c', /* and the search's number */
};

/* Longer than fits: a key that no record has (so: not found), length 0. */
struct record_key record_key_text(enum record_tag tag, const char *text);
struct record_key record_key_number(enum record_tag tag, uint32_t number);

#define ORDER_KEYS 0U /* local.idx */
#define ORDER_REST 1U
#define ORDER_USERS 0U /* users.idx */
#define ORDER_GROUPS 1U

#define KEY_ID_LEN 10
#define KEY_SALT_B 16
#define KEY_DIGEST_B 32
#define KEY_SECRETS_MAX 2

struct key_secret {
	uint32_t number; /* from 1, one more with each rotation */
	unsigned char salt[KEY_SALT_B];
	unsigned char digest[KEY_DIGEST_B]; /* token.h */
	int64_t created_at, not_after; /* seconds; NUM_NEVER */
};

enum key_state { KEY_ACTIVE = 1, KEY_DISABLED = 2 };

/* A key. Strings and lists are borrowed: from the bytes it was unpacked from, or from whoever fills it in. */
struct key_record {
	char name[KEY_NAME_MAX + 1];
	char id[KEY_ID_LEN + 1];
	uint32_t uid; /* and gid */
	enum key_state state;
	unsigned n_secrets; /* newest first */
	struct key_secret secrets[KEY_SECRETS_MAX];
	int64_t created_at;
	int64_t not_before; /* 0: from the beginning */
	int64_t expires_at; /* NUM_NEVER */
	const char *created_by, *description, *owner, *home, *shell; /* never NULL */
	struct strv bindings; /* as text: viewer, editor:spaces:a,b */
	struct strv groups; /* the key's own IdP groups */
	struct strv from; /* CIDR blocks; empty: from anywhere */
};

#define KEY_RECORD_INIT                                                                        \
	((struct key_record){.created_by = "",                                                 \
	    .description = "",                                                                 \
	    .owner = "",                                                                       \
	    .home = "",                                                                        \
	    .shell = "",                                                                       \
	    .expires_at = NUM_NEVER})

/* More than KEY_SECRETS_MAX secrets: out->err is AK_ERR_INVALID. */
void key_record_pack(const struct key_record *k, struct pack *out);
/* AK_ERR_CORRUPT when the bytes are not one whole key: a bad name, uid, count or string. */
enum ak_err key_record_unpack(
    const void *bytes, size_t len_b, struct key_record *out) AK_MUST_CHECK;
/* Salts and digests are no tokens, but nobody else's business. */
void key_record_clear(struct key_record *k);

/* A uid that was a key's and never will be another's. */
struct spent_uid {
	uint32_t uid;
	int64_t deleted_at;
	const char *name, *id;
};

void spent_uid_pack(const struct spent_uid *s, struct pack *out);
enum ak_err spent_uid_unpack(
    const void *bytes, size_t len_b, struct spent_uid *out) AK_MUST_CHECK;

/* The gid that a role's group got here, for ever. */
struct role_gid {
	uint32_t gid;
	const char *group;
};

void role_gid_pack(const struct role_gid *g, struct pack *out);
enum ak_err role_gid_unpack(const void *bytes, size_t len_b, struct role_gid *out) AK_MUST_CHECK;

/* A user as NSS serves it; gid = uid. */
struct user_record {
	uint32_t uid;
	const char *name, *gecos, *home, *shell;
	uint32_t n_gids; /* supplementary, without the private group */
	uint32_t n_marked; /* the last so many of them rest on LDAP: not for a stale directory */
	const unsigned char *gids; /* n_gids times u32, little-endian: le32_load */
};

/* gids in r are as in the struct: packed already. */
void user_record_pack(const struct user_record *r, struct pack *out);
enum ak_err user_record_unpack(
    const void *bytes, size_t len_b, struct user_record *out) AK_MUST_CHECK;

struct group_record {
	uint32_t gid;
	const char *name;
	struct strv members;
	struct strv marked; /* members too, unless the directory is stale */
};

void group_record_pack(const struct group_record *r, struct pack *out);
enum ak_err group_record_unpack(
    const void *bytes, size_t len_b, struct group_record *out) AK_MUST_CHECK;

/* An id range, both ends included; 0-0: none. */
struct id_range {
	uint32_t min, max;
};

bool id_range_has(struct id_range r, uint32_t id);

/* No key, group or range may hold one of these: 0-999, 60001-60513, 61184-65519, 65534, 65535, 524288-1879048191, 2^31 and above. */
bool id_is_reserved(uint32_t id);
/* Does the range touch one? Then *first is the lowest that it touches. */
bool id_range_reserved(struct id_range r, uint32_t *first);

/* The header's own facts of local.idx. */
struct local_extra {
	uint32_t uid_high; /* highest uid ever given by counting up; 0: none */
	uint32_t gid_high; /* the same for role groups */
};

void local_extra_pack(const struct local_extra *e, unsigned char out[INDEX_EXTRA_B]);
void local_extra_unpack(const unsigned char in[INDEX_EXTRA_B], struct local_extra *out);

/* Which version of a file another was made from; generation 0: none. */
struct source_id {
	uint64_t generation, id;
};

/* The header's own facts of users.idx. */
struct users_extra {
	struct id_range uids, gids; /* keys' uids; role groups' gids */
	struct id_range directory_uids; /* keys that live in LDAP */
	bool enumerate;
	uint32_t uid_high, gid_high; /* as in the local.idx it was made from */
	struct source_id local;
	struct source_id directory_keys, directory_groups;
	uint64_t policy, config,
	    group; /* safefile_id_digest of the YAML files and /etc/group; 0: none */
};

void users_extra_pack(const struct users_extra *e, unsigned char out[INDEX_EXTRA_B]);
enum ak_err users_extra_unpack(
    const unsigned char in[INDEX_EXTRA_B], struct users_extra *out) AK_MUST_CHECK;

/* Is the uid a key's, by the ranges? */
bool users_extra_has_uid(const struct users_extra *e, uint32_t uid);

#endif
