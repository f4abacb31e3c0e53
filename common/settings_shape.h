/* settings_shape: what one value of apikey.yaml may look like. */
#ifndef AK_SETTINGS_SHAPE_H
#define AK_SETTINGS_SHAPE_H

#include <stdbool.h>

#include "record.h"
#include "text.h"

bool shape_is_home(const char *s); /* absolute; %n, %u, %i, %% and no other % */
bool shape_is_program(const char *s); /* absolute, no colon */
bool shape_is_path(const char *s); /* absolute */
bool shape_is_range(
    struct id_range r, struct text *why); /* else a sentence without its subject */

/* ldap://HOST[:PORT][/], ldaps:// the same, ldapi://[PATH][/] with its slashes as %2F. */
bool shape_is_uri(const char *s);
bool shape_is_tls(const char *s); /* starttls, ldaps, ldapi */
bool shape_uri_is(
    const char *uri, const char *tls); /* the URI's scheme is what that word says */
bool shape_is_sasl(const char *s); /* external */
bool shape_is_dn(const char *s); /* one line with an `=': the server knows the rest */
bool shape_is_attribute(const char *s); /* [A-Za-z][A-Za-z0-9-]* */
bool shape_is_grantable(const char *s); /* a role's name, or `*` */
bool shape_is_filter(
    const char *s); /* RFC 4515: one filter in its parentheses, which are balanced */
bool shape_is_principal_filter(const char *s); /* with (ATTRIBUTE=%n) once, and no other % */

#endif
