/* engine_sandbox: what the engine's process can still do, once it has all that it needs: follow a server, and no more. */
#ifndef AK_ENGINE_SANDBOX_H
#define AK_ENGINE_SANDBOX_H

#include "diag.h"
#include "err.h"

/*
 * Ends with the daemon, can't be read by its equals, writes no file, and is
 * left with the system calls that LDAP and name look-ups need. Whoever starts a
 * program, makes a process, changes users or lets itself be called is ended;
 * what else is not on the list fails with EPERM. For ever.
 */
enum ak_err engine_sandbox_enter(struct diag *why) AK_MUST_CHECK;

#endif
