/* snapshot: the model as the two files that logins read, and back when the daemon starts. */
#ifndef AK_SNAPSHOT_H
#define AK_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "model.h"
#include "paths.h"
#include "record.h"

/* Which files lie there; generation 0: none. */
struct snapshot {
	struct source_id keys, groups;
	int64_t keys_built_at, groups_built_at;
};

/*
 * Entries and cookies into an empty model. A file that is missing, damaged or
 * of another version leaves its searches empty, so that they are fetched anew;
 * why then says so for the log (AK_OK all the same, but for AK_ERR_NOMEM).
 */
enum ak_err snapshot_load(const struct paths *p, struct model *m, struct snapshot *out,
    struct diag *why) AK_MUST_CHECK;

/* Was there a file, and is it not the one that was left? keys: which of the two. */
bool snapshot_is_lost(const struct paths *p, const struct snapshot *s, bool keys);

/*
 * Write the files that changed: groups first, then keys, so that a key is
 * never seen before its groups; renamed, not fsynced. *s moves on to what lies
 * there now, file by file, and out of *due goes what is written; on failure (a
 * full disk) what was not replaced stands.
 */
enum ak_err snapshot_write(const struct paths *p, const struct model *m,
    struct model_changes *due, int64_t now, struct snapshot *s, struct diag *why) AK_MUST_CHECK;

#endif
