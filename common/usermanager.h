/* usermanager: what systemd-logind keeps running for a user beside its logins: the user manager, lingering (loginctl(1)). */
#ifndef AK_USERMANAGER_H
#define AK_USERMANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* Is this host run by systemd (sd_booted(3))? */
bool usermanager_is_here(void);

/*
 * End it: no lingering, and user@UID.service stopped, so that nothing is begun
 * anew and no unit is left as failed. Its processes need not be alive. Waits at
 * most wait_ms. AK_OK where there is no systemd, or nothing to end.
 */
enum ak_err usermanager_end(uint32_t uid, int wait_ms) AK_MUST_CHECK;

#endif
