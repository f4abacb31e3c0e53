/* accounts: users and groups as the name service has them, from any source. */
#ifndef AK_ACCOUNTS_H
#define AK_ACCOUNTS_H

#include <stdint.h>

#include "err.h"

/* AK_OK with the id, AK_ERR_NOT_FOUND, or AK_ERR_UNAVAILABLE when that can't be told. For programs of ours; never in a module. */
enum ak_err accounts_find_user(const char *name, uint32_t *uid) AK_MUST_CHECK;
enum ak_err accounts_find_group(const char *name, uint32_t *gid) AK_MUST_CHECK;

/* AK_OK: no user and no group has this id; AK_ERR_EXISTS: one has; else it can't be told. */
enum ak_err accounts_check_id(uint32_t id) AK_MUST_CHECK;

#endif
