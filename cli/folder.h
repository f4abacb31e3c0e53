/* folder: a path's parent folder, opened without trusting what others could have put on the way. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <sys/types.h>

#include "diag.h"
#include "err.h"

/*
 * Open the folder that path lies in, and copy path's last name into name
 * (NAME_MAX + 1 bytes). Links on the way are resolved first; then every folder
 * from / on must belong to root or to owner, and be writable by nobody else
 * (sticky ones pass), so that nobody can turn the way aside. The path must be
 * absolute, below some folder other than /, and end in a plain name. *fd is
 * the caller's.
 */
enum ak_err folder_open_parent(
    const char *path, uid_t owner, int *fd, char *name, struct diag *why) AK_MUST_CHECK;

#endif
