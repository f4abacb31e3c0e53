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
 * an error, but for what only this host knows: policy_check_groups. Pure. The
 * image is the caller's to free; no sources are stamped into it yet.
 */
enum ak_err policy_compile(const char *bytes, size_t len_b, const char *file,
    const struct settings *settings, struct image **out, struct diag *why) AK_MUST_CHECK;

/* A local group's gid: AK_OK, AK_ERR_NOT_FOUND when no local group has that name, or why it can't be told. */
struct policy_groups {
	enum ak_err (*gid_of)(void *ctx, const char *group, uint32_t *gid);
	void *ctx;
};

/*
 * A role that hands out a local group with a gid below 1000 (sudo, docker,
 * shadow) makes root of a key: AK_ERR_INVALID, at the role's place, unless the
 * role says root_equivalent. What gid_of fails with is passed on.
 */
enum ak_err policy_check_groups(const struct image *im, const struct policy_groups *groups,
    struct diag *why) AK_MUST_CHECK;

#endif
