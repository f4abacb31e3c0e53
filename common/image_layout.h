/* image_layout: where things lie in an image: what image, image_check and image_make share. */
#ifndef AK_IMAGE_LAYOUT_H
#define AK_IMAGE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "pack.h"
#include "settings.h"
#include "text.h"

/*
 * All numbers little-endian; offsets in the header count from the image's
 * first byte, those in rows from the first byte of the strings.
 *   header    8 magic, u32 version, u32 CRC-32 of all that follows it,
 *             u64 size, i64 built_at_ns, three identities of five u64 (device,
 *             inode, size, mtime, ctime in ns): policy.yaml's, apikey.yaml's,
 *             /etc/group's; u32 number of sections, u32 zero
 *   table     per section: u32 type, u32 count, u64 offset, u64 size
 *   sections  in the order of their types, each once, without gaps
 * One version has one set of sections: a new section is a new version.
 */
#define IMAGE_MAGIC "APIKEYPI"
#define IMAGE_VERSION 1U

#define IMAGE_AT_VERSION 8U
#define IMAGE_AT_CRC 12U
#define IMAGE_AT_SIZE 16U /* what the CRC covers begins here */
#define IMAGE_AT_BUILT 24U
#define IMAGE_AT_POLICY_ID 32U
#define IMAGE_AT_SETTINGS_ID 72U
#define IMAGE_AT_GROUP_ID 112U
#define IMAGE_AT_N_SECTIONS 152U
#define IMAGE_HEADER_B 160U
#define IMAGE_ENTRY_B 24U

/* The highest size: offsets into the strings are 32 bits wide. */
#define IMAGE_MAX_B (1U << 30)

enum image_section {
	IMAGE_STRINGS,	/* terminated strings, and packed lists of them; count 0 */
	IMAGE_SETTINGS, /* settings_pack; count 0 */
	IMAGE_POLICY,	/* one row: the policy as a whole */
	IMAGE_SPACES,	/* rows, ascending by name */
	IMAGE_ROLES,	/* rows, ascending by name */
	IMAGE_N_SECTIONS
};

/* The u32 columns of each section's rows. */
enum image_policy_column { IMAGE_POLICY_FILE, IMAGE_POLICY_COLUMNS };

enum image_space_column {
	IMAGE_SPACE_NAME,
	IMAGE_SPACE_PARENT, /* a row, or IMAGE_NONE */
	IMAGE_SPACE_LINE,
	IMAGE_SPACE_COL,
	IMAGE_SPACE_COLUMNS
};

enum image_role_column {
	IMAGE_ROLE_NAME,
	IMAGE_ROLE_DESCRIPTION,
	IMAGE_ROLE_FLAGS,
	IMAGE_ROLE_LINE,
	IMAGE_ROLE_COL,
	IMAGE_ROLE_SERVICES, /* a packed list, and its length in the next column */
	IMAGE_ROLE_SERVICES_B,
	IMAGE_ROLE_UNIX_GROUPS,
	IMAGE_ROLE_UNIX_GROUPS_B,
	IMAGE_ROLE_COLUMNS
};

#define IMAGE_ROLE_ROOT_EQUIVALENT 1U /* the one flag */

struct section {
	const unsigned char *at;
	uint32_t count;	  /* rows */
	unsigned columns; /* 0: not a table */
	size_t size_b;
};

struct image {
	unsigned char *bytes;
	size_t len_b;
	struct section sections[IMAGE_N_SECTIONS];
	struct settings settings;
	struct image_sources sources;
};

/* What follows trusts its offsets: image_check has seen them. */
static inline uint32_t
image_cell(const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	const struct section *s = &im->sections[section];

	return le32_load(s->at + 4 * ((size_t)row * s->columns + column));
}

static inline const char *
image_string(const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	return (const char *)im->sections[IMAGE_STRINGS].at +
	    image_cell(im, section, row, column);
}

/* A list: its offset in one column, its length in the next. */
static inline struct strv
image_strv(const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	uint32_t len_b = image_cell(im, section, row, column + 1);

	if (len_b == 0)
		return STRV_EMPTY;
	return (struct strv){
	    .bytes = image_string(im, section, row, column), .len_b = len_b};
}

#endif
