/* fuzz_host: the state files of a small host: two keys of its own, one of the directory's, two groups. */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H

#include "directory.h"
#include "paths.h"
#include "safefile.h"

enum fuzz_state_file { STATE_LOCAL, STATE_USERS, STATE_KEYS, STATE_GROUPS, STATE_FILES };

/* ci (70000) and deploy (70001) in local.idx; from-ldap (1879048192) in directory-keys.idx; what LDAP gives to ci and to it. */
void fuzz_host_make(const struct paths *p, struct safefile out[STATE_FILES]);

/* Where each of them lies. */
const char *fuzz_host_path(const struct paths *p, enum fuzz_state_file which);

#endif
