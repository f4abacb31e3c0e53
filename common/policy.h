/* policy: reads policy.yaml and compiles it, with the host's settings, into one image. */
#ifndef AK_POLICY_H
#define AK_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "image.h"
#include "settings.h"

/*
 * Compile a policy file's bytes. The whole file is refused (AK_ERR_INVALID),
 * with file, line, column and a sentence, for whatever apikey-policy(5) calls
 * an error, but for what only this host knows: policy_check_host. Pure. The
 * image is the caller's to free; no sources are stamped into it yet.
 *
 * Beyond the letter of the manual page: a list in a predicate, `any`, `all`
 * and `not` has at least one entry; `not` of a list is `not` of any of them;
 * `hours` and `time` may be lists, ORed; `always: false` is an error; `decision` and `percent` may stand
 * anywhere in a condition of `sample`; `in: '*'` means the spaces that
 * `spaces` names. `accounts` may not name root. Tests are checked with the
 * rest, and not kept (policy_tests.h).
 */
enum ak_err policy_compile(const char *bytes, size_t len_b, const char *file,
    const struct settings *settings, struct image **out, struct diag *why) AK_MUST_CHECK;

/* What only a host knows. A function that is NULL is not asked. AK_ERR_NOT_FOUND: there is none of that name. */
struct policy_host {
	enum ak_err (*gid_of)(void *ctx, const char *group, uint32_t *gid); /* local groups */
	enum ak_err (*uid_of)(
	    void *ctx, const char *account, uint32_t *uid); /* local accounts */
	enum ak_err (*has_zone)(void *ctx, const char *zone); /* as zone_load */
	void *ctx;
};

/*
 * AK_ERR_INVALID, at its place in the file, for a role that hands out a local
 * group with a gid below 1000 (sudo, docker, shadow: these make root of a key)
 * and does not say root_equivalent; for an account of `accounts` whose uid is
 * 0; for a zone that the host has no file of. What a function fails with
 * otherwise is passed on.
 */
enum ak_err policy_check_host(
    const struct image *im, const struct policy_host *host, struct diag *why) AK_MUST_CHECK;

#endif
