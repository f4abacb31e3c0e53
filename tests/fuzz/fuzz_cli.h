/* fuzz_cli: the command apikey within this process, on a made-up host whose programs answer what they are told to. */
#ifndef FUZZ_CLI_H
#define FUZZ_CLI_H

#include <jansson.h>

#include "cli.h"

/* What a run wrote. */
struct fuzz_run {
	int status; /* enum cli_exit */
	char *out, *err;
	size_t out_b, err_b;
};

/* words: a NULL ends them. What programs that it calls write on their output: the rest is as on no machine at all. */
struct fuzz_run fuzz_cli(const char *const *words, const char *tools_say);
void fuzz_run_clear(struct fuzz_run *r);

/* The output as JSON; ends the program when it is none. Decref. */
json_t *fuzz_json(const struct fuzz_run *r);

/* No control characters but newlines, neither in the one nor in the other stream. */
void fuzz_check_terminal(const struct fuzz_run *r);

#endif
