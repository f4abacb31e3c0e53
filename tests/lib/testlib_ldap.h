/* testlib_ldap: a host as the model sees it, and entries of LDAP, for tests. */
#ifndef TESTLIB_LDAP_H
#define TESTLIB_LDAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "err.h"
#include "model.h"
#include "pack.h"
#include "settings.h"

#define FIRST_UID 1879048192U /* of the directory's six */

/* A host whose facts a test sets; what was skipped last. */
struct ldap_host {
	struct settings settings;
	struct pack names, ids;
	uint32_t uids[8];
	const char *taken_name;
	uint32_t taken_id;
	unsigned n_skipped;
	char skipped_dn[64], skipped_why[512];
	struct model_host h;
};

/* No local key, nothing taken, nested groups. */
void ldap_host_start(struct ldap_host *h);
void ldap_host_end(struct ldap_host *h);
/* The i-th local key. */
void ldap_host_local(
    struct ldap_host *h, size_t i, const char *name, uint32_t uid, const char *id);
const struct model_host *ldap_host_look(struct ldap_host *h);

/* An entry whose lists a test fills. */
struct ldap_draft {
	struct directory_entry e;
	struct pack values[SLOT_COUNT];
	char dn[64];
};

void ldap_draft_start(
    struct ldap_draft *d, enum directory_search_id search, unsigned uuid, const char *dn);
void ldap_draft_say(struct ldap_draft *d, enum directory_slot slot, const char *value);
void ldap_draft_end(struct ldap_draft *d);

/* A value of an entry; a list of them ends in one of slot 0. */
struct ldap_value {
	enum directory_slot slot;
	const char *text;
};

enum ak_err ldap_put(struct model *m, enum directory_search_id search, unsigned uuid,
    const char *dn, const struct ldap_value *v) AK_MUST_CHECK;

#endif
