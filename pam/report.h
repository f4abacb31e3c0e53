/* report: one line in the log for each decision, to syslog's authpriv. */
#ifndef AK_PAM_REPORT_H
#define AK_PAM_REPORT_H

#include "decide.h"
#include "scene.h"

/*
 * code: what PAM will be told, and so the line's level. v NULL: it did not
 * come to a decision, and problem says why. secret: number of the one that
 * was verified, 0: none. Accounts that are not ours are never reported.
 */
void report_decision(const struct scene *sc, int code, const struct verdict *v, uint32_t secret,
    const char *problem);

/* With the option `debug`: where a phase went, ours or not. */
void report_debug(const struct scene *sc, int code);

#endif
