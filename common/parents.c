#include "parents.h"

#include <stdlib.h>

enum mark { UNSEEN, ON_PATH, GOOD };

enum ak_err
parents_find_cycle(const uint32_t *parent, uint32_t n, uint32_t *member)
{
	unsigned char *marks = calloc((size_t)n + 1, 1);

	*member = PARENT_NONE;
	if (marks == NULL)
		return AK_ERR_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = i;

		while (at != PARENT_NONE && marks[at] == UNSEEN) {
			marks[at] = ON_PATH;
			at = parent[at];
		}
		if (at != PARENT_NONE && marks[at] == ON_PATH) {
			*member = at;
			break;
		}
		for (at = i; at != PARENT_NONE && marks[at] == ON_PATH; at = parent[at])
			marks[at] = GOOD;
	}
	free(marks);
	return AK_OK;
}
