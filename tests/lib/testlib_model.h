/* testlib_model: what an index file should say, kept as plainly as can be, and compared with what it says. */
#ifndef TESTLIB_MODEL_H
#define TESTLIB_MODEL_H

#include <stdbool.h>

#include "index.h"
#include "index_make.h"
#include "testlib_random.h"

#define MODEL_KEYS_MAX 8

struct model_key {
	unsigned char bytes[INDEX_KEY_MAX_B];
	size_t len_b;
};

struct model_row {
	unsigned order;
	uint32_t number;
	size_t seq;
	struct model_key keys[MODEL_KEYS_MAX];
	unsigned n_keys;
	unsigned char *value;
	size_t value_len_b;
};

struct model {
	struct model_row *rows; /* as they were added */
	struct model_row **sorted; /* as they lie in the file */
	size_t n;
};

/* n rows with keys that occur once, short or long, few or many numbers (so: ties), values of at most max_b bytes. */
struct model model_random(struct rnd *r, size_t n, size_t max_b);
void model_clear(struct model *m);

/* The file's bytes, for free(). */
unsigned char *model_build(const struct model *m, uint64_t generation, size_t *len_b);

/* A key that no row has; often nearly one. */
void model_absent_key(const struct model *m, struct rnd *r, struct model_key *out);

/* Two keys of whose tags an index with this id can't tell one from the other. Texts. */
void model_twins(uint64_t id, char a[16], char b[16]);

/*
 * Asks the open index for everything that the model knows, and for absent
 * keys. Each answer must be the model's, or, when it may be damaged,
 * AK_ERR_CORRUPT. How many were that.
 */
size_t model_compare(
    const struct model *m, const struct index *ix, struct rnd *r, bool may_be_damaged);

#endif
