/* doctor_ask: what more than one check asks of the host: paths, lines of passwd(5), a key, the shared accounts. */
#ifndef CLI_DOCTOR_ASK_H
#define CLI_DOCTOR_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor.h"
#include "pack.h"
#include "record.h"

/* A path of this host, below where the doctor looks; false: too long. */
bool doctor_path(const struct doctor *d, const char *path, char out[PATH_CAP]);
/* Is there anything of that name? A link counts. */
bool doctor_is_there(const struct doctor *d, const char *path);

/* The next line of text, cut out of *at; NULL: none is left. */
char *doctor_line(char **at);

/* What passwd(5) has on a local account, its first line. */
struct doctor_account {
	uint32_t uid;
	unsigned line;
	char home[PATH_CAP], shell[PATH_CAP];
};

/* AK_ERR_NOT_FOUND: no local account of that name; AK_ERR_UNAVAILABLE: that can't be told. */
enum ak_err doctor_account(
    const struct doctor *d, const char *name, struct doctor_account *out) AK_MUST_CHECK;

/* A key that the name service should know: the first of users.idx. AK_ERR_NOT_FOUND: this host has none. */
struct doctor_key {
	char name[KEY_NAME_MAX + 1];
	uint32_t uid;
};

enum ak_err doctor_a_key(const struct doctor *d, struct doctor_key *out) AK_MUST_CHECK;

/*
 * The local accounts that roles of the policy open, each once, as a list:
 * those that are named, whether they exist or not, and those that a pattern
 * matches; not `*', which opens them all. And those that only keys enter.
 */
void doctor_shared_accounts(const struct doctor *d, struct pack *out);

/* Does some role open that PAM service? Without a policy: maybe, so yes. */
bool doctor_role_opens(const struct doctor *d, const char *service);

#endif
