/* session: a key's session begins and ends. */
#ifndef AK_PAM_SESSION_H
#define AK_PAM_SESSION_H

#include "scene.h"

/*
 * pam_sm_open_session, for a key and for a local account with a key behind
 * it: PAM's code. Writes the session's record, then decides once more, since
 * the key may have been revoked after the account phase: denied, the record
 * stays and says so. Tells the session who it is (APIKEY_NAME, APIKEY_ID,
 * APIKEY_ROLES, APIKEY_SPACE), for people and scripts, never as authority.
 * Under sudo nothing but a line in the log, which names the key.
 */
int session_open(struct scene *sc);

/*
 * sshd keeps the connection of a login whose session was refused: nothing but
 * forwarding is left to it, and that is enough for a thief. Was this such an
 * answer? Then the module's last act is to end its own process by SIGHUP, as a
 * hangup would: unless the application has its own mind about that signal.
 */
bool session_keeps_connection(const struct scene *sc, int code);
void session_hang_up(void);

/* pam_sm_close_session, of what this handle opened: never fails, whatever became of the key. */
int session_close(struct scene *sc);

#endif
