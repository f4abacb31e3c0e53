/* parents: is a table of parents a forest, or does it hold a cycle? */
#ifndef AK_PARENTS_H
#define AK_PARENTS_H

#include <stdint.h>

#include "err.h"

#define PARENT_NONE UINT32_MAX

/*
 * parent[i] is below n, or PARENT_NONE. *member is some i on a cycle, or
 * PARENT_NONE when there is none. Time and memory grow with n. AK_OK or
 * AK_ERR_NOMEM.
 */
enum ak_err parents_find_cycle(
    const uint32_t *parent, uint32_t n, uint32_t *member) AK_MUST_CHECK;

#endif
