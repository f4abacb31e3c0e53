#include "decide_gates.h"

#include <string.h>

#include "num.h"
#include "role.h"
#include "text.h"

static const struct {
	const char *word, *text;
} reasons[] = {
    [REASON_PERMITTED] = {"permitted", "permitted"},
    [REASON_LOCKDOWN] = {"lockdown", "all keys are locked out of this host"},
    [REASON_SECRET_ENDED] = {"secret-ended", "the secret has been replaced or revoked"},
    [REASON_NO_TOKEN] = {"no-token", "the service is not entered without the key's token"},
    [REASON_DISABLED] = {"disabled", "the key is disabled"},
    [REASON_NOT_YET] = {"not-yet", "the key is not valid yet"},
    [REASON_EXPIRED] = {"expired", "the key has expired"},
    [REASON_TIME_UNDEFINED] = {"time-undefined",
	"the key is bound in time, and this host's clock can't be believed"},
    [REASON_DIRECTORY] = {"directory",
	"the key lives in LDAP, and LDAP has not been heard for too long"},
    [REASON_FROM] = {"from", "the key may not be used from this address"},
    [REASON_NO_POLICY] = {"no-policy", "this host has no valid policy"},
    [REASON_SPACE] = {"space", "this host's space is not declared in the policy"},
    [REASON_RULE] = {"deny-rule", "a deny rule of the policy refuses it"},
    [REASON_NOT_ADMITTED] = {"not-admitted", "no allow rule of the policy admits the key"},
    [REASON_ROLE] = {"role", "no role permits the service"},
    [REASON_FAILED] = {"failed", "no decision could be made"},
    [REASON_AUDIT] = {"audit", "the audit log can't be written, and the settings require it"},
    [REASON_DELETED] = {"deleted", "the key is no more"},
    [REASON_GROUP] = {"group-lost", "it holds a Unix group that its key would no longer get"},
    [REASON_BY_HAND] = {"by-hand", "an administrator ended it"},
};

#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *
reason_text(enum reason r)
{
	return (size_t)r < N_REASONS && reasons[r].text != NULL ? reasons[r].text : "unknown";
}

const char *
reason_word(enum reason r)
{
	return (size_t)r < N_REASONS && reasons[r].word != NULL ? reasons[r].word : "unknown";
}

#define VERDICT_FAILED                                                                         \
	((struct verdict){                                                                     \
	    .reason = REASON_FAILED, .roles = ROLE_SET_INIT, .policy = POLICY_RESULT_INIT})

void
verdict_clear(struct verdict *v)
{
	role_set_clear(&v->roles);
	policy_result_clear(&v->policy);
	*v = VERDICT_FAILED;
}

static void
list_roles(const struct image *im, struct verdict *v)
{
	struct text t = text_over(v->roles_text, sizeof(v->roles_text));

	role_set_for (&v->roles, i) {
		size_t whole = t.len;

		text_add(&t, "%s%s", whole == 0 ? "" : ",", image_role(im, i).name);
		if (t.cut) {
			v->roles_text[whole] = '\0';
			return;
		}
	}
}

struct policy_request
decide_policy_request(const struct decide_request *req)
{
	return (struct policy_request){.login = req->key->name,
	    .bindings = req->key->bindings,
	    .groups = req->key->groups,
	    .directory_groups = req->directory_groups,
	    .directory_bindings = req->directory_bindings,
	    .stale = req->stale,
	    .unknown = req->unknown,
	    .directory_key = req->directory_key,
	    .address = req->address,
	    .doubt = req->doubt,
	    .origin = req->origin,
	    .when = req->time_undefined ? NULL : req->when,
	    .hosts = req->hosts,
	    .space = image_borrow_settings(req->policy)->space,
	    .service = req->service,
	    .account = req->account,
	    .account_is_root = req->account_is_root,
	    .favour = req->favour};
}

static enum reason
reason_of(enum policy_outcome outcome)
{
	switch (outcome) {
	case POLICY_PERMITTED:
		return REASON_PERMITTED;
	case POLICY_NO_SPACE:
		return REASON_SPACE;
	case POLICY_REFUSED:
		return REASON_RULE;
	case POLICY_NOT_ADMITTED:
		return REASON_NOT_ADMITTED;
	case POLICY_NO_ROLE:
		return REASON_ROLE;
	case POLICY_FAILED:
		break;
	}
	return REASON_FAILED;
}

static enum reason
ask_policy(const struct decide_request *req, const struct trace *trace, struct verdict *v)
{
	struct policy_request ask;

	/* Files that can't be read end no session. */
	if (req->policy == NULL)
		return req->favour ? REASON_PERMITTED : REASON_NO_POLICY;
	ask = decide_policy_request(req);
	(void)!policy_eval(req->policy, &ask, trace, &v->policy);
	v->roles = v->policy.roles;
	v->policy.roles = ROLE_SET_INIT;
	list_roles(req->policy, v);
	return reason_of(v->policy.outcome);
}

