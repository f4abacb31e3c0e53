/* account: may the key come in, now: decided again, always from the files. */
#ifndef AK_PAM_ACCOUNT_H
#define AK_PAM_ACCOUNT_H

#include "scene.h"

/* pam_sm_acct_mgmt for a key: PAM's code. Public-key logins and sudo with NOPASSWD come here without authenticate. */
int account_run(struct scene *sc);

/*
 * The same for a local account that a key is behind, or that nobody but keys
 * may enter. Permitted is PAM_USER_UNKNOWN, so that pam_unix still looks at
 * the account's own expiry.
 */
int account_run_local(struct scene *sc);

#endif
