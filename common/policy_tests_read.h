/* policy_tests_read: the tests of a policy file, one by one, out of its tree. */
#ifndef AK_POLICY_TESTS_READ_H
#define AK_POLICY_TESTS_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "net.h"
#include "pack.h"
#include "yamlread.h"

/* One test. Texts are borrowed from the tree. */
struct policy_case {
	const struct yaml_node *node;
	const char *name;
	/* given; NULL, or has_… false: missing */
	const char *login, *service, *account, *space;
	struct pack groups, bindings, hosts;
	bool has_address, has_origin, has_at, stale, not_member;
	struct net_addr address, origin;
	int64_t at;
	/* expect */
	bool allow;
	const char *by; /* NULL: not asked */
	bool has_roles; /* they are compared */
	struct pack roles; /* a list of policy_case_place's texts */
};

/*
 * "production deployer", "root viewer", "host:bastion-1 viewer" (host names in
 * lower case) as an entry of p: so that sets can be compared as texts.
 */
void policy_case_place(struct pack *p, bool is_host, const char *place, const char *role);

typedef enum ak_err policy_case_fn(void *ctx, const struct policy_case *c);

/*
 * Every test of the file's tree, in order. im: what the rest of the file was
 * compiled into. AK_ERR_INVALID with a sentence for the first that is
 * malformed, or names a space, role or deny rule that is not declared;
 * AK_ERR_NOMEM; what take fails with, and then the rest is not read.
 */
enum ak_err policy_tests_each(const struct yamlread *r, const struct yaml_node *root,
    const struct image *im, policy_case_fn *take, void *ctx) AK_MUST_CHECK;

/* Are they all in order? */
enum ak_err policy_tests_check(const struct yamlread *r, const struct yaml_node *root,
    const struct image *im) AK_MUST_CHECK;

#endif
