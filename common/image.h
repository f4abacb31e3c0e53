/* image: the compiled policy and settings: one flat block of offsets, read where it lies. */
#ifndef AK_IMAGE_H
#define AK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "net.h"
#include "safefile.h"
#include "settings.h"
#include "text.h"

/*
 * Bytes: a header (magic, version, checksum, build stamp, identities of the YAML
 * files that it was made from), a table of sections, the sections
 * (image_layout.h). They are checked once, as a whole (checksum, every offset, every
 * index, every name), when the image is opened; then the accessors below
 * cannot fail. Strings and lists that they give are borrowed from the image.
 */
struct image;

/* Which files the image was compiled from (and /etc/group, which policy_check_host asked); a missing one is all zero. */
struct image_sources {
	struct safefile_id policy, settings, group;
	int64_t built_at_ns; /* raw clock */
};

/* Takes a copy of the bytes of an image. AK_ERR_CORRUPT when anything does not add up, another version too; AK_ERR_NOMEM. */
enum ak_err image_open(const void *bytes, size_t len_b, struct image **out) AK_MUST_CHECK;
/* The same without a copy: takes *bytes, which came from malloc, and leaves NULL there whatever comes of it. */
enum ak_err image_take(unsigned char **bytes, size_t len_b, struct image **out) AK_MUST_CHECK;
void image_free(struct image **im);

/* The bytes as they would be stored, borrowed. */
const void *image_borrow_bytes(const struct image *im, size_t *len_b);
const struct settings *image_borrow_settings(const struct image *im);
const struct image_sources *image_borrow_sources(const struct image *im);
/* Stamp the sources into the image (and its bytes). */
void image_set_sources(struct image *im, const struct image_sources *src);

#define IMAGE_NONE UINT32_MAX

enum image_strategy { IMAGE_BOTH, IMAGE_DIRECT, IMAGE_POLICY_ONLY };

/* The policy as a whole. */
struct image_policy {
	const char *file; /* for traces: as policy_compile was told */
	enum image_strategy strategy;
	bool has_allow; /* an allow section, be it empty */
};

struct image_policy image_policy(const struct image *im);
const char *image_policy_file(const struct image *im);

struct image_role {
	const char *name, *description;
	struct strv services, accounts; /* globs */
	struct strv unix_groups;
	bool root_equivalent;
	uint32_t line, col; /* of its name in policy.yaml */
};

struct image_space {
	const char *name;
	uint32_t parent; /* IMAGE_NONE for root alone */
	uint32_t line, col; /* 0: root, where the file does not name it */
};

/* Roles and spaces are numbered from 0, by name in byte order. A look-up by name costs the logarithm of their count. */
uint32_t image_count_roles(const struct image *im);
struct image_role image_role(const struct image *im, uint32_t i);
/* By name; IMAGE_NONE when not declared. */
uint32_t image_find_role(const struct image *im, const char *name);
uint32_t image_count_spaces(const struct image *im);
struct image_space image_space(const struct image *im, uint32_t i);
uint32_t image_find_space(const struct image *im, const char *name);

/* Shared local accounts; by name in byte order. */
struct image_account {
	const char *name;
	bool only_keys; /* no way in without a key behind it */
	uint32_t line, col;
};

uint32_t image_count_accounts(const struct image *im);
struct image_account image_account(const struct image *im, uint32_t i);
/* false for one that the policy does not name. */
bool image_is_only_keys(const struct image *im, const char *account);

/* A role, and where it is given. */
enum image_scope { IMAGE_GLOBAL, IMAGE_IN_SPACES, IMAGE_ON_HOSTS, IMAGE_IN_ALL_SPACES };

struct image_binding {
	uint32_t role;
	enum image_scope scope;
	uint32_t first_space, n_spaces; /* IN_SPACES: image_bound_space(im, first_space + i) */
	struct strv hosts; /* ON_HOSTS */
	uint32_t line;
};

uint32_t image_bound_space(const struct image *im, uint32_t i);
/* Is the role given by b effective on a host of these names that stands in this space (IMAGE_NONE: in none)? */
bool image_binding_is_here(
    const struct image *im, const struct image_binding *b, uint32_t space, struct strv hosts);
/* Is the first space the second, or above it? */
bool image_space_holds(const struct image *im, uint32_t above, uint32_t below);

/* IdP groups that inherit roles; by name in byte order. */
struct image_group {
	const char *name;
	uint32_t first, n; /* image_group_binding(im, first + i) */
};

