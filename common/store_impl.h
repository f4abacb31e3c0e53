/* store_impl: what the rooms of the store share: store.c opens and looks, store_ids.c gives ids, store_change.c stages and commits, store_take.c takes over ids, store_accept.c goes on after a loss, store_directory.c has what came from LDAP. */
#ifndef AK_STORE_IMPL_H
#define AK_STORE_IMPL_H

#include "index_make.h"
#include "lock.h"
#include "staged.h"
#include "store.h"

struct store {
	struct paths paths;
	struct store_options opt;
	struct lock lock;
	struct keyring ring; /* what is stored here, without the directory; local.fd -1: nothing yet */
	bool have_users; /* ring.users and ring.stamp say something */
	struct source_id before;
	struct index directory_keys, directory_groups; /* fd -1: none that can be read */
	struct store_note note;
	bool noted;
	struct local_extra extra;
	bool raised; /* extra alone is news */
	char kept[PATH_CAP + 16]; /* what an accepted loss left of local.idx; "": nothing */
	struct staged_list staged;
	uint32_t *changed; /* uids, staged or committed */
	size_t n_changed, cap_changed;
};

void store_open_directory(struct store *s);
void store_close_directory(struct store *s);

/*
 * Of an accepted rollback (store_accept.c). What users.idx served, or without
 * it local.idx.prev knew, and the accepted local.idx does not know, were keys:
 * their uids, those given by name too, are spent. As far as it can be read.
 */
enum ak_err store_spend_forgotten(struct store *s) AK_MUST_CHECK;
/* What lies in the place of a local.idx that can't be read gets a name that no change overwrites. */
enum ak_err store_keep_refused(struct store *s, struct diag *why) AK_MUST_CHECK;

/* For store_borrow_changed. */
enum ak_err store_add_changed(struct store *s, uint32_t uid) AK_MUST_CHECK;

/* The hook's answer; and what to say where it can't be told. */
enum ak_err store_check_elsewhere(const struct store *s, uint32_t id) AK_MUST_CHECK;
enum ak_err store_say_unknown(enum ak_err err, uint32_t id, struct diag *why);

/* Was it ever a key's, here? AK_OK: never. AK_ERR_EXISTS: *spent says whether that key is no more. */
enum ak_err store_uid_state(const struct store *s, uint32_t uid, bool *spent) AK_MUST_CHECK;

#endif
