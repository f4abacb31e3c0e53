/* login: see login.h. */
#include "login.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp, void *data)
{
	const struct login *l = data;

	if ((*resp = calloc((size_t)n, sizeof(**resp))) == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++)
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			(*resp)[i].resp = strdup(l->token);
	return PAM_SUCCESS;
}

static int
call(pam_handle_t *pamh, char phase)
{
	switch (phase) {
	case 'a':
		return pam_authenticate(pamh, 0);
	case 'm':
		return pam_acct_mgmt(pamh, 0);
	case 's':
		return pam_setcred(pamh, (int)PAM_ESTABLISH_CRED);
	case 'o':
		return pam_open_session(pamh, 0);
	case 'c':
		return pam_close_session(pamh, 0);
	case 'd':
		return pam_setcred(pamh, (int)PAM_DELETE_CRED);
	default:
		return PAM_ABORT;
	}
}

int
login_try(const struct login *l, char *phase)
{
	struct login own = *l;
	const struct pam_conv conv = {.conv = converse, .appdata_ptr = &own};
	pam_handle_t *pamh = NULL;
	int code = pam_start(SOAK_SERVICE, l->user, &conv, &pamh);

	*phase = '-';
	for (const char *p = l->phases; *p != '\0' && code == PAM_SUCCESS; p++)
		code = call(pamh, *phase = *p);
	(void)pam_end(pamh, code);
	/* As a child of sshd's ends: the next login begins without a role's groups. */
	(void)setgroups(0, NULL);
	return code;
}

static bool
is_in_group(const char *user, gid_t own, gid_t wanted)
{
	gid_t gids[64];
	int n = (int)(sizeof(gids) / sizeof(gids[0]));

	if (getgrouplist(user, own, gids, &n) == -1)
		return false;
	for (int i = 0; i < n; i++)
		if (gids[i] == wanted)
			return true;
	return false;
}

enum found
login_look_up(const char *user, unsigned group)
{
	struct passwd *pw;
	uid_t uid;
	gid_t gid;

	errno = 0;
	if ((pw = getpwnam(user)) == NULL)
		return errno == 0 ? FOUND_NOBODY : FOUND_NO_ANSWER;
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	if ((pw = getpwuid(uid)) == NULL || strcmp(pw->pw_name, user) != 0 || pw->pw_gid != gid)
		return FOUND_OTHERWISE;
	return group == 0 || is_in_group(user, gid, group) ? FOUND : FOUND_OTHERWISE;
}

unsigned
login_count(const char *user)
{
	struct passwd *pw;
	unsigned n = 0;

	setpwent();
	while ((pw = getpwent()) != NULL)
		n += strcmp(pw->pw_name, user) == 0 ? 1 : 0;
	endpwent();
	return n;
}
