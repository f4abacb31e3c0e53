/* keys: finds and lists keys for the verbs that change nothing. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "keyring.h"
#include "live.h"
#include "paths.h"

struct keys {
	const struct paths *paths;
	struct keyring ring;
	bool none; /* a new host: no local.idx is there yet, and so no key of its own */
	bool no_directory; /* nothing was fetched from a directory yet, or there is none */
};

/* Says which file is at fault and what to do. keys_close after AK_OK alone. */
enum ak_err keys_open(const struct paths *p, struct keys *out, struct diag *why) AK_MUST_CHECK;
void keys_close(struct keys *k);

/* By name or id, without a word. */
enum ak_err keys_look_up(const struct keys *k, const char *word, struct key *out) AK_MUST_CHECK;
/* The same. Says when there is none. key_clear after AK_OK alone. */
enum ak_err keys_find(
    const struct keys *k, const char *word, struct key *out, struct diag *why) AK_MUST_CHECK;

/*
 * Every key that wanted answers true for, of this host and of the directory's
 * snapshot, by name; take's answer other than AK_OK ends it. take NULL: wanted
 * sees to each key itself, and answers false. A snapshot that can't be read
 * leaves this host's keys alone, and lost says what to do; NULL: it is a failure.
 */
enum ak_err keys_each(const struct keys *k,
    bool (*wanted)(void *ctx, const struct key_record *rec),
    enum ak_err (*take)(void *ctx, const struct key *k), void *ctx, struct diag *lost,
    struct diag *why) AK_MUST_CHECK;

/* Is what NSS serves made from these keys, and from the policy, settings and groups that hold now? */
bool keys_is_published(const struct keys *k, const struct live *live);

/* An id rather than a name? No text is both. */
bool keys_is_id(const char *word);
/* The sentence for a look-up that failed; answers err. */
enum ak_err keys_say_not_found(
    enum ak_err err, const char *word, const struct paths *p, struct diag *why) AK_MUST_CHECK;

#endif
