/* change: the frame of every verb that changes something: lock, edit, publish, audit, live sessions, exit code. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "args.h"
#include "cli.h"
#include "dirkeys.h"
#include "endings.h"
#include "holdoff.h"
#include "keyopts.h"
#include "keyring.h"
#include "live.h"
#include "publish.h"
#include "store.h"
#include "trail.h"

/*
 * change_begin, then edits (change_put, change_remove), change_publish, and
 * change_end in any case. What is changed are the keys of this host, or with
 * `--in directory` those in LDAP. Between begin and the end of publish the lock
 * of this host's keys is held, and to the end of enforcing that of the live
 * sessions: what is said there is printed afterwards. Nothing is locked in LDAP: what somebody else changed since
 * it was read is not overwritten, but refused.
 *
 * change_publish logs what is true now, ends the live sessions that lost their
 * right by it, and waits for them. From then on to change_end signals wait.
 * What a change in LDAP means for sessions is for apikeyd to see, on each host.
 */
struct change {
	struct cli *cli;
	/* One of them; both NULL before change_begin and after change_publish. */
	struct store *store;
	struct dirkeys *keys;
	bool directory; /* it is the keys in LDAP */
	struct live live;
	bool has_live;
	bool committed; /* what was staged is true, whatever failed after that; in LDAP: a part of it (change_has_written) */
	bool unfinished; /* it is true, and groups are not what it makes of them: the policy can't be read now */
	int64_t now;
	struct publish_result result;
	uint64_t n_keys; /* of this host, after change_commit */
	char kept[PATH_CAP + 16]; /* store_borrow_kept, then */
	struct trail trail;
	uint32_t *uids; /* keys whose sessions are to be judged */
	size_t n_uids;
	struct endings endings;
	struct holdoff holdoff;
	bool dry_run; /* nothing is written, not even what is due */
	bool hushed; /* nothing is printed while a lock is held (cli_hush) */
	struct lock pass; /* of live sessions: from before the change is true until it was enforced */
	struct diag why;
};

#define CHANGE_INIT(c) ((struct change){.cli = (c), .pass = LOCK_INIT})

/* trust_clock and accept_rollback as in struct store_options. */
struct change_options {
	bool trust_clock, accept_rollback;
};

/* a: says which keys (diropts.h), or NULL: this host's. opt may be NULL: neither. */
enum ak_err change_begin(
    struct change *ch, const struct args *a, const struct change_options *opt) AK_MUST_CHECK;

/* A key by name or id. Says when there is none, or where else it is. key_clear after AK_OK alone. */
enum ak_err change_find(struct change *ch, const char *word, struct key *out) AK_MUST_CHECK;
/* The same by what it is; AK_ERR_NOT_FOUND is silent. */
enum ak_err change_find_name(struct change *ch, const char *name, struct key *out) AK_MUST_CHECK;
enum ak_err change_find_id(struct change *ch, const char *id, struct key *out) AK_MUST_CHECK;
/* By name or id, a key that this host knows and that is not among those which are changed: in the directory's snapshot, or of this host. AK_ERR_NOT_FOUND is silent. */
enum ak_err change_find_elsewhere(
    struct change *ch, const char *word, struct key *out) AK_MUST_CHECK;

/* Would this host have it (keyopts.h), and for a key in LDAP: may the role come from there, and does it take no home and shell? */
enum ak_err change_check_options(struct change *ch, const struct keyopts *o) AK_MUST_CHECK;
enum ak_err change_check_binding(struct change *ch, const char *text) AK_MUST_CHECK;

/* Beyond the keys that change_find_id finds, has another this id? AK_ERR_EXISTS. */
enum ak_err change_check_id(struct change *ch, const char *id) AK_MUST_CHECK;

/* wanted 0: the next one. Says why not. */
enum ak_err change_give_uid(struct change *ch, uint32_t wanted, uint32_t *uid) AK_MUST_CHECK;

/* Stage a key that is new or was found, or its end. event: of its audit line, with what differs from how it was found. */
enum ak_err change_put(
    struct change *ch, const struct key_record *k, const char *event) AK_MUST_CHECK;
enum ak_err change_remove(
    struct change *ch, const struct key_record *k, const char *event) AK_MUST_CHECK;
/* The sessions of this key, which was found, are to be judged whether it changes or not. */
enum ak_err change_judge(struct change *ch, const struct key_record *k) AK_MUST_CHECK;
/* Nothing is to be changed: let go of the lock. What a writer that was killed left unpublished is published first, and everybody's sessions are judged. */
void change_release(struct change *ch);

/* Commit and publish what is staged, let go of the lock, log and enforce. On failure ch->committed says whether the keys changed all the same. */
enum ak_err change_publish(struct change *ch) AK_MUST_CHECK;

/*
 * apikeyd sees a change as soon as it is true, and would end this command with
 * the session that it runs in: from here on its passes wait for the command's
 * own, which spares it (enforce.h). change_commit does it too.
 */
void change_come_first(struct change *ch);
/* Its first step alone: for who has something of his own to log before sessions end. */
enum ak_err change_commit(struct change *ch) AK_MUST_CHECK;

/* Of whose sessions: the keys that were staged, or everybody's. */
enum change_whom { CHANGE_STAGED, CHANGE_EVERYBODY };

/* End the sessions that lost their right. What fails is said, and is the exit code of change_end. */
void change_enforce(struct change *ch, enum change_whom whom);

/* After a key was bound to roles: where the policy counts grants alone, that gives it nothing, and is said. */
void change_warn_bound(const struct change *ch);

/* What came of the verb for this key, for its answer. */
struct outcome change_outcome(const struct change *ch, const struct key_record *k, bool changed);

/* Is this key, which was staged, written? */
bool change_has_written(const struct change *ch, const struct key_record *k);

/* What an advised command needs besides, to be about the same keys: " --in directory" or "". */
const char *change_options_text(const struct change *ch);

/* Let go of everything; say what failed, and answer its exit code, or code when nothing did. */
int change_end(struct change *ch, enum ak_err err, int code);

#endif
