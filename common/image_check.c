#include "image_check.h"

#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "parents.h"
#include "zone.h"

static const unsigned columns[IMAGE_N_SECTIONS] = {
    [IMAGE_POLICY] = IMAGE_POLICY_COLUMNS,
    [IMAGE_SPACES] = IMAGE_SPACE_COLUMNS,
    [IMAGE_ROLES] = IMAGE_ROLE_COLUMNS,
    [IMAGE_ACCOUNTS] = IMAGE_ACCOUNT_COLUMNS,
    [IMAGE_PLACES] = 1,
    [IMAGE_GROUPS] = IMAGE_GROUP_COLUMNS,
    [IMAGE_GROUP_BINDINGS] = IMAGE_BINDING_COLUMNS,
    [IMAGE_ZONES] = IMAGE_ZONE_COLUMNS,
    [IMAGE_TIMES] = IMAGE_TIME_COLUMNS,
    [IMAGE_BLOCKS] = IMAGE_BLOCK_COLUMNS,
    [IMAGE_NODES] = IMAGE_NODE_COLUMNS,
    [IMAGE_DEFINITIONS] = IMAGE_DEFINITION_COLUMNS,
    [IMAGE_ALLOW] = IMAGE_RULE_COLUMNS,
    [IMAGE_DENY] = IMAGE_DENY_COLUMNS,
    [IMAGE_GRANTS] = IMAGE_GRANT_COLUMNS,
    [IMAGE_SAMPLES] = IMAGE_RULE_COLUMNS,
    [IMAGE_LOGINS] = IMAGE_LOGIN_COLUMNS,
    [IMAGE_LISTED] = 1,
};

static bool
check_header(const struct image *im)
{
	const unsigned char *h = im->bytes;

	return im->len_b >= IMAGE_HEADER_B + IMAGE_N_SECTIONS * IMAGE_ENTRY_B &&
	       im->len_b <= IMAGE_MAX_B && memcmp(h, IMAGE_MAGIC, IMAGE_AT_VERSION) == 0 &&
	       le32_load(h + IMAGE_AT_VERSION) == IMAGE_VERSION &&
	       le64_load(h + IMAGE_AT_SIZE) == im->len_b &&
	       le32_load(h + IMAGE_AT_CHECKSUM) == image_checksum(h, im->len_b) &&
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
bool
image_check_string(
    const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	return image_cell(im, section, row, column) < im->sections[IMAGE_STRINGS].size_b;
}

bool
image_check_strv(const struct image *im, enum image_section section, uint32_t row,
    unsigned column, bool (*valid)(const char *))
{
	uint32_t at = image_cell(im, section, row, column);
	uint32_t len_b = image_cell(im, section, row, column + 1);
	struct strv v;

	if ((uint64_t)at + len_b > im->sections[IMAGE_STRINGS].size_b)
		return false;
	v = image_strv(im, section, row, column);
	if (!strv_valid(v))
		return false;
	strv_for (v, entry) {
		if (valid != NULL && !valid(entry))
			return false;
	}
	return true;
}

bool
image_check_span(const struct image *im, enum image_section section, uint32_t first, uint32_t n)
{
	return (uint64_t)first + n <= im->sections[section].count;
}

/* Names are in the first column, valid, and ascend: so none is there twice. */
static bool
check_names(const struct image *im, enum image_section section, bool (*valid)(const char *))
{
	for (uint32_t i = 0; i < im->sections[section].count; i++) {
		if (!image_check_string(im, section, i, 0) ||
		    (valid != NULL && !valid(image_string(im, section, i, 0))))
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
	if (!check_names(im, IMAGE_ROLES, text_is_policy_name))
		return false;
	for (uint32_t i = 0; i < im->sections[IMAGE_ROLES].count; i++)
		if (!image_check_string(im, IMAGE_ROLES, i, IMAGE_ROLE_DESCRIPTION) ||
		    (image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_FLAGS) &
			~IMAGE_ROLE_ROOT_EQUIVALENT) != 0 ||
		    !image_check_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_SERVICES, NULL) ||
		    !image_check_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_ACCOUNTS, NULL) ||
		    !image_check_strv(
			im, IMAGE_ROLES, i, IMAGE_ROLE_UNIX_GROUPS, text_is_key_name))
			return false;
	return true;
}

static bool
check_accounts(const struct image *im)
{
	if (!check_names(im, IMAGE_ACCOUNTS, NULL))
		return false;
	for (uint32_t i = 0; i < im->sections[IMAGE_ACCOUNTS].count; i++)
		if (image_cell(im, IMAGE_ACCOUNTS, i, IMAGE_ACCOUNT_ONLY_KEYS) > 1)
			return false;
	return true;
}

static bool
check_zones(const struct image *im)
{
	for (uint32_t i = 0; i < im->sections[IMAGE_ZONES].count; i++)
		if (!image_check_string(im, IMAGE_ZONES, i, IMAGE_ZONE_NAME) ||
		    !zone_is_name(image_string(im, IMAGE_ZONES, i, IMAGE_ZONE_NAME)))
			return false;
	return true;
}

static bool
check_times(const struct image *im)
{
	for (uint32_t i = 0; i < im->sections[IMAGE_TIMES].count; i++) {
		uint32_t from = image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_FROM_MINUTE);
		uint32_t to = image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_TO_MINUTE);
		uint32_t days = image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_DAYS);

		if (image_cell(im, IMAGE_TIMES, i, IMAGE_TIME_ZONE) >=
			im->sections[IMAGE_ZONES].count ||
		    days == 0 || days > 0x7f || from >= to || to > 24 * 60)
			return false;
	}
	return true;
}

static bool
check_blocks(const struct image *im)
{
	for (uint32_t i = 0; i < im->sections[IMAGE_BLOCKS].count; i++)
		if (image_cell(im, IMAGE_BLOCKS, i, IMAGE_BLOCK_PREFIX) > 128)
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

	if (!check_names(im, IMAGE_SPACES, text_is_policy_name) ||
	    image_find_space(im, "root") == IMAGE_NONE)
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

static bool
check_policy(const struct image *im)
{
	return im->sections[IMAGE_POLICY].count == 1 &&
	       image_check_string(im, IMAGE_POLICY, 0, IMAGE_POLICY_FILE) &&
	       image_cell(im, IMAGE_POLICY, 0, IMAGE_POLICY_STRATEGY) <= IMAGE_POLICY_ONLY &&
	       image_cell(im, IMAGE_POLICY, 0, IMAGE_POLICY_HAS_ALLOW) <= 1;
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
	if (!check_policy(im) || !check_roles(im) || !check_accounts(im) || !check_zones(im) ||
	    !check_times(im) || !check_blocks(im) || !check_names(im, IMAGE_GROUPS, NULL))
		return AK_ERR_CORRUPT;
	if ((err = check_spaces(im)) != AK_OK || (err = image_check_rules(im)) != AK_OK)
		return err;
	return settings_unpack(settings->at, settings->size_b, &im->settings);
}
