#include "rejudge_impl.h"

#include <string.h>

#include "zone.h"

/* What one look at it says. */
struct finding {
	enum reason reason;
	char why[sizeof(((struct rejudgement *)0)->why)];
};

static void
fill_directory(const struct rejudge *r, struct asked *a)
{
	const struct settings *set =
	    a->policy != NULL ? image_borrow_settings(a->policy) : &r->live.settings;

	a->request.directory_key = a->key.directory;
	if (!set->directory.present)
		return;
	a->request.unknown = !a->has_membership;
	if (a->has_membership) {
		a->request.directory_groups = a->membership.groups;
		a->request.directory_bindings = a->membership.bindings;
	}
}

/*
 * The address is the call's or else the origin, so it is no origin but sshd's,
 * where the one is the other; what asks for another's is undefined. How old
 * LDAP's word is does not count in a session's favour.
 */
static void
fill_request(const struct rejudge *r, struct asked *a)
{
	const struct session *s = a->session;

	a->request = (struct decide_request){.key = &a->key.rec,
	    .policy = a->policy,
	    .hosts = r->live.hosts,
	    .service = s->service,
	    .account = s->account_uid == s->uid ? NULL : s->account,
	    .account_is_root = s->account_uid == 0,
	    .time_undefined = r->time_undefined,
	    .secret = s->secret,
	    .without_token = s->secret == 0,
	    .favour = true};
	if (a->policy != NULL && image_borrow_settings(a->policy)->hosts.len_b > 0)
		a->request.hosts = image_borrow_settings(a->policy)->hosts;
	if (net_parse_addr(s->address, &a->address) == AK_OK)
		a->request.address = &a->address;
	fill_directory(r, a);
}

/* Does the name mean this gid here? What can't be told does. */
static bool
is_gid_of(const struct rejudge *r, const char *name, uint32_t gid)
{
	uint32_t found = 0;
	enum ak_err err = live_local_gid(r->paths->group, name, &found);

	if (err == AK_ERR_NOT_FOUND)
		err = keyring_find_gid(r->paths, name, &found);
	return err == AK_OK ? found == gid : err != AK_ERR_NOT_FOUND;
}

/* By name, so that a group stays the same when it moves into /etc/group; or by gid. */
static bool
gives_group(const struct rejudge *r, const struct image *im, const struct role_set *roles,
    const struct session_group *g)
{
	const char *all = image_borrow_settings(im)->keys_group;

	if (strcmp(all, g->name) == 0)
		return true;
	role_set_for (roles, i) {
		if (strv_has(image_role(im, i).unix_groups, g->name))
			return true;
	}
	role_set_for (roles, i) {
		struct image_role role = image_role(im, i);

		strv_for (role.unix_groups, name) {
			if (is_gid_of(r, name, g->gid))
				return true;
		}
	}
	return is_gid_of(r, all, g->gid);
}

/* What it was given, and by which stack it came in. */
static void
check_given(
    const struct rejudge *r, const struct asked *a, const struct verdict *v, struct finding *f)
{
	const struct session *s = a->session;
	struct text why;

	for (uint32_t i = 0; i < s->n_groups; i++) {
		const struct session_group *g = &s->groups[i];

		if (gives_group(r, a->policy, &v->roles, g))
			continue;
		f->reason = REASON_GROUP;
		why = text_over(f->why, sizeof(f->why));
		text_add(&why, "no role gives it group `%s' (gid %u) any more", g->name, g->gid);
		return;
	}
	if (s->requires[0] == '\0' || decide_holds(&a->request, v, s->requires))
		return;
	f->reason = REASON_ROLE;
	why = text_over(f->why, sizeof(f->why));
	text_add(&why, "the stack asks for role %.180s", s->requires);
}

/* AK_OK: f, which began as a failure, says what it is; AK_ERR_NOMEM. */
static enum ak_err
look(const struct rejudge *r, struct asked *a, int64_t now, const struct moments *when,
    struct finding *f)
{
	struct verdict v;
	enum ak_err err;

	a->request.now = now;
	a->request.when = when;
	err = decide(&a->request, NULL, &v);
	if (err == AK_OK || err == AK_ERR_DENIED) {
		f->reason = v.reason;
		err = text_copy(f->why, sizeof(f->why), v.why);
	}
	if (f->reason == REASON_PERMITTED && a->policy != NULL)
		check_given(r, a, &v, f);
	/* Roles that LDAP gives it may be missing here. */
	if (a->unreadable && (f->reason == REASON_ROLE || f->reason == REASON_GROUP)) {
		f->reason = REASON_PERMITTED;
		err = text_copy(f->why, sizeof(f->why), "what LDAP gives it can't be read");
	}
	a->request.when = NULL;
	verdict_clear(&v);
	return err;
}

