/* condition: is a compiled condition true, false or undefined for a request? */
#ifndef AK_CONDITION_H
#define AK_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "eval.h"
#include "image.h"

/*
 * Two bits: may it be taken for true, and may it not be taken for false? `all`
 * is the and of its parts, `any` the or: with false, undefined and true alone
 * that is Kleene's logic. UNPROVEN may be taken for neither: what only the
 * directory could tell, where all else that is undefined counts for a session.
 */
enum truth { TRUTH_FALSE, TRUTH_UNPROVEN, TRUTH_UNDEFINED, TRUTH_TRUE };

/* How a `group` that the key's own groups don't match is taken. */
enum condition_mode {
	CONDITION_PLAIN,
	CONDITION_DENY, /* in a deny rule: of a stale directory as last known */
	CONDITION_BOUNDED, /* as if the directory said nothing, in a session's favour too */
	CONDITION_N_MODES
};

struct condition_frame;

/* One request's evaluations: a definition is evaluated once in each mode. */
struct condition_run {
	const struct image *im;
	const struct policy_request *req; /* its account is not asked: */
	const char *account; /* the one being entered, the key's own too; NULL: missing */
	int decision; /* for sample: 1 allowed, 0 denied; -1: missing */
	unsigned char *known; /* by mode and definition: 0, or its truth + 1 */
	struct condition_frame *frames;
};

#define CONDITION_RUN_INIT ((struct condition_run){.decision = -1})

/* im, req, account and decision are set; AK_OK or AK_ERR_NOMEM. Clear after both. */
enum ak_err condition_start(struct condition_run *run) AK_MUST_CHECK;
void condition_clear(struct condition_run *run);

enum truth condition_eval(
    const struct condition_run *run, struct image_condition when, enum condition_mode mode);

#endif
