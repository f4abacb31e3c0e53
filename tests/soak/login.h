/* login: one login by libpam, with the look-ups that whoever logs somebody in makes. */
#ifndef SOAK_LOGIN_H
#define SOAK_LOGIN_H

#include <stdbool.h>

/* The service of /etc/pam.d whose lines are ours. */
#define SOAK_SERVICE "soak"

struct login {
	const char *user, *token;
	/* A letter each: authenticate, acct_mgmt (m), setcred, open_session, close_session, delete credentials. */
	const char *phases;
};

/* The first answer that is not PAM_SUCCESS ends it: *phase is where. */
int login_try(const struct login *l, char *phase);

/* NO_ANSWER: the name service could not tell. */
enum found { FOUND, FOUND_NOBODY, FOUND_OTHERWISE, FOUND_NO_ANSWER };

/* By name and by uid, and the groups: do they agree? *group, unless 0: one that the user must be in. */
enum found login_look_up(const char *user, unsigned group);
/* How often does the list of all users have this one? */
unsigned login_count(const char *user);

#endif
