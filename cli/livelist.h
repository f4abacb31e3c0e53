/* livelist: the live sessions of keys, and what runs in them. */
#ifndef CLI_LIVELIST_H
#define CLI_LIVELIST_H

#include <stddef.h>

#include "cli.h"
#include "diag.h"
#include "err.h"
#include "paths.h"
#include "sessions.h"

struct livelist {
	struct livelist_one {
		struct session session;
		bool elsewhere; /* in another pid namespace: what runs there can't be told */
		/* Processes that belong to it, and how many of them run as root or as another user than the account, but for the leader, which is sshd's or su's own. */
		unsigned processes, others;
	} * v; /* the oldest first */
	size_t n;
};

#define LIVELIST_INIT ((struct livelist){.v = NULL})

/* Those that something carries. livelist_clear in any case. */
enum ak_err livelist_look(
    const struct paths *p, struct livelist *out, struct diag *why) AK_MUST_CHECK;
void livelist_clear(struct livelist *l);

/* Of this key, by its name or id? NULL: any. */
bool livelist_is_key(const struct session *s, const char *key);

/*
 * Sessions of another pid namespace can't be ended from here. Those of this
 * id, of the key of this name or id, or, with neither, all: each is told, with
 * what to do. How many they are.
 */
size_t livelist_tell_elsewhere(
    const struct cli *c, const struct livelist *l, const char *id, const char *key);

/* open, refused, closed or ending. */
const char *livelist_state(const struct session *s);

#endif
