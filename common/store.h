/* store: changes to the keys made on this host: one writer at a time, all or nothing, in local.idx. */
#ifndef AK_STORE_H
#define AK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"
#include "keyring.h"
#include "paths.h"
#include "record.h"

struct store;

/* What the store asks of whoever uses it. Any may be NULL. */
struct store_hooks {
	/* Another writer, pid, holds the lock: about to wait. */
	void (*waiting)(void *ctx, pid_t holder);
	/* AK_OK: no other user or group of this host has that id; AK_ERR_EXISTS: one has; else it can't be told, and the id is given to nobody. */
	enum ak_err (*check_id)(void *ctx, uint32_t id);
	void *ctx;
};

/*
 * Take the lock (waiting for it) and open what is there. A host without
 * files gets an empty store; a local.idx that is missing, damaged or older
 * than users.idx says it should be is an error with a sentence, because to
 * begin anew would give ids away twice. So is a users.idx of a newer version,
 * which may know a newer local.idx. accept_rollback: take what is there, count
 * ids on from what users.idx says, and spend the uids that it served; without a
 * users.idx, local.idx.prev is asked. A local.idx that is of a newer version,
 * that others could have written or that the system fails to read is never
 * replaced. SIGTSTP, SIGINT, SIGTERM and
 * SIGHUP wait until store_close.
 */
struct store_options {
	struct store_hooks hooks;
	bool accept_rollback;
	bool trust_clock; /* stamp by the clock, though files from its future exist */
	bool look_only; /* nothing is changed: what a killed writer left beside the files stays */
	bool no_wait; /* another writer holds the lock: AK_ERR_EXISTS at once, and nothing is told */
};

enum ak_err store_open(const struct paths *p, const struct store_options *opt,
    struct store **out, struct diag *why) AK_MUST_CHECK;
void store_close(struct store **s);

/* As keyring_find_*, over what is stored and staged. key_clear after AK_OK alone. */
enum ak_err store_find_name(
    const struct store *s, const char *name, struct key *out) AK_MUST_CHECK;
enum ak_err store_find_id(const struct store *s, const char *id, struct key *out) AK_MUST_CHECK;
enum ak_err store_find_uid(const struct store *s, uint32_t uid, struct key *out) AK_MUST_CHECK;

/* Every stored key, in uid order, without what is staged. take's answer other than AK_OK ends the walk, and is returned. */
enum ak_err store_each(const struct store *s,
    enum ak_err (*take)(void *ctx, const struct key_record *k), void *ctx) AK_MUST_CHECK;

/* The next uid by counting up: not reserved, never given, not another's, not the range's last, by which processes are ended (ending.h). AK_ERR_FULL: none is left. */
enum ak_err store_next_uid(
    struct store *s, struct id_range range, uint32_t *uid, struct diag *why) AK_MUST_CHECK;
/* May this uid be given? AK_ERR_EXISTS with a sentence: another's, or a deleted key's; AK_ERR_INVALID: outside the range, or its last. */
enum ak_err store_check_uid(
    const struct store *s, struct id_range range, uint32_t uid, struct diag *why) AK_MUST_CHECK;

/*
 * Was the id ever given on this host: to a local key, or to a role's group,
 * though the ranges be others now?
 */
enum ak_err store_id_given(const struct store *s, uint32_t id, bool *given) AK_MUST_CHECK;

/* The gid of a role's group: the one it always had, or the next (staged). */
enum ak_err store_role_gid(struct store *s, const char *group, struct id_range range,
    uint32_t *gid, struct diag *why) AK_MUST_CHECK;

/*
 * Stage a key: a new one, or a new state of the one with its uid.
 * AK_ERR_INVALID when it could not be read back; AK_ERR_EXISTS when its uid is
 * spent. A clash of names or ids shows at the commit.
 */
enum ak_err store_put(struct store *s, const struct key_record *k) AK_MUST_CHECK;
/* Stage a key's end; its uid is spent. */
enum ak_err store_remove(struct store *s, const struct key_record *k, int64_t now) AK_MUST_CHECK;

/*
 * What another file of keys knows to be given, for one that takes its place
 * (store_take.c); all of it staged. A spent uid: one that is a key's here, or
 * spent, stays what it is. The gid of a role's group: a group that has one
 * keeps it; AK_ERR_EXISTS with a sentence when it is another's. The highest
 * ids: raised where they lie in the range, never lowered.
 */
enum ak_err store_take_spent(struct store *s, const struct spent_uid *gone) AK_MUST_CHECK;
enum ak_err store_take_role_gid(struct store *s, const struct role_gid *g,
    struct id_range range, struct diag *why) AK_MUST_CHECK;
void store_take_high(
    struct store *s, struct local_extra high, struct id_range uids, struct id_range gids);

/* Is there anything that a commit would make true? */
bool store_is_staged(const struct store *s);

/*
 * What is done while the disk takes the new file, which is not true yet, and may
 * never be; local is what it will be. What store_find_* find is what it holds.
 */
struct store_meanwhile {
	void (*run)(void *ctx, struct source_id local);
	void *ctx;
};

/*
 * Make what is staged true: written, fsynced, renamed; the previous file is
 * kept as local.idx.prev. Nothing staged: nothing happens. Then users.idx is
 * behind until publish. m may be NULL.
 */
enum ak_err store_commit(struct store *s, int64_t now, const struct store_meanwhile *m,
    struct diag *why) AK_MUST_CHECK;

/* Every key of the directory, in uid order: as store_each, from directory-keys.idx; nothing where there is none. */
enum ak_err store_each_directory(const struct store *s,
    enum ak_err (*take)(void *ctx, const struct key_record *k), void *ctx) AK_MUST_CHECK;

/*
 * For whoever has just replaced the directory's files, from these (generation
 * 0: there were none): the keys of these uids, local ones too, are all whose
 * record or memberships differ. The next publish of a users.idx that was made
 * from these evaluates them alone. The files are opened anew.
 */
enum ak_err store_note_directory(struct store *s, struct source_id keys_before,
    struct source_id groups_before, const uint32_t *uids, size_t n) AK_MUST_CHECK;

/* For publish. */
const struct paths *store_borrow_paths(const struct store *s);
const struct index *store_borrow_local(const struct store *s); /* fd -1: no keys yet */
/* uids that this store's commits changed, or that were noted, in no order. */
const uint32_t *store_borrow_changed(const struct store *s, size_t *n);
/* Which local.idx was there when the store was opened; generation 0: none. */
struct source_id store_before(const struct store *s);
/* The directory's files; fd -1: there is none, or it can't be read. The newest when the store was opened, or a change noted. */
const struct index *store_borrow_directory_keys(const struct store *s);
const struct index *store_borrow_directory_groups(const struct store *s);
/* From which of these files on every change was noted; false: none was noted, or not every one. */
struct store_note {
	bool whole;
	struct source_id keys, groups;
};

struct store_note store_noted(const struct store *s);
/* The stamp for a file made now: never before a stamp that exists, unless the clock is to be trusted. */
int64_t store_stamp(const struct store *s, int64_t now);
struct local_extra store_extra(const struct store *s);
/* Where a commit kept the damaged file that accept_rollback went on without; "": there was none. */
const char *store_borrow_kept(const struct store *s);

#endif
