#include "subject.h"

#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <string.h>
#include <unistd.h>

/* PAM_USER; only authenticate may have to ask for it. */
static bool
find_user(struct scene *sc)
{
	const char *user = NULL;

	if (sc->phase == PHASE_AUTH) {
		if (pam_get_user(sc->pamh, &user, NULL) != PAM_SUCCESS)
			return false;
	} else {
		user = scene_item(sc, PAM_USER);
	}
	if (user == NULL || user[0] == '\0')
		return false;
	sc->user = user;
	return true;
}

/* The uid that the phase is about; false: nobody of ours, or nobody. */
static bool
find_uid(const struct scene *sc, uid_t *uid)
{
	const struct handover *left;
	const struct passwd *pw;

	if (sc->sudo && sc->phase == PHASE_ACCOUNT) {
		*uid = getuid();
		return true;
	}
	if (sc->sudo && sc->phase != PHASE_AUTH && sc->phase != PHASE_PASSWORD) {
		if ((left = scene_borrow_handover(sc)) == NULL)
			return false;
		*uid = left->uid;
		return true;
	}
	if ((pw = pam_modutil_getpwnam(sc->pamh, sc->user)) == NULL)
		return false;
	*uid = pw->pw_uid;
	return true;
}

/* The name that the host gives the uid: a local user who was given a key's uid is not that key. */
static bool
is_named(const struct scene *sc, uid_t uid, const char *name)
{
	const struct passwd *pw;

	if (!sc->sudo || sc->phase == PHASE_AUTH || sc->phase == PHASE_PASSWORD)
		return strcmp(sc->user, name) == 0;
	pw = pam_modutil_getpwuid(sc->pamh, uid);
	return pw != NULL && strcmp(pw->pw_name, name) == 0;
}

static void
find_key(struct scene *sc, uid_t uid)
{
	enum ak_err err = keyring_find_uid(&sc->ring, uid, &sc->key);

	sc->subject_err = err;
	if (err == AK_ERR_NOT_FOUND) {
		sc->subject = SUBJECT_NO_KEY;
	} else if (err != AK_OK) {
		sc->subject = SUBJECT_UNAVAILABLE;
	} else if (!is_named(sc, uid, sc->key.rec.name)) {
		key_clear(&sc->key);
		sc->subject = SUBJECT_NO_KEY;
	} else {
		sc->subject = SUBJECT_KEY;
	}
}

void
subject_find(struct scene *sc)
{
	uid_t uid;

	sc->subject = SUBJECT_NOT_OURS;
	if (!find_user(sc) || !find_uid(sc, &uid) || uid == 0)
		return;
	if (keyring_open(&sc->paths, &sc->ring) != AK_OK ||
	    !users_extra_has_uid(&sc->ring.users, uid))
		return;
	find_key(sc, uid);
}
