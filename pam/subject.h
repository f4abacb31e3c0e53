/* subject: whose account a phase is about, and whether it is a key's: decided first, in every phase. */
#ifndef AK_PAM_SUBJECT_H
#define AK_PAM_SUBJECT_H

#include "scene.h"

/*
 * Fills in sc->user, sc->account, sc->ring, sc->subject and what belongs to it.
 *
 * The subject is PAM_USER; in sudo's account phase it is who calls sudo, by
 * getuid(2), whatever rootpw, targetpw or runaspw make of PAM_USER; in sudo's
 * later phases, where PAM_USER is the target, who the account phase found. In
 * sudo's authenticate it is PAM_USER, whose password sudo wants: a key's own
 * token must not open what sudoers locks with root's.
 *
 * Letting a session go that this handle opened decides nothing, and goes well
 * whatever became of account, key and files: the session says whose it is, as
 * long as PAM_USER is its account. Then sc->key is no more than what the
 * session has of it.
 *
 * Until a uid is known to lie in a key range, or a local account to be one
 * that keys enter, every failure leaves SUBJECT_NOT_OURS: local people log in
 * however broken we are. uid 0 is never ours.
 */
void subject_find(struct scene *sc);

#endif
