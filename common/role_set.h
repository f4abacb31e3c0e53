/* role_set: a set of the roles of one image: a bit for each. */
#ifndef AK_ROLE_SET_H
#define AK_ROLE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct role_set {
	uint64_t *bits;
	uint32_t n_roles;
};

#define ROLE_SET_INIT ((struct role_set){.bits = NULL})

/* An empty set over n_roles roles; AK_OK or AK_ERR_NOMEM. */
enum ak_err role_set_init(struct role_set *s, uint32_t n_roles) AK_MUST_CHECK;
void role_set_clear(struct role_set *s);
/* Nothing happens to a role that the set is not over. */
void role_set_add(struct role_set *s, uint32_t role);
bool role_set_has(const struct role_set *s, uint32_t role);

/* The first role of the set that is numbered `from` or above; IMAGE_NONE when there is none. */
uint32_t role_set_next(const struct role_set *s, uint32_t from);

#define role_set_for(s, role)                                                                  \
	for (uint32_t role = role_set_next((s), 0); (role) != UINT32_MAX;                      \
	     (role) = role_set_next((s), (role) + 1))

#endif
