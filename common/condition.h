/* condition: is a compiled condition true, false or undefined for a request? */
#ifndef AK_CONDITION_H
#define AK_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "eval.h"
#include "image.h"

/* Kleene's: `all` is the least of its parts, `any` the greatest. */
enum truth { TRUTH_FALSE, TRUTH_UNDEFINED, TRUTH_TRUE };

struct condition_frame;

/* One request's evaluations: a definition is evaluated once, and once more for deny. */
struct condition_run {
	const struct image *im;
	const struct policy_request *req; /* its account is not asked: */
	const char *account; /* the one being entered, the key's own too; NULL: missing */
	int decision; /* for sample: 1 allowed, 0 denied; -1: missing */
	unsigned char *known; /* by definition, without and with deny: 0, or its truth + 1 */
	struct condition_frame *frames;
};

#define CONDITION_RUN_INIT ((struct condition_run){.decision = -1})

/* im, req, account and decision are set; AK_OK or AK_ERR_NOMEM. Clear after both. */
enum ak_err condition_start(struct condition_run *run) AK_MUST_CHECK;
void condition_clear(struct condition_run *run);

/* in_deny: it stands in a deny rule, where a stale `group` is as last known. */
enum truth condition_eval(
    const struct condition_run *run, struct image_condition when, bool in_deny);

#endif
