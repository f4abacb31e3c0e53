/* judge: asks the one decision about a scene's key, with this host's files, clock and addresses. */
#ifndef AK_PAM_JUDGE_H
#define AK_PAM_JUDGE_H

#include "decide.h"
#include "directory_state.h"
#include "keyring.h"
#include "live.h"
#include "moments.h"
#include "scene.h"

/* What was asked, and the answer. The request borrows from here: not to be copied. */
struct judgement {
	struct decide_request request;
	struct verdict verdict;
	struct moments moments;
	struct net_addr address, origin;
	struct policy_doubt doubt;
	struct directory_state directory;
	char problem[DIAG_PRINT_CAP]; /* of the policy, when there is none */
};

/*
 * Always from the files, in each phase; root's own su and runuser to a key are
 * permitted without asking them. secret: number of the one that was verified,
 * 0: none. without_token: and nothing vouches for the key but whoever let it
 * in. Then the option role=, if there is one. AK_OK: permitted; else
 * j->verdict is a denial. Clear j after each.
 */
enum ak_err judge_scene(
    struct scene *sc, uint32_t secret, bool without_token, struct judgement *j) AK_MUST_CHECK;
void judge_clear(struct judgement *j);

/* Root may become anybody: is this its own su or runuser? */
bool judge_is_roots_su(const struct scene *sc);

#endif
