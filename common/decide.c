#include "decide.h"

#include <string.h>

#include "num.h"
#include "text.h"

/* A gate's finding: REASON_PERMITTED, or why not; a sentence either way. */
typedef enum reason gate_fn(const struct decide_request *req, struct text *say);

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
    [REASON_FROM] = {"from", "the key may not be used from this address"},
    [REASON_NO_POLICY] = {"no-policy", "this host has no valid policy"},
    [REASON_SPACE] = {"space", "this host's space is not declared in the policy"},
    [REASON_ROLE] = {"role", "no role permits the service"},
    [REASON_FAILED] = {"failed", "no decision could be made"},
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

void
verdict_clear(struct verdict *v)
{
	role_set_clear(&v->roles);
	*v = (struct verdict){.reason = REASON_FAILED, .roles = ROLE_SET_INIT};
}

static enum reason
gate_lockdown(const struct decide_request *req, struct text *say)
{
	text_add(say, "%s",
	    req->lockdown ? reason_text(REASON_LOCKDOWN) : "this host is not locked down");
	return req->lockdown ? REASON_LOCKDOWN : REASON_PERMITTED;
}

static enum reason
gate_secret(const struct decide_request *req, struct text *say)
{
	const struct key_record *key = req->key;
	char when[NUM_TIME_CAP];

	if (req->secret == 0) {
		text_add(say, "no secret was presented");
		return REASON_PERMITTED;
	}
	for (unsigned i = 0; i < key->n_secrets && i < KEY_SECRETS_MAX; i++) {
		const struct key_secret *s = &key->secrets[i];

		if (s->number != req->secret)
			continue;
		if (s->not_after == NUM_NEVER) {
			text_add(say, "secret %u is the key's", s->number);
			return REASON_PERMITTED;
		}
		text_add(say, "secret %u of the key ends at %s", s->number,
		    num_print_time(s->not_after, when));
		if (req->time_undefined) {
			text_add(say, ", and this host's clock can't be believed");
			return REASON_TIME_UNDEFINED;
		}
		if (s->not_after > req->now)
			return REASON_PERMITTED;
		text_add(say, ", which is past");
		return REASON_SECRET_ENDED;
	}
	text_add(say, "secret %u is no longer the key's", req->secret);
	return REASON_SECRET_ENDED;
}

/*
 * These ask for no password, or asked who is in already. Any other service that
 * comes without a token comes with something that outlives the token: a public
 * key planted in authorized_keys, which rotating must shut out.
 */
static const char *const tokenless[] = {
    "sudo", "sudo-i", "su", "su-l", "cron", "atd", "systemd-user"};

static enum reason
gate_token(const struct decide_request *req, struct text *say)
{
	if (!req->without_token || req->service == NULL)
		return REASON_PERMITTED;
	for (size_t i = 0; i < sizeof(tokenless) / sizeof(tokenless[0]); i++)
		if (strcmp(req->service, tokenless[i]) == 0) {
			text_add(say, "%s is entered without a token", req->service);
			return REASON_PERMITTED;
		}
	if (req->policy != NULL && image_borrow_settings(req->policy)->public_key_logins) {
		text_add(say, "public_key_logins: allow");
		return REASON_PERMITTED;
	}
	text_add(say, "no token, and public_key_logins is deny");
	return REASON_NO_TOKEN;
}

static enum reason
gate_state(const struct decide_request *req, struct text *say)
{
	bool active = req->key->state == KEY_ACTIVE;

	text_add(say, "the key is %s", active ? "active" : "disabled");
	return active ? REASON_PERMITTED : REASON_DISABLED;
}

static enum reason
gate_not_before(const struct decide_request *req, struct text *say)
{
	char when[NUM_TIME_CAP];

	if (req->key->not_before <= 0) {
		text_add(say, "the key is valid from its making on");
		return REASON_PERMITTED;
	}
	text_add(
	    say, "the key is valid from %s on", num_print_time(req->key->not_before, when));
	if (req->time_undefined) {
		text_add(say, ", and this host's clock can't be believed");
		return REASON_TIME_UNDEFINED;
	}
	if (req->now >= req->key->not_before)
		return REASON_PERMITTED;
	text_add(say, ", which is to come");
	return REASON_NOT_YET;
}

