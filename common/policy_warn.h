/* policy_warn: what is no error in a policy file, and surely a mistake. */
#ifndef AK_POLICY_WARN_H
#define AK_POLICY_WARN_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "err.h"
#include "image.h"

struct policy_warn {
	/* diag_print gives FILE:LINE:COL: SENTENCE. */
	void (*take)(void *ctx, const struct diag *warning);
	/* Does a stored binding name this role? NULL: nobody knows, and roles that nothing names are not warned of. */
	bool (*is_bound)(void *ctx, const char *role);
	void *ctx;
};

/*
 * Over the bytes that im was compiled from: rules that can never fire; roles
 * that nothing gives; definitions that nothing uses; globs that match
 * everything (`login: '*'`) or can match nothing (a login that no key can
 * have); accounts that no key ever enters. In the file's order within each
 * section. AK_OK; AK_ERR_INVALID when the bytes would not compile;
 * AK_ERR_NOMEM.
 */
enum ak_err policy_warnings(const char *bytes, size_t len_b, const char *file,
    const struct image *im, const struct policy_warn *warn, struct diag *why) AK_MUST_CHECK;

#endif
