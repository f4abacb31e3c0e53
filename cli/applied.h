/* applied: who put the live policy in its place, and when: a record beside the keys. */
#ifndef CLI_APPLIED_H
#define CLI_APPLIED_H

#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "paths.h"
#include "token.h"

/* Says something about a policy only while its text has that digest: else it was edited since. */
struct applied {
	char sha256[TOKEN_SHA256_CAP]; /* of the text */
	int64_t at;
	char by[64];
	char how[16]; /* apply, rollback, or APPLIED_BEGUN */
};

/* A rollback that was begun: written before it, and until it is done to its end. */
#define APPLIED_BEGUN "rollback-begun"

enum ak_err applied_write(
    const struct paths *p, const struct applied *a, struct diag *why) AK_MUST_CHECK;
/* AK_ERR_NOT_FOUND, or whatever keeps it from being believed. */
enum ak_err applied_read(const struct paths *p, struct applied *out) AK_MUST_CHECK;
/* The record of the text with this digest; AK_ERR_NOT_FOUND, out empty: it is another's, so the text was edited since. */
enum ak_err applied_find(
    const struct paths *p, const char *sha256, struct applied *out) AK_MUST_CHECK;

#endif
