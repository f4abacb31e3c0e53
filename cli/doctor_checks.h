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
void doctor_formats(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_ids(struct doctor *d);
void doctor_keys(struct doctor *d);
void doctor_leftovers(struct doctor *d);
void doctor_directory(struct doctor *d);
void doctor_daemon(struct doctor *d);
void doctor_host(struct doctor *d);

#endif
