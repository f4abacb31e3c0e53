#include "decide_gates.h"

#include <string.h>

#include "num.h"
#include "text.h"

/* A gate's finding: REASON_PERMITTED, or why not; a sentence either way. */
typedef enum reason gate_fn(const struct decide_request *req, struct text *say);

static enum reason
gate_lockdown(const struct decide_request *req, struct text *say)
{
	text_add(say, "%s",
	    req->lockdown ? reason_text(REASON_LOCKDOWN) : "this host is not locked down");
	return req->lockdown ? REASON_LOCKDOWN : REASON_PERMITTED;
}

/* What hangs on the clock when the clock can't be believed: no login, and no end of a session. */
static enum reason
without_clock(const struct decide_request *req, struct text *say)
{
	text_add(say, ", and this host's clock can't be believed");
	return req->favour ? REASON_PERMITTED : REASON_TIME_UNDEFINED;
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
		if (req->time_undefined)
			return without_clock(req, say);
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
	/* Without settings it can't be told what they say. */
	if (req->policy == NULL && req->favour)
		return REASON_PERMITTED;
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
	text_add(say, "the key is valid from %s on", num_print_time(req->key->not_before, when));
	if (req->time_undefined)
		return without_clock(req, say);
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
		text_add(say, "the key expires at %s", when);
		return without_clock(req, say);
	}
	if (req->now < req->key->expires_at) {
		text_add(say, "the key expires at %s", when);
		return REASON_PERMITTED;
	}
	text_add(say, "the key expired at %s", when);
	return REASON_EXPIRED;
}

static void
say_contact(const struct decide_request *req, struct text *say)
{
	char when[NUM_TIME_CAP];

	if (req->contact_at == 0)
		text_add(say, "LDAP has never been heard");
	else
		text_add(
		    say, "LDAP was last heard at %s", num_print_time(req->contact_at, when));
}

static enum reason
gate_directory(const struct decide_request *req, struct text *say)
{
	if (!req->directory_key)
		return REASON_PERMITTED;
	text_add(say, "the key lives in LDAP, and ");
	say_contact(req, say);
	if (!req->keys_stale)
		return REASON_PERMITTED;
	text_add(say, ", which is too long ago");
	return req->favour ? REASON_PERMITTED : REASON_DIRECTORY;
}

/* A block that can't be read matches nothing: it can only have been made by another version. */
static enum reason
gate_from(const struct decide_request *req, struct text *say)
{
	const struct net_addr *address;
	struct net_block block;

	if (req->key->from.len_b == 0) {
		text_add(say, "the key may be used from anywhere");
		return REASON_PERMITTED;
	}
	address = policy_address(req->address, req->doubt);
	if (address == NULL)
		address = req->origin;
	if (address == NULL) {
		text_add(say,
		    "the key may be used from some addresses alone, and there is none here");
		return req->favour ? REASON_PERMITTED : REASON_FROM;
	}
	strv_for (req->key->from, written) {
		if (net_parse_block(written, &block) != AK_OK)
			continue;
		if (net_block_has(&block, address)) {
			text_add(say, "the address is in %s", written);
			return REASON_PERMITTED;
		}
	}
	text_add(say, "the address is in none of the key's networks");
	return REASON_FROM;
}

void
decide_tell(const struct trace *trace, enum trace_step step, bool holds, const char *text)
{
	struct trace_line line = {
	    .step = step, .holds = holds, .rule = IMAGE_NONE, .role = IMAGE_NONE, .text = text};

	if (trace != NULL)
		trace->take(trace->ctx, &line);
}

/*
 * The first gate that fails is the reason; the others are looked at for the
 * trace. Words cost more than the gates do: without a trace, what fails is
 * looked at once more for its own.
 */
enum reason
decide_gates(const struct decide_request *req, const struct trace *trace, struct verdict *v)
{
	static gate_fn *const gates[] = {gate_lockdown, gate_secret, gate_token, gate_state,
	    gate_not_before, gate_expiry, gate_directory, gate_from};
	struct text why = text_over(v->why, sizeof(v->why));
	enum reason first = REASON_PERMITTED;

	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		char buf[sizeof(v->why)];
		struct text say = text_over(buf, sizeof(buf)), mute = text_over(NULL, 0);
		enum reason found = gates[i](req, trace != NULL ? &say : &mute);

		if (trace == NULL && found != REASON_PERMITTED)
			(void)gates[i](req, &say);
		if (buf[0] != '\0')
			decide_tell(trace, TRACE_GATE, found == REASON_PERMITTED, buf);
		if (first != REASON_PERMITTED || found == REASON_PERMITTED)
			continue;
		first = found;
		text_add(&why, "%s", buf);
	}
	return first;
}