uint32_t image_count_groups(const struct image *im);
struct image_group image_group(const struct image *im, uint32_t i);
uint32_t image_find_group(const struct image *im, const char *name);
struct image_binding image_group_binding(const struct image *im, uint32_t i);

/* The sections of rules. Rules are numbered from 0 in the file's order. */
enum image_rules { IMAGE_ALLOW_RULES, IMAGE_DENY_RULES, IMAGE_GRANT_RULES, IMAGE_SAMPLE_RULES };
#define IMAGE_N_RULES 4U

/* Nodes first to end - 1, and those below them: all must hold. */
struct image_condition {
	uint32_t first, end;
};

struct image_rule {
	struct image_condition when;
	uint32_t line;
	const char *id, *reason; /* deny; else "" */
	struct image_binding grants; /* grant */
};

uint32_t image_count_rules(const struct image *im, enum image_rules kind);
struct image_rule image_rule(const struct image *im, enum image_rules kind, uint32_t i);
/* Its condition alone: most rules are not asked for more. */
struct image_condition image_rule_when(
    const struct image *im, enum image_rules kind, uint32_t i);
/* The deny rule of that id; IMAGE_NONE when there is none. Looks at each. */
uint32_t image_find_deny(const struct image *im, const char *id);

/*
 * The rules that can concern a login: those that name it, those with a pattern
 * whose bytes before its first wildcard the login begins with, and those that
 * ask for none. Ascending lists of rule numbers, image_listed_rule(im, first + i);
 * a rule may be in several. How many lists; IMAGE_NONE for a login longer than
 * KEY_NAME_MAX, which any rule may concern.
 */
struct image_rule_list {
	uint32_t first, n;
};

#define IMAGE_LISTS_MAX (KEY_NAME_MAX + 2U)

uint32_t image_rules_of(const struct image *im, enum image_rules kind, const char *login,
    struct image_rule_list out[IMAGE_LISTS_MAX]);
uint32_t image_listed_rule(const struct image *im, uint32_t i);

/* Named conditions; each uses only those that are numbered below it. */
struct image_definition {
	const char *name;
	struct image_condition when;
	uint32_t line;
};

uint32_t image_count_definitions(const struct image *im);
struct image_definition image_definition(const struct image *im, uint32_t i);

/* Zones that `time` names; a `time` without one names UTC. line and col: the first use. */
struct image_zone {
	const char *name;
	uint32_t line, col;
};

uint32_t image_count_zones(const struct image *im);
struct image_zone image_zone(const struct image *im, uint32_t i);

/*
 * Conditions, in pre-order: the nodes below a node follow it, up to its end.
 * ALL, ANY: one child or more; NOT: one child. An ANY that was written as a
 * predicate with a list (`is: [a, b]`) has that predicate's op in n; else 0.
 */
enum image_op {
	IMAGE_OP_ALL,
	IMAGE_OP_ANY,
	IMAGE_OP_NOT,
	IMAGE_OP_LOGIN, /* globs, as the next three */
	IMAGE_OP_GROUP,
	IMAGE_OP_SERVICE,
	IMAGE_OP_ACCOUNT,
	IMAGE_OP_MEMBER, /* number: 1 or 0 */
	IMAGE_OP_ALWAYS,
	IMAGE_OP_IS, /* number: the definition */
	IMAGE_OP_FROM, /* number: the first block, n: how many */
	IMAGE_OP_CREATOR_FROM,
	IMAGE_OP_TIME, /* number: image_time */
	IMAGE_OP_DECISION, /* number: 1 allow, 0 deny; sample alone */
	IMAGE_OP_PERCENT, /* number: 0 to 100; sample alone */
	IMAGE_N_OPS
};

struct image_node {
	enum image_op op;
	uint32_t end;
	uint32_t number, n;
	struct strv globs;
};

uint32_t image_count_nodes(const struct image *im);
struct image_node image_node(const struct image *im, uint32_t i);
/* The predicate's name in the file: "login". */
const char *image_op_name(enum image_op op);
/* Does any predicate ask where the call comes from? Else nobody need find out. */
bool image_asks_address(const struct image *im);
struct net_block image_block(const struct image *im, uint32_t i);

/* [start, end) in minutes of the day and in days since 1970-01-01. */
struct image_time {
	uint32_t zone;
	uint8_t days; /* bit 0 Monday to bit 6 Sunday */
	uint16_t from_minute, to_minute;
	int32_t from_date, to_date; /* INT32_MIN, INT32_MAX: open */
};

struct image_time image_time(const struct image *im, uint32_t i);

/* How many nodes and definitions are open at once, at most, while a condition is evaluated. */
uint32_t image_depth(const struct image *im);

#endif
