/* wherefrom: where the person behind the command came from. */
#ifndef CLI_WHEREFROM_H
#define CLI_WHEREFROM_H

#include <stddef.h>

#include "paths.h"

/*
 * The address of the recorded session that this process runs in, when its
 * login uid's (who.h) account has one; else the host that utmp(5) names for
 * the nearest terminal above. "" when neither is known: at the console, in
 * cron.
 */
void wherefrom_find(const struct paths *p, const char *loginuid_file, char *buf, size_t cap);

#endif
