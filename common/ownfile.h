/* ownfile: a file that one owner's processes write into where it lies: a log's next line, a slot in a table. */
#ifndef AK_OWNFILE_H
#define AK_OWNFILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "err.h"

/*
 * Open for reading and writing, with flags (O_APPEND, or 0) besides; made when
 * missing, with this mode whatever the umask is, and the group of its folder.
 * Never follows a link in the last place, never blocks, O_CLOEXEC.
 * AK_ERR_UNSAFE: it is no regular file of owner's, or it lies in a folder that
 * is another's, or that others can write to. AK_ERR_UNAVAILABLE: no folder, no
 * room, no descriptor. *fd is the caller's.
 */
enum ak_err ownfile_open(const char *path, uid_t owner, mode_t mode, int flags, int *fd,
    struct stat *st) AK_MUST_CHECK;

/* Could a line be written there, on a disk that has room? Makes and changes nothing. */
bool ownfile_may_append(const char *path, uid_t owner);

/* May this process write up to that place? Beyond RLIMIT_FSIZE a write(2) would raise SIGXFSZ. */
bool ownfile_may_reach(off_t end);

#endif
