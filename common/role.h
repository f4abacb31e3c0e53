/* role: a binding's text: a role and where it holds. */
#ifndef AK_ROLE_H
#define AK_ROLE_H

#include "diag.h"
#include "err.h"
#include "text.h"

enum role_scope { ROLE_GLOBAL, ROLE_SPACES, ROLE_HOSTS };

/* viewer | editor:spaces:production,staging | editor:hosts:bastion-1,bastion-2 */
#define BINDING_CAP 1024
struct binding {
	char role[POLICY_NAME_MAX + 1];
	enum role_scope scope;
	char names_bytes[BINDING_CAP];
	size_t names_len_b;
};

/* The spaces or hosts, borrowed from b; empty for a global binding alone. */
struct strv binding_borrow_names(const struct binding *b);

/*
 * AK_ERR_INVALID with a sentence when the text is no binding: bad role, space
 * or host name, empty or doubled entry, too long. Whether the role and the
 * spaces are declared is not asked.
 */
enum ak_err binding_parse(const char *text, struct binding *out, struct diag *why) AK_MUST_CHECK;

#endif
