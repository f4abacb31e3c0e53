/* home: makes and removes a key's home directory, as root, in folders that users write to. */
#ifndef CLI_HOME_H
#define CLI_HOME_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

/*
 * Make the home: 0700, with the files of skel (a missing one: none), all of
 * them owned by uid and its group. It is made beside its place, as `.NAME.new`
 * (what a killed command left there is removed; one that another command is at
 * work in is waited for), and belongs to owner (root)
 * until it is whole, so its user can't interfere. A home that uid owns already
 * is left as it is: AK_OK. Another's, or something that is no folder:
 * AK_ERR_EXISTS, and nothing is changed. On any other failure what was made is
 * removed.
 */
enum ak_err home_make(
    const char *path, const char *skel, uid_t uid, uid_t owner, struct diag *why) AK_MUST_CHECK;

/*
 * Remove the home and what uid owns in it: no links followed, no other file
 * system entered. *left: how many things stayed, because they are another's or
 * a mount. A home that is not uid's own is AK_ERR_DENIED, a missing one
 * AK_ERR_NOT_FOUND. After AK_OK what a killed home_make left beside it is gone
 * too.
 */
enum ak_err home_remove(const char *path, uid_t uid, uid_t owner, unsigned long *left,
    struct diag *why) AK_MUST_CHECK;

/* What a home is called while it is made, and below parent what was half made so: it is removed, as far as uid or owner owns it. Answers how many things stayed. */
#define HOME_BESIDE_CAP (NAME_MAX + 1)
void home_name_beside(const char *name, char out[HOME_BESIDE_CAP]);
unsigned long home_undo(int parent, const char *name, uid_t uid, uid_t owner);

#endif
