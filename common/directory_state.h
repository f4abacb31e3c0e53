/* directory_state: what LDAP gives to one key, and whether that still counts: the part of a decision that rests on the directory. */
#ifndef AK_DIRECTORY_STATE_H
#define AK_DIRECTORY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "decide.h"
#include "freshness.h"
#include "keyring.h"
#include "paths.h"
#include "settings.h"

/* All zero: a directory has no part in it. */
struct directory_state {
	bool present; /* this host has a directory, or the key lives in one */
	bool directory_key;
	struct membership membership;
	bool has_membership; /* else: never known here */
	struct freshness fresh;
};

/*
 * From the snapshot's files; what can't be read was never known, or is stale.
 * AK_ERR_NOMEM: the membership is as if it could not be read; who decides a
 * login goes on with that, who tells somebody else says so.
 * directory_state_clear in any case.
 */
enum ak_err directory_state_load(const struct paths *p, const struct directory_settings *d,
    const char *name, bool directory_key, struct directory_state *out) AK_MUST_CHECK;
void directory_state_clear(struct directory_state *s);

/*
 * Into the request, which borrows the lists. now is the clock's, not one that
 * was made up; time_undefined: it is not to be believed.
 */
void directory_state_fill(const struct directory_state *s, int64_t now, bool time_undefined,
    struct decide_request *req);

#endif
