/* dirkeys: the keys that live in LDAP, as an administrator works on them: read from the server, staged, written entry by entry. */
#ifndef CLI_DIRKEYS_H
#define CLI_DIRKEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "cli.h"
#include "keyring.h"
#include "live.h"

struct dirkeys;

/*
 * Bind as the options say (diropts.h). AK_ERR_UNAVAILABLE when the settings
 * can't be used. *out borrows them, and is the caller's to close.
 */
enum ak_err dirkeys_open(const struct cli *c, const struct args *a, const struct live *live,
    struct dirkeys **out, struct diag *why) AK_MUST_CHECK;
void dirkeys_close(struct dirkeys **d);

/*
 * As the server has it now; home and shell are what this host would give.
 * AK_ERR_NOT_FOUND, silent; two entries that answer are AK_ERR_DENIED. key_clear
 * after AK_OK alone.
 */
enum ak_err dirkeys_find_name(
    struct dirkeys *d, const char *name, struct key *out, struct diag *why) AK_MUST_CHECK;
enum ak_err dirkeys_find_id(
    struct dirkeys *d, const char *id, struct key *out, struct diag *why) AK_MUST_CHECK;

/* Every key that wanted answers true for, by name. An entry that is no whole key is left out: *skipped counts them. */
enum ak_err dirkeys_each(struct dirkeys *d,
    bool (*wanted)(void *ctx, const struct key_record *rec),
    enum ak_err (*take)(void *ctx, const struct key *k), void *ctx, unsigned *skipped,
    struct diag *why) AK_MUST_CHECK;

/* The counter's next uid that no entry has: given to nobody else, whoever counts at the same time. */
enum ak_err dirkeys_next_uid(struct dirkeys *d, uint32_t *uid, struct diag *why) AK_MUST_CHECK;
/* May this uid be given? AK_ERR_INVALID: outside the range; AK_ERR_EXISTS: another's; AK_ERR_DENIED: behind the counter, so that it may have been another's. */
enum ak_err dirkeys_check_uid(struct dirkeys *d, uint32_t uid, struct diag *why) AK_MUST_CHECK;
/* May a new key have this id? AK_ERR_EXISTS: another has it, be it one that this host's filter leaves out. */
enum ak_err dirkeys_check_id(struct dirkeys *d, const char *id, struct diag *why) AK_MUST_CHECK;

/* Stage a key: one that was found, in a new state, or a new one. */
enum ak_err dirkeys_put(struct dirkeys *d, const struct key_record *k) AK_MUST_CHECK;
/* Stage the end of a key that was found. */
enum ak_err dirkeys_remove(struct dirkeys *d, const struct key_record *k) AK_MUST_CHECK;

/*
 * Write what is staged, in order; the first failure ends it, and what was
 * written before stays. An entry that somebody else changed since it was read
 * is AK_ERR_DENIED, and stays as it is.
 */
enum ak_err dirkeys_commit(struct dirkeys *d, struct diag *why) AK_MUST_CHECK;
/* Was this key written by a commit? */
bool dirkeys_has_written(const struct dirkeys *d, const struct key_record *k);

#endif
