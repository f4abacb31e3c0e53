/* doctor_index: is an index file whole, every byte of it? */
#ifndef CLI_DOCTOR_INDEX_H
#define CLI_DOCTOR_INDEX_H

#include "err.h"
#include "index.h"

/* Every block and every record, not only those that a look-up meets: AK_ERR_CORRUPT. */
enum ak_err doctor_index_walk(const struct index *ix) AK_MUST_CHECK;

#endif
