/* pamstack: the lines that a PAM service goes through in one phase, its includes followed, as libpam reads them (pam.conf(5)). */
#ifndef CLI_PAMSTACK_H
#define CLI_PAMSTACK_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "err.h"
#include "paths.h"
#include "text.h"

enum pamstack_phase { PAMSTACK_AUTH, PAMSTACK_ACCOUNT, PAMSTACK_SESSION };

/* "auth", "account", "session". */
const char *pamstack_phase_name(enum pamstack_phase phase);

/* What a module answers: libpam's numbers, of which these have a name here. */
#define PAMSTACK_CODES 32
#define PAMSTACK_SUCCESS 0
#define PAMSTACK_SERVICE_ERR 3
#define PAMSTACK_SYSTEM_ERR 4
#define PAMSTACK_BUF_ERR 5
#define PAMSTACK_PERM_DENIED 6
#define PAMSTACK_AUTH_ERR 7
#define PAMSTACK_AUTHINFO_UNAVAIL 9
#define PAMSTACK_USER_UNKNOWN 10
#define PAMSTACK_ACCT_EXPIRED 13
#define PAMSTACK_SESSION_ERR 14
#define PAMSTACK_CONV_ERR 19
#define PAMSTACK_IGNORE 25
#define PAMSTACK_MODULE_UNKNOWN 28

/* What a line does with an answer; more than 0: jump over so many lines. */
enum pamstack_action {
	PAMSTACK_DO_IGNORE = 0,
	PAMSTACK_DO_OK = -1,
	PAMSTACK_DO_DONE = -2,
	PAMSTACK_DO_BAD = -3,
	PAMSTACK_DO_DIE = -4,
	PAMSTACK_DO_RESET = -5,
	PAMSTACK_DO_FAIL = -6, /* none was written, or none that libpam knows */
};

#define PAMSTACK_ARGS_CAP 384

struct pamstack_line {
	char file[PATH_CAP];
	unsigned line; /* its first */
	bool continued; /* it has more than one, or more words than args */
	unsigned level; /* of substacks; 0: in none */
	bool substack; /* no module: a substack begins behind it */
	bool broken; /* libpam can't make sense of it: it always fails */
	int actions[PAMSTACK_CODES];
	char module[PATH_CAP]; /* as written; "" in a broken line */
	char args[PAMSTACK_ARGS_CAP]; /* a packed list: pamstack_args */
	size_t args_len_b;
};

struct pamstack {
	struct pamstack_line *v;
	size_t n, cap;
	bool other; /* the service says nothing of this phase: these are `other's lines */
};

#define PAMSTACK_INIT ((struct pamstack){.v = NULL})

/*
 * The service's lines of that phase. dirs: where files are looked for, in this
 * order, ended by NULL. AK_ERR_NOT_FOUND: there is no such service;
 * AK_ERR_UNAVAILABLE: its file can't be read; a file that it includes and that
 * can't be is a broken line. pamstack_clear in any case.
 */
enum ak_err pamstack_read(const char *const dirs[], const char *service,
    enum pamstack_phase phase, struct pamstack *out, struct diag *why) AK_MUST_CHECK;
void pamstack_clear(struct pamstack *s);

struct strv pamstack_args(const struct pamstack_line *l);
/* Is the line's module this file name ("pam_unix.so"), in whatever folder? */
bool pamstack_is(const struct pamstack_line *l, const char *file);
/* The line that comes next when line i answers code; n: the end. */
size_t pamstack_next(const struct pamstack *s, size_t i, int code);

/* Does the stack let in whom its modules answer so? answer: a code for each that is asked, in turn. */
bool pamstack_passes(const struct pamstack *s,
    int (*answer)(void *ctx, const struct pamstack_line *l), void *ctx);

#endif
