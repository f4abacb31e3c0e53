/* eval: the policy's decision: pure, from one image and one request. */
#ifndef AK_EVAL_H
#define AK_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "text.h"
#include "trace.h"

/* All that a decision rests on: no clock, file or environment is read. */
struct policy_request {
	const char *login;	/* the key's name */
	struct strv bindings;	/* the key's own */
	struct strv hosts;	/* this host's names */
	const char *space;	/* where this host stands */
	const char *service;	/* the PAM service; NULL: missing, the request itself is not asked (steps 1 to 4) */
	const char *account;	/* the local account being entered; NULL: the key's own */
};

/* The roles that hold here: a bit per role of the image. */
struct role_set {
	uint64_t *bits;
	uint32_t n_roles;
};

#define ROLE_SET_INIT ((struct role_set){.bits = NULL})
void role_set_clear(struct role_set *s);
bool role_set_has(const struct role_set *s, uint32_t role);

/* The first role of the set that is numbered `from` or above; IMAGE_NONE when there is none. */
uint32_t role_set_next(const struct role_set *s, uint32_t from);

#define role_set_for(s, role)                                                                  \
	for (uint32_t role = role_set_next((s), 0); (role) != IMAGE_NONE;                      \
	     (role) = role_set_next((s), (role) + 1))

/*
 * The union of the roles that hold for the request on this host (step 4), and
 * whether one of them permits its service (step 5). AK_OK when permitted, or
 * not asked; AK_ERR_DENIED when not; AK_ERR_NOT_FOUND when the host's space is
 * not declared (then no role holds); AK_ERR_NOMEM. *roles is valid, maybe
 * empty, after each of them, and the caller's to clear. A binding that is
 * malformed, or names an undeclared role or space, gives nothing and is traced.
 */
enum ak_err policy_eval(const struct image *im, const struct policy_request *req,
    const struct trace *trace, struct role_set *roles) AK_MUST_CHECK;

#endif
