/* origin: the addresses that a login comes from. */
#ifndef AK_PAM_ORIGIN_H
#define AK_PAM_ORIGIN_H

#include <stdbool.h>

#include "net.h"
#include "scene.h"

/*
 * The call's own: PAM_RHOST when it is a literal address, else the first
 * field of SSH_CONNECTION in the PAM environment; names are never resolved.
 * For setcred in a recorded session, the one in its record; never an earlier
 * login's on the same handle. false: undefined, and so
 * is a doubtful one that is this host's own (origin_is_own), since a tunnel
 * through the host would launder addresses.
 */
bool origin_of_call(const struct scene *sc, struct net_addr *out, bool *doubtful);

/* Is the address that is said this host's own? For struct policy_doubt: ctx is the scene. The kernel is asked once in a call. */
bool origin_is_own(void *ctx);

/* The same of an address of this host too, and before any session: for people to read, not to decide by. */
bool origin_as_said(const struct scene *sc, struct net_addr *out);

/*
 * The recorded one, of the session that the call is made in: under sudo that
 * session's; for cron, at jobs and systemd's user manager that of the key's
 * live sessions, if they share one. false: undefined.
 */
bool origin_of_session(struct scene *sc, struct net_addr *out);

#endif
