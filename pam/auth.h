/* auth: the main path: is this the key's token, and may the key come in by this service? */
#ifndef AK_PAM_AUTH_H
#define AK_PAM_AUTH_H

#include "keyring.h"
#include "scene.h"
#include "secret.h"

/*
 * Whose token is it? AK_OK, the key (the caller's to clear) and the secret's
 * number; AK_ERR_INVALID no token at all, AK_ERR_NOT_FOUND nobody's,
 * AK_ERR_DENIED a wrong secret; else the files could not tell. All refusals
 * cost the same.
 */
enum ak_err auth_find(const struct keyring *ring, const struct secret *text, struct key *out,
    uint32_t *secret) AK_MUST_CHECK;

/* Is it this very key's? As auth_find; another key's token is AK_ERR_DENIED too. */
enum ak_err auth_verify(const struct keyring *ring, const struct key_record *key,
    const struct secret *text, uint32_t *secret) AK_MUST_CHECK;

/* pam_sm_authenticate for a key, and for a local account that keys may enter: PAM's code. */
int auth_run(struct scene *sc);
int auth_run_local(struct scene *sc);

#endif
