#include "rejudge.h"

#include <string.h>

#include "pinned.h"
#include "zone.h"

/* One session being judged. */
struct asked {
	const struct session *session;
	struct key key;
	struct membership membership;
	bool has_membership;
	bool unreadable; /* what LDAP gives it may be known here, and can't be read */
	struct net_addr address;
	const struct image *policy; /* NULL: none that counts */
	const struct moments *when;
	int64_t *next_at; /* of the policy; see struct rejudge */
	struct decide_request request;
};

/* What one look at it says. */
struct finding {
	enum reason reason;
	char why[sizeof(((struct rejudgement *)0)->why)];
};

void
rejudge_open(const struct paths *p, int64_t now, struct rejudge *out)
{
	memset(out, 0, sizeof(*out));
	out->paths = p;
	out->now = now;
	live_load(p, &out->live);
	out->ring_err = keyring_open(p, &out->ring);
	out->time_undefined = out->ring_err == AK_OK && keyring_time_undefined(&out->ring, now);
	if (index_open(p->directory_groups, p->owner, &out->groups) != AK_OK)
		out->groups = INDEX_INIT;
	/* Where it fails no zone is known, and what asks for one is undefined. */
	if (out->live.image != NULL)
		(void)!moments_resolve(out->live.image, ZONE_DIR, now * 1000, &out->when);
}

static void
drop_pinned(struct rejudge *r)
{
	image_free(&r->pinned);
	moments_clear(&r->pinned_when);
	r->pinned_id = 0;
	r->pinned_next_at = 0;
}

void
rejudge_close(struct rejudge *r)
{
	drop_pinned(r);
	moments_clear(&r->when);
	index_close(&r->groups);
	keyring_close(&r->ring);
	live_clear(&r->live);
}

/* Was it a local key's, which was deleted? */
static bool
is_spent(const struct rejudge *r, uint32_t uid)
{
	struct record_key by = record_key_number(RECORD_SPENT_UID, uid);
	struct index_record spent;

	if (index_find(&r->ring.local, by.bytes, by.len_b, &spent) != AK_OK)
		return false;
	index_record_clear(&spent);
	return true;
}

/*
 * It was looked for where keys of its uid are. A uid outside the ranges was a
 * key's of a directory that the settings no longer have: if they are whole.
 */
static bool
is_gone(const struct rejudge *r, uint32_t uid)
{
	const struct settings *set = &r->live.settings;

	if (users_extra_has_uid(&r->ring.users, uid) || is_spent(r, uid))
		return true;
	return r->live.trusted && !id_range_has(set->uids, uid) &&
	       !(set->directory.present && id_range_has(set->directory.uids, uid));
}

/* Of one that is no more, or can't be looked up. */
static bool
is_directory_key(const struct rejudge *r, uint32_t uid)
{
	return id_range_has(r->ring.users.directory_uids, uid) ||
	       (!id_range_has(r->ring.users.uids, uid) && !is_spent(r, uid));
}

/* AK_ERR_NOT_FOUND: the key is gone; else it can't be told. */
static enum ak_err
find_key(const struct rejudge *r, const struct session *s, struct key *out)
{
	enum ak_err err = keyring_find_uid(&r->ring, s->uid, out);

	if (err == AK_ERR_NOT_FOUND)
		return is_gone(r, s->uid) ? err : AK_ERR_UNAVAILABLE;
	if (err == AK_OK &&
	    (strcmp(out->rec.name, s->key) != 0 || strcmp(out->rec.id, s->key_id) != 0)) {
		key_clear(out);
		return AK_ERR_NOT_FOUND;
	}
	return err;
}

/* No file at all is "nothing was ever known", but where users.idx was made from one. */
static void
find_membership(const struct rejudge *r, struct asked *a)
{
	enum ak_err err;

	if (r->groups.fd == -1) {
		a->unreadable = r->ring.users.directory_groups.generation > 0;
		return;
	}
	err = keyring_membership_in(&r->groups, a->key.rec.name, &a->membership);
	a->has_membership = err == AK_OK;
	a->unreadable = err != AK_OK && err != AK_ERR_NOT_FOUND;
}

static void
load_pinned(struct rejudge *r, uint64_t id)
{
	if (r->pinned_id == id)
		return;
	drop_pinned(r);
	r->pinned_id = id;
	if (pinned_load(r->paths, id, &r->pinned) == AK_OK)
		(void)!moments_resolve(r->pinned, ZONE_DIR, r->now * 1000, &r->pinned_when);
}

