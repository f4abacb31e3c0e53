/* source: the file that all answers come from, and its users and groups, checked before they leave. */
#ifndef AK_NSS_SOURCE_H
#define AK_NSS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "index.h"
#include "record.h"

/* users.idx, what says how fresh the directory's part of it is, and who must own them. */
struct nss_source {
	const char *path, *freshness;
	uid_t owner;
};

/* The same as paths_installed() has, without making them all for each look-up. */
#define NSS_USERS_PATH AK_LOCALSTATEDIR "/lib/apikey/users.idx"
#define NSS_FRESHNESS_PATH AK_LOCALSTATEDIR "/lib/apikey/freshness"

/* The file, for one call: opened, asked, closed. */
struct nss_file {
	struct index ix;
	struct users_extra extra;
};

/* As index_open; AK_ERR_CORRUPT also when its id ranges take in ids that no key may have. */
enum ak_err source_open(const struct nss_source *src, struct nss_file *out) AK_MUST_CHECK;
void source_close(struct nss_file *f);

/*
 * Is the record a user, or a group, that may be handed out? AK_ERR_CORRUPT
 * unless it has exactly the two keys of its own name and id (so it is the one
 * that was asked for, and no other has that id), the id is one that such a
 * record may have, and every field fits passwd(5). Members are left to
 * place.h, which goes through them anyhow. Borrows from v.
 */
enum ak_err source_user(const struct users_extra *extra, const struct index_view *v,
    struct user_record *out) AK_MUST_CHECK;
enum ak_err source_group(const struct index_view *v, struct group_record *out) AK_MUST_CHECK;

/*
 * Does what rests on the directory still count? Asks the file freshness and
 * the clock, so only for a record that has such a thing. built_at: of users.idx;
 * by a clock that runs behind it, nothing is fresh.
 */
bool source_directory_is_fresh(const struct nss_source *src, int64_t built_at);

/* The group that is a user's own: its name, its uid, no members. Borrows from u. */
struct group_record source_own_group(const struct user_record *u);

/* 0 is root's, and -1 stands for "none" in system calls: no record may give them. */
bool source_gid_is_fit(uint32_t gid);

/* index_record_clear without its wiping, which here would cost more than the record: all of this is public. */
void source_release(struct index_record *r);

#endif
