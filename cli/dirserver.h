/* dirserver: one conversation with an LDAP server, as the command needs it: find, add, change, remove and count entries. */
#ifndef CLI_DIRSERVER_H
#define CLI_DIRSERVER_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "directory.h"
#include "err.h"
#include "settings.h"
#include "text.h"

enum dirserver_bind { DIRSERVER_SIMPLE = 1, DIRSERVER_EXTERNAL, DIRSERVER_GSSAPI };

/* Whom the server is to take us for, and where it is. */
struct dirserver_login {
	struct strv uris; /* the first one that answers */
	enum dirserver_bind bind;
	const char *dn, *password; /* DIRSERVER_SIMPLE */
	const struct directory_settings *settings; /* TLS files, timeout */
};

/* Which entries: all below base that filter finds, and of those, with attribute: which have that value. */
struct dirserver_search {
	const char *base, *filter;
	const char *attribute, *value; /* NULL: any */
};

/*
 * An entry of a key as it was found; version: what changes with it (entryCSN),
 * "" where the server has none. An entry with a value that is empty or no text
 * comes without any value, and why says so; what why holds is dropped when take
 * answers AK_OK.
 */
typedef enum ak_err dirserver_take_fn(
    void *ctx, const struct directory_entry *e, const char *version, struct diag *why);

struct dirserver_change {
	const char *attribute;
	struct strv gone, fresh; /* values; each may be empty, not both */
};

/*
 * AK_ERR_UNAVAILABLE: the server failed; AK_ERR_DENIED: it refuses us; each
 * with a sentence, as for all that is not named here.
 */
struct dirserver_calls {
	/* *server is the caller's to close. */
	enum ak_err (*open)(
	    void *ctx, const struct dirserver_login *login, void **server, struct diag *why);
	void (*close)(void **server);
	/* take's answer other than AK_OK ends it, and is returned. AK_ERR_NOT_FOUND, silent: the base is not there. */
	enum ak_err (*search)(void *server, const struct dirserver_search *s,
	    dirserver_take_fn *take, void *ctx, struct diag *why);
	/* gone is empty in all. Silent: AK_ERR_EXISTS, the name is taken; AK_ERR_NOT_FOUND, what it would lie in is not there. */
	enum ak_err (*add)(void *server, const char *dn, const struct dirserver_change *values,
	    size_t n, struct diag *why);
	/*
	 * All or nothing. Silent: AK_ERR_ROLLBACK, the entry is of another version,
	 * or lacks what was to go, or has what was to come; AK_ERR_NOT_FOUND, it is gone.
	 */
	enum ak_err (*change)(void *server, const char *dn, const char *version,
	    const struct dirserver_change *changes, size_t n, struct diag *why);
	/* As change. */
	enum ak_err (*remove)(
	    void *server, const char *dn, const char *version, struct diag *why);
	/* Add 1 to a number, and tell what it was before: at once, whoever else does the same. AK_ERR_NOT_FOUND, silent. */
	enum ak_err (*count)(void *server, const char *dn, const char *attribute,
	    uint64_t *before, struct diag *why);
	/* That number as it stands. AK_ERR_NOT_FOUND, silent. */
	enum ak_err (*read)(void *server, const char *dn, const char *attribute,
	    uint64_t *number, struct diag *why);
};

/* Over libldap. */
extern const struct dirserver_calls dirserver_ldap;

#endif
