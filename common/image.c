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

static uint32_t
find_name(const struct image *im, enum image_section section, const char *name)
{
	uint32_t low = 0, high = im->sections[section].count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(name, image_string(im, section, mid, 0));

		if (order == 0)
			return mid;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return IMAGE_NONE;
}

uint32_t
image_count_roles(const struct image *im)
{
	return im->sections[IMAGE_ROLES].count;
}

struct image_role
image_role(const struct image *im, uint32_t i)
{
	return (struct image_role){
	    .name = image_string(im, IMAGE_ROLES, i, IMAGE_ROLE_NAME),
	    .description = image_string(im, IMAGE_ROLES, i, IMAGE_ROLE_DESCRIPTION),
	    .services = image_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_SERVICES),
	    .unix_groups = image_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_UNIX_GROUPS),
	    .root_equivalent = (image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_FLAGS) &
				   IMAGE_ROLE_ROOT_EQUIVALENT) != 0,
	    .line = image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_LINE),
	    .col = image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_COL),
	};
}

uint32_t
image_find_role(const struct image *im, const char *name)
{
	return find_name(im, IMAGE_ROLES, name);
}

uint32_t
image_count_spaces(const struct image *im)
{
	return im->sections[IMAGE_SPACES].count;
}

struct image_space
image_space(const struct image *im, uint32_t i)
{
	return (struct image_space){
	    .name = image_string(im, IMAGE_SPACES, i, IMAGE_SPACE_NAME),
	    .parent = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_PARENT),
	    .line = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_LINE),
	    .col = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_COL),
	};
}

uint32_t
image_find_space(const struct image *im, const char *name)
{
	return find_name(im, IMAGE_SPACES, name);
}

const char *
image_policy_file(const struct image *im)
{
	return image_string(im, IMAGE_POLICY, 0, IMAGE_POLICY_FILE);
}
