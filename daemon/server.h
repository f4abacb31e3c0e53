/* server: answers what the command asks of the daemon (control.h). */
#ifndef AK_SERVER_H
#define AK_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "control.h"
#include "diag.h"
#include "err.h"
#include "loop.h"

#define SERVER_CLIENTS 8

struct server_how {
	const char *path; /* of the socket: 0600; what lies there is replaced */
	uid_t peer; /* who may ask */
	int64_t ask_ms; /* how long a client may take to ask */
	int64_t wait_ms; /* and what it asked for to be done */
};

struct server_host {
	/* All but err and text. */
	void (*status)(void *ctx, struct control_reply *out);
	/* Begin a full refresh; server_done is called when it is over, maybe at once. Asked again while one is under way. */
	void (*sync)(void *ctx);
	/* The same: let sessions that are held back end. */
	void (*accept)(void *ctx);
	void *ctx;
};

struct server {
	struct loop *loop;
	struct server_how how;
	struct server_host host;
	struct server_client {
		struct server *server;
		int fd; /* -1: free */
		enum control_ask waits; /* for server_done; 0: it doesn't */
		struct loop_timer deadline;
	} clients[SERVER_CLIENTS];
	int fd; /* -1: closed */
};

enum ak_err server_open(struct server *s, struct loop *loop, const struct server_how *how,
    const struct server_host *host, struct diag *why) AK_MUST_CHECK;
/* Takes the socket away too. */
void server_close(struct server *s);

/* What was asked for is done (a refresh: published), or it failed: text says why. Whoever waits for it is answered. ended: sessions, by ACCEPT. */
void server_done(
    struct server *s, enum control_ask ask, enum ak_err err, const char *text, unsigned ended);

#endif
