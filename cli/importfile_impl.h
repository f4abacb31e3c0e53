/* importfile_impl: what the rooms of importfile share: importfile.c has the lines, importfile_key.c what stands in one, importfile_twice.c what stands in two. */
#ifndef CLI_IMPORTFILE_IMPL_H
#define CLI_IMPORTFILE_IMPL_H

#include "importfile.h"
#include "jsonin.h"

/* Each takes the members of its line, packs the record into out->bytes, and unpacks it from there. */
void importfile_take_key(struct jsonin *in, struct importline *out);
void importfile_take_spent(struct jsonin *in, struct importline *out);
void importfile_take_role_group(struct jsonin *in, struct importline *out);

/* Names, ids, numbers and groups that two lines have. */
enum ak_err importfile_check_twice(struct importfile *f) AK_MUST_CHECK;

#endif
