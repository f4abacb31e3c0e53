/* republish: makes anew all that is made from the keys, the policy and the settings, as they are. */
#ifndef CLI_REPUBLISH_H
#define CLI_REPUBLISH_H

#include "change.h"

/*
 * After change_begin with the same options: everything is published, what was
 * accepted is logged, and every live session is judged anew. change_end in any case.
 */
enum ak_err republish(struct change *ch, const struct change_options *opt) AK_MUST_CHECK;

#endif
