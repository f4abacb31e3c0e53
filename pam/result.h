/* result: from what was found to PAM's codes and the log's levels: one table. The one room that chooses codes. */
#ifndef AK_PAM_RESULT_H
#define AK_PAM_RESULT_H

#include "decide.h"
#include "scene.h"

/* Printed in pam_apikey(8). What is not in the table is PAM_SYSTEM_ERR. */
int result_of_reason(enum phase phase, enum reason reason);
int result_of_err(enum ak_err err);
/* syslog(3)'s priority for a decision. */
int result_priority(int code);

#endif
