/* creds: the Unix groups that a session gets beside those of the name service. */
#ifndef AK_PAM_CREDS_H
#define AK_PAM_CREDS_H

#include "scene.h"

/*
 * pam_sm_setcred: adds to this process's groups those of the roles that are
 * held now, where the name service can't know it: under a condition, or on a
 * local account. Nothing under sudo, where the process is the target's. Never
 * fails: a group that can't be given is a right less, and is logged.
 */
int creds_run(struct scene *sc);

/* Into the session's record: the groups that its processes will have by the key's roles. */
void creds_list(struct scene *sc, struct session *s);

#endif
