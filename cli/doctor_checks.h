/* doctor_checks: the checks of `apikey doctor`; each says at its definition what it asks for. */
#ifndef CLI_DOCTOR_CHECKS_H
#define CLI_DOCTOR_CHECKS_H

#include "doctor.h"

void doctor_nsswitch(struct doctor *d);
void doctor_pam(struct doctor *d);
void doctor_sshd(struct doctor *d);
void doctor_sudo(struct doctor *d);
void doctor_shared(struct doctor *d);
void doctor_caches(struct doctor *d);

#endif
