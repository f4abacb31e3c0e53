/* cli: the command apart from its main: a context, and the verbs that run in it. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "audit.h"
#include "diag.h"
#include "enforce.h"
#include "err.h"
#include "paths.h"

enum cli_exit {
	CLI_DONE = 0,
	CLI_REFUSED = 1, /* refused, denied or not found */
	CLI_USAGE = 2,
	CLI_FAILED = 3, /* the system failed: a file, memory, no id left */
};

struct dirserver_calls;

/* What the command asks of the machine that it runs on (host.h); tests bring a machine of their own. */
struct cli_host {
	void *ctx;
	/* Seconds since the epoch. */
	int64_t (*now)(void *ctx);
	/* A user or group of that name, from any source: AK_OK with its id, AK_ERR_NOT_FOUND, or AK_ERR_UNAVAILABLE when that can't be told. */
	enum ak_err (*find_user)(void *ctx, const char *name, uint32_t *uid);
	enum ak_err (*find_group)(void *ctx, const char *name, uint32_t *gid);
	/* Has a user or group this id, from any source? As in struct store_hooks. */
	enum ak_err (*check_id)(void *ctx, uint32_t id);
	/* Who runs the command: for created_by and the audit log. */
	void (*who)(void *ctx, char *buf, size_t cap);
	/* Where from: the address of the login that it runs in; "" when that is not known. */
	void (*from)(void *ctx, const struct paths *p, char *buf, size_t cap);
	/* One audit line, to syslog and to p->audit; what became of the latter. */
	enum ak_err (*log)(void *ctx, const struct paths *p, const char *line);
	/* enforce_run (enforce.h), waiting for its lock; and a pause between two. */
	enum ak_err (*enforce)(void *ctx, const struct enforce_how *how,
	    struct enforce_result *out, struct diag *why);
	void (*wait)(void *ctx, int64_t ms);
	/* Users or groups changed: caches of names are to be dropped. */
	void (*names_changed)(void *ctx);
	/* How LDAP servers are spoken to; their open gets ctx. */
	const struct dirserver_calls *directory;
	/* Another program's output (tool.h), within some seconds; its exit status, -1 when it can't be run. */
	int (*tool)(void *ctx, char *const argv[], char *out, size_t cap);
	/* Can this library be loaded? path: a file, or the name that the loader looks for. AK_ERR_UNAVAILABLE: why says what the loader says. */
	enum ak_err (*load)(void *ctx, const char *path, struct diag *why);
	/* Where new homes get their files from, where leftovers of users lie, and whose settings the doctor looks at. */
	const char *skel, *crontabs, *atjobs, *etc;
	/* What stands before the path of all else that the doctor looks at: "". */
	const char *root;
	/* The system's folders of these names; and our programs and the name service's module, with a NULL behind the last. */
	const char *var, *run, *proc;
	const char *const *installed;
};

struct cli {
	struct paths paths;
	int in; /* a descriptor: what comes from it is secret, and no FILE keeps a copy */
	FILE *out, *err; /* answers; all else */
	struct cli_host host;
	/* Of this run: who and from where, "" not known, once they were asked for; and was it said that the log failed? */
	bool actor_known, log_failed;
	char who[64], from[AUDIT_VALUE_MAX_B];
	/* While it is hushed: where err goes, and what waits for it. */
	struct cli_held {
		unsigned depth;
		FILE *err;
		char *text;
		size_t len_b;
	} held;
};

/* Run one command. argv as main has it; it may be reordered. The answer is an enum cli_exit. */
int cli_run(struct cli *c, int argc, char **argv);

/* The exit code that stands for err. */
enum cli_exit cli_exit_for(enum ak_err err);

/* Who does what the line tells, and from where: by= and from=. */
void cli_log_who(struct cli *c, struct audit *line);
/* One audit line. That it could not be written to the audit log is said once. */
void cli_log(struct cli *c, const char *line);

/* Print "apikey: why" (where why is silent, err's own words) and answer the exit code. */
int cli_fail(const struct cli *c, enum ak_err err, const struct diag *why);

/* "apikey: …" on the error stream: something to know that stopped nothing. */
void cli_warn(const struct cli *c, const char *fmt, ...) AK_PRINTF(2, 3);

/*
 * From hush to the last speak what goes to c->err is kept, and then written: a
 * terminal that is stopped (Ctrl-S) keeps its writer waiting, who must hold no
 * lock then that others wait for. They nest.
 */
void cli_hush(struct cli *c);
void cli_speak(struct cli *c);

/* For messages: text as it is, but never a token that somebody put in the place of a name. */
const char *cli_shown(const char *text);

/* Is all that was answered written out? Says so when not. */
enum cli_exit cli_flush(const struct cli *c);

#endif
