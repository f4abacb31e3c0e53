/* change: the frame of every verb that changes something: lock, edit, publish, audit, caches, exit code. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "keyring.h"
#include "live.h"
#include "publish.h"
#include "store.h"

/*
 * change_begin, then edits (store_put, store_remove), change_publish, and
 * change_end in any case. Between begin and the end of publish the lock is
 * held: nothing is printed there but warnings that a waiter must see.
 */
struct change {
	struct cli *cli;
	struct store *store; /* NULL before change_begin and after change_publish */
	struct live live;
	bool has_live;
	bool committed; /* what was staged is true, whatever failed after that */
	int64_t now;
	struct publish_result result;
	struct diag why;
};

#define CHANGE_INIT(c) ((struct change){.cli = (c)})

/* trust_clock and accept_rollback as in struct store_options. */
struct change_options {
	bool trust_clock, accept_rollback;
};

/* opt may be NULL: neither. */
enum ak_err change_begin(struct change *ch, const struct change_options *opt) AK_MUST_CHECK;

/* A key by name or id. Says when there is none. key_clear after AK_OK alone. */
enum ak_err change_find(struct change *ch, const char *word, struct key *out) AK_MUST_CHECK;

/* Commit and publish what is staged, and let go of the lock. On failure ch->committed says whether the keys changed all the same. */
enum ak_err change_publish(struct change *ch) AK_MUST_CHECK;

/* After a key was bound to roles: where the policy counts grants alone, that gives it nothing, and is said. */
void change_warn_bound(const struct change *ch);

/* One audit line about the key; for what is committed. */
void change_log(const struct change *ch, const char *event, const struct key_record *k);

/* Let go of everything; say what failed, and answer its exit code, or code when nothing did. */
int change_end(struct change *ch, enum ak_err err, int code);

#endif
