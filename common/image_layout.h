/* image_layout: where things lie in an image: what image, image_check and image_make share. */
#ifndef AK_IMAGE_LAYOUT_H
#define AK_IMAGE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hash.h"
#include "image.h"
#include "pack.h"
#include "settings.h"
#include "text.h"

/*
 * All numbers little-endian; offsets in the header count from the image's
 * first byte, those in rows from the first byte of the strings.
 *   header    8 magic, u32 version, u32 image_checksum of all that follows it,
 *             u64 size, i64 built_at_ns, three identities of five u64 (device,
 *             inode, size, mtime, ctime in ns): policy.yaml's, apikey.yaml's,
 *             /etc/group's; u32 number of sections, u32 zero
 *   table     per section: u32 type, u32 count, u64 offset, u64 size
 *   sections  in the order of their types, each once, without gaps
 * One version has one set of sections: a new section is a new version.
 */
#define IMAGE_MAGIC "APIKEYPI"
#define IMAGE_VERSION 5U

#define IMAGE_AT_VERSION 8U
#define IMAGE_AT_CHECKSUM 12U
#define IMAGE_AT_SIZE 16U /* what the checksum covers begins here */
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
	IMAGE_STRINGS, /* terminated strings, and packed lists of them; count 0 */
	IMAGE_SETTINGS, /* settings_pack; count 0 */
	IMAGE_POLICY, /* one row: the policy as a whole */
	IMAGE_SPACES, /* rows, ascending by name, as ROLES, ACCOUNTS and GROUPS */
	IMAGE_ROLES,
	IMAGE_ACCOUNTS,
	IMAGE_PLACES, /* rows of SPACES, which bindings name */
	IMAGE_GROUPS,
	IMAGE_GROUP_BINDINGS,
	IMAGE_ZONES,
	IMAGE_TIMES,
	IMAGE_BLOCKS,
	/* The nodes of all conditions: of the definitions first, then as the sections of rules below; without gaps. */
	IMAGE_NODES,
	IMAGE_DEFINITIONS, /* each uses only those before it */
	IMAGE_ALLOW,
	IMAGE_DENY,
	IMAGE_GRANTS,
	IMAGE_SAMPLES,
	IMAGE_LOGINS, /* ascending by table, then name */
	IMAGE_LISTED, /* numbers of rules, which LOGINS name */
	IMAGE_N_SECTIONS
};

/* The u32 columns of each section's rows. A list has its offset, and its length in the next column. */
enum image_policy_column {
	IMAGE_POLICY_FILE,
	IMAGE_POLICY_STRATEGY,
	IMAGE_POLICY_HAS_ALLOW,
	IMAGE_POLICY_COLUMNS
};

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
	IMAGE_ROLE_SERVICES,
	IMAGE_ROLE_SERVICES_B,
	IMAGE_ROLE_ACCOUNTS,
	IMAGE_ROLE_ACCOUNTS_B,
	IMAGE_ROLE_UNIX_GROUPS,
	IMAGE_ROLE_UNIX_GROUPS_B,
	IMAGE_ROLE_COLUMNS
};

#define IMAGE_ROLE_ROOT_EQUIVALENT 1U /* the one flag */

enum image_account_column {
	IMAGE_ACCOUNT_NAME,
	IMAGE_ACCOUNT_ONLY_KEYS,
	IMAGE_ACCOUNT_LINE,
	IMAGE_ACCOUNT_COL,
	IMAGE_ACCOUNT_COLUMNS
};

enum image_group_column {
	IMAGE_GROUP_NAME,
	IMAGE_GROUP_FIRST, /* a row of GROUP_BINDINGS */
	IMAGE_GROUP_N,
	IMAGE_GROUP_COLUMNS
};

/* IN_SPACES: rows of PLACES, and their number; ON_HOSTS: a list; else 0. */
enum image_binding_column {
	IMAGE_BINDING_ROLE,
	IMAGE_BINDING_SCOPE,
	IMAGE_BINDING_PLACES,
	IMAGE_BINDING_PLACES_N,
	IMAGE_BINDING_LINE,
	IMAGE_BINDING_COLUMNS
};

