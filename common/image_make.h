/* image_make: lays out the bytes that image reads. */
#ifndef AK_IMAGE_MAKE_H
#define AK_IMAGE_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "image.h"
#include "image_layout.h"
#include "pack.h"
#include "text.h"

/* The sections as they grow. The first failure stays in its pack, and image_make_finish tells it. */
struct image_make {
	struct pack sections[IMAGE_N_SECTIONS];
	uint32_t counts[IMAGE_N_SECTIONS];
};

#define IMAGE_MAKE_INIT ((struct image_make){.counts = {0}})

void image_make_clear(struct image_make *m);

/* Into the strings; their offset. NULL is "". */
uint32_t image_make_string(struct image_make *m, const char *s);
uint32_t image_make_strv(struct image_make *m, struct strv v);

/* One row; columns as image_layout.h counts them. Its number. */
uint32_t image_make_row(struct image_make *m, enum image_section section,
    const uint32_t *columns, size_t n_columns);

/* A cell of a row that was made, once it is known. */
void image_make_set(struct image_make *m, enum image_section section, size_t n_columns,
    uint32_t row, unsigned column, uint32_t value);

/* The image, with no sources stamped, checked as one from a file is. */
enum ak_err image_make_finish(struct image_make *m, struct image **out) AK_MUST_CHECK;

#endif
