/* model_records: what the model holds as records of the snapshot's files: written by copying. */
#ifndef AK_MODEL_RECORDS_H
#define AK_MODEL_RECORDS_H

#include <stddef.h>

#include "err.h"
#include "index.h"
#include "model.h"

/* The bytes stay until the next call on the model that changes it. */
typedef enum ak_err model_take_record(void *ctx, const struct index_view *v);

/* As model_each_key, model_each_membership and model_each_entry. */
enum ak_err model_records_key(
    const struct model *m, model_take_record *take, void *ctx) AK_MUST_CHECK;
enum ak_err model_records_membership(
    const struct model *m, model_take_record *take, void *ctx) AK_MUST_CHECK;
enum ak_err model_records_entry(const struct model *m, enum directory_search_id search,
    model_take_record *take, void *ctx) AK_MUST_CHECK;

/* How many memberships there are. */
size_t model_count_known(const struct model *m);

#endif
