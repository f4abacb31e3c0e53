/* report: one line in the log for each decision: in the audit log's file, and to syslog's authpriv. */
#ifndef AK_PAM_REPORT_H
#define AK_PAM_REPORT_H

#include "decide.h"
#include "scene.h"

/*
 * code: what PAM is to be told, and so the line's level. v NULL: it did not
 * come to a decision, and problem says why. secret: number of the one that
 * was verified, 0: none. Accounts that are not ours are never reported.
 *
 * The answer is code, but where the settings require the audit log and the line
 * can't be written there: then what was permitted in authenticate, account or
 * open_session (not sudo's) is refused by the code of REASON_AUDIT, and the
 * caller takes back what it left for the session.
 */
int report_decision(const struct scene *sc, int code, const struct verdict *v, uint32_t secret,
    const char *problem);

/* With the option `debug`: where a phase went, ours or not. */
void report_debug(const struct scene *sc, int code);

#endif
