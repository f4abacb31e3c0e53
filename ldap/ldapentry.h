/* ldapentry: an entry of LDAP, as the library has it, to what the daemon is told of it. */
#ifndef AK_LDAPENTRY_H
#define AK_LDAPENTRY_H

#include <stdbool.h>

#include <ldap.h>

#include "diag.h"
#include "directory.h"
#include "err.h"
#include "ldapdn.h"
#include "ldapplan.h"
#include "pack.h"

#define LDAPENTRY_VALUE_MAX_B 65535U

/*
 * An entry that is being gathered. Nothing of it is checked but what makes it
 * an entry: a key's values are judged where keys are made of them.
 */
struct ldapentry {
	const struct ldapplan *plan; /* borrowed */
	char dn[LDAPDN_CAP];
	unsigned char uuid[DIRECTORY_UUID_B];
	bool has_uuid;
	struct pack values[SLOT_COUNT];
	struct diag problem; /* the first value that was left out, and why; "" */
	/* A key that lacks a value: what limits it may be what was left out. Not to be passed on. */
	bool unusable;
	/* Active Directory gives long lists in parts: the attribute, and where the rest begins; "" when all is here. */
	char more_of[64];
	unsigned long more_from;
	char usn[24]; /* its uSNChanged, "": none */
	bool moved_on; /* a part is of another uSNChanged: the parts make no whole */
};

/* AK_ERR_INVALID: the name can't be read, or is too long; then there is nothing to pass on. */
enum ak_err ldapentry_begin(
    struct ldapentry *e, const struct ldapplan *plan, const char *dn) AK_MUST_CHECK;

/*
 * Values of an attribute as the server names it, with its options. A value with
 * a NUL or of more than LDAPENTRY_VALUE_MAX_B, and a member that looks like a
 * DN and is none, are left out, and told in problem. A key for which one is
 * left out, be it for being empty or for an option, is unusable; but for
 * descriptions in other languages.
 */
void ldapentry_add(struct ldapentry *e, const char *attribute, const struct berval *values);

/* The library's message, from its DN to its last value. AK_ERR_CORRUPT when it can't be decoded. */
enum ak_err ldapentry_read(struct ldapentry *e, const struct ldapplan *plan, LDAP *ld,
    LDAPMessage *message) AK_MUST_CHECK;

/*
 * The rest of a list, out of the entry read anew; more_of and more_from move
 * on, or moved_on is set: then all of the entry is to be read again.
 * AK_ERR_CORRUPT: the list doesn't go on where it should.
 */
enum ak_err ldapentry_read_more(
    struct ldapentry *e, LDAP *ld, LDAPMessage *message) AK_MUST_CHECK;

/* The entry as it goes to the daemon: borrowed from e. Without a unique id it gets a hash of its name. */
enum ak_err ldapentry_finish(struct ldapentry *e, struct directory_entry *out) AK_MUST_CHECK;
void ldapentry_clear(struct ldapentry *e);

#endif
