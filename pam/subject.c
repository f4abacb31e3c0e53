#include "subject.h"

#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <string.h>
#include <unistd.h>

#include "behind.h"

/* PAM_USER; only authenticate may have to ask for it. */
static bool
find_user(struct scene *sc)
{
	const char *user = NULL;

	if (sc->phase == PHASE_AUTH) {
		int rc = pam_get_user(sc->pamh, &user, NULL);

		if (rc == PAM_CONV_AGAIN)
			sc->subject = SUBJECT_UNNAMED;
		if (rc != PAM_SUCCESS)
			return false;
	} else {
		user = scene_item(sc, PAM_USER);
	}
	if (user == NULL || user[0] == '\0')
		return false;
	sc->user = user;
	return true;
}

/* Is PAM_USER, under this service, another than the one who acts? */
static bool
is_by_uid(const struct scene *sc)
{
	return sc->sudo && sc->phase != PHASE_AUTH && sc->phase != PHASE_PASSWORD;
}

/*
 * The account by its uid, for sudo. Its name is the host's answer: a local
 * user who was given a key's uid is not that key.
 */
static bool
find_caller(struct scene *sc)
{
	const struct handover *left = scene_borrow_handover(sc);
	const struct passwd *pw;

	if (sc->phase != PHASE_ACCOUNT && left == NULL)
		return false;
	sc->account_uid = sc->phase == PHASE_ACCOUNT ? getuid() : left->account_uid;
	/* A nameless uid is still a key's when it lies in the range: of no name, and so refused. */
	pw = pam_modutil_getpwuid(sc->pamh, sc->account_uid);
	if (pw != NULL && text_copy(sc->account, sizeof(sc->account), pw->pw_name) != AK_OK)
		sc->account[0] = '\0';
	return true;
}

static bool
find_account(struct scene *sc)
{
	const struct passwd *pw;

	if (is_by_uid(sc))
		return find_caller(sc);
	pw = pam_modutil_getpwnam(sc->pamh, sc->user);
	if (pw == NULL || text_copy(sc->account, sizeof(sc->account), pw->pw_name) != AK_OK)
		return false;
	sc->account_uid = pw->pw_uid;
	return true;
}

static void
find_key(struct scene *sc)
{
	enum ak_err err = keyring_find_uid(&sc->ring, sc->account_uid, &sc->key);
	const char *name = is_by_uid(sc) ? sc->account : sc->user;

	sc->subject_err = err;
	if (err == AK_ERR_NOT_FOUND) {
		sc->subject = SUBJECT_NO_KEY;
	} else if (err != AK_OK) {
		sc->subject = SUBJECT_UNAVAILABLE;
	} else if (strcmp(sc->key.rec.name, name) != 0) {
		key_clear(&sc->key);
		sc->subject = SUBJECT_NO_KEY;
	} else {
		sc->subject = SUBJECT_KEY;
		sc->have_key = true;
	}
}

static bool
lets_go(const struct scene *sc)
{
	return !sc->sudo &&
	       (sc->phase == PHASE_CLOSE || (sc->phase == PHASE_SETCRED &&
						((unsigned)sc->flags & PAM_DELETE_CRED) != 0));
}

static bool
find_in_session(struct scene *sc)
{
	const struct own_session *own = scene_borrow_session(sc);
	const struct session *s;

	if (own == NULL || strcmp(own->session.account, sc->user) != 0)
		return false;
	s = &own->session;
	memcpy(sc->account, s->account, sizeof(sc->account));
	sc->account_uid = s->account_uid;
	sc->key = (struct key){.rec = KEY_RECORD_INIT, .directory = own->directory};
	sc->key.rec.uid = s->uid;
	memcpy(sc->key.rec.name, s->key, sizeof(sc->key.rec.name));
	memcpy(sc->key.rec.id, s->key_id, sizeof(sc->key.rec.id));
	sc->have_key = true;
	sc->subject = s->uid == s->account_uid ? SUBJECT_KEY : SUBJECT_LOCAL;
	if (sc->subject == SUBJECT_LOCAL)
		sc->secret = s->secret;
	return true;
}

/* Nobody's; but a login that a key entered begins no session that nobody knows of. */
static void
give_up(struct scene *sc, enum ak_err err)
{
	if ((sc->phase != PHASE_ACCOUNT && sc->phase != PHASE_OPEN) || !behind_is_known(sc))
		return;
	sc->subject = SUBJECT_UNAVAILABLE;
	sc->subject_err = err;
}

void
subject_find(struct scene *sc)
{
	enum ak_err err;

	sc->subject = SUBJECT_NOT_OURS;
	if (!find_user(sc) || (lets_go(sc) && find_in_session(sc)))
		return;
	if (!find_account(sc)) {
		give_up(sc, AK_ERR_UNAVAILABLE);
		return;
	}
	if (sc->account_uid == 0)
		return;
	if ((err = keyring_open(&sc->paths, &sc->ring)) != AK_OK) {
		give_up(sc, err);
		return;
	}
	if (users_extra_has_uid(&sc->ring.users, sc->account_uid))
		find_key(sc);
	else if (sc->phase != PHASE_PASSWORD)
		behind_find(sc);
}
