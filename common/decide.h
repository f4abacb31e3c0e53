/* decide: the whole decision over a key: its gates, then the policy; what login, explain, check and tests all call. */
#ifndef AK_DECIDE_H
#define AK_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "eval.h"
#include "image.h"
#include "net.h"
#include "record.h"
#include "trace.h"

/* Why; one text and one PAM code for each (reason_text here, pam/result.c). */
enum reason {
	REASON_PERMITTED = 1,
	REASON_LOCKDOWN, /* all keys are refused on this host */
	REASON_SECRET_ENDED, /* the secret that opened this is no more */
	REASON_NO_TOKEN, /* the service may not be entered without one */
	REASON_DISABLED,
	REASON_NOT_YET, /* before not-before */
	REASON_EXPIRED,
	REASON_TIME_UNDEFINED, /* the key is bound in time, and the clock can't be believed */
	REASON_DIRECTORY, /* the key lives in LDAP, which was not heard for keys_max_age */
	REASON_FROM, /* the address is not in the key's own list, or is undefined */
	REASON_NO_POLICY, /* no readable, valid policy */
	REASON_SPACE, /* this host's space is not declared */
	REASON_RULE, /* a deny rule of the policy fires */
	REASON_NOT_ADMITTED, /* no allow rule of the policy fires */
	REASON_ROLE, /* no role permits the service */
	REASON_FAILED, /* no decision could be made: out of memory */
	REASON_AUDIT, /* the settings want each login logged, and the log can't be written */
	/* Why a session that was permitted ends (rejudge.h); the first also why it is refused at the last moment: */
	REASON_DELETED, /* the key is no more */
	REASON_GROUP, /* it holds a Unix group that its key would no longer get */
	REASON_BY_HAND, /* an administrator ends it */
};

const char *reason_text(enum reason r); /* a short clause: "the key has expired" */
const char *reason_word(enum reason r); /* one word for logs and JSON: "expired" */

struct decide_request {
	const struct key_record *key;
	const struct image *policy; /* NULL: none that is readable and valid */
	const char *policy_problem; /* then: why, or NULL */
	struct strv hosts;
	const char *service; /* NULL: not asked */
	const char *account; /* NULL: the key's own */
	bool account_is_root; /* its uid is 0: never entered */
	/* As in struct policy_request: */
	struct strv directory_groups, directory_bindings;
	bool stale, unknown, directory_key;
	bool keys_stale; /* of a directory key: refused, unless favour */
	int64_t contact_at; /* when the directory was last heard; 0: never. For sentences */
	const struct net_addr *address, *origin; /* NULL: undefined */
	const struct policy_doubt *doubt; /* of the address */
	const struct moments *when; /* of this policy; NULL: time predicates are undefined */
	int64_t now; /* seconds, for the key's own times */
	bool time_undefined; /* now is not to be believed, nor is when */
	bool lockdown;
	uint32_t secret; /* number of the secret that was presented; 0: none was */
	/* and this login rests on something else: a public key, NOPASSWD, cron */
	bool without_token;
	/*
	 * For ending sessions: what can't be told is decided for the session. No
	 * policy (nor settings), undefined time and address permit; the rest as in
	 * struct policy_request.
	 */
	bool favour;
};

struct verdict {
	enum reason reason; /* never 0 */
	/* held on this host; empty when a gate failed, or the key is not admitted */
	struct role_set roles;
	/* where roles come from, which rule refuses (its roles moved to the above) */
	struct policy_result policy;
	char why[256]; /* a sentence for logs and people; no control characters */
	char roles_text[512]; /* names, comma-separated, cut at a whole name */
};

void verdict_clear(struct verdict *v);

/*
 * Gates in order (lockdown, secret, token, state, not-before, expiry, directory,
 * from), then policy_eval; all gates are traced though one fails, and the first that fails
 * is the reason. The host's space comes from the image's settings. What is
 * bound in time (a secret that ends too) is refused while time is undefined.
 * AK_OK: permitted. AK_ERR_DENIED: v says why. Else (AK_ERR_NOMEM): v is a
 * denial too. v is the caller's to clear after each of them. v->policy borrows
 * from the request.
 */
enum ak_err decide(const struct decide_request *req, const struct trace *trace,
    struct verdict *v) AK_MUST_CHECK;

/*
 * Is a role held that a stack asks for by role= (a binding, as text)? Held
 * here, or in one of the spaces, or on one of the hosts that it names; req is
 * what v was decided from. false for what is no binding, or without a policy;
 * without memory too, but with favour.
 */
bool decide_holds(const struct decide_request *req, const struct verdict *v,
    const char *binding) AK_MUST_CHECK;

/* The policy's part of the request, for policy_samples and policy_rule_fires; policy must not be NULL. */
struct policy_request decide_policy_request(const struct decide_request *req);

#endif
