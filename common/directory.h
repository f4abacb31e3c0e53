/* directory: what the directory's two snapshot files hold beside keys and memberships: LDAP's entries and the sync cookies. */
#ifndef AK_DIRECTORY_H
#define AK_DIRECTORY_H

#include <stdint.h>

#include "err.h"
#include "index.h"
#include "pack.h"
#include "record.h"
#include "text.h"

/*
 * directory-keys.idx    order 0  n<name> i<id> u<uid>: key_record, those that this host serves
 *                       order 1  e<search><uuid>: entry (every key of LDAP, served or not); c<search>: cookie
 * directory-groups.idx  order 0  n<name>: membership, one for every key that is known here, local or not, be it empty
 *                       order 1  e<search><uuid>: entry (groups, principals); c<search>: cookie
 * Derived from LDAP, and never fsynced: what can't be read is fetched anew.
 */
enum directory_search_id { DIRECTORY_KEYS = 1, DIRECTORY_GROUPS = 2, DIRECTORY_PRINCIPALS = 3 };

#define DIRECTORY_UUID_B 16

/* What the attributes of an entry mean to us. */
enum directory_slot {
	SLOT_NAME = 1, /* key, group, principal: its name */
	SLOT_MEMBER_DN, /* group: normalised DNs (ldapdn.h) */
	SLOT_MEMBER_NAME, /* group: names of keys */
	SLOT_BINDING, /* key: bindings; group: its role_attribute */
	SLOT_KEY_ID,
	SLOT_KEY_UID,
	SLOT_KEY_VERIFIER, /* dirtext.h */
	SLOT_KEY_STATE,
	SLOT_KEY_NOT_BEFORE,
	SLOT_KEY_EXPIRES,
	SLOT_KEY_CREATED_AT,
	SLOT_KEY_CREATED_BY,
	SLOT_KEY_DESCRIPTION,
	SLOT_KEY_OWNER,
	SLOT_KEY_GROUP,
	SLOT_KEY_FROM,
	SLOT_COUNT
};

/* One entry of LDAP. Values are text without NUL; borrowed, as everywhere, from the bytes that it was unpacked from. */
struct directory_entry {
	enum directory_search_id search;
	unsigned char uuid[DIRECTORY_UUID_B]; /* entryUUID, objectGUID, or a hash of the DN */
	const char *dn; /* normalised */
	struct strv values[SLOT_COUNT]; /* by slot */
};

void directory_entry_pack(const struct directory_entry *e, struct pack *out);
/* AK_ERR_CORRUPT when the bytes are not one whole entry. */
enum ak_err directory_entry_unpack(
    const void *bytes, size_t len_b, struct directory_entry *out) AK_MUST_CHECK;

void membership_pack(struct strv groups, struct strv bindings, struct pack *out);
enum ak_err membership_unpack(
    const void *bytes, size_t len_b, struct strv *groups, struct strv *bindings) AK_MUST_CHECK;

#endif
