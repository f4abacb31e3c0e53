/* policy_header: what a test's policy says of the host's directory, in a comment on its first line. */
#ifndef POLICY_HEADER_H
#define POLICY_HEADER_H

#include "settings.h"

/*
 * The defaults, with a directory whose may_grant is `*`; or, by the first line:
 *	# may_grant: ROLE ROLE		these alone; there may be none, and `*`
 *	# directory: none
 */
void policy_header_settings(const char *policy, struct settings *out);

#endif
