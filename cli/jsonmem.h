/* jsonmem: the memory that jansson works in: what is freed is wiped. */
#ifndef CLI_JSONMEM_H
#define CLI_JSONMEM_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* Before the first call of jansson; again is harmless. */
void jsonmem_use(void);

/*
 * As json_loadb with JSON_REJECT_DUPLICATES. Without memory jansson's parser
 * writes behind its buffers and cuts texts short, so it is left in the middle:
 * NULL, and *no_memory.
 */
json_t *jsonmem_load(const char *bytes, size_t len_b, json_error_t *said, bool *no_memory);

#endif
