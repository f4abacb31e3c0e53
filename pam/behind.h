/* behind: which key is behind a local account, in this phase of this login. */
#ifndef AK_PAM_BEHIND_H
#define AK_PAM_BEHIND_H

#include "scene.h"

/*
 * For a uid that is no key's and not root's; sc->account and sc->account_uid
 * are filled in. Leaves sc->subject SUBJECT_LOCAL with sc->key when a key is
 * behind it; without one when the policy lets keys enter the account
 * (authenticate) or nobody but keys (account). Whatever fails leaves
 * SUBJECT_NOT_OURS.
 *
 * What tells: what this process verified (handover); a handle that the
 * process which asked for the token left in the PAM environment; under sudo
 * the record of the session that it is called in.
 */
void behind_find(struct scene *sc);

/*
 * Is this login of PAM_USER known to be a key's, before anything is looked up?
 * By the handover or the handle, which ask for no memory; sudo's caller, of
 * sc->account_uid, by the record of the session that it is called in.
 */
bool behind_is_known(const struct scene *sc);

/*
 * For a key's own account too: the secret that a process before this one
 * verified, from its handle, into sc->secret and the handover. take: the
 * handle is used up.
 */
void behind_redeem(struct scene *sc, bool take);

/*
 * The handle that an authenticate left is no more, and nor is its record: at the
 * end of open_session, whose environment becomes the user's.
 */
void behind_drop_handle(const struct scene *sc);

/*
 * Before another authenticate: what an earlier one left is known here no more.
 * The record stays: in a child of sshd's it may be what another child left for
 * their parent.
 */
void behind_begin_anew(const struct scene *sc);

/* What was verified is refused after all: no later phase finds it, here or in another process. */
void behind_take_back(const struct scene *sc);

/* In sshd: leave a handle for the process that opens the session. AK_OK too where none is needed. */
enum ak_err behind_issue(const struct scene *sc, uint32_t secret) AK_MUST_CHECK;

#endif
