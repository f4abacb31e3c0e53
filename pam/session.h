/* session: a key's session begins and ends. */
#ifndef AK_PAM_SESSION_H
#define AK_PAM_SESSION_H

#include "scene.h"

/*
 * pam_sm_open_session for a key: PAM's code. Decides once more, since the key
 * may have been revoked after the account phase; then tells the session who
 * it is (APIKEY_NAME, APIKEY_ID, APIKEY_ROLES, APIKEY_SPACE), for people and
 * scripts, never as authority. Under sudo nothing but a line in the log.
 */
int session_open(struct scene *sc);

/* pam_sm_close_session: never fails, whatever became of the key. */
int session_close(struct scene *sc);

#endif
