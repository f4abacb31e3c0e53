/* paths: where apikey's files lie on this host, and who must own them. */
#ifndef AK_PATHS_H
#define AK_PATHS_H

#include <sys/types.h>

#include "err.h"

#define PATH_CAP 256

struct paths {
	char config[PATH_CAP]; /* /etc/apikey/apikey.yaml */
	char policy[PATH_CAP]; /* /etc/apikey/policy.yaml */
	char lockdown[PATH_CAP]; /* /etc/apikey/lockdown */
	char group[PATH_CAP]; /* /etc/group */
	char passwd[PATH_CAP]; /* /etc/passwd */
	char subuid[PATH_CAP]; /* /etc/subuid */
	char state[PATH_CAP]; /* /var/lib/apikey */
	char local[PATH_CAP]; /* its local.idx, users.idx, policy.image, lock */
	char users[PATH_CAP];
	char image[PATH_CAP];
	char applied[PATH_CAP]; /* who put the policy in its place */
	char lock[PATH_CAP];
	char directory_keys[PATH_CAP]; /* its directory-keys.idx, directory-groups.idx, freshness */
	char directory_groups[PATH_CAP];
	char freshness[PATH_CAP];
	char lastused[PATH_CAP]; /* its slots of when each key was used last */
	char run[PATH_CAP]; /* /run/apikey: sessions and handles, gone with a reboot */
	char control[PATH_CAP]; /* its socket of apikeyd */
	char audit[PATH_CAP]; /* /var/log/apikey/audit.log */
	uid_t owner; /* of every one of them: 0 */
};

/* The installed places. */
struct paths paths_installed(void);

/* The same shape below other folders, for tests: etc for the first six, state for the rest. AK_ERR_RANGE when too long. */
enum ak_err paths_under(
    const char *etc, const char *state, uid_t owner, struct paths *out) AK_MUST_CHECK;

#endif
