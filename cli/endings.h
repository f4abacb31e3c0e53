/* endings: ends live sessions for a verb, waits until that is done, and says what came of it. */
#ifndef CLI_ENDINGS_H
#define CLI_ENDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "enforce.h"
#include "out.h"

/* A session that was ended, or told to end. */
struct ending {
	char id[SESSION_ID_CAP];
	char key[KEY_NAME_MAX + 1];
	uint32_t uid; /* the key's */
	char account[64], service[64], address[64];
	enum reason reason;
	char why[256];
	bool gently;
};

struct endings {
	struct ending *v;
	size_t n;
	bool failed; /* it was said, and the exit code is to be CLI_FAILED */
};

#define ENDINGS_INIT ((struct endings){.v = NULL})

/*
 * A pass with how (whose paths, now, ended and ctx are filled in here), and
 * more of them until nobody who was told to end is left, and the policy could
 * be asked: some seconds at most. Each session that ends gets its audit line.
 * What failed is said, and what to do. While signals wait (holdoff.h). *out is
 * added to; endings_clear.
 */
void endings_run(struct cli *c, const struct enforce_how *how, struct endings *out);
/* One sentence about how many were ended; none for none. */
void endings_tell(const struct cli *c, const struct endings *e);
void endings_clear(struct endings *e);

/* One more, each session once; AK_ERR_NOMEM. */
enum ak_err endings_add(struct endings *e, const struct ending *one) AK_MUST_CHECK;
/* How many are sessions of this key. */
size_t endings_count(const struct endings *e, uint32_t uid);
/* A list `sessions` into the object that is open in j. */
void endings_json(struct out_json *j, const struct endings *e);

#endif
