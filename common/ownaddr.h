/* ownaddr: is an address one of this host's own? */
#ifndef AK_OWNADDR_H
#define AK_OWNADDR_H

#include <stdbool.h>

#include "net.h"

/*
 * All of 127/8, and what the interfaces have. When the list of those can't be
 * had, it may be one: true. Such an address says nothing about where somebody
 * comes from, since a tunnel through the host would launder addresses.
 */
bool ownaddr_has(const struct net_addr *addr);

#endif
