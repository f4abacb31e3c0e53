/* engine_impl: what engine_loop, engine_serve and engine_clock share; and the clock for all. */
#ifndef AK_ENGINE_IMPL_H
#define AK_ENGINE_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "engine_loop.h"
#include "engine_search.h"

#define ENGINE_SEARCHES 3

struct engine {
	const struct engine_config *config;
	struct engine_link *link;
	struct engine_conn conn;
	struct engine_search searches[ENGINE_SEARCHES];
	struct pack names;
	const char *uri; /* that is tried or followed; "" */
	/* The daemon's wishes since they were last looked at. */
	bool wants_refresh, wants_names;
	/* The next comparison of everything, whatever becomes of connections; 0: not known yet. As all times here: milliseconds, monotonic. */
	int64_t reconcile_at;
	/* Of the connection. */
	int64_t heard_at, refresh_since, contact_at, poll_at;
	int64_t probe_at; /* when the next is sent, or the one under way is given up */
	int64_t whole_since; /* 0: not yet */
	int probe_id; /* 0: none is under way */
	bool is_whole; /* all searches are; CONTACT was said */
};

int64_t engine_now_ms(void);
/* Between 0 and ms. */
int64_t engine_random_ms(int64_t ms);
/* ms, times something between 0.5 and 1.5: engines that lost a server together do not come back together. */
int64_t engine_jitter_ms(int64_t ms);

/* Told only when it differs from what was told last. */
void engine_tell_state(struct engine *e, enum wire_phase phase, const char *problem);

/* Wait for the daemon, and for fd (-1: none) until then; what the daemon says is taken to heart. Any error ends the engine. */
enum ak_err engine_wait(struct engine *e, int fd, int64_t until) AK_MUST_CHECK;

/*
 * Follow the server on e->conn.ld until it fails. AK_OK: it did, and why says
 * how; any error is the engine's own end.
 */
enum ak_err engine_serve(struct engine *e, struct diag *why) AK_MUST_CHECK;

/* engine_clock: what is due. */

/* A refresh of all that are made begins, with or without their cookies. */
enum ak_err engine_refresh_all(
    struct engine *e, bool from_scratch, struct diag *why) AK_MUST_CHECK;
/* A message came: is all whole now, and is it time to say so? */
void engine_note_message(struct engine *e);
/* The server answered the probe. */
void engine_note_probe(struct engine *e);
/* The server was not listened to: its deadlines begin anew. */
void engine_forgive(struct engine *e);
/* Deadlines, probes, reconciling, polls. An error: the connection is to be given up. */
enum ak_err engine_run_clock(struct engine *e, struct diag *why) AK_MUST_CHECK;
/* When engine_run_clock is to be called next, at the latest. */
int64_t engine_next_due(const struct engine *e);

#endif
