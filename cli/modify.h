/* modify: changes one key that exists: the frame that set, ensure, rotate and role share. */
#ifndef CLI_MODIFY_H
#define CLI_MODIFY_H

#include "change.h"

/*
 * Within a change that was begun: check the key as it now is, stage, publish
 * and log it, where changed says that there is anything to do; else let go of
 * the lock.
 */
enum ak_err modify_key(struct change *ch, const struct key_record *k, bool changed,
    const char *event) AK_MUST_CHECK;

#endif
