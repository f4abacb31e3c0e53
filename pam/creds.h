/* creds: the Unix groups that a session gets beside those of the name service. */
#ifndef AK_PAM_CREDS_H
#define AK_PAM_CREDS_H

#include "judge.h"
#include "scene.h"

/*
 * pam_sm_setcred: adds to this process's groups those of the roles that are
 * held now, where the name service can't know it: under a condition, or on a
 * local account. Nothing under sudo, where the process is the target's. Never
 * fails: a group that can't be given is a right less, and is logged.
 */
int creds_run(struct scene *sc);

/*
 * Into the session's record, whose uid and beginning are there, beside those
 * that it has: the groups that its processes have by the key's roles, from the
 * name service and from setcred. j: the scene's judgement of now, when it permits;
 * else NULL. AK_ERR_FULL: more than SESSION_GROUPS_MAX; else the files can't tell.
 */
enum ak_err creds_list(
    struct scene *sc, const struct judgement *j, struct session *s) AK_MUST_CHECK;

#endif