/* A text cut to fit, at a whole character. */
static void
say_cut(struct text *t, const char *s, size_t max)
{
	size_t len = strlen(s);

	if (len > max)
		for (len = max; len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80;)
			len--;
	text_add(t, "%.*s", (int)len, s);
}

static void
say_rule(const struct decide_request *req, const struct verdict *v, struct text *t)
{
	struct image_rule rule = image_rule(req->policy, IMAGE_DENY_RULES, v->policy.deny);

	text_add(t, "deny rule %s: ", rule.id);
	say_cut(t, rule.reason, 160);
}

/* Why roles may be missing: in favour of a session they are not. */
static void
say_silence(const struct decide_request *req, struct text *t)
{
	char when[NUM_TIME_CAP];

	if (req->favour || (!req->stale && !req->unknown))
		return;
	text_add(t, "; LDAP gives no roles: ");
	if (!req->stale)
		text_add(t, "what it says of this key is not known here");
	else if (req->contact_at == 0)
		text_add(t, "it has never been heard");
	else
		text_add(
		    t, "it has not been heard since %s", num_print_time(req->contact_at, when));
}

/* For what no gate has said: a sentence for the verdict. */
static void
say_why(const struct decide_request *req, struct verdict *v)
{
	struct text t = text_over(v->why, sizeof(v->why));
	const char *service = req->service;

	switch (v->reason) {
	case REASON_PERMITTED:
		if (service == NULL)
			text_add(&t, "the key is in order");
		else
			text_add(&t, "a role permits %.100s", service);
		break;
	case REASON_ROLE:
		text_add(&t, "no role permits %.100s", service);
		if (req->account != NULL && strcmp(req->account, req->key->name) != 0)
			text_add(&t, " as %.64s", req->account);
		if (req->account_is_root) {
			text_add(&t, ": uid 0 is never entered with a key");
			break;
		}
		if (v->roles_text[0] == '\0')
			text_add(&t, ": the key holds no role on this host");
		say_silence(req, &t);
		break;
	case REASON_NOT_ADMITTED:
		text_add(&t, "%s", reason_text(v->reason));
		say_silence(req, &t);
		break;
	case REASON_RULE:
		say_rule(req, v, &t);
		break;
	case REASON_SPACE:
		text_add(&t, "this host's space `%s' is not declared in the policy",
		    image_borrow_settings(req->policy)->space);
		break;
	case REASON_NO_POLICY:
		text_add(&t, "%s", reason_text(REASON_NO_POLICY));
		if (req->policy_problem != NULL)
			text_add(&t, ": %.200s", req->policy_problem);
		break;
	default:
		text_add(&t, "%s", reason_text(v->reason));
		break;
	}
	for (char *c = v->why; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

enum ak_err
decide(const struct decide_request *req, const struct trace *trace, struct verdict *v)
{
	*v = VERDICT_FAILED;
	if ((v->reason = decide_gates(req, trace, v)) == REASON_PERMITTED) {
		v->reason = ask_policy(req, trace, v);
		say_why(req, v);
	}
	decide_tell(trace, TRACE_DECISION, v->reason == REASON_PERMITTED, v->why);
	if (v->reason == REASON_PERMITTED)
		return AK_OK;
	return v->reason == REASON_FAILED ? AK_ERR_NOMEM : AK_ERR_DENIED;
}

/* In one of the spaces, or on one of the hosts that the binding names. */
static bool
holds_elsewhere(const struct decide_request *req, const struct binding *b, uint32_t role)
{
	bool held = false;

	strv_for (binding_borrow_names(b), name) {
		struct policy_request ask = decide_policy_request(req);
		struct policy_result res = POLICY_RESULT_INIT;
		enum ak_err err;

		if (b->scope == ROLE_SPACES)
			ask.space = name;
		else
			ask.hosts = (struct strv){.bytes = name, .len_b = strlen(name) + 1};
		ask.service = NULL;
		err = policy_eval(req->policy, &ask, NULL, &res);
		if (err == AK_OK ? role_set_has(&res.roles, role)
				 : err == AK_ERR_NOMEM && req->favour)
			held = true;
		policy_result_clear(&res);
	}
	return held;
}

bool
decide_holds(const struct decide_request *req, const struct verdict *v, const char *binding)
{
	struct binding b;
	uint32_t role;

	if (req->policy == NULL || binding_parse(binding, &b, NULL) != AK_OK ||
	    (role = image_find_role(req->policy, b.role)) == IMAGE_NONE)
		return false;
	return b.scope == ROLE_GLOBAL ? role_set_has(&v->roles, role)
				      : holds_elsewhere(req, &b, role);
}
