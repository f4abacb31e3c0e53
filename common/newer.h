/* newer: what to say of a file that a later version of apikey wrote, and this one does not read. */
#ifndef AK_NEWER_H
#define AK_NEWER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

/* Is a version later than the one that is read? One that no file will ever have is damage. */
bool newer_is(uint32_t version, uint32_t reads);

/*
 * The version of an index, an image or a freshness: all have it at the same
 * place, and will. 0: it can't be told.
 */
uint32_t newer_version(const char *path, uid_t owner);

/* Of an index: says which format it has, and what to do; answers AK_ERR_NEWER. */
enum ak_err newer_say(const char *path, uid_t owner, struct diag *why);

#endif
