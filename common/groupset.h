/* groupset: the Unix groups that keys are in on this host: names, gids, members. */
#ifndef AK_GROUPSET_H
#define AK_GROUPSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "index_make.h"
#include "pack.h"
#include "record.h"
#include "text.h"

struct group_entry {
	char name[KEY_NAME_MAX + 1];
	uint32_t gid;
	bool list_members;
	bool alias; /* another name of a gid that is in the set: given, but not a record of its own */
	struct pack members, marked; /* marked: by the directory (record.h) */
};

struct groupset {
	struct group_entry *v;
	size_t n, cap;
	/* 2 * cap slots each: a place in v and 1, or 0. */
	uint32_t *by_name, *by_gid;
};

#define GROUPSET_INIT ((struct groupset){.v = NULL})
void groupset_clear(struct groupset *g);

/* A name that is there already is left as it is. list_members false: membership shows in the users' records alone. */
enum ak_err groupset_add(
    struct groupset *g, const char *name, uint32_t gid, bool list_members) AK_MUST_CHECK;

/* Borrowed; NULL when there is none. */
const struct group_entry *groupset_find(const struct groupset *g, const char *name);

/*
 * Enter a user into the groups of its gids, as a marked member into those of
 * its marked ones; gids that are not in the set are passed over.
 */
void groupset_join(struct groupset *g, const struct user_record *user);

/* All groups stay, nobody is in them. */
void groupset_empty(struct groupset *g);

/* The groups as records of users.idx. */
enum ak_err groupset_write(const struct groupset *g, struct index_make *make) AK_MUST_CHECK;

#endif
