#include "behind.h"

#include <string.h>

#include "eval.h"
#include "handles.h"

/* The name under which a handle travels in the PAM environment. */
#define BEHIND_HANDLE "APIKEY_HANDLE"

/* A key by uid, if it still is the one of that name. */
static enum ak_err
take_key(struct scene *sc, uint32_t uid, const char *name)
{
	enum ak_err err = keyring_find_uid(&sc->ring, uid, &sc->key);

	if (err == AK_OK && strcmp(sc->key.rec.name, name) != 0) {
		key_clear(&sc->key);
		return AK_ERR_NOT_FOUND;
	}
	sc->have_key = err == AK_OK;
	return err;
}

/* A key was behind it: found, or gone. */
static void
stand_behind(struct scene *sc, uint32_t uid, const char *name, uint32_t secret)
{
	sc->subject = SUBJECT_LOCAL;
	sc->secret = secret;
	sc->subject_err = take_key(sc, uid, name);
	sc->key_is_gone = !sc->have_key;
}

static bool
by_handover(struct scene *sc)
{
	const struct handover *left = scene_borrow_handover(sc);

	if (left == NULL || left->account_uid != sc->account_uid)
		return false;
	stand_behind(sc, left->uid, left->name, left->secret);
	return true;
}

/* AK_ERR_NOT_FOUND too when there is no handle at all. */
static enum ak_err
redeem(const struct scene *sc, bool take, struct handle *out)
{
	const char *name = pam_getenv(sc->pamh, BEHIND_HANDLE);
	const char *rhost = scene_item(sc, PAM_RHOST);

	return handles_redeem(&sc->paths, name == NULL ? "" : name, sc->user,
	    rhost == NULL ? "" : rhost, handles_now(), take, out);
}

/* It may be a key's, though what it stands for can't be had: a read error, damage. */
static bool
is_unreadable(enum ak_err err)
{
	return err != AK_OK && err != AK_ERR_NOT_FOUND && err != AK_ERR_DENIED;
}

bool
behind_is_known(const struct scene *sc)
{
	const struct handover *left = scene_borrow_handover(sc);
	struct session s;
	struct handle h;
	enum ak_err err;

	if (sc->sudo)
		return sc->phase == PHASE_ACCOUNT &&
		       sessions_find_own(&sc->paths, sc->account_uid, &s) == AK_OK;
	if (left != NULL && strcmp(left->user, sc->user) == 0)
		return true;
	err = redeem(sc, false, &h);
	return err == AK_OK || is_unreadable(err);
}

/* One that can't be read is a key's all the same: no session begins of which nobody knows whose it is. */
static bool
by_handle(struct scene *sc)
{
	struct handle h;
	enum ak_err err = redeem(sc, false, &h);

	if (is_unreadable(err)) {
		sc->subject = SUBJECT_UNAVAILABLE;
		sc->subject_err = err;
		return true;
	}
	if (err != AK_OK)
		return false;
	stand_behind(sc, h.uid, h.key, h.secret);
	/* sshd's child has this from here: open_session takes the handle itself away. */
	if (sc->have_key)
		(void)!scene_leave_handover(sc, h.secret);
	return true;
}

/* The session that sudo was called in. */
static bool
by_session(struct scene *sc)
{
	if (!sc->sudo || sc->phase != PHASE_ACCOUNT ||
	    sessions_find_own(&sc->paths, sc->account_uid, &sc->session) != AK_OK)
		return false;
	sc->have_session = true;
	stand_behind(sc, sc->session.uid, sc->session.key, sc->session.secret);
	return true;
}

void
behind_find(struct scene *sc)
{
	const struct live *live;

	/* Who is being asked who they are is nobody yet. */
	if (sc->phase != PHASE_AUTH &&
	    (by_handover(sc) || (!sc->sudo && by_handle(sc)) || by_session(sc)))
		return;
	/* The later phases have no question to the policy, and a session is not to keep it. */
	if (sc->phase != PHASE_AUTH && sc->phase != PHASE_ACCOUNT)
		return;
	live = scene_live(sc);
	if (live->image == NULL)
		return;
	if ((sc->phase == PHASE_AUTH && policy_opens_account(live->image, sc->account)) ||
	    (sc->phase == PHASE_ACCOUNT && image_is_only_keys(live->image, sc->account)))
		sc->subject = SUBJECT_LOCAL;
}

void
behind_redeem(struct scene *sc, bool take)
{
	struct handle h;
	const struct handover *left = scene_borrow_handover(sc);

	if (left != NULL && left->account_uid == sc->account_uid)
		sc->secret = left->secret;
	if (redeem(sc, take, &h) != AK_OK || !sc->have_key || h.uid != sc->key.rec.uid)
		return;
	sc->secret = h.secret;
	if (left == NULL)
		(void)!scene_leave_handover(sc, h.secret);
}

static void
forget_handle(const struct scene *sc)
{
	if (pam_getenv(sc->pamh, BEHIND_HANDLE) != NULL)
		(void)pam_putenv(sc->pamh, BEHIND_HANDLE);
}

void
behind_drop_handle(const struct scene *sc)
{
	struct handle h;

	(void)!redeem(sc, true, &h);
	forget_handle(sc);
}

void
behind_begin_anew(const struct scene *sc)
{
	forget_handle(sc);
	scene_drop_handover(sc);
}

void
behind_take_back(const struct scene *sc)
{
	behind_drop_handle(sc);
	scene_drop_handover(sc);
}

enum ak_err
behind_issue(const struct scene *sc, uint32_t secret)
{
	struct handle h = {.uid = sc->key.rec.uid, .secret = secret}, taken;
	const char *rhost = scene_item(sc, PAM_RHOST);
	char pair[sizeof(BEHIND_HANDLE) + HANDLE_CAP] = BEHIND_HANDLE "=";
	enum ak_err err;

	if (strcmp(sc->service, "sshd") != 0)
		return AK_OK;
	memcpy(h.key, sc->key.rec.name, sizeof(h.key));
	if (text_copy(h.account, sizeof(h.account), sc->user) != AK_OK ||
	    text_copy(h.rhost, sizeof(h.rhost), rhost == NULL ? "" : rhost) != AK_OK)
		return AK_ERR_RANGE;
	err = handles_issue(&sc->paths, &h, handles_now(), pair + sizeof(BEHIND_HANDLE));
	if (err == AK_OK && pam_putenv(sc->pamh, pair) != PAM_SUCCESS) {
		/* Nobody can name it any more: it goes now, not when its time is over. */
		(void)!handles_redeem(&sc->paths, pair + sizeof(BEHIND_HANDLE), h.account,
		    h.rhost, handles_now(), true, &taken);
		err = AK_ERR_NOMEM;
	}
	return err;
}
