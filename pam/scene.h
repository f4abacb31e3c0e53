/* scene: one call of the module: who calls, for whom, with which options and files. */
#ifndef AK_PAM_SCENE_H
#define AK_PAM_SCENE_H

#include <security/pam_modules.h>
#include <stdbool.h>

#include "keyring.h"
#include "live.h"
#include "options.h"
#include "paths.h"
#include "sessions.h"

enum phase {
	PHASE_AUTH,
	PHASE_SETCRED,
	PHASE_ACCOUNT,
	PHASE_OPEN,
	PHASE_CLOSE,
	PHASE_PASSWORD,
};

/* Whose account the phase is about (subject.h finds out). */
enum subject_kind {
	SUBJECT_NOT_OURS, /* nothing of ours: PAM_USER_UNKNOWN, whatever failed */
	SUBJECT_KEY, /* a key, and here is its record */
	SUBJECT_NO_KEY, /* the uid is in a key range, but no key has this name and uid */
	SUBJECT_UNAVAILABLE, /* it is in a key range, and the files can't tell more */
	SUBJECT_LOCAL, /* a local account that keys may enter, or that one is behind */
	SUBJECT_UNNAMED, /* the application will have the user's name later: PAM_INCOMPLETE */
};

/*
 * What a verified key leaves for the later phases: by pam_set_data in the same
 * process, by a handle (handles.h) from one of sshd's processes to the next.
 */
struct handover {
	char user[64]; /* PAM_USER; a longer one is "" */
	uint32_t account_uid; /* of the account that the phase was about */
	uint32_t uid; /* the key's */
	char name[KEY_NAME_MAX + 1];
	uint32_t secret; /* number of the secret that was verified; 0: none was */
};

struct scene {
	pam_handle_t *pamh;
	enum phase phase;
	int flags;
	const char *service; /* never NULL */
	const char *user; /* PAM_USER; never NULL once the subject was looked for */
	bool sudo; /* PAM_USER may be another than the one who acts */
	struct options options;
	enum ak_err options_err;
	struct paths paths;
	struct keyring ring;
	const struct live *live; /* NULL: not asked for in this look */
	struct live *unkept; /* what live is, when the handle could not keep it */

	enum subject_kind subject;
	enum ak_err subject_err; /* SUBJECT_UNAVAILABLE, or key_is_gone: why */
	char account[64]; /* the subject's name; for a key its own */
	uint32_t account_uid;

	/* The key: the subject itself, or (SUBJECT_LOCAL) the one that is behind it. */
	struct key key;
	bool have_key;
	bool key_is_gone; /* SUBJECT_LOCAL: one was behind it, and subject_err says why it can't be had */
	const char *directory; /* `stale' or `unknown', as the last judgement found it; NULL */
	uint32_t secret; /* that was verified for this login; 0: none, or not known here */
	enum {
		ORIGIN_UNASKED,
		ORIGIN_OWN,
		ORIGIN_OTHER
	} origin; /* is the address that the call is said to come from this host's? */
	bool have_session;
	struct session session; /* the session that sudo is called in, when it is known */
};

void scene_open(struct scene *sc, pam_handle_t *pamh, enum phase phase, int flags, int argc,
    const char **argv);
void scene_close(struct scene *sc);

/*
 * The settings and policy that hold now; looked at once in a phase, or in each of
 * its looks. The handle keeps them from one phase to the next, which reads again
 * what has changed (live_renew). Without memory there is no policy.
 */
const struct live *scene_live(struct scene *sc);

/* After open_session, and what comes behind it: a session may last, and keeps none of it. */
void scene_drop_live(struct scene *sc);

/*
 * Whatever the scene has from the files is read anew, as they are by now; the
 * key, if there was one, is the one that it was, or AK_ERR_NOT_FOUND: that one
 * is no more. On failure only its name, id and uid are left of it, for the log.
 */
enum ak_err scene_look_again(struct scene *sc) AK_MUST_CHECK;

/* NULL when nothing was left. */
const struct handover *scene_borrow_handover(const struct scene *sc);
/* For the later phases: sc->key, and the number of its secret. */
enum ak_err scene_leave_handover(const struct scene *sc, uint32_t secret) AK_MUST_CHECK;
/* Whoever authenticates begins anew. */
void scene_drop_handover(const struct scene *sc);

/* A session as open_session left it on the handle. */
struct own_session {
	struct session session;
	bool directory; /* its key lives in LDAP */
	bool past; /* it was closed, or another login began on the handle: setcred is not made in it */
};

/* The session that open_session recorded on this handle, a past one too; NULL: none. */
const struct own_session *scene_borrow_session(const struct scene *sc);
/* For the later phases: s, of sc->key. */
enum ak_err scene_leave_session(const struct scene *sc, const struct session *s) AK_MUST_CHECK;
void scene_drop_session(const struct scene *sc);
/* From here on it is past. */
void scene_end_session(const struct scene *sc);

/* An item that is a string; NULL when unset. */
const char *scene_item(const struct scene *sc, int item);

/* Is the service this one, or its form for login shells (sudo-i, su-l)? */
bool scene_is_service(const struct scene *sc, const char *name);

#endif
