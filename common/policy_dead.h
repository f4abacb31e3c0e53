/* policy_dead: can a rule of a policy fire at all, whatever the request? */
#ifndef AK_POLICY_DEAD_H
#define AK_POLICY_DEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "image.h"

/* What each node of the image can be; made once for all rules. */
struct policy_dead {
	const struct image *im;
	unsigned char *nodes;
	unsigned char *definitions; /* with any login */
	unsigned char *with_login; /* with the one being tried */
	bool definitions_ask_login;
};

/* AK_OK or AK_ERR_NOMEM; clear after both. */
enum ak_err policy_dead_init(struct policy_dead *d, const struct image *im) AK_MUST_CHECK;
void policy_dead_clear(struct policy_dead *d);

/*
 * Never true: said of a rule only when it is so. (The other way about it is a
 * guess: that every predicate may hold beside every other, but that one login
 * has one name, and that times, services and accounts which must hold together
 * have something in common.)
 */
bool policy_dead_is(struct policy_dead *d, enum image_rules kind, uint32_t rule);

#endif
