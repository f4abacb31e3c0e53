/* faulty_ldap: what the parts of the misbehaving LDAP server share: the scenario, a search, and its answers. */
#ifndef FAULTY_LDAP_H
#define FAULTY_LDAP_H

#include <lber.h>
#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>

#define GROUPS_DN "ou=groups,dc=example,dc=com"

enum scenario {
	WHOLE, /* nothing is wrong: all groups, whatever the cookie, ended as slapd does */
	DELETES, /* a cookie: what is deleted is named, all else stays (RFC 4533, 3.3.2) */
	PRESENTS, /* a cookie: what is there is named, all else goes */
	SILENT, /* accepts, and never answers */
	MUTE, /* binds, and never answers a search */
	SLOW, /* one byte a second */
	RESET, /* half of the groups, then the connection is cut */
	CUT, /* half of the groups, and the result is sizeLimitExceeded */
	REFERRAL, /* the result is a referral */
	REFERENCES, /* references among the entries */
	NO_STARTTLS, /* refused */
	STRIPPED, /* "success", and plain text after it */
	HUGE_VALUE, /* a value of 1 MiB beside the members */
	NUL_VALUE, /* a member with a NUL in it */
	CROWD, /* the first group has 100,000 members more */
	PLAIN, /* no RFC 4533; pages */
	RANGED, /* as Active Directory: pages only, more than 1000 entries not without them, long lists by ranges */
	SHIFTING, /* likewise; and the first group loses a member while its ranges are read */
	ENDLESS, /* likewise, however often they are read */
	DRIPPING, /* likewise; and a list has a hundred ranges, each of which takes half a second */
	PARTIAL, /* likewise; and it says that it does not have all yet */
	AHEAD, /* the cookie is ahead of the server: error 53 */
	REFRESH, /* the cookie is too old: error 4096 */
	GARBAGE, /* no BER */
	ENORMOUS, /* a length of 2 GiB */
	BUSY, /* every search is refused: busy */
	N_SCENARIOS
};

struct search {
	ber_int_t id;
	char base[512];
	ber_int_t scope;
	bool syncs, persists, pages; /* its controls */
	bool has_cookie; /* of sync */
	long page_size, page_from;
	long range_from; /* of `memberUid;range=N-*` */
};

/* One process serves one connection. */
extern enum scenario scenario;
extern const char *faulty_file;
extern Sockbuf *faulty_peer;

/* faulty_say.c: messages, as the scenario would have them. */
BerElement *faulty_reply(void);
void faulty_send(BerElement *ber);
void faulty_send_raw(const char *bytes, size_t len);
void faulty_say_result(ber_int_t id, ber_tag_t tag, ber_int_t code);
void faulty_say_done(const struct search *s, ber_int_t code, long next);
void faulty_say_info(const struct search *s, BerElement *value);
void faulty_begin_entry(BerElement *ber, const struct search *s, const char *name);
void faulty_end_entry(BerElement *ber, const struct search *s, const char *name);
void faulty_uuid_of(const char *name, char uuid[16]);

/* faulty_answer.c: the whole answer to a search. */
void faulty_answer(const struct search *s);

#endif
