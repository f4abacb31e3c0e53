/* diropts: which keys a command is about, those of this host or those in LDAP, and whom it binds as there. */
#ifndef CLI_DIROPTS_H
#define CLI_DIROPTS_H

#include <stdbool.h>

#include "args.h"
#include "ask.h"
#include "cli.h"
#include "dirserver.h"

/* --in, and what may stand beside `--in directory`. */
#define ARGS_DIRECTORY                                                                         \
	(ARGS(ARG_IN) | ARGS(ARG_BIND_DN) | ARGS(ARG_ASK_PASSWORD) | ARGS(ARG_PASSWORD_FILE) | \
	    ARGS(ARG_SASL) | ARGS(ARG_URI))

/* --in directory? AK_ERR_INVALID for another word, and for options of the directory without it. */
enum ak_err diropts_parse(const struct args *a, bool *directory, struct diag *why) AK_MUST_CHECK;

struct diropts {
	struct dirserver_login login; /* borrows from here and from the settings: not to be copied */
	char uri[512]; /* --uri, as a list of one */
	char password[ASK_PASSWORD_CAP];
};

/*
 * Whom to bind as: what was given, else EXTERNAL where the server is this
 * host's own (ldapi://). Asks for the password, or reads its file, which is
 * refused when others can read it. AK_ERR_INVALID with a sentence for what
 * does not go together; AK_ERR_DENIED where nothing says who we are, or this
 * host has no directory. diropts_clear in any case.
 */
enum ak_err diropts_login(const struct cli *c, const struct args *a,
    const struct directory_settings *s, struct diropts *out, struct diag *why) AK_MUST_CHECK;
void diropts_clear(struct diropts *o);

#endif
