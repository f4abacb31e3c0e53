/* ldapdn: distinguished names in one form, so that equal ones are equal texts. */
#ifndef AK_LDAPDN_H
#define AK_LDAPDN_H

#include <stddef.h>

#include "err.h"

#define LDAPDN_CAP 2048

/*
 * Attribute types and values in lower case (ASCII), the common types by their
 * short names (RFC 4519: cn for commonName and 2.5.4.3), runs of blanks made one,
 * escapes in one form, the parts of a multi-valued RDN sorted. What is no DN
 * is AK_ERR_INVALID; too long AK_ERR_RANGE; out is then "". uniqueMember's
 * optional bit string (RFC 4517, 3.3.21) is cut off.
 */
enum ak_err ldapdn_normalise(const char *dn, char out[LDAPDN_CAP]) AK_MUST_CHECK;

#endif
