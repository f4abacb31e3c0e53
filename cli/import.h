/* import: a file of keys, held against this host: what it would change, and that staged. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "change.h"
#include "importfile.h"

enum import_what { IMPORT_CREATED, IMPORT_CHANGED, IMPORT_DELETED, IMPORT_UNCHANGED };
#define IMPORT_N_WHATS 4U

struct import_row {
	enum import_what what;
	unsigned line; /* 0: it is not in the file */
	struct key_record rec; /* as it shall be; of a deleted one, as it was */
	struct pack own; /* what the strings of a deleted one lie in */
	bool wants_uid; /* the file's is not to be had */
};

struct import {
	struct change *ch;
	struct importfile *file;
	bool prune, new_uid;
	struct import_row *rows; /* the file's keys in its order, then what is deleted, by uid */
	size_t n_rows, cap_rows;
	uint32_t *kept; /* uids of the keys that stay; sorted */
	size_t n_kept;
	size_t counts[IMPORT_N_WHATS];
};

#define IMPORT_INIT ((struct import){.rows = NULL})

/*
 * Within a change that was begun: what would become of each key. A line that
 * is refused is told to file->wrong. import_clear in any case.
 */
enum ak_err import_plan(struct import *im) AK_MUST_CHECK;
/* Then stage it, and give the uids. AK_ERR_DENIED when a line was refused, here or before: all were told. */
enum ak_err import_stage(struct import *im) AK_MUST_CHECK;
void import_clear(struct import *im);

#endif
