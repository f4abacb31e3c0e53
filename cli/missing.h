/* missing: which inputs a rule asks for that a request lacks: what makes it undefined. */
#ifndef CLI_MISSING_H
#define CLI_MISSING_H

#include "eval.h"
#include "image.h"
#include "pack.h"

/*
 * As entries of a list, each once: address, origin, time, zone NAME, directory
 * (its memberships are stale, or not known), service, login. pack_clear out; a
 * failure to allocate stays in it.
 */
void missing_inputs(const struct image *im, const struct policy_request *req,
    enum image_rules kind, uint32_t rule, struct pack *out);

#endif
