/* publish_impl: what the rooms of publish share: publish.c makes the file, publish_keys.c its users, publish_groups.c their groups. */
#ifndef AK_PUBLISH_IMPL_H
#define AK_PUBLISH_IMPL_H

#include "etcfile.h"
#include "groupset.h"
#include "publish.h"
#include "safefile.h"

/* One users.idx in the making. */
struct publication {
	struct store *store;
	const struct live *live;
	int64_t now;
	struct index old; /* the users.idx that is there; fd -1: none */
	struct users_extra old_extra; /* all zero without one */
	struct users_extra extra; /* the new one's */
	struct groupset groups;
	struct etcfile_set
	    taken; /* names and ids of this host's own users and groups; for keys of the directory */
	uint32_t *changed; /* uids, ascending, each once */
	size_t n_changed, next_changed;
	bool all_changed; /* a file that tells what else changed can't be read */
	/* directory-keys.idx can't be read: who was served from it stays a user, in no role's group */
	bool directory_lost;
	bool groups_lost; /* nor a part of directory-groups.idx: whom it is about has no group by it */
	struct index_make *make;
	struct safefile_new file; /* the new one, beside the old one's place */
	bool is_ready; /* it is made, of what the store is about to commit */
	struct index_mapping kept[INDEX_ORDERS]; /* the old file's records */
	struct publish_result res;
	struct diag *why;
};

/* What is derived and can't be read is made anew, or done without. */
bool publish_is_damage(enum ak_err err);

/* The groups of all roles, and that of all keys. */
enum ak_err publish_gather_groups(struct publication *p) AK_MUST_CHECK;

/* A user's supplementary gids, packed (record.h): all, and how many of them, the last, rest on the directory. */
struct user_gids {
	struct pack all;
	uint32_t n_marked;
};

#define USER_GIDS_INIT ((struct user_gids){.all = PACK_INIT})

/* k NULL: a key of which nothing is known now. out->all is the caller's to clear. */
enum ak_err publish_find_gids(
    struct publication *p, const struct key_record *k, struct user_gids *out) AK_MUST_CHECK;

/* The uids that are to be evaluated anew: what the store says has changed, and what follows from that. */
enum ak_err publish_gather_changed(struct publication *p) AK_MUST_CHECK;

/* Users into p->make: all of them, evaluated; or the old ones and those that changed. */
enum ak_err publish_add_whole(struct publication *p) AK_MUST_CHECK;
enum ak_err publish_add_part(struct publication *p) AK_MUST_CHECK;

/* Does this host's policy let keys come from a directory, and is this uid one's? */
bool publish_is_directory_uid(const struct publication *p, uint32_t uid);

/* The user of this uid as the old file has it. AK_ERR_NOT_FOUND without one; raw is the caller's to clear after AK_OK. */
enum ak_err publish_find_old(const struct publication *p, uint32_t uid, struct user_record *out,
    struct index_record *raw) AK_MUST_CHECK;

#endif
