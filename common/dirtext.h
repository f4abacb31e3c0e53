/* dirtext: a key as the attribute values of an LDAP entry, and back (etc/ldap/apikey.schema). */
#ifndef AK_DIRTEXT_H
#define AK_DIRTEXT_H

#include <stdint.h>

#include "diag.h"
#include "directory.h"
#include "err.h"
#include "pack.h"
#include "record.h"

/* The attribute of a slot of a key's entry: "apikeyName". The one table of these names. NULL: keys have none such. */
const char *dirtext_attribute(enum directory_slot slot);
#define DIRTEXT_OBJECT_CLASS "apikeyKey"
#define DIRTEXT_COUNTER_CLASS "apikeyCounter"
#define DIRTEXT_COUNTER_ATTRIBUTE "apikeyNextUid"

/* GeneralizedTime (RFC 4517, 3.3.13), in UTC: 20261121223000Z. What has no time (NUM_NEVER, 0) has no value. */
#define DIRTEXT_TIME_CAP 24
char *dirtext_print_time(int64_t t, char buf[DIRTEXT_TIME_CAP]);
/* Seconds may be left out, fractions are cut; Z or an offset. */
enum ak_err dirtext_parse_time(const char *s, int64_t *out) AK_MUST_CHECK;

/* One secret: NUMBER CREATED NOT-AFTER|never VERIFIER. */
#define DIRTEXT_SECRET_CAP 256
char *dirtext_print_secret(
    const struct key_secret *s, const char *id, char buf[DIRTEXT_SECRET_CAP]);
enum ak_err dirtext_parse_secret(
    const char *text, char id[KEY_ID_LEN + 1], struct key_secret *out) AK_MUST_CHECK;

/*
 * A key of an entry; home and shell are "" (the host's templates give them).
 * AK_ERR_INVALID with a sentence for whatever a local key could not have: bad
 * name, id, uid, secret, time, network, a list too long, two values where there
 * is one. Strings are borrowed from the entry.
 */
enum ak_err dirtext_key_of_entry(
    const struct directory_entry *e, struct key_record *out, struct diag *why) AK_MUST_CHECK;

/* The values of one slot for a key, as a packed list; empty: the attribute is absent. */
void dirtext_values_of_key(
    const struct key_record *k, enum directory_slot slot, struct pack *out);

#endif
