/* index_impl: what reads an index file's parts, for index.c and what looks keys up. */
#ifndef AK_INDEX_IMPL_H
#define AK_INDEX_IMPL_H

#include "index.h"
#include "pack.h"

/* *got_b is less than len_b where the file ends. */
enum ak_err index_read_bytes(
    int fd, void *buf, size_t len_b, uint64_t offset, size_t *got_b) AK_MUST_CHECK;

/* A block of slots, whose checksum is right. */
enum ak_err index_read_block(
    const struct index *ix, uint64_t offset, unsigned char block[INDEX_BLOCK_B]) AK_MUST_CHECK;

/* The record at an offset into out->small: all of it, or its first most_b bytes; at least its header. */
enum ak_err index_read_front(const struct index *ix, uint64_t offset, size_t most_b,
    struct index_record *out, size_t *got_b) AK_MUST_CHECK;

/* n_keys keys fit into len_b, and the value is what is left behind them. */
enum ak_err index_parse_keys(struct index_view *v) AK_MUST_CHECK;

#endif
