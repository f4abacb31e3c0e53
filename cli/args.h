/* args: reads a verb's options and operands, by one table of options. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diag.h"
#include "err.h"

/* Every option that some verb takes; one name means one thing everywhere. */
enum arg {
	ARG_HELP,
	ARG_OUTPUT,
	ARG_QUIET,
	ARG_NAME,
	ARG_ROLE, /* several */
	ARG_ROLE_FILTER,
	ARG_GROUP, /* several */
	ARG_GROUP_FILTER,
	ARG_FROM, /* several */
	ARG_DURATION,
	ARG_NOT_BEFORE,
	ARG_DESCRIPTION,
	ARG_OWNER,
	ARG_SHELL,
	ARG_HOME,
	ARG_UID,
	ARG_VERIFIER,
	ARG_ID,
	ARG_EXPIRED,
	ARG_EXPIRING,
	ARG_UNUSED,
	ARG_SPACE,
	ARG_OVERLAP,
	ARG_REMOVE_HOME,
	ARG_ACCOUNT,
	ARG_SERVICE,
	ARG_RHOST,
	ARG_AT,
	ARG_ORIGIN,
	ARG_WITHOUT_TOKEN,
	ARG_LOGIN,
	ARG_HOST, /* several */
	ARG_STANDS_IN,
	ARG_SAMPLE,
	ARG_POLICY,
	ARG_IN,
	ARG_BIND_DN,
	ARG_ASK_PASSWORD,
	ARG_PASSWORD_FILE,
	ARG_SASL,
	ARG_URI,
	ARG_NOW,
	ARG_ACCEPT,
	ARG_KEY,
	ARG_SINCE,
	ARG_DENIED,
	ARG_FOLLOW,
	ARG_STRICT,
	ARG_DRY_RUN,
	ARG_TRUST_CLOCK,
	ARG_ACCEPT_ROLLBACK,
	ARG_PRUNE,
	ARG_NEW_UID,
	ARG_OLDER,
	ARG_SESSIONS,
	ARG_END_SESSIONS,
	ARG_PROMETHEUS,
	ARG_COUNT
};

/* A set of options: ARGS(ARG_OUTPUT) | ARGS(ARG_QUIET). */
#define ARGS(arg) (UINT64_C(1) << (arg))
_Static_assert(ARG_COUNT <= 64, "a set of options has 64 bits");

enum args_output { OUTPUT_DEFAULT, OUTPUT_TABLE, OUTPUT_JSON };

struct args {
	struct arg_seen {
		enum arg arg;
		const char *value; /* borrowed from argv; "" for an option without a value */
	} * seen;
	size_t n_seen;
	char **operands; /* borrowed from argv */
	int n_operands;
	enum args_output output;
};

#define ARGS_INIT ((struct args){.seen = NULL})

/*
 * argv[0] is skipped. Options may stand among the operands, until `--`. What
 * is not allowed, lacks its value, has one too many, or comes twice though it
 * is no list is AK_ERR_INVALID with a sentence. Free by args_clear in any case.
 */
enum ak_err args_parse(
    uint64_t allowed, int argc, char **argv, struct args *out, struct diag *why) AK_MUST_CHECK;
void args_clear(struct args *a);

/* The option's value; NULL when it was not given. */
const char *args_value(const struct args *a, enum arg arg);
bool args_has(const struct args *a, enum arg arg);
/* The values of an option that may come several times: start with *at 0; NULL at the end. */
const char *args_next(const struct args *a, enum arg arg, size_t *at);

/* How an option is written. */
struct args_form {
	const char *name; /* "output": of --output */
	char letter; /* 0: none */
	bool several;
	/* What stands for the value, NULL: it takes none. With | in it these are all there are: json|table. */
	const char *value;
};
struct args_form args_form(enum arg arg);

/* One line for each of the options. */
void args_print_help(uint64_t allowed, FILE *f);

#endif
