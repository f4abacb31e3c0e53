/* policysessions: what a new policy means for live sessions: which of them would end, and how they are left on the one before. */
#ifndef CLI_POLICYSESSIONS_H
#define CLI_POLICYSESSIONS_H

#include "cli.h"
#include "diag.h"
#include "endings.h"
#include "image.h"

/* The sessions that would end if im were the live policy now. */
enum ak_err policysessions_foresee(
    const struct cli *c, struct image *im, struct endings *out, struct diag *why) AK_MUST_CHECK;

/*
 * Leave every live session on im, until its own key changes (pinned.h); those
 * that were left on another stay there. Before the new policy takes im's place,
 * so that apikeyd never sees them without.
 */
enum ak_err policysessions_keep(
    const struct cli *c, const struct image *im, struct diag *why) AK_MUST_CHECK;

#endif