enum image_zone_column { IMAGE_ZONE_NAME, IMAGE_ZONE_LINE, IMAGE_ZONE_COL, IMAGE_ZONE_COLUMNS };

enum image_time_column {
	IMAGE_TIME_ZONE,
	IMAGE_TIME_DAYS,
	IMAGE_TIME_FROM_MINUTE,
	IMAGE_TIME_TO_MINUTE,
	IMAGE_TIME_FROM_DATE, /* two's complement */
	IMAGE_TIME_TO_DATE,
	IMAGE_TIME_COLUMNS
};

/* The sixteen bytes of the address as they are, four in a column; and the prefix. */
#define IMAGE_BLOCK_PREFIX 4U
#define IMAGE_BLOCK_COLUMNS 5U

enum image_node_column {
	IMAGE_NODE_OP,
	IMAGE_NODE_END,
	IMAGE_NODE_A, /* a list, or a number */
	IMAGE_NODE_B, /* its length; how many blocks */
	IMAGE_NODE_COLUMNS
};

enum image_definition_column {
	IMAGE_DEFINITION_FIRST,
	IMAGE_DEFINITION_END,
	IMAGE_DEFINITION_LINE,
	IMAGE_DEFINITION_NAME,
	IMAGE_DEFINITION_COLUMNS
};

/* All rules and definitions begin alike; deny goes on with ID and REASON, grants with a binding (whose LINE is 0). */
enum image_rule_column {
	IMAGE_RULE_FIRST,
	IMAGE_RULE_END,
	IMAGE_RULE_LINE,
	IMAGE_RULE_COLUMNS,
	IMAGE_DENY_ID = IMAGE_RULE_COLUMNS,
	IMAGE_DENY_REASON,
	IMAGE_DENY_COLUMNS,
	IMAGE_GRANT_BINDING = IMAGE_RULE_COLUMNS,
	IMAGE_GRANT_COLUMNS = IMAGE_RULE_COLUMNS + IMAGE_BINDING_COLUMNS
};

enum image_login_column {
	IMAGE_LOGIN_TABLE, /* image_login_table */
	IMAGE_LOGIN_NAME, /* a string, of which LEN bytes count */
	IMAGE_LOGIN_LEN, /* 0, where logins begin so: the rules that may concern any */
	IMAGE_LOGIN_ABOVE, /* the longest row of the table that its name begins with; or IMAGE_NONE */
	IMAGE_LOGIN_FIRST, /* a row of LISTED */
	IMAGE_LOGIN_N,
	IMAGE_LOGIN_COLUMNS
};

/* Each kind of rules has two: of logins, and of what logins begin with, where longer names stand behind what they begin with. */
static inline uint32_t
image_login_table(enum image_rules kind, bool begins)
{
	return 2 * (uint32_t)kind + (begins ? 1 : 0);
}

/* Names as the two tables have them in order: bytes, and of the shorter first. */
static inline int
image_compare_logins(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* The section of a kind of rules. */
static inline enum image_section
image_section_of(enum image_rules kind)
{
	return (enum image_section)(IMAGE_ALLOW + (unsigned)kind);
}

struct section {
	const unsigned char *at;
	uint32_t count; /* rows */
	unsigned columns; /* 0: not a table */
	size_t size_b;
};

struct image {
	unsigned char *bytes;
	size_t len_b;
	struct section sections[IMAGE_N_SECTIONS];
	struct settings settings;
	struct image_sources sources;
	uint32_t depth; /* image_depth */
};

/* Of an image's bytes, header and all. */
static inline uint32_t
image_checksum(const unsigned char *bytes, size_t len_b)
{
	return hash_crc32_quarters(bytes + IMAGE_AT_SIZE, len_b - IMAGE_AT_SIZE);
}

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

/* Its offset in one column, its length in the next. */
static inline struct strv
image_strv(const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	uint32_t len_b = image_cell(im, section, row, column + 1);

	if (len_b == 0)
		return STRV_EMPTY;
	return (struct strv){.bytes = image_string(im, section, row, column), .len_b = len_b};
}

/* The binding whose columns begin at `column`. */
struct image_binding image_binding_at(
    const struct image *im, enum image_section section, uint32_t row, unsigned column);

#endif
