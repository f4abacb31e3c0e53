/* engine_search: one of the up to three searches on the engine's connection: what it asks, and what of its answers goes to the daemon. */
#ifndef AK_ENGINE_SEARCH_H
#define AK_ENGINE_SEARCH_H

#include <stdbool.h>

#include <ldap.h>

#include "diag.h"
#include "engine_link.h"
#include "err.h"
#include "ldapplan.h"
#include "ldapsync.h"
#include "pack.h"
#include "settings.h"
#include "wire.h"

/* What was last told with WIRE_STATE. */
struct engine_told {
	enum wire_phase phase;
	const char *uri; /* borrowed */
	char problem[512];
};

/* What the searches of one connection share. */
struct engine_conn {
	LDAP *ld;
	struct engine_link *link;
	bool polled; /* the server has no RFC 4533 */
	bool pages; /* it has RFC 2696 */
	int timeout_s;
	struct engine_told told;
	struct diag problem; /* what was left out of entries, first seen; "" */
};

struct engine_search {
	enum directory_search_id id;
	const struct directory_search *where; /* borrowed; base "": this search is not made */
	struct ldapplan plan;
	struct pack filter; /* text; "": there is nothing to ask for */
	struct pack cookie; /* the daemon has the same, or will at the next END */
	struct pack next_cookie; /* of a refresh under way */
	uint64_t names; /* which principals it asks for (wire_names); 0: it asks for others */
	int msgid; /* 0: not running */
	bool whole; /* refreshed on this connection, and no refresh is under way */
	struct ldapsync_refresh refresh;
	int64_t no_restart_before; /* because a server says so; milliseconds, monotonic; 0: whenever */
};

/* settings are borrowed. AK_ERR_INVALID: they can't be asked for. */
enum ak_err engine_search_init(struct engine_search *s, const struct directory_settings *d,
    enum directory_search_id id, const struct wire_blob *cookie, struct diag *why) AK_MUST_CHECK;
void engine_search_clear(struct engine_search *s);

bool engine_search_is_made(const struct engine_search *s);

/* Whom `principal` is asked for. */
enum ak_err engine_search_set_names(struct engine_search *s, struct strv names) AK_MUST_CHECK;

void engine_search_drop_cookie(struct engine_search *s);

/* A refresh begins: BEGIN goes up, and the search to the server. What ran before is abandoned. */
enum ak_err engine_search_begin(
    struct engine_search *s, struct engine_conn *c, struct diag *why) AK_MUST_CHECK;
/* The connection is gone, or not to be used for it any more. */
void engine_search_stop(struct engine_search *s, LDAP *ld);

/*
 * One message of this search. AK_ERR_NOT_FOUND: the server does not know
 * RFC 4533 after all; any other error: the connection is to be given up.
 */
enum ak_err engine_search_take(struct engine_search *s, struct engine_conn *c,
    LDAPMessage *message, struct diag *why) AK_MUST_CHECK;

/* "the search for groups" and the like, for sentences. */
const char *engine_search_words(const struct engine_search *s);

/* --- for engine_sync and engine_poll --- */

/* An entry to the daemon. uuid: as the server's control has it; NULL: as its attributes have. */
enum ak_err engine_search_put(struct engine_search *s, struct engine_conn *c,
    LDAPMessage *message, const unsigned char *uuid, struct diag *why) AK_MUST_CHECK;
/* END with next_cookie, which becomes the cookie. */
enum ak_err engine_search_end(
    struct engine_search *s, struct engine_conn *c, bool drop_unnamed) AK_MUST_CHECK;
/* Send the search with one control of its own. */
enum ak_err engine_search_send(struct engine_search *s, struct engine_conn *c,
    LDAPControl *control, struct diag *why) AK_MUST_CHECK;

/* A persistent search: RFC 4533. */
enum ak_err engine_sync_send(
    struct engine_search *s, struct engine_conn *c, struct diag *why) AK_MUST_CHECK;
enum ak_err engine_sync_take(struct engine_search *s, struct engine_conn *c,
    LDAPMessage *message, struct diag *why) AK_MUST_CHECK;

/* A whole answer, in pages where the server has them. */
enum ak_err engine_poll_send(
    struct engine_search *s, struct engine_conn *c, struct diag *why) AK_MUST_CHECK;
enum ak_err engine_poll_take(struct engine_search *s, struct engine_conn *c,
    LDAPMessage *message, struct diag *why) AK_MUST_CHECK;

#endif
