/* scene: one call of the module: who calls, for whom, with which options and files. */
#ifndef AK_PAM_SCENE_H
#define AK_PAM_SCENE_H

#include <security/pam_modules.h>
#include <stdbool.h>

#include "keyring.h"
#include "options.h"
#include "paths.h"

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
	SUBJECT_NOT_OURS,    /* nothing of ours: PAM_USER_UNKNOWN, whatever failed */
	SUBJECT_KEY,	     /* a key, and here is its record */
	SUBJECT_NO_KEY,	     /* the uid is in a key range, but no key has this name and uid */
	SUBJECT_UNAVAILABLE, /* it is in a key range, and the files can't tell more */
};

struct scene {
	pam_handle_t *pamh;
	enum phase phase;
	int flags;
	const char *service; /* never NULL */
	const char *user;    /* PAM_USER; never NULL once the subject was looked for */
	bool sudo;	     /* PAM_USER may be another than the one who acts */
	struct options options;
	enum ak_err options_err;
	struct paths paths;
	struct keyring ring;
	enum subject_kind subject;
	enum ak_err subject_err; /* SUBJECT_UNAVAILABLE: why */
	struct key key;	  /* SUBJECT_KEY */
};

/* What authenticate and acct_mgmt leave for the later phases of the same process, by pam_set_data. */
struct handover {
	uint32_t uid;
	char name[KEY_NAME_MAX + 1];
	uint32_t secret; /* number of the secret that was verified; 0: none was */
};

void scene_open(struct scene *sc, pam_handle_t *pamh, enum phase phase, int flags, int argc,
    const char **argv);
void scene_close(struct scene *sc);

/* NULL when nothing was left. */
const struct handover *scene_borrow_handover(const struct scene *sc);
enum ak_err scene_leave_handover(const struct scene *sc, uint32_t secret) AK_MUST_CHECK;

/* An item that is a string; NULL when unset. */
const char *scene_item(const struct scene *sc, int item);

#endif
