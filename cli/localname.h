/* localname: is a name free on this host, for a key? What exists locally always wins. */
#ifndef CLI_LOCALNAME_H
#define CLI_LOCALNAME_H

#include "cli.h"
#include "live.h"

/*
 * AK_ERR_EXISTS with a sentence when a user or group of that name comes from
 * anywhere but an old key of ours, or a role's group is named so. No key of
 * that name may be stored (the caller has asked). AK_ERR_UNAVAILABLE when the
 * accounts can't be asked.
 */
enum ak_err localname_check(const struct cli *c, const struct live *live, const char *name,
    struct diag *why) AK_MUST_CHECK;

#endif
