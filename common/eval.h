/* eval: the policy's decision: pure, from one image and one request. */
#ifndef AK_EVAL_H
#define AK_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "moments.h"
#include "net.h"
#include "role_set.h"
#include "text.h"
#include "trace.h"

/* May an address be this host's own? is_own costs something: it is asked when a predicate first needs the address. */
struct policy_doubt {
	bool (*is_own)(void *ctx); /* the same answer each time */
	void *ctx;
};

/* The address, without a doubt; NULL when it is this host's own: it says nothing of where somebody comes from. */
const struct net_addr *policy_address(
    const struct net_addr *address, const struct policy_doubt *doubt);

/*
 * All that a decision rests on: no clock, file or environment is read. What
 * is NULL is missing, and a predicate that asks for it is undefined.
 */
struct policy_request {
	const char *login; /* the key's name */
	/* the key's own, as text; what is malformed or undeclared is inert */
	struct strv bindings;
	struct strv groups; /* IdP groups that are listed on the key: never stale */
	struct strv directory_groups; /* those that LDAP gives it, as last known */
	struct strv directory_bindings; /* what those groups' role_attribute gives it, as text */
	bool stale; /* the directory is: see below */
	bool unknown; /* what LDAP says of this key was never known here: see below */
	bool directory_key; /* it lives in LDAP: no role outside may_grant, whatever gives it */
	bool not_member; /* `member` is false; only tests say so */
	/* of the call; NULL too when it is no literal, or known to be this host's own */
	const struct net_addr *address;
	const struct policy_doubt *doubt; /* of the address; NULL: none */
	/*
	 * The recorded origin of the session. `from` asks the address, else the
	 * origin; `creator_from` the origin alone, but where the service is sshd
	 * (the login that the origin will be recorded of) the same as `from`.
	 */
	const struct net_addr *origin;
	const struct moments *when; /* of this image: moments_resolve */
	struct strv hosts; /* this host's names */
	/* where this host stands; NULL: nowhere, only global and host bindings are effective */
	const char *space;
	const char *service; /* the PAM service; NULL: missing, and step 5 is not asked */
	const char *account; /* the local account being entered; NULL: the key's own */
	bool account_is_root; /* its uid is 0, whatever its name: no role opens it */
	/*
	 * For ending sessions: decide for the session where something can't be
	 * told. Undefined fires in allow and grant and not in deny; memberships
	 * are as last known, though stale.
	 */
	bool favour;
};

/*
 * A role outside may_grant (settings_may_grant, of the image's settings) comes
 * to no directory key, and to no local key through a directory group: not by a
 * binding of the group, and by `grant` only where the rule fires as well with a
 * stale directory (with favour too: what is undefined for another reason fires
 * there, and what rests on the directory does not). Where the settings have no
 * directory, and the request neither its groups nor stale or unknown, no grant
 * rests on it. Unknown: as
 * stale, and `group` is undefined in deny too where the key's own groups don't
 * match, so that such a deny rule fires (never with favour: it is undefined
 * there as well).
 *
 * Stale (and not favour): no role comes through a directory group; `group` in
 * deny is as last known, true or false; elsewhere it is true by the key's own
 * groups, and undefined where these don't match. So for a definition that
 * both use.
 */

enum policy_outcome {
	POLICY_FAILED = 0, /* out of memory */
	POLICY_PERMITTED, /* steps 2 to 5, or 2 and 3 when no service was given */
	POLICY_NO_SPACE, /* the host's space is not declared: nothing else was asked */
	POLICY_REFUSED, /* a deny rule fires */
	POLICY_NOT_ADMITTED, /* there is an allow section, and none of it fires */
	POLICY_NO_ROLE, /* no role that is held here permits the service and account */
};

/* FROM_DIRECTORY: a directory binding, by role_attribute. */
enum policy_source {
	POLICY_FROM_KEY,
	POLICY_FROM_GROUP,
	POLICY_FROM_GRANT,
	POLICY_FROM_DIRECTORY
};

/* A role that the key holds somewhere, and why. */
struct policy_held {
	uint32_t role;
	enum policy_source source;
	/* FROM_KEY, FROM_DIRECTORY: the binding's text; FROM_GROUP: the IdP group; borrowed from the request. FROM_GRANT: NULL */
	const char *name;
	/* FROM_GROUP: image_group_binding; FROM_GRANT: the rule's number; else IMAGE_NONE */
	uint32_t row;
	uint32_t line; /* in the policy file; 0 for bindings */
	bool here; /* effective on this host */
};

struct policy_result {
	enum policy_outcome outcome;
	/* REFUSED: the first rule, in the file's order, that fires; else IMAGE_NONE */
	uint32_t deny;
	/* the first allow rule that fires; IMAGE_NONE: none, or no such section */
	uint32_t allow;
	uint32_t permits; /* a role that permits the request; IMAGE_NONE: none, or not asked */
	/* Held on this host. Empty unless the key is admitted: PERMITTED or NO_ROLE. */
	struct role_set roles;
	/* Step 4 whole, here and elsewhere, whether or not the key is admitted; keys first, then groups, then the directory's bindings, then grants. */
	struct policy_held *held;
	uint32_t n_held, cap_held;
};

#define POLICY_RESULT_INIT                                                                     \
	((struct policy_result){.deny = IMAGE_NONE, .allow = IMAGE_NONE, .permits = IMAGE_NONE})
void policy_result_clear(struct policy_result *r);

/*
 * Steps 2 to 5 of the decision. AK_OK: PERMITTED. AK_ERR_DENIED: outcome says
 * why. AK_ERR_NOMEM: FAILED, and nothing is held. *out is the caller's to
 * clear after each of them.
 */
enum ak_err policy_eval(const struct image *im, const struct policy_request *req,
    const struct trace *trace, struct policy_result *out) AK_MUST_CHECK;

/*
 * Step 4 alone, with address, origin, time, service and account all missing
 * (whatever req says): the roles that NSS serves. Admission is not asked.
 * out->roles and out->held are filled in; with req->stale set, without those
 * that rest on the directory. AK_OK (outcome PERMITTED), AK_ERR_DENIED
 * (NO_SPACE; nothing is held) or AK_ERR_NOMEM.
 */
enum ak_err policy_eval_unconditional(const struct image *im, const struct policy_request *req,
    struct policy_result *out) AK_MUST_CHECK;

/* Does one rule fire for the request? The same answer as in policy_eval. AK_OK or AK_ERR_NOMEM. */
enum ak_err policy_rule_fires(const struct image *im, const struct policy_request *req,
    enum image_rules kind, uint32_t rule, bool *fires) AK_MUST_CHECK;

/* Is a decision that came out so kept for replay (`sample`)? AK_OK or AK_ERR_NOMEM (*keep false). */
enum ak_err policy_samples(const struct image *im, const struct policy_request *req,
    bool permitted, bool *keep) AK_MUST_CHECK;

/*
 * Where a held role holds, place by place: a space's name (`root` for global
 * and root-wide ones), or a host's with is_host set. `*` is every space that
 * the file declares. Undeclared spaces are left out.
 */
typedef void policy_place_fn(void *ctx, bool is_host, const char *name);
void policy_held_places(
    const struct image *im, const struct policy_held *h, policy_place_fn *take, void *ctx);

/* Could some role of the policy open this local account? Then PAM asks for a token. Never root. */
bool policy_opens_account(const struct image *im, const char *account);

#endif
