/* ldapplan: what a search asks for, by the settings: which attributes, and what each of them means to us; and the filter for many names. */
#ifndef AK_LDAPPLAN_H
#define AK_LDAPPLAN_H

#include "diag.h"
#include "directory.h"
#include "err.h"
#include "pack.h"
#include "settings.h"
#include "text.h"

#define LDAPPLAN_ENTRY_UUID "entryUUID"
#define LDAPPLAN_OBJECT_GUID "objectGUID"
/* Active Directory: another number after each change of the entry. */
#define LDAPPLAN_USN_CHANGED "uSNChanged"

#define LDAPPLAN_ATTRIBUTES_MAX 24

/* What one search asks for. It holds pointers into itself: not copied by assignment. */
struct ldapplan {
	enum directory_search_id search;
	unsigned n;
	struct {
		char name[64];
		enum directory_slot
		    slot; /* SLOT_MEMBER_DN: or SLOT_MEMBER_NAME, as each value looks */
	} attributes[LDAPPLAN_ATTRIBUTES_MAX];
	/* For ldap_search_ext: with the unique ids and uSNChanged, NULL at the end. */
	char *wanted[LDAPPLAN_ATTRIBUTES_MAX + 4];
};

/* AK_ERR_INVALID: an attribute's name is none, too many of them, or principal.filter has no `ATTR=%n`. */
enum ak_err ldapplan_make(const struct directory_settings *d, enum directory_search_id search,
    struct ldapplan *out, struct diag *why) AK_MUST_CHECK;

/*
 * principal.filter for these keys: an OR of the filter over the names, or over
 * all there are where they are many. "" for no names at all: then there is
 * nothing to ask for. AK_ERR_NOMEM, AK_ERR_INVALID.
 */
#define LDAPPLAN_NAMES_MAX 256
enum ak_err ldapplan_name_filter(
    const char *filter, struct strv names, struct pack *out) AK_MUST_CHECK;

#endif
