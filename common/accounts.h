/* accounts: users and groups as the name service has them, from any source. */
#ifndef AK_ACCOUNTS_H
#define AK_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* AK_OK with the id, AK_ERR_NOT_FOUND, or AK_ERR_UNAVAILABLE when that can't be told. For programs of ours; never in a module. */
enum ak_err accounts_find_user(const char *name, uint32_t *uid) AK_MUST_CHECK;
enum ak_err accounts_find_group(const char *name, uint32_t *gid) AK_MUST_CHECK;

/* Has a user or group this id? What can't be told counts as yes. */
bool accounts_id_taken(uint32_t id);

#endif
