#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "image_check.h"
#include "image_layout.h"
#include "pack.h"

static struct safefile_id
load_id(const unsigned char *at)
{
	return (struct safefile_id){.dev = le64_load(at),
	    .ino = le64_load(at + 8),
	    .size_b = le64_load(at + 16),
	    .mtime_ns = (int64_t)le64_load(at + 24),
	    .ctime_ns = (int64_t)le64_load(at + 32)};
}

static void
store_id(unsigned char *at, const struct safefile_id *id)
{
	le64_store(at, id->dev);
	le64_store(at + 8, id->ino);
	le64_store(at + 16, id->size_b);
	le64_store(at + 24, (uint64_t)id->mtime_ns);
	le64_store(at + 32, (uint64_t)id->ctime_ns);
}

enum ak_err
image_open(const void *bytes, size_t len_b, struct image **out)
{
	struct image *im = NULL;
	enum ak_err err = AK_ERR_CORRUPT;

	*out = NULL;
	if (len_b < IMAGE_HEADER_B || len_b > IMAGE_MAX_B)
		goto out;
	err = AK_ERR_NOMEM;
	if ((im = calloc(1, sizeof(*im))) == NULL || (im->bytes = malloc(len_b)) == NULL)
		goto out;
	memcpy(im->bytes, bytes, len_b);
	im->len_b = len_b;
	if ((err = image_check(im)) != AK_OK)
		goto out;
	im->sources.built_at_ns = (int64_t)le64_load(im->bytes + IMAGE_AT_BUILT);
	im->sources.policy = load_id(im->bytes + IMAGE_AT_POLICY_ID);
	im->sources.settings = load_id(im->bytes + IMAGE_AT_SETTINGS_ID);
	im->sources.group = load_id(im->bytes + IMAGE_AT_GROUP_ID);
	*out = im;
	im = NULL;
out:
	image_free(&im);
	return err;
}

void
image_free(struct image **im)
{
	if (*im != NULL)
		free((*im)->bytes);
	free(*im);
	*im = NULL;
}

const void *
image_borrow_bytes(const struct image *im, size_t *len_b)
{
	*len_b = im->len_b;
	return im->bytes;
}

const struct settings *
image_borrow_settings(const struct image *im)
{
	return &im->settings;
}

const struct image_sources *
image_borrow_sources(const struct image *im)
{
	return &im->sources;
}

void
image_set_sources(struct image *im, const struct image_sources *src)
{
	im->sources = *src;
	le64_store(im->bytes + IMAGE_AT_BUILT, (uint64_t)src->built_at_ns);
	store_id(im->bytes + IMAGE_AT_POLICY_ID, &src->policy);
	store_id(im->bytes + IMAGE_AT_SETTINGS_ID, &src->settings);
	store_id(im->bytes + IMAGE_AT_GROUP_ID, &src->group);
	le32_store(im->bytes + IMAGE_AT_CRC,
	    hash_crc32(0, im->bytes + IMAGE_AT_SIZE, im->len_b - IMAGE_AT_SIZE));
}
