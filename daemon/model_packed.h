/* model_packed: what the model holds, as the bytes that the snapshot's files hold: nothing is packed anew. */
#ifndef AK_MODEL_PACKED_H
#define AK_MODEL_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "model.h"

struct model_packed {
	const char *name, *id; /* key; membership: name alone */
	uint32_t uid; /* key */
	const unsigned char *uuid; /* entry */
	const unsigned char *bytes;
	size_t len_b;
};

typedef enum ak_err model_take_packed(void *ctx, const struct model_packed *p);

/* As model_each_key, model_each_membership and model_each_entry. */
enum ak_err model_each_packed_key(
    const struct model *m, model_take_packed *take, void *ctx) AK_MUST_CHECK;
enum ak_err model_each_packed_membership(
    const struct model *m, model_take_packed *take, void *ctx) AK_MUST_CHECK;
enum ak_err model_each_packed_entry(const struct model *m, enum directory_search_id search,
    model_take_packed *take, void *ctx) AK_MUST_CHECK;

/* How many memberships there are. */
size_t model_count_known(const struct model *m);

#endif
