/* gone: the keys of this host that were deleted, by their ids. */
#ifndef CLI_GONE_H
#define CLI_GONE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "index.h"
#include "record.h"

struct gone {
	struct gone_one {
		char id[KEY_ID_LEN + 1];
		int64_t deleted_at;
	} * v; /* by id */
	size_t n, cap;
};

#define GONE_INIT ((struct gone){.v = NULL})

/* Of a local.idx; one that is not there (fd -1) has none. gone_clear in any case. */
enum ak_err gone_load(const struct index *local, struct gone *out) AK_MUST_CHECK;
void gone_clear(struct gone *g);

/* NULL: no key of this id was deleted here. */
const struct gone_one *gone_find(const struct gone *g, const char *id);

#endif