/* It has lost its right now; had it one with the clock at its start, then time alone is the cause. */
static enum ak_err
tell_time_apart(const struct rejudge *r, struct asked *a, bool *by_time)
{
	int64_t since = a->session->since;
	struct moments when = MOMENTS_INIT;
	struct finding f = {.reason = REASON_FAILED};
	enum ak_err err = AK_OK;

	*by_time = false;
	if (a->policy != NULL)
		err = moments_resolve(a->policy, ZONE_DIR, since * 1000, &when);
	if (err == AK_OK)
		err = look(r, a, since, &when, &f);
	*by_time = err == AK_OK && f.reason == REASON_PERMITTED;
	a->request.when = a->when;
	moments_clear(&when);
	return err;
}

static bool
is_key_gate(enum reason reason)
{
	switch (reason) {
	case REASON_DELETED:
	case REASON_SECRET_ENDED:
	case REASON_DISABLED:
	case REASON_NOT_YET:
	case REASON_EXPIRED:
	case REASON_FROM:
		return true;
	default:
		return false;
	}
}

static void
note_next(int64_t at, int64_t *next)
{
	if (at < *next)
		*next = at;
}

/* When time may change the answer; with a clock that can't be believed, when it can be. */
static enum ak_err
find_next(const struct rejudge *r, const struct asked *a, int64_t *next)
{
	const struct key_record *k = &a->key.rec;
	enum ak_err err = AK_OK;

	*next = NUM_NEVER;
	if (r->time_undefined) {
		note_next(r->ring.stamp - KEYRING_CLOCK_SLACK_S, next);
		return AK_OK;
	}
	note_next(k->expires_at, next);
	for (unsigned i = 0; i < k->n_secrets; i++)
		if (k->secrets[i].number == a->session->secret)
			note_next(k->secrets[i].not_after, next);
	if (a->policy == NULL)
		return AK_OK;
	if (*a->next_at == 0)
		err = moments_next(a->policy, ZONE_DIR, r->now, a->next_at);
	note_next(*a->next_at, next);
	return err;
}

static enum ak_err
judge(struct rejudge *r, struct asked *a, struct rejudgement *out)
{
	struct finding f = {.reason = REASON_FAILED};
	bool by_time = false;
	enum ak_err err;

	rejudge_find_membership(r, a);
	out->unpin = !rejudge_choose_policy(r, a);
	fill_request(r, a);
	if ((err = look(r, a, r->now, a->when, &f)) != AK_OK)
		return err;
	if (f.reason != REASON_PERMITTED && f.reason != REASON_SECRET_ENDED)
		err = tell_time_apart(r, a, &by_time);
	if (err != AK_OK)
		return err;
	out->reason = f.reason;
	out->key_gate = is_key_gate(f.reason);
	memcpy(out->why, f.why, sizeof(out->why));
	if (f.reason == REASON_PERMITTED)
		return find_next(r, a, &out->next_at);
	out->right = by_time ? REJUDGE_TIMED_OUT : REJUDGE_REVOKED;
	return AK_OK;
}

static enum ak_err
keep(struct rejudgement *out, const char *why)
{
	return text_copy(out->why, sizeof(out->why), why);
}

enum ak_err
rejudge_session(struct rejudge *r, const struct session *s, struct rejudgement *out)
{
	struct asked a = {.session = s};
	enum ak_err err;

	*out = (struct rejudgement){
	    .right = REJUDGE_KEEPS, .reason = REASON_PERMITTED, .next_at = NUM_NEVER};
	if (r->ring_err != AK_OK)
		return keep(out, "this host's keys can't be read");
	if (s->by_root)
		return keep(out, "root's own su needs no role");
	err = rejudge_find_key(r, s, &a.key);
	out->directory_key =
	    err == AK_OK ? a.key.directory : rejudge_is_directory_uid(r, s->uid);
	if (err == AK_ERR_NOT_FOUND) {
		out->right = REJUDGE_REVOKED;
		out->reason = REASON_DELETED;
		out->key_gate = true;
		return keep(out, reason_text(REASON_DELETED));
	}
	if (err == AK_ERR_NOMEM)
		return err;
	if (err != AK_OK)
		return keep(out, "the key can't be looked up");
	err = judge(r, &a, out);
	if (a.has_membership)
		membership_clear(&a.membership);
	key_clear(&a.key);
	return err;
}
