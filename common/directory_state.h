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

struct directory_state {
	struct membership membership; /* empty where there is none */
	bool has_membership;
	struct freshness fresh; /* never heard, where this host has no directory */
	bool present; /* this host has a directory */
	bool asks_groups; /* and looks for groups in it */
	bool directory_key;
};

/*
 * From the snapshot's files; what can't be read is stale, or was never known.
 * d: settings that can be relied on. directory_state_clear in any case.
 */
void directory_state_load(const struct paths *p, const struct directory_settings *d,
    const char *name, bool directory_key, struct directory_state *out);
void directory_state_clear(struct directory_state *s);

/* Into the request, which borrows the lists; now is the clock's, not one that was made up. */
void directory_state_fill(
    const struct directory_state *s, int64_t now, struct decide_request *req);

#endif
