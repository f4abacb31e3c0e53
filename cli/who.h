/* who: the person behind the command, as the system recorded it. */
#ifndef CLI_WHO_H
#define CLI_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The login uid's name (what pam_loginuid wrote into loginuid_file at the
 * login, and sudo leaves alone), then sudo_user (NULL: not set), then the real
 * user's. A uid without a name is shown as its number; sudo_user counts only
 * when it is a plain word.
 */
void who_name(
    const char *loginuid_file, const char *sudo_user, uid_t real, char *buf, size_t cap);

/* The login uid; false: this is no login's process. */
bool who_login_uid(const char *loginuid_file, uid_t *uid);

#endif
