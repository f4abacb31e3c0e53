/* enforce_audit: the line that each ended session leaves in the audit log. */
#ifndef AK_ENFORCE_AUDIT_H
#define AK_ENFORCE_AUDIT_H

#include "audit.h"
#include "enforce.h"

/* event=session-ended. by: who ended it, a login's name, or the daemon's own. */
void enforce_audit(struct audit *a, const struct enforce_ended *e, const char *by);

#endif
