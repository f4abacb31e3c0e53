/* policy_tests: runs the tests that a policy file carries, by the evaluator that logins ask. */
#ifndef AK_POLICY_TESTS_H
#define AK_POLICY_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "image.h"

struct policy_test {
	const char *name;
	const char *file;
	unsigned line, col;
	bool passed;
	/* One line each, without a newline: "deny by contractors-at-night, roles {production: [deployer]}". */
	const char *expected, *got;
};

/* The strings hold during the call alone. */
typedef void policy_test_fn(void *ctx, const struct policy_test *test);

/*
 * Run the tests in a file's bytes, against the image that was compiled from
 * them. zone_dir: ZONE_DIR. *n_failed counts those
 * that did not pass. AK_OK though tests fail; AK_ERR_INVALID when the bytes
 * would not compile; AK_ERR_NOMEM.
 *
 * given: with `stale`, groups are the directory's, else the key's own (so that
 * may_grant, which is a host's, does not matter to a policy's tests); an ip
 * that is no literal address is missing; bindings may name what the policy
 * does not declare, and are inert then; service needs space. expect: decision
 * is required; roles compares step 4 whether or not the key is admitted; by
 * needs `decision: deny`, and that rule must fire. Spaces, roles and ids that
 * are not declared are load errors.
 */
enum ak_err policy_tests_run(const char *bytes, size_t len_b, const char *file,
    const struct image *im, const char *zone_dir, policy_test_fn *take, void *ctx,
    uint32_t *n_failed, struct diag *why) AK_MUST_CHECK;

#endif