static enum reason
gate_expiry(const struct decide_request *req, struct text *say)
{
	char when[NUM_TIME_CAP];

	if (req->key->expires_at == NUM_NEVER) {
		text_add(say, "the key never expires");
		return REASON_PERMITTED;
	}
	num_print_time(req->key->expires_at, when);
	if (req->time_undefined) {
		text_add(say, "the key expires at %s, and this host's clock can't be believed",
		    when);
		return REASON_TIME_UNDEFINED;
	}
	if (req->now < req->key->expires_at) {
		text_add(say, "the key expires at %s", when);
		return REASON_PERMITTED;
	}
	text_add(say, "the key expired at %s", when);
	return REASON_EXPIRED;
}

/* A block that can't be read matches nothing: it can only have been made by another version. */
static enum reason
gate_from(const struct decide_request *req, struct text *say)
{
	struct net_block block;

	if (req->key->from.len_b == 0) {
		text_add(say, "the key may be used from anywhere");
		return REASON_PERMITTED;
	}
	if (req->address == NULL) {
		text_add(say,
		    "the key may be used from some addresses alone, and there is none here");
		return REASON_FROM;
	}
	strv_for (req->key->from, written) {
		if (net_parse_block(written, &block) != AK_OK)
			continue;
		if (net_block_has(&block, req->address)) {
			text_add(say, "the address is in %s", written);
			return REASON_PERMITTED;
		}
	}
	text_add(say, "the address is in none of the key's networks");
	return REASON_FROM;
}

static void
tell(const struct trace *trace, enum trace_step step, bool holds, const char *text)
{
	struct trace_line line = {.step = step, .holds = holds, .text = text};

	if (trace != NULL)
		trace->take(trace->ctx, &line);
}

/* The first gate that fails is the reason; the others are looked at for the trace. */
static enum reason
pass_gates(const struct decide_request *req, const struct trace *trace, struct verdict *v)
{
	static gate_fn *const gates[] = {gate_lockdown, gate_secret, gate_token, gate_state,
	    gate_not_before, gate_expiry, gate_from};
	struct text why = text_over(v->why, sizeof(v->why));
	enum reason first = REASON_PERMITTED;

	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		char buf[sizeof(v->why)];
		struct text say = text_over(buf, sizeof(buf));
		enum reason found = gates[i](req, &say);

		if (buf[0] != '\0')
			tell(trace, TRACE_GATE, found == REASON_PERMITTED, buf);
		if (first != REASON_PERMITTED || found == REASON_PERMITTED)
			continue;
		first = found;
		text_add(&why, "%s", buf);
	}
	return first;
}

static void
list_roles(const struct image *im, struct verdict *v)
{
	struct text t = text_over(v->roles_text, sizeof(v->roles_text));

	role_set_for(&v->roles, i)
	{
		size_t whole = t.len;

		text_add(&t, "%s%s", whole == 0 ? "" : ",", image_role(im, i).name);
		if (t.cut) {
			v->roles_text[whole] = '\0';
			return;
		}
	}
}

static enum reason
ask_policy(const struct decide_request *req, const struct trace *trace, struct verdict *v)
{
	struct policy_request ask = {.login = req->key->name,
	    .bindings = req->key->bindings,
	    .hosts = req->hosts,
	    .service = req->service,
	    .account = req->account};

	ask.space = image_borrow_settings(req->policy)->space;
	switch (policy_eval(req->policy, &ask, trace, &v->roles)) {
	case AK_OK:
		return REASON_PERMITTED;
	case AK_ERR_DENIED:
		return REASON_ROLE;
	case AK_ERR_NOT_FOUND:
		return REASON_SPACE;
	default:
		return REASON_FAILED;
	}
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
		if (v->roles_text[0] == '\0')
			text_add(&t, ": the key holds no role on this host");
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
	*v = (struct verdict){.reason = REASON_FAILED, .roles = ROLE_SET_INIT};
	if ((v->reason = pass_gates(req, trace, v)) == REASON_PERMITTED) {
		v->reason = REASON_NO_POLICY;
		if (req->policy != NULL) {
			v->reason = ask_policy(req, trace, v);
			list_roles(req->policy, v);
		}
		say_why(req, v);
	}
	tell(trace, TRACE_DECISION, v->reason == REASON_PERMITTED, v->why);
	if (v->reason == REASON_PERMITTED)
		return AK_OK;
	return v->reason == REASON_FAILED ? AK_ERR_NOMEM : AK_ERR_DENIED;
}