static bool
is_pinned(const struct asked *a)
{
	const struct membership *m = a->has_membership ? &a->membership : NULL;

	return a->session->policy != 0 &&
	       (a->unreadable || pinned_key_print(&a->key, m) == a->session->key_print);
}

static void
choose_policy(struct rejudge *r, struct asked *a)
{
	if (is_pinned(a)) {
		load_pinned(r, a->session->policy);
		a->policy = r->pinned;
		a->when = &r->pinned_when;
		a->next_at = &r->pinned_next_at;
		return;
	}
	a->policy = r->live.trusted ? r->live.image : NULL;
	a->when = &r->when;
	a->next_at = &r->next_at;
}

static void
fill_directory(const struct rejudge *r, struct asked *a)
{
	const struct settings *set =
	    a->policy != NULL ? image_borrow_settings(a->policy) : &r->live.settings;

	a->request.directory_key = a->key.directory;
	if (!set->directory.present && !a->key.directory)
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
	struct text why = text_over(f->why, sizeof(f->why));

	for (uint32_t i = 0; i < s->n_groups; i++) {
		const struct session_group *g = &s->groups[i];

		if (gives_group(r, a->policy, &v->roles, g))
			continue;
		f->reason = REASON_GROUP;
		text_add(&why, "no role gives it group `%s' (gid %u) any more", g->name, g->gid);
		return;
	}
	if (s->requires[0] == '\0' || decide_holds(&a->request, v, s->requires))
		return;
	f->reason = REASON_ROLE;
	text_add(&why, "the stack asks for role %.180s", s->requires);
}

/* AK_OK: f says what it is; AK_ERR_NOMEM. */
static enum ak_err
look(const struct rejudge *r, struct asked *a, int64_t now, const struct moments *when,
    struct finding *f)
{
	struct verdict v;
	enum ak_err err;

	*f = (struct finding){.reason = REASON_FAILED};
	a->request.now = now;
	a->request.when = when;
	if ((err = decide(&a->request, NULL, &v)) == AK_OK || err == AK_ERR_DENIED) {
		f->reason = v.reason;
		err = text_copy(f->why, sizeof(f->why), v.why);
	}
	if (f->reason == REASON_PERMITTED && a->policy != NULL)
		check_given(r, a, &v, f);
	/* Roles that LDAP gives it may be missing here. */
	if (a->unreadable && (f->reason == REASON_ROLE || f->reason == REASON_GROUP))
		f->reason = REASON_PERMITTED;
	verdict_clear(&v);
	return err;
}

/* It has lost its right now; had it one with the clock at its start, then time alone is the cause. */
static enum ak_err
tell_time_apart(const struct rejudge *r, struct asked *a, bool *by_time)
{
	int64_t since = a->session->since;
	struct moments when = MOMENTS_INIT;
	struct finding f;
	enum ak_err err = AK_OK;

	*by_time = false;
	if (a->policy != NULL)
		err = moments_resolve(a->policy, ZONE_DIR, since * 1000, &when);
	if (err == AK_OK)
		err = look(r, a, since, &when, &f);
	*by_time = err == AK_OK && f.reason == REASON_PERMITTED;
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
note_next(const struct rejudge *r, int64_t at, int64_t *next)
{
	if (at > r->now && at < *next)
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
		note_next(r, r->ring.stamp - KEYRING_CLOCK_SLACK_S, next);
		return AK_OK;
	}
	note_next(r, k->expires_at, next);
	for (unsigned i = 0; i < k->n_secrets; i++)
		if (k->secrets[i].number == a->session->secret)
			note_next(r, k->secrets[i].not_after, next);
	if (a->policy == NULL)
		return AK_OK;
	if (*a->next_at == 0)
		err = moments_next(a->policy, ZONE_DIR, r->now, a->next_at);
	note_next(r, *a->next_at, next);
	return err;
}

static enum ak_err
judge(struct rejudge *r, struct asked *a, struct rejudgement *out)
{
	struct finding f;
	bool by_time = false;
	enum ak_err err;

	find_membership(r, a);
	choose_policy(r, a);
	out->unpin = a->session->policy != 0 && !is_pinned(a);
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
	err = find_key(r, s, &a.key);
	out->directory_key = err == AK_OK ? a.key.directory : is_directory_key(r, s->uid);
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
