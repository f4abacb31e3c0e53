/* fuzz_pam_world: all that the module finds around it in place of the system's: libpam, the clock, memory, who calls; and what it made of that. */
#ifndef FUZZ_PAM_WORLD_H
#define FUZZ_PAM_WORLD_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "paths.h"

#define WORLD_TEXT_CAP 512
#define WORLD_LOG_CAP 65536

/* Items by PAM's numbers; of an item that is NULL none is set. */
#define WORLD_ITEMS 16

struct world {
	struct paths paths;
	const char *items[WORLD_ITEMS]; /* borrowed from texts */
	char texts[WORLD_ITEMS][WORLD_TEXT_CAP];
	const char *answer; /* what the conversation answers; NULL: success without one */
	int conv_code;
	uid_t uid; /* who calls */
	int64_t now_s, now_ns; /* the clock */
	bool name_service_down;
	unsigned fail_alloc; /* the n-th allocation from now on fails; 0: none */
	bool fail_alloc_on; /* and all behind it */
	unsigned fail_call; /* the n-th open, write or rename from now on fails */
	int fail_errno;
	uint64_t random; /* where getrandom is */

	unsigned asked, told;
	bool hung_up, failed; /* failed: something was made to fail */
	gid_t groups[80];
	size_t n_groups;
	char log[WORLD_LOG_CAP]; /* a line for each word to syslog and to people */
};

extern struct world world;

/* An item, as the application or another module sets it; NULL: none. */
void world_set_item(int item, const char *text);

/* A handle, of which there is one: forget what was left on it (pam_end); kept_env: another process of sshd's, which gets the environment alone. */
pam_handle_t *world_borrow_handle(void);
void world_end(bool kept_env);
bool world_has_data(const char *name);
const char *world_getenv(const char *name);

/* What the host's name service knows; NULL: nobody of that name. */
const struct passwd *world_find_name(const char *name);
const struct passwd *world_find_uid(uid_t uid);

#endif
