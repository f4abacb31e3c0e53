/* taken: the names and ids that this host has by itself, and no key of the directory gets. */
#ifndef AK_TAKEN_H
#define AK_TAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "etcfile.h"
#include "pack.h"
#include "paths.h"

struct taken {
	/* Of /etc/passwd and /etc/group. */
	struct etcfile_set accounts;
	bool have_accounts, have_keys;
	uint64_t version; /* grows when accounts do differ; never 0 */
	/* Of the keys in local.idx, in one order. */
	struct pack key_names, key_ids; /* strv */
	struct pack key_uids; /* as uint32_t */
};

#define TAKEN_INIT ((struct taken){.version = 1})

void taken_clear(struct taken *t);

/*
 * Read anew. What can't be read is an error with a sentence, and keeps what was
 * read before: have_accounts, have_keys. A host without keys has an empty list.
 */
enum ak_err taken_read_accounts(
    struct taken *t, const struct paths *p, struct diag *why) AK_MUST_CHECK;
/* *changed: the keys' names are others now. */
enum ak_err taken_read_keys(
    struct taken *t, const struct paths *p, bool *changed, struct diag *why) AK_MUST_CHECK;

bool taken_has_name(struct taken *t, const char *name);
bool taken_has_id(struct taken *t, uint32_t id);

#endif
