/* publish: makes users.idx, what NSS serves, from the keys, the policy, the settings and /etc/group. */
#ifndef AK_PUBLISH_H
#define AK_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "live.h"
#include "store.h"

struct publish_result {
	uint32_t users, groups;
	bool whole; /* every key was evaluated, not the changed ones alone */
	bool without_policy; /* the policy is broken: keys keep the groups that they had, new ones have none */
	/* What it was made from; generation 0: none, or it could not be read whole. */
	struct source_id directory_keys, directory_groups;
};

/*
 * Stage gids for the role groups that have none yet, commit the store, write
 * users.idx, then policy.image when the stored one is not current. A change
 * of one key evaluates one key. *res may be NULL. After AK_OK all of it is
 * visible to the next look-up of every process.
 *
 * An error before the commit changed nothing; after it (why says so) the keys
 * are true and the next publish catches up. A group that can't be given (gid 0,
 * gid_range used up) is such an error too: revoking a key waits for no policy.
 */
enum ak_err publish(struct store *s, const struct live *live, int64_t now,
    struct publish_result *res, struct diag *why) AK_MUST_CHECK;

/*
 * Was users.idx made from another local.idx than the one that is there, or is it
 * missing? A writer that was killed behind local.idx leaves it so. Or was it made
 * without a policy, and there is one?
 */
bool publish_is_due(const struct store *s, const struct live *live);

/* Could every group of this policy be given? What publish would answer to that; gids are staged. Before a policy goes live. */
enum ak_err publish_check(
    struct store *s, const struct live *live, struct diag *why) AK_MUST_CHECK;

#endif
