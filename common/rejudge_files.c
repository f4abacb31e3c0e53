#include <string.h>

#include "pinned.h"
#include "rejudge_impl.h"
#include "zone.h"

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
	const struct directory_settings *d = &r->live.settings.directory;

	if (users_extra_has_uid(&r->ring.users, uid) || is_spent(r, uid))
		return true;
	return r->live.trusted && !(d->present && id_range_has(d->uids, uid));
}

bool
rejudge_is_directory_uid(const struct rejudge *r, uint32_t uid)
{
	return !id_range_has(r->ring.users.uids, uid) && !is_spent(r, uid);
}

enum ak_err
rejudge_find_key(const struct rejudge *r, const struct session *s, struct key *out)
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
void
rejudge_find_membership(const struct rejudge *r, struct asked *a)
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

bool
rejudge_choose_policy(struct rejudge *r, struct asked *a)
{
	if (is_pinned(a)) {
		load_pinned(r, a->session->policy);
		a->policy = r->pinned;
		a->when = &r->pinned_when;
		a->next_at = &r->pinned_next_at;
		return true;
	}
	a->policy = r->live.trusted ? r->live.image : NULL;
	a->when = &r->when;
	a->next_at = &r->next_at;
	return a->session->policy == 0;
}
