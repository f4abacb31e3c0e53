/* options: the words behind pam_apikey.so in a PAM stack (pam_apikey(8)). */
#ifndef AK_PAM_OPTIONS_H
#define AK_PAM_OPTIONS_H

#include <stdbool.h>

#include "err.h"

struct options {
	bool debug; /* one more line in the log for each phase; never a secret */
	bool try_first_pass; /* take what another module asked for, if it is a token; else ask */
	bool use_first_pass; /* take it or fail; never ask */
	bool ignore_unknown_user; /* what is not ours: PAM_IGNORE in place of PAM_USER_UNKNOWN */
	const char *prompt; /* borrowed from argv */
	const char *config; /* an absolute path in place of /etc/apikey/apikey.yaml; NULL: that */
	const char *role; /* account: a binding that the key must hold besides; NULL: none */
	const char *bad; /* the first word that is no option */
};

/* AK_ERR_INVALID: out->bad says which. */
enum ak_err options_parse(int argc, const char **argv, struct options *out) AK_MUST_CHECK;

#endif
