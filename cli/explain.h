/* explain: asks the evaluator that logins ask, with made-up circumstances, and shows how it came to its answer. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "args.h"
#include "cli.h"
#include "keys.h"
#include "net.h"

/* The circumstances, from a verb's options. */
struct explain {
	const char *service, *account; /* account NULL: the key's own */
	const char *rhost, *origin; /* as given; NULL: none */
	struct net_addr address, origin_address;
	bool without_token;
	bool has_at;
	int64_t at;
};

enum ak_err explain_parse(
    const struct args *a, struct explain *out, struct diag *why) AK_MUST_CHECK;

/*
 * Decide over the key, and print the trace and the decision. secret: the
 * number of the one that was presented; 0: none was. AK_OK when permitted,
 * AK_ERR_DENIED when not; why stays silent then, the answer has it.
 */
enum ak_err explain_key(const struct cli *c, const struct args *a, const struct explain *e,
    const struct keys *keys, const struct key *k, uint32_t secret) AK_MUST_CHECK;

/*
 * The answer where a token opens nothing, so that there is nothing to decide:
 * reason `wrong-token', and why in a sentence. k NULL: no key is known.
 * AK_ERR_DENIED, or why the answer could not be made.
 */
enum ak_err explain_wrong_token(const struct cli *c, const struct args *a,
    const struct explain *e, const struct key_record *k, const char *why) AK_MUST_CHECK;

#endif
