/* converse: gets the token from whoever logs in, and tells them why not. */
#ifndef AK_PAM_CONVERSE_H
#define AK_PAM_CONVERSE_H

#include "scene.h"
#include "secret.h"

/*
 * What another module asked for (try_first_pass, use_first_pass), else the
 * answer to the prompt, which is never left in PAM_AUTHTOK: no other module is
 * to see a token. Text that cannot be a token (NULL, too long) is an empty
 * *out and success: it is refused like any wrong one. Else
 * PAM_CONV_ERR, PAM_BUF_ERR, or PAM_INCOMPLETE: the application will have an
 * answer later, and calls again (pam_authenticate(3)). *asked: somebody was asked,
 * and may have taken any time to answer.
 */
int converse_get_token(const struct scene *sc, struct secret *out, bool *asked) AK_MUST_CHECK;

/*
 * For a local account that keys may enter: PAM_SUCCESS and a token, if one was
 * typed. PAM_USER_UNKNOWN: something else was, or nothing; then the answer is in
 * PAM_AUTHTOK, for the module behind us to find with try_first_pass, and nobody
 * is asked twice. PAM_INCOMPLETE as above.
 */
int converse_get_token_if_any(
    const struct scene *sc, struct secret *out, bool *asked) AK_MUST_CHECK;

/* A sentence for the person, unless PAM_SILENT. Best effort. */
void converse_tell(const struct scene *sc, const char *sentence);

#endif
