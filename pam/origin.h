/* origin: the address that a login comes from. */
#ifndef AK_PAM_ORIGIN_H
#define AK_PAM_ORIGIN_H

#include <stdbool.h>

#include "net.h"
#include "scene.h"

/*
 * PAM_RHOST when it is a literal address, else the first field of
 * SSH_CONNECTION in the PAM environment; names are never resolved. false:
 * undefined, and an address of this host itself is that too, since a tunnel
 * through the host would launder addresses.
 */
bool origin_find(const struct scene *sc, struct net_addr *out);

#endif
