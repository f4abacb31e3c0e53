/* ldapad: what Active Directory means by the numbers with which it refuses a bind. */
#ifndef AK_LDAPAD_H
#define AK_LDAPAD_H

/*
 * said: the server's words, such as "80090308: LdapErr: DSID-0C0903A9, comment:
 * AcceptSecurityContext error, data 532, v1db1" (the Win32 errors of [MS-ERREF]).
 * What the number behind `data' means, or NULL.
 */
const char *ldapad_refusal(const char *said);

#endif
