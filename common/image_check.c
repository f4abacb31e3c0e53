#include "image_check.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "image_layout.h"
#include "pack.h"
#include "parents.h"

static const unsigned columns[IMAGE_N_SECTIONS] = {
    [IMAGE_POLICY] = IMAGE_POLICY_COLUMNS,
    [IMAGE_SPACES] = IMAGE_SPACE_COLUMNS,
    [IMAGE_ROLES] = IMAGE_ROLE_COLUMNS,
};

static bool
check_header(const struct image *im)
{
	const unsigned char *h = im->bytes;

	return im->len_b >= IMAGE_HEADER_B + IMAGE_N_SECTIONS * IMAGE_ENTRY_B &&
	       im->len_b <= IMAGE_MAX_B && memcmp(h, IMAGE_MAGIC, IMAGE_AT_VERSION) == 0 &&
	       le32_load(h + IMAGE_AT_VERSION) == IMAGE_VERSION &&
	       le64_load(h + IMAGE_AT_SIZE) == im->len_b &&
	       le32_load(h + IMAGE_AT_CRC) ==
		   hash_crc32(0, h + IMAGE_AT_SIZE, im->len_b - IMAGE_AT_SIZE) &&
	       le32_load(h + IMAGE_AT_N_SECTIONS) == IMAGE_N_SECTIONS &&
	       le32_load(h + IMAGE_AT_N_SECTIONS + 4) == 0;
}

/* Each section once, in order, without gaps: then there is one way to say a thing. */
static bool
find_sections(struct image *im)
{
	uint64_t at = IMAGE_HEADER_B + IMAGE_N_SECTIONS * IMAGE_ENTRY_B;

	for (uint32_t i = 0; i < IMAGE_N_SECTIONS; i++) {
		const unsigned char *entry = im->bytes + IMAGE_HEADER_B + i * IMAGE_ENTRY_B;
		struct section *s = &im->sections[i];
		uint64_t size_b = le64_load(entry + 16);

		if (le32_load(entry) != i || le64_load(entry + 8) != at ||
		    size_b > im->len_b - at)
			return false;
		s->at = im->bytes + at;
		s->count = le32_load(entry + 4);
		s->columns = columns[i];
		s->size_b = (size_t)size_b;
		if (s->columns == 0 ? s->count != 0
				    : size_b != (uint64_t)s->count * s->columns * 4)
			return false;
		at += size_b;
	}
	return at == im->len_b;
}

/* The strings end in NUL, so every offset below their size is a string. */
static bool
check_string(const struct image *im, uint32_t at)
{
	return at < im->sections[IMAGE_STRINGS].size_b;
}

static bool
check_strv(const struct image *im, uint32_t row, unsigned column, bool (*valid)(const char *))
{
	uint32_t at = image_cell(im, IMAGE_ROLES, row, column);
	uint32_t len_b = image_cell(im, IMAGE_ROLES, row, column + 1);
	struct strv v;

	if ((uint64_t)at + len_b > im->sections[IMAGE_STRINGS].size_b)
		return false;
	v = image_strv(im, IMAGE_ROLES, row, column);
	if (!strv_valid(v))
		return false;
	strv_for (v, entry) {
		if (valid != NULL && !valid(entry))
			return false;
	}
	return true;
}

/* Names are in the first column, valid, and ascend: so none is there twice. */
static bool
check_names(const struct image *im, enum image_section section)
{
	for (uint32_t i = 0; i < im->sections[section].count; i++) {
		if (!check_string(im, image_cell(im, section, i, 0)) ||
		    !text_is_policy_name(image_string(im, section, i, 0)))
			return false;
		if (i > 0 && strcmp(image_string(im, section, i - 1, 0),
				 image_string(im, section, i, 0)) >= 0)
			return false;
	}
	return true;
}

static bool
check_roles(const struct image *im)
{
	if (!check_names(im, IMAGE_ROLES))
		return false;
	for (uint32_t i = 0; i < im->sections[IMAGE_ROLES].count; i++)
		if (!check_string(im, image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_DESCRIPTION)) ||
		    (image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_FLAGS) &
			~IMAGE_ROLE_ROOT_EQUIVALENT) != 0 ||
		    !check_strv(im, i, IMAGE_ROLE_SERVICES, NULL) ||
		    !check_strv(im, i, IMAGE_ROLE_UNIX_GROUPS, text_is_key_name))
			return false;
	return true;
}

/* root alone has no parent, and every way up ends there. */
static enum ak_err
check_spaces(const struct image *im)
{
	uint32_t n = im->sections[IMAGE_SPACES].count, member = PARENT_NONE;
	uint32_t *parents = NULL;
	enum ak_err err = AK_ERR_CORRUPT;

	if (!check_names(im, IMAGE_SPACES) || image_find_space(im, "root") == IMAGE_NONE)
		goto out;
	if ((parents = calloc(n, sizeof(*parents))) == NULL) {
		err = AK_ERR_NOMEM;
		goto out;
	}
	for (uint32_t i = 0; i < n; i++) {
		bool root =
		    strcmp(image_string(im, IMAGE_SPACES, i, IMAGE_SPACE_NAME), "root") == 0;

		parents[i] = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_PARENT);
		if (root ? parents[i] != PARENT_NONE : parents[i] >= n)
			goto out;
	}
	if ((err = parents_find_cycle(parents, n, &member)) == AK_OK && member != PARENT_NONE)
		err = AK_ERR_CORRUPT;
out:
	free(parents);
	return err;
}

enum ak_err
image_check(struct image *im)
{
	const struct section *strings = &im->sections[IMAGE_STRINGS];
	const struct section *settings = &im->sections[IMAGE_SETTINGS];
	enum ak_err err;

	if (!check_header(im) || !find_sections(im) || strings->size_b == 0 ||
	    strings->at[strings->size_b - 1] != '\0')
		return AK_ERR_CORRUPT;
	if (im->sections[IMAGE_POLICY].count != 1 ||
	    !check_string(im, image_cell(im, IMAGE_POLICY, 0, IMAGE_POLICY_FILE)) ||
	    !check_roles(im))
		return AK_ERR_CORRUPT;
	if ((err = check_spaces(im)) != AK_OK)
		return err;
	return settings_unpack(settings->at, settings->size_b, &im->settings);
}
