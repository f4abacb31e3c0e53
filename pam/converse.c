#include "converse.h"

#include <security/pam_ext.h>
#include <string.h>

#include "token.h"

/* Too long, or none: an empty secret, which is no token. */
static void
keep(struct secret *out, const char *text)
{
	if (text == NULL || secret_set(out, text, strlen(text)) != AK_OK)
		*out = SECRET_INIT;
}

static bool
take_first_pass(const struct scene *sc, struct secret *out)
{
	const char *first = scene_item(sc, PAM_AUTHTOK);

	if (first == NULL)
		return sc->options.use_first_pass;
	if (!sc->options.use_first_pass && !token_has_prefix(first))
		return false;
	keep(out, first);
	return true;
}

/* An application's own number must not have a stack pass over us. */
static int
code_of(int rc)
{
	if (rc == PAM_CONV_AGAIN)
		return PAM_INCOMPLETE;
	return rc == PAM_SUCCESS || rc == PAM_BUF_ERR ? rc : PAM_CONV_ERR;
}

int
converse_get_token(const struct scene *sc, struct secret *out, bool *asked)
{
	char *answer = NULL;
	int rc;

	*asked = false;
	*out = SECRET_INIT;
	if ((sc->options.try_first_pass || sc->options.use_first_pass) &&
	    take_first_pass(sc, out))
		return PAM_SUCCESS;
	*asked = true;
	rc = pam_prompt(sc->pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", sc->options.prompt);
	if (rc == PAM_SUCCESS)
		keep(out, answer);
	secret_free_text(answer);
	return code_of(rc);
}

int
converse_get_token_if_any(const struct scene *sc, struct secret *out, bool *asked)
{
	const char *first = scene_item(sc, PAM_AUTHTOK);
	char *answer = NULL;
	bool is_token;
	int rc;

	*asked = first == NULL;
	*out = SECRET_INIT;
	if (first != NULL) {
		if (!token_has_prefix(first))
			return PAM_USER_UNKNOWN;
		keep(out, first);
		return PAM_SUCCESS;
	}
	if (sc->options.use_first_pass)
		return PAM_USER_UNKNOWN;
	rc = pam_prompt(sc->pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", sc->options.prompt);
	if (rc != PAM_SUCCESS || answer == NULL)
		return rc == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_USER_UNKNOWN;
	is_token = token_has_prefix(answer);
	if (is_token)
		keep(out, answer);
	else
		(void)pam_set_item(sc->pamh, PAM_AUTHTOK, answer);
	secret_free_text(answer);
	return is_token ? PAM_SUCCESS : PAM_USER_UNKNOWN;
}

void
converse_tell(const struct scene *sc, const char *sentence)
{
	if (((unsigned)sc->flags & PAM_SILENT) == 0)
		(void)pam_error(sc->pamh, "%s", sentence);
}
