/* image_check: do the bytes of an image add up, so that nothing that reads them can go wrong? */
#ifndef AK_IMAGE_CHECK_H
#define AK_IMAGE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "image_layout.h"

/*
 * Checks im's bytes, and fills in where its sections lie, its settings and its
 * depth. AK_OK, AK_ERR_CORRUPT or AK_ERR_NOMEM.
 */
enum ak_err image_check(struct image *im) AK_MUST_CHECK;

/* Its second half, for conditions, rules, bindings and the index by login: image_check has seen all else. */
enum ak_err image_check_rules(struct image *im) AK_MUST_CHECK;

/* Is the cell the offset of a string? */
bool image_check_string(
    const struct image *im, enum image_section section, uint32_t row, unsigned column);
/* Is it a list, of entries that are valid (NULL: any)? */
bool image_check_strv(const struct image *im, enum image_section section, uint32_t row,
    unsigned column, bool (*valid)(const char *));
/* Are `n` rows from `first` on among the section's? */
bool image_check_span(
    const struct image *im, enum image_section section, uint32_t first, uint32_t n);

#endif
