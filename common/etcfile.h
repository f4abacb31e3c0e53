/* etcfile: the names and ids of passwd(5) and group(5), as this host's own files give them. */
#ifndef AK_ETCFILE_H
#define AK_ETCFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "text.h"

/* The first line of that name. AK_ERR_NOT_FOUND: none, or no such file; AK_ERR_UNAVAILABLE: it can't be told. */
enum ak_err etcfile_find_id(const char *path, const char *name, uint32_t *id) AK_MUST_CHECK;

/* Names and ids of several files, for many questions. All zero: of none. */
struct etcfile_set {
	struct etcfile_name {
		char text[KEY_NAME_MAX + 1];
	} * names; /* those that a key could have; sorted once asked */
	uint32_t *ids;
	size_t n_names, n_ids, cap_names, cap_ids;
	bool sorted;
};

/* Add a file's; one that is not there has none. AK_ERR_UNAVAILABLE, AK_ERR_NOMEM: then the set is not whole. */
enum ak_err etcfile_set_add(struct etcfile_set *set, const char *path) AK_MUST_CHECK;
void etcfile_set_clear(struct etcfile_set *set);

/* The same names and ids, whatever their order. */
bool etcfile_set_equal(struct etcfile_set *a, struct etcfile_set *b);

bool etcfile_set_has_name(struct etcfile_set *set, const char *name);
bool etcfile_set_has_id(struct etcfile_set *set, uint32_t id);

#endif
