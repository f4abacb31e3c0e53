/* freshness: when the directory was last heard, and for how long that counts: one small file that modules read too. */
#ifndef AK_FRESHNESS_H
#define AK_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

#define FRESHNESS_VERSION 1U

struct freshness {
	int64_t contact_at; /* seconds; 0: never */
	int64_t max_age_s, keys_max_age_s; /* NUM_NEVER: for ever */
};

/*
 * libc only. AK_ERR_NOT_FOUND: there is none (nothing was ever heard);
 * AK_ERR_UNSAFE, AK_ERR_UNAVAILABLE, AK_ERR_CORRUPT. *out is then stale.
 */
enum ak_err freshness_read(const char *path, uid_t owner, struct freshness *out) AK_MUST_CHECK;

/* Replaced whole, 0644, not fsynced: after a crash an older one says less. */
enum ak_err freshness_write(
    const char *path, const struct freshness *f, struct diag *why) AK_MUST_CHECK;

/* A contact in the future is none. */
bool freshness_is_stale(const struct freshness *f, int64_t now);
bool freshness_keys_are_stale(const struct freshness *f, int64_t now);

#endif
