/* testlib_keys: a whole host in a test's folder: settings, policy, groups, keys, and what it publishes. */
#ifndef TESTLIB_KEYS_H
#define TESTLIB_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "paths.h"
#include "publish.h"
#include "record.h"
#include "store.h"
#include "testlib_tmp.h"
#include "token.h"

/* The clock of the tests: no day of theirs is today. */
#define HOST_NOW INT64_C(1800000000)

struct host {
	struct paths paths; /* owner: who runs the test */
	struct store_options opt;
	struct diag why; /* of the last failure below */
	struct publish_result res; /* of the last publish */
	unsigned edits;
};

/* Folders, /etc/group with `root`, `sudo`, `staff` and `app` (gid 1005), no settings, HOST_POLICY; no keys yet. */
void host_make(struct host *h, struct tmp *tmp);
/* Remove all that is in the state folder. */
void host_wipe(struct host *h);

/* viewer: sshd. editor: sshd, sudo, group apikey-editors. app: cron, groups app and apikey-app. */
extern const char *const HOST_POLICY;
/* Each is a new file, of another size than the one before; NULL: none. */
void host_policy(struct host *h, const char *yaml);
void host_settings(struct host *h, const char *yaml);
void host_groups(struct host *h, const char *lines);
/* As it is three seconds after the last edit: the policy is trusted. */
void host_settle(struct host *h);

/* An active key without a secret, whose id follows from its uid. Strings are constant. */
struct key_record key_make(const char *name, uint32_t uid);
/* Its one secret (number 1) is a fresh token's. */
struct key_record key_with_token(const char *name, uint32_t uid, struct token *tok);
/* One binding: a constant. */
void key_bind(struct key_record *k, const char *binding);

/* Open, do that alone, publish, close; the first failure. */
enum ak_err host_publish(struct host *h, int64_t now) AK_MUST_CHECK;
enum ak_err host_put(struct host *h, const struct key_record *k) AK_MUST_CHECK;
enum ak_err host_remove(struct host *h, uint32_t uid) AK_MUST_CHECK;
/* Opens, or the test fails. */
struct store *host_open(struct host *h);
/* Publish with what is live now, on an open store. */
enum ak_err host_publish_open(struct host *h, struct store *s, int64_t now) AK_MUST_CHECK;

/* Every user and group of users.idx, a line each, for free(); the test fails when the file is not whole. */
char *host_dump(const struct host *h);
/* Does the dump hold this line? `user NAME UID gids GID GID`; `group NAME GID members A B`; behind `marked`, what rests on the directory. */
bool dump_has(const char *dump, const char *line);

/* The bytes of local.idx or users.idx: kept, and put back as they were. */
struct host_files {
	char *local, *users, *image;
	size_t local_len_b, users_len_b, image_len_b;
};

void host_keep(const struct host *h, struct host_files *f);
void host_put_back(struct host *h, const struct host_files *f);
void host_files_clear(struct host_files *f);

/* An index, an image or a freshness as of the version after its own. */
void host_make_newer(const char *path);

#endif
