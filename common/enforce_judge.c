#include <string.h>

#include "enforce_impl.h"
#include "text.h"

/* More than so many, and more than half: too many to be ended by what LDAP says alone. */
#define MASS 10U
/* But not of one key or two: whoever holds a key opens as many sessions as he likes. */
#define MASS_KEYS 2U

static bool
is_asked(const struct enforce_how *how, uint32_t uid)
{
	if (how->uids == NULL)
		return true;
	for (size_t i = 0; i < how->n_uids; i++)
		if (how->uids[i] == uid)
			return true;
	return false;
}

static bool
is_ended_by_hand(const struct enforce_how *how, const struct session *s)
{
	return how->end_all || (how->end_uid != 0 && how->end_uid == s->uid) ||
	       (how->end_id != NULL && strcmp(how->end_id, s->id) == 0);
}

static void
end_one(struct enforce_one *one, enum reason reason, const char *why)
{
	struct text t = text_over(one->judged.why, sizeof(one->judged.why));

	one->fate = FATE_AT_ONCE;
	one->judged.reason = reason;
	text_add(&t, "%s", why);
}

/* What was told before is not told again; whoever is being killed, or was refused when he came, is not asked again. */
static enum ak_err
judge_one(struct pass *p, struct enforce_one *one)
{
	const struct session *s = &one->s;
	bool ending = s->state == SESSION_ENDING;
	enum ak_err err;

	if (s->namespace != p->namespace)
		return AK_OK;
	one->told = ending || s->state == SESSION_REFUSED;
	if (s->state == SESSION_REFUSED || (ending && s->kill_at_ms == 0)) {
		one->fate = FATE_AT_ONCE;
		return AK_OK;
	}
	if (is_ended_by_hand(p->how, s)) {
		one->told = false;
		end_one(one, REASON_BY_HAND, reason_text(REASON_BY_HAND));
		return AK_OK;
	}
	if (!is_asked(p->how, s->uid))
		return AK_OK;
	if ((err = rejudge_session(&p->judge, s, &one->judged)) != AK_OK)
		return err;
	if (one->judged.right == REJUDGE_REVOKED) {
		one->fate = FATE_AT_ONCE;
		one->told = false;
	} else if (one->judged.right == REJUDGE_TIMED_OUT) {
		one->fate = FATE_GENTLY;
		one->wait_over = ending && pass_clock_ms(p) >= s->kill_at_ms;
	}
	return AK_OK;
}

/* Could it be LDAP that ends it? Not what a local key's own record says, nor the clock. */
static bool
may_be_directory(const struct enforce_one *one)
{
	if (one->judged.reason == REASON_BY_HAND || one->told ||
	    (one->fate != FATE_AT_ONCE && one->fate != FATE_GENTLY))
		return false;
	if (one->judged.directory_key)
		return true;
	return one->fate == FATE_AT_ONCE && !one->judged.key_gate;
}

/* Is it the first of its key's that LDAP may end? */
static bool
is_first_of_key(const struct pass *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (p->v[k].s.uid == p->v[i].s.uid && may_be_directory(&p->v[k]))
			return false;
	return true;
}

static bool
is_mass(const struct pass *p)
{
	const struct enforce_how *how = p->how;
	size_t n = how->n_before, keys = how->n_keys_before;

	if (!how->guarded)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (may_be_directory(&p->v[i])) {
			n++;
			keys += is_first_of_key(p, i) ? 1 : 0;
		}
	return n > MASS && keys > MASS_KEYS && n * 2 > p->out->live + how->n_before;
}

/* A forged or empty answer of LDAP must not end a host's work: so many wait for an administrator. */
static void
hold_back(struct pass *p)
{
	bool mass = is_mass(p);

	for (size_t i = 0; i < p->n; i++) {
		struct enforce_one *one = &p->v[i];

		if (!p->how->accept && may_be_directory(one) && (mass || one->s.held_back))
			one->fate = FATE_HELD;
		p->out->held_back += one->fate == FATE_HELD ? 1 : 0;
	}
}

/* What the record says of itself, where this pass found otherwise. */
static void
write_down(struct pass *p, struct enforce_one *one)
{
	bool held = one->fate == FATE_HELD, changed = one->s.held_back != held;
	bool asked = one->s.namespace == p->namespace && is_asked(p->how, one->s.uid);

	if (!asked || (one->fate != FATE_KEPT && one->fate != FATE_HELD))
		return;
	one->s.held_back = held;
	if (one->judged.unpin) {
		one->s.policy = 0;
		changed = true;
	}
	/* It got its right back before its time was over. */
	if (one->s.state == SESSION_ENDING && one->fate == FATE_KEPT) {
		one->s.state = proc_is_alive(&one->s.leader) ? SESSION_OPEN : SESSION_CLOSED;
		changed = true;
	}
	/* A record that can't be written now is found so again by the next pass. */
	if (changed)
		(void)!sessions_update(p->how->paths, &one->s);
}

enum ak_err
pass_judge(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		enum ak_err err = judge_one(p, &p->v[i]);

		if (err != AK_OK)
			return err;
		p->out->live += p->v[i].s.state != SESSION_REFUSED ? 1 : 0;
	}
	hold_back(p);
	for (size_t i = 0; i < p->n; i++) {
		const struct enforce_one *one = &p->v[i];

		write_down(p, &p->v[i]);
		if (one->fate == FATE_KEPT && one->judged.next_at < p->out->next_at)
			p->out->next_at = one->judged.next_at;
	}
	return AK_OK;
}
