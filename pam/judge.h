/* judge: asks the one decision about a scene's key, with this host's files, clock and addresses. */
#ifndef AK_PAM_JUDGE_H
#define AK_PAM_JUDGE_H

#include "decide.h"
#include "live.h"
#include "scene.h"

struct judgement {
	struct live live;
	struct verdict verdict;
	char problem[DIAG_PRINT_CAP]; /* of the policy, when there is none */
};

/*
 * Always from the files, in each phase; root's own su and runuser to a key are permitted without asking them. secret: number of the one that was
 * verified, 0: none. without_token: and nothing vouches for the key but
 * whoever let it in. AK_OK: permitted; else j->verdict is a denial. Clear j
 * after each.
 */
enum ak_err judge_scene(const struct scene *sc, uint32_t secret, bool without_token,
    struct judgement *j) AK_MUST_CHECK;
void judge_clear(struct judgement *j);

#endif
