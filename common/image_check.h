/* image_check: do the bytes of an image add up, so that nothing that reads them can go wrong? */
#ifndef AK_IMAGE_CHECK_H
#define AK_IMAGE_CHECK_H

#include "err.h"
#include "image.h"

/*
 * Checks im's bytes, and fills in where its sections lie and its settings.
 * AK_OK, AK_ERR_CORRUPT or AK_ERR_NOMEM.
 */
enum ak_err image_check(struct image *im) AK_MUST_CHECK;

#endif
