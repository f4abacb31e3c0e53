/* auth: the main path: is this the key's token, and may the key come in by this service? */
#ifndef AK_PAM_AUTH_H
#define AK_PAM_AUTH_H

#include "keyring.h"
#include "scene.h"
#include "secret.h"

/*
 * Is text the token of this very key? AK_OK and the secret's number;
 * AK_ERR_INVALID no token at all, AK_ERR_NOT_FOUND nobody's, AK_ERR_DENIED
 * another key's or a wrong one; else the files could not tell. All four
 * refusals cost the same.
 */
enum ak_err auth_verify(const struct keyring *ring, const struct key_record *key,
    const struct secret *text, uint32_t *secret) AK_MUST_CHECK;

/* pam_sm_authenticate for a key: PAM's code. */
int auth_run(struct scene *sc);

#endif
