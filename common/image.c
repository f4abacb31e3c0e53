#include "image.h"

#include <stdlib.h>
#include <string.h>

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
image_take(unsigned char **bytes, size_t len_b, struct image **out)
{
	struct image *im = NULL;
	enum ak_err err = AK_ERR_CORRUPT;

	*out = NULL;
	if (len_b < IMAGE_HEADER_B || len_b > IMAGE_MAX_B)
		goto out;
	if ((im = calloc(1, sizeof(*im))) == NULL) {
		err = AK_ERR_NOMEM;
		goto out;
	}
	im->bytes = *bytes;
	*bytes = NULL;
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
	free(*bytes);
	*bytes = NULL;
	image_free(&im);
	return err;
}

enum ak_err
image_open(const void *bytes, size_t len_b, struct image **out)
{
	unsigned char *copy;
	enum ak_err err;

	*out = NULL;
	if (len_b < IMAGE_HEADER_B || len_b > IMAGE_MAX_B)
		return AK_ERR_CORRUPT;
	if ((copy = malloc(len_b)) == NULL)
		return AK_ERR_NOMEM;
	memcpy(copy, bytes, len_b);
	err = image_take(&copy, len_b, out);
	free(copy);
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
	le32_store(im->bytes + IMAGE_AT_CHECKSUM, image_checksum(im->bytes, im->len_b));
}
