/* pinned: policies that live sessions are still judged by, after `policy apply --sessions=none`. */
#ifndef AK_PINNED_H
#define AK_PINNED_H

#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "image.h"
#include "keyring.h"
#include "paths.h"
#include "sessions.h"

/* Keep im under an id (never 0) in p->run; the same policy has the same id. */
enum ak_err pinned_keep(const struct paths *p, const struct image *im, uint64_t *id,
    struct diag *why) AK_MUST_CHECK;
/* AK_ERR_NOT_FOUND: it is not kept; AK_ERR_CORRUPT. image_free *out. */
enum ak_err pinned_load(const struct paths *p, uint64_t id, struct image **out) AK_MUST_CHECK;
/* Those that no record names go. Whoever keeps one holds enforce_lock until the records name it, and so does this caller. */
void pinned_sweep(const struct paths *p);

/* A digest over all that is the key's own: its record, and what LDAP gives it. Never 0. */
uint64_t pinned_key_print(const struct key *k, const struct membership *m);

#endif
