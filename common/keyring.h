/* keyring: finds a key, and knows which uids are keys': the reading side of the index files, for a login and for the command. */
#ifndef AK_KEYRING_H
#define AK_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "index.h"
#include "paths.h"
#include "record.h"

/* One open look at the files; closed before the caller returns to its own caller. */
struct keyring {
	struct index local; /* fd -1 when it can't be used */
	enum ak_err local_err; /* then: why */
	struct source_id local_now; /* which local.idx that is */
	struct index
	    directory; /* directory-keys.idx; fd -1 when there is no directory, or it can't be used */
	enum ak_err directory_err; /* AK_ERR_NOT_FOUND: this host has no directory range */
	struct index users_file; /* users.idx */
	struct users_extra users;
	int64_t stamp; /* the newest build stamp of all that could be opened */
};

#define KEYRING_INIT                                                                           \
	((struct keyring){.local = INDEX_INIT,                                                 \
	    .local_err = AK_ERR_UNAVAILABLE,                                                   \
	    .directory = INDEX_INIT,                                                           \
	    .directory_err = AK_ERR_NOT_FOUND,                                                 \
	    .users_file = INDEX_INIT})

/*
 * Fails only when users.idx cannot be read: then no uid is known to be a
 * key's. local.idx may still be unusable: missing, damaged, or
 * AK_ERR_ROLLBACK, an older copy than users.idx was made from.
 */
enum ak_err keyring_open(const struct paths *p, struct keyring *out) AK_MUST_CHECK;
void keyring_close(struct keyring *k);

/* Is local.idx the one that this users.idx was made from? */
bool keyring_is_published(const struct keyring *k);

/* A file from the future: neither expiry nor windows can be judged (now in seconds). */
#define KEYRING_CLOCK_SLACK_S 60
bool keyring_time_undefined(const struct keyring *k, int64_t now);

/* The gid of a role's group, as users.idx serves it. AK_ERR_CORRUPT also when the group found says another name. */
enum ak_err keyring_find_gid(
    const struct paths *p, const char *group, uint32_t *gid) AK_MUST_CHECK;
/* The same from users.idx, open: for many groups. */
enum ak_err keyring_find_gid_in(
    const struct index *users, const char *group, uint32_t *gid) AK_MUST_CHECK;

/*
 * The supplementary groups that users.idx, open, serves for a uid at that moment (in
 * seconds): those that rest on LDAP too, unless the directory is stale then.
 * take gets each; name is borrowed, and "" where users.idx has no group of that
 * gid. Its answer other than AK_OK ends it, and is returned. AK_ERR_NOT_FOUND:
 * no such user.
 */
enum ak_err keyring_user_groups(const struct index *users, const struct paths *p, uint32_t uid,
    int64_t now, enum ak_err (*take)(void *ctx, uint32_t gid, const char *name),
    void *ctx) AK_MUST_CHECK;

/* A key and the bytes that its strings lie in. */
struct key {
	struct key_record rec;
	struct index_record raw;
	bool directory; /* it lives in LDAP */
};

void key_clear(struct key *k);

/*
 * A local key, else one that lives in the directory (its uid lies in
 * users.directory_uids, or it is AK_ERR_CORRUPT). A uid is looked for in the
 * file of its range alone.
 * AK_ERR_NOT_FOUND when there is no such key, k->local_err when local.idx is
 * unusable (and the directory has none such), k->directory_err likewise. key_clear after AK_OK alone.
 */
enum ak_err keyring_find(
    const struct keyring *k, struct record_key by, struct key *out) AK_MUST_CHECK;
enum ak_err keyring_find_name(
    const struct keyring *k, const char *name, struct key *out) AK_MUST_CHECK;
enum ak_err keyring_find_uid(
    const struct keyring *k, uint32_t uid, struct key *out) AK_MUST_CHECK;
enum ak_err keyring_find_id(
    const struct keyring *k, const char *id, struct key *out) AK_MUST_CHECK;

/* What LDAP gives to a key, as last known. */
struct membership {
	struct strv groups, bindings; /* borrowed from raw */
	struct index_record raw;
};

/*
 * AK_ERR_NOT_FOUND: nothing was ever known of a key of this name (no
 * directory-groups.idx is that too); AK_ERR_CORRUPT, AK_ERR_UNAVAILABLE.
 * membership_clear after AK_OK alone.
 */
enum ak_err keyring_membership(
    const struct paths *p, const char *name, struct membership *out) AK_MUST_CHECK;
void membership_clear(struct membership *m);

/* The same from directory-groups.idx, open: for many keys. */
enum ak_err keyring_membership_in(
    const struct index *groups, const char *name, struct membership *out) AK_MUST_CHECK;

#endif
