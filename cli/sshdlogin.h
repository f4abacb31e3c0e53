/* sshdlogin: what sshd's settings mean for one login by token: can it be authenticated, and do the lists of users and groups let it? */
#ifndef CLI_SSHDLOGIN_H
#define CLI_SSHDLOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "sshdconf.h"

/* Is there one of AuthenticationMethods that a token meets, or, where they may, a public key? */
bool sshdlogin_can_meet(const struct sshdconf *conf, bool public_keys);

/* The four lists; the last has shown NULL. */
struct sshdlogin_list {
	const char *keyword, *shown;
	bool allows, by_name;
};

extern const struct sshdlogin_list sshdlogin_lists[];

/* Does that list keep out the user of this name ("": not known) and these groups (separated by blanks)? */
bool sshdlogin_keeps_out(
    const struct sshdconf *conf, size_t list, const char *name, const char *groups);

#endif
