/* testlib_directory: the directory's files as apikeyd leaves them: keys, memberships, freshness. */
#ifndef TESTLIB_DIRECTORY_H
#define TESTLIB_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "keyring.h"
#include "paths.h"
#include "record.h"
#include "text.h"

/* A range that is a directory's by default, and its first uid. */
#define DIRECTORY_UID 1879048192U
#define DIRECTORY_UIDS ((struct id_range){DIRECTORY_UID, 1999999999U})

/* What LDAP gives to the key of this name. */
struct directory_member {
	const char *name;
	struct strv groups, bindings;
};

/* One entry, or several with \0 between them. */
#define DIRECTORY_LIST(text) ((struct strv){.bytes = (text), .len_b = sizeof(text)})

/*
 * In the place of what is there, with its generation and one more; which file
 * it is now. The records may contradict themselves: whoever reads them checks.
 */
struct source_id directory_write_keys(
    const struct paths *p, const struct key_record *keys, size_t n, int64_t built_at);
struct source_id directory_write_members(
    const struct paths *p, const struct directory_member *rows, size_t n, int64_t built_at);

/* max_age 15 min, keys_max_age 24 h. */
void directory_write_contact(const struct paths *p, int64_t contact_at);

/* A key of the directory: as key_make (testlib_keys.h), with an id of D and its uid's last nine digits, home and shell "". */
struct key_record directory_key(const char *name, uint32_t uid);

/* Flip a bit in each 64 bytes behind the header: whatever is looked up there is damaged. */
void directory_damage(const char *path);
/* None of the three files. */
void directory_wipe(const struct paths *p);

#endif
