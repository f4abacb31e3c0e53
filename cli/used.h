/* used: when keys were used last on this host, for the verbs that show keys. */
#ifndef CLI_USED_H
#define CLI_USED_H

#include <stdbool.h>

#include "cli.h"
#include "diag.h"
#include "lastused.h"
#include "num.h"
#include "out.h"

struct used {
	struct lastused_file file;
	bool known; /* else the file can't be read, and nothing is said about any key */
};

/* Why is told when it is not known. */
struct used used_open(const struct cli *c, struct diag *why);
void used_close(struct used *u);

/* When: 0 for never. false: that can't be told. */
bool used_at(const struct used *u, const struct key_record *k, int64_t *at);

/* The member last_used into the object that is open in j: null for never, and where it is not known. */
void used_json(struct out_json *j, const struct used *u, const struct key_record *k);

/* For people: the moment, "never" or "unknown". */
const char *used_print_at(
    const struct used *u, const struct key_record *k, char buf[NUM_TIME_CAP]);

/* The same with all that is known: from where, into which account, by which service. */
#define USED_CAP 192
const char *used_print(const struct used *u, const struct key_record *k, char buf[USED_CAP]);

#endif
