#include "origin.h"

#include <security/pam_modules.h>
#include <string.h>

#include "ownaddr.h"

bool
origin_as_said(const struct scene *sc, struct net_addr *out)
{
	const char *rhost = scene_item(sc, PAM_RHOST);
	const char *connection = pam_getenv(sc->pamh, "SSH_CONNECTION");
	char first[64];
	size_t len;

	if (rhost != NULL && net_parse_addr(rhost, out) == AK_OK)
		return true;
	if (connection == NULL || (len = strcspn(connection, " ")) >= sizeof(first))
		return false;
	memcpy(first, connection, len);
	first[len] = '\0';
	return net_parse_addr(first, out) == AK_OK;
}

/* Neither PAM_RHOST nor the environment changes in a call. */
bool
origin_is_own(void *ctx)
{
	struct scene *sc = ctx;
	struct net_addr said;

	if (sc->origin == ORIGIN_UNASKED)
		sc->origin = origin_as_said(sc, &said) && !ownaddr_has(&said) ? ORIGIN_OTHER
									      : ORIGIN_OWN;
	return sc->origin == ORIGIN_OWN;
}

bool
origin_of_call(const struct scene *sc, struct net_addr *out, bool *doubtful)
{
	const struct own_session *own =
	    sc->phase == PHASE_SETCRED ? scene_borrow_session(sc) : NULL;

	/* The PAM environment is the user's by then: pam_env(8) may have read ~/.pam_environment. */
	*doubtful = own == NULL || own->past;
	if (!*doubtful)
		return net_parse_addr(own->session.address, out) == AK_OK;
	return origin_as_said(sc, out);
}

/* The key's own account: its session is looked for here, a local account's was found with the key behind it. */
static bool
find_session(struct scene *sc)
{
	if (!sc->have_session && sc->sudo && sc->subject == SUBJECT_KEY)
		sc->have_session =
		    sessions_find_own(&sc->paths, sc->account_uid, &sc->session) == AK_OK;
	return sc->have_session;
}

bool
origin_of_session(struct scene *sc, struct net_addr *out)
{
	char address[64];

	if (sc->sudo)
		return find_session(sc) && net_parse_addr(sc->session.address, out) == AK_OK;
	if (!scene_is_service(sc, "cron") && !scene_is_service(sc, "atd") &&
	    !scene_is_service(sc, "systemd-user"))
		return false;
	return sc->have_key &&
	       sessions_find_origin(&sc->paths, sc->key.rec.uid, address) == AK_OK &&
	       net_parse_addr(address, out) == AK_OK;
}
