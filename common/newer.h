/* newer: what to say of an index file that a later version of apikey wrote, and this one does not read. */
#ifndef AK_NEWER_H
#define AK_NEWER_H

#include <sys/types.h>

#include "diag.h"
#include "err.h"

/* Says which format it has, and what to do; answers AK_ERR_NEWER. */
enum ak_err newer_say(const char *path, uid_t owner, struct diag *why);

#endif
