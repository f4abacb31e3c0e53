/* rollback: which policy `policy rollback` puts back, and whether an earlier one was interrupted. */
#ifndef CLI_ROLLBACK_H
#define CLI_ROLLBACK_H

#include <stdbool.h>

#include "cli.h"
#include "diag.h"
#include "err.h"
#include "safefile.h"
#include "token.h"

struct rollback {
	char path[PATH_CAP + 8]; /* policy.yaml.prev */
	struct safefile prev;
	char prev_sha256[TOKEN_SHA256_CAP], live_sha256[TOKEN_SHA256_CAP]; /* "": no live one */
	enum ak_err live_err; /* why there is none */
	/*
	 * The live text was put back by a rollback that did not come to its end: it
	 * is to be finished. To put back another would bring back what it undid.
	 */
	bool interrupted;
};

#define ROLLBACK_INIT ((struct rollback){.path = ""})

/* AK_ERR_NOT_FOUND with a sentence: nothing was replaced yet. rollback_clear in any case. */
enum ak_err rollback_find(
    const struct cli *c, struct rollback *out, struct diag *why) AK_MUST_CHECK;

/* Under the lock: is all of it as it was found? AK_ERR_DENIED, or AK_ERR_UNAVAILABLE when it can't be told, with a sentence. */
enum ak_err rollback_check(
    const struct cli *c, const struct rollback *r, struct diag *why) AK_MUST_CHECK;

void rollback_clear(struct rollback *r);

#endif
