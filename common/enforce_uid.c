#include <string.h>

#include "carried.h"
#include "enforce_impl.h"

/* No uid below it is a key's, whatever a file says. */
#define UID_MIN 1000U

/* A session on the key's own account, opened by its token, that goes on. */
static bool
is_kept_session(const struct enforce_one *one)
{
	return one->fate != FATE_AT_ONCE && one->s.secret != 0 &&
	       one->s.uid == one->s.account_uid;
}

bool
pass_is_kept(const struct pass *p, size_t proc)
{
	return p->owner[proc] != CARRIED_NONE && is_kept_session(&p->v[p->owner[proc]]);
}

/* Is the key gone or disabled, for certain? What can't be read says nothing; a keyring that could not be opened finds none. */
static bool
is_key_out(const struct pass *p, uint32_t uid)
{
	struct key key;
	enum ak_err err;
	bool out;

	if ((err = keyring_find_uid(&p->judge.ring, uid, &key)) != AK_OK)
		return err == AK_ERR_NOT_FOUND;
	out = key.rec.state != KEY_ACTIVE;
	key_clear(&key);
	return out;
}

/* Somebody of this host whom /etc/passwd gives the uid is not ours to end. */
static bool
is_local_user(struct pass *p, uint32_t uid)
{
	if (!p->users_read)
		p->users_unknown = etcfile_set_add(&p->users, p->how->paths->passwd) != AK_OK;
	p->users_read = true;
	return p->users_unknown || etcfile_set_has_id(&p->users, uid);
}

static bool
is_ours(struct pass *p, uint32_t uid)
{
	return uid >= UID_MIN && users_extra_has_uid(&p->judge.ring.users, uid) &&
	       !is_local_user(p, uid);
}

/* A session of it was revoked as a whole: not one that was ended by its id, nor refused before it began. */
static bool
is_revoked(const struct pass *p, const struct enforce_one *one)
{
	if (one->fate != FATE_AT_ONCE || one->s.uid != one->s.account_uid)
		return false;
	if (one->judged.reason == REASON_BY_HAND)
		return p->how->end_all || p->how->end_uid == one->s.uid;
	return one->judged.right == REJUDGE_REVOKED;
}

enum empty_how
pass_asks_uid(struct pass *p, uint32_t uid, bool changed)
{
	bool asked = changed && is_key_out(p, uid), kept = false, stolen = false;

	for (size_t i = 0; i < p->n; i++) {
		const struct enforce_one *one = &p->v[i];

		if (one->s.uid != uid || one->s.namespace != p->namespace)
			continue;
		if (one->fate == FATE_HELD)
			return EMPTY_NOT;
		asked = asked || is_revoked(p, one);
		stolen =
		    stolen || (is_revoked(p, one) && one->judged.reason == REASON_SECRET_ENDED);
		kept = kept || (one->carried && is_kept_session(one));
	}
	if (!asked || !is_ours(p, uid))
		return EMPTY_NOT;
	if (!kept)
		return EMPTY_WHOLE;
	/* Whoever holds the old token may have begun what nobody's session carries. */
	return stolen ? EMPTY_UNKEPT : EMPTY_NOT;
}

/* Whoever runs under it, in a container too, would be ended with the others. */
static bool
is_used(const struct pass *p, uint32_t uid)
{
	for (size_t i = 0; i < p->procs.n; i++) {
		const struct procs_one *proc = &p->procs.v[i];

		if (proc->real == uid || proc->effective == uid || proc->saved == uid)
			return true;
	}
	return false;
}

uint32_t
pass_spare_uid(struct pass *p)
{
	uint32_t spare = p->judge.ring.users.uids.max;
	struct key key;

	if (is_local_user(p, spare) || is_used(p, spare))
		return 0;
	switch (keyring_find_uid(&p->judge.ring, spare, &key)) {
	case AK_ERR_NOT_FOUND:
		return spare;
	case AK_OK:
		key_clear(&key);
		return 0;
	default:
		return 0;
	}
}

bool
pass_has_work(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].fate == FATE_AT_ONCE || p->v[i].fate == FATE_GENTLY)
			return true;
	for (size_t i = 0; i < p->how->n_uids; i++)
		if (is_key_out(p, p->how->uids[i]))
			return true;
	return false;
}
