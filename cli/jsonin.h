/* jsonin: reads a JSON object, member by member; what is missing, of another kind, or not asked for is told by its name. */
#ifndef CLI_JSONIN_H
#define CLI_JSONIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "pack.h"

struct json_t;

#define JSONIN_ASKED_MAX 24U

/*
 * The first failure stays in err (AK_ERR_INVALID with a sentence in why) and
 * later questions answer "", 0 or nothing. Every member has to be there; null
 * is a value of times alone.
 */
struct jsonin {
	struct json_t *object; /* borrowed by whoever asks; jsonin_clear lets go of it */
	const char *asked[JSONIN_ASKED_MAX];
	unsigned n_asked;
	enum ak_err err;
	struct diag *why;
};

#define JSONIN_INIT ((struct jsonin){.object = NULL})

/* One object and nothing behind it. jsonin_clear in any case; what was borrowed lasts until then. */
struct jsonin jsonin_parse(const char *bytes, size_t len_b, struct diag *why);
void jsonin_clear(struct jsonin *in);

/* Is there such a member? */
bool jsonin_has(const struct jsonin *in, const char *name);

const char *jsonin_text(struct jsonin *in, const char *name);
int64_t jsonin_number(struct jsonin *in, const char *name, int64_t min, int64_t max);
/* Of `true` alone. */
void jsonin_true(struct jsonin *in, const char *name);
/* RFC 3339; the second takes null for `null`. */
int64_t jsonin_time(struct jsonin *in, const char *name);
int64_t jsonin_time_or_null(struct jsonin *in, const char *name, int64_t null);

/* A list, of max at most: take for each of its texts, in its order, or with each object in it. A failure of take's is the answer. */
void jsonin_texts(struct jsonin *in, const char *name, size_t max,
    enum ak_err (*take)(void *ctx, const char *text, struct diag *why), void *ctx);
void jsonin_objects(struct jsonin *in, const char *name, size_t max,
    void (*take)(void *ctx, struct jsonin *each), void *ctx);

/* For who finds a value wrong: err and why, unless something failed before. */
void jsonin_fail(struct jsonin *in, const char *fmt, ...) AK_PRINTF(2, 3);

/* Is there a member that nobody asked for? It is told by its name. */
void jsonin_end(struct jsonin *in);

#endif
