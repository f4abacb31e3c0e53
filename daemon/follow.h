/* follow: what the engine says, into the model: in order, or not at all. */
#ifndef AK_FOLLOW_H
#define AK_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "model.h"
#include "settings.h"
#include "wire.h"

/* Sets of searches are bits. */
#define FOLLOW_BIT(search) (1U << (search))

struct follow {
	struct model *model; /* borrowed */
	unsigned configured; /* the searches that are made */
	unsigned whole; /* those that are known as a whole: from the files, or by an END */
	unsigned begun, ended; /* since this engine began */
	uint64_t names,
	    begun_names; /* wire_names that principals are wanted for, and those that a refresh under way asks for */
	/* A cookie is kept with the mark of the search that it belongs to: another filter's is worth nothing. */
	uint64_t marks[DIRECTORY_PRINCIPALS + 1];
	struct wire_state state; /* uri and problem point to the two below */
	char uri[256], problem[512];
	/* A full refresh that somebody waits for. */
	bool syncing, sync_open; /* open: the engine has heard of it */
	uint32_t pongs, sync_pong;
	unsigned sync_begun, sync_ended;
};

/* What a message changed. */
struct follow_news {
	bool changed; /* the model: to be settled and written */
	bool contact; /* every search was up to date with the server just now */
	bool state;
	bool lacks; /* entries are there that never came: everything must be fetched anew */
	bool synced; /* the refresh that was waited for is whole */
	bool sync_failed; /* state.problem says why */
};

void follow_init(struct follow *f, struct model *m);

/*
 * These are the searches now. One that is made no longer is forgotten; one that
 * was edited keeps its entries until the new one is whole, but its cookie is
 * worth nothing any more.
 */
void follow_configure(struct follow *f, const struct directory_settings *d);
/* Would a search that is made be made no longer? */
bool follow_loses(const struct follow *f, const struct directory_settings *d);

/*
 * These are the local keys now, which principals are asked for. Until the search
 * is whole for them, nobody knows what LDAP says of a new one: that must not
 * look like "in no group".
 */
void follow_set_names(struct follow *f, struct strv names);

/* What the files held of these searches is whole, but of principals: for which names they were is not known. */
void follow_trust(struct follow *f, unsigned searches);
/* Is every search known as a whole? Else a group that was not fetched yet would look like none. */
bool follow_is_whole(const struct follow *f);

/* The cookie to begin a search with; length 0: none. Borrowed from the model. */
struct wire_blob follow_cookie(const struct follow *f, enum directory_search_id search);

/* An engine begins, or is gone: what it had not finished is forgotten. */
void follow_restart(struct follow *f);

/* AK_ERR_CORRUPT with a sentence: out of order; AK_ERR_NOMEM: either way the engine must end. */
enum ak_err follow_take(struct follow *f, const struct wire_message *m,
    struct follow_news *news, struct diag *why) AK_MUST_CHECK;

/* A REFRESH was sent behind this many PINGs since the engine began: what begins after their answers belongs to it. */
void follow_await_sync(struct follow *f, uint32_t pings);
void follow_forget_sync(struct follow *f);

#endif
